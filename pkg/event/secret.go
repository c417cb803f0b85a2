package event

import (
	"fmt"
	"log/slog"
)

// Secret is the key of the hashes that stand for persons and payloads: the same one in every service, and for as long as
// old events count. It is never logged.
type Secret []byte

// MinSecret is the least length of a secret, bytes.
const MinSecret = 32

// UnmarshalText takes the text as it is.
func (s *Secret) UnmarshalText(text []byte) error {
	if len(text) < MinSecret {
		return fmt.Errorf("give at least %d characters", MinSecret)
	}
	*s = append(Secret(nil), text...)
	return nil
}

// String keeps the secret out of logs.
func (Secret) String() string { return "(secret)" }

// LogValue keeps the secret out of logs.
func (Secret) LogValue() slog.Value { return slog.StringValue("(secret)") }
