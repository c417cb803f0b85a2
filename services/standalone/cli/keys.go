package cli

import (
	"plumbline/services/standalone"
)

// keysCommand shows keys.
type keysCommand struct {
	Data string `default:"data" placeholder:"DIR" help:"Data folder."`
	Show bool   `help:"Print the keys in full."`
	New  bool   `help:"Print a fresh random key and do nothing else."`
}

// Help says how keys are set.
func (keysCommand) Help() string {
	return `At the first start a write key, an admin token and a secret are made and kept in DIR/keys.json, readable by its owner
only. PLUMBLINE_WRITE_KEY and PLUMBLINE_ADMIN_TOKEN replace the first two for as long as they are set.
To change a key for good, set it in DIR/keys.json and start again. The secret seals the ids of people: keep it.

Examples:
  plumbline keys
  plumbline keys --show --data /var/lib/plumbline
  PLUMBLINE_WRITE_KEY="$(plumbline keys --new)" plumbline up`
}

// Run prints the keys.
func (c *keysCommand) Run(s Streams) error {
	if c.New {
		s.printf("%s\n", standalone.NewSecret())
		return nil
	}
	k, err := standalone.ReadKeys(c.Data)
	if err != nil {
		return err
	}
	for _, line := range []struct{ name, env, value string }{
		{"write key", "PLUMBLINE_WRITE_KEY", k.WriteKey}, {"admin token", "PLUMBLINE_ADMIN_TOKEN", k.AdminToken},
	} {
		shown := line.value
		if !c.Show {
			shown = line.value[:min(4, len(line.value))] + "…"
		}
		if v, ok := s.Env(line.env); ok && v != "" {
			shown += " (replaced by " + line.env + ")"
		}
		s.printf("%-12s %s\n", line.name, shown)
	}
	if !c.Show {
		s.note("--show prints them in full; --new makes one\n")
	}
	return nil
}
