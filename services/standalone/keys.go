package standalone

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Keys are the secrets of an installation. They stand in keys.json in the data folder, readable by its owner only.
type Keys struct {
	// WriteKey is what a tool sends events with.
	WriteKey string `json:"write_key"`
	// AdminToken is for the registry and everything that an administrator does.
	AdminToken string `json:"admin_token"`
	// Secret seals person ids and signs browser sessions. Losing it means that people can no longer be recognised as
	// the same; it never leaves the machine.
	Secret []byte `json:"secret"`
}

const keysFile = "keys.json"

// NewSecret makes a secret of 256 random bits, as text.
func NewSecret() string {
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(raw[:])
}

// ReadKeys reads the keys of a data folder.
func ReadKeys(data string) (Keys, error) {
	raw, err := os.ReadFile(filepath.Join(data, keysFile))
	if err != nil {
		return Keys{}, fmt.Errorf("read keys: %w", err)
	}
	var k Keys
	if err := json.Unmarshal(raw, &k, json.RejectUnknownMembers(true)); err != nil {
		return Keys{}, fmt.Errorf("read keys: %s is damaged: %w", filepath.Join(data, keysFile), err)
	}
	return k, nil
}

// ensureKeys reads the keys of a data folder, or makes them at the first start. Keys that the configuration gives
// replace those of the folder and are not written to it.
func ensureKeys(data string, given Keys) (Keys, error) {
	k, err := ReadKeys(data)
	if errors.Is(err, fs.ErrNotExist) {
		k = Keys{WriteKey: NewSecret(), AdminToken: NewSecret(), Secret: []byte(NewSecret())}
		if err = writePrivate(filepath.Join(data, keysFile), k); err != nil {
			return Keys{}, fmt.Errorf("write keys: %w", err)
		}
	}
	if err != nil {
		return Keys{}, err
	}
	if len(k.Secret) < 32 {
		return Keys{}, fmt.Errorf("read keys: %s has no secret of at least 32 bytes", filepath.Join(data, keysFile))
	}
	if given.WriteKey != "" {
		k.WriteKey = given.WriteKey
	}
	if given.AdminToken != "" {
		k.AdminToken = given.AdminToken
	}
	return k, nil
}

// writePrivate writes a file of the data folder for its owner only: whole or not at all, also when the power fails.
func writePrivate(path string, v any) error {
	raw, err := json.Marshal(v, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // 0600 by its contract
	if err != nil {
		return err
	}
	_, err = f.Write(append(raw, '\n'))
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
