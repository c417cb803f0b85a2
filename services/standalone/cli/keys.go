package cli

import (
	"plumbline/services/standalone"
)

// keysCommand shows the keys of a data folder, and makes and changes those of a running installation.
type keysCommand struct {
	Show   keysShowCommand   `cmd:"" default:"withargs" help:"Show the keys of a data folder."`
	List   keysListCommand   `cmd:"" help:"List the API keys of a running installation."`
	New    keysNewCommand    `cmd:"" help:"Make an API key; its text is printed once."`
	Rotate keysRotateCommand `cmd:"" help:"Give an API key a new secret; the old one works on for a while."`
	Revoke keysRevokeCommand `cmd:"" help:"Revoke an API key, for good."`
}

// Help says which keys there are.
func (keysCommand) Help() string {
	return `At the first start a write key, an admin token and a secret are made and kept in DIR/keys.json, readable by its owner
only: plumbline keys shows them. PLUMBLINE_WRITE_KEY and PLUMBLINE_ADMIN_TOKEN replace the first two for as long as they are set.
To change one of them for good, set it in DIR/keys.json and start again. The secret seals the ids of people: keep it.

API keys are made on a running installation, by an administrator: one for each tool or report, with no more than it needs, so that
each can be rotated and revoked by itself. Their text is plk_ID_…; what is kept of it is a hash.

Examples:
  plumbline keys
  plumbline keys --show --data /var/lib/plumbline
  PLUMBLINE_WRITE_KEY="$(plumbline keys --new)" plumbline up
  plumbline keys new --name "CRM sync" --scope write --source '/crm/*' --kind pipeline --expires 365d
  plumbline keys list
  plumbline keys rotate crm --overlap 24h
  plumbline keys revoke crm`
}

// keysShowCommand shows the keys of a data folder.
type keysShowCommand struct {
	Data string `default:"data" placeholder:"DIR" help:"Data folder."`
	Show bool   `help:"Print the keys in full."`
	New  bool   `help:"Print a fresh random key and do nothing else."`
}

// Help says how keys are set.
func (keysShowCommand) Help() string {
	return `Examples:
  plumbline keys
  plumbline keys --show --data /var/lib/plumbline
  PLUMBLINE_WRITE_KEY="$(plumbline keys --new)" plumbline up`
}

// Run prints the keys.
func (c *keysShowCommand) Run(s Streams) error {
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
		s.note("--show prints them in full; --new makes one; plumbline keys list shows the API keys of a running installation\n")
	}
	return nil
}
