// Package eventtest has what tests and benchmarks seal events with.
package eventtest

import (
	"crypto/hmac"
	"crypto/sha256"

	"plumbline/pkg/event"
)

// Waves are waves of the survey that are open for ever: each has a secret that is derived from this one.
type Waves []byte

// Secret derives the secret of a wave.
func (w Waves) Secret(workspace, wave string) ([]byte, error) {
	mac := hmac.New(sha256.New, w)
	mac.Write([]byte(workspace + "\x00" + wave))
	return mac.Sum(nil), nil
}

// NewSealer is a sealer whose waves are all open.
func NewSealer(secret []byte) *event.Sealer { return event.NewSealer(secret).With(Waves(secret)) }
