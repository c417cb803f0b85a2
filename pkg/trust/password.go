package trust

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
)

// Secret is a text that is never shown.
type Secret string

// UnmarshalText takes the text as it is.
func (s *Secret) UnmarshalText(text []byte) error {
	*s = Secret(text)
	return nil
}

const hidden = "(secret)"

// String keeps the secret out of logs, as the others do.
func (Secret) String() string { return hidden }

// GoString is for %#v.
func (Secret) GoString() string { return hidden }

// MarshalText is for what is written as JSON.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue is for slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// Password is a password, given by itself or in a file, of which it is the first line. It is no flag: everybody on a machine sees
// the command lines.
type Password struct {
	Text Secret `name:"password" secret:"true" kong:"-" help:"password"`
	File string `name:"password-file" env:"PASSWORD_FILE" help:"file whose first line is the password"`
}

// Given tells whether there is a password.
func (p Password) Given() bool { return p.Text != "" || p.File != "" }

// Validate reports what is wrong; prefix begins the names of the settings.
func (p Password) Validate(prefix string) error {
	if p.Text != "" && p.File != "" {
		return fmt.Errorf("--%s-password-file: the password is given by itself too: leave one of them out", prefix)
	}
	if _, err := p.Read(); err != nil {
		return fmt.Errorf("--%s-password-file: %w", prefix, err)
	}
	return nil
}

// Read is the password; "" where none is given. The file is read each time, so that a new password needs no restart.
func (p Password) Read() (string, error) {
	if p.File == "" {
		return string(p.Text), nil
	}
	raw, err := os.ReadFile(p.File)
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	if first = strings.TrimSuffix(first, "\r"); first == "" {
		return "", errors.New("read password: the first line of " + p.File + " is empty")
	}
	return first, nil
}
