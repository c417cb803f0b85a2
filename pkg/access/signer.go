package access

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// ErrNotOurs says that a value was not signed here, or not for this purpose.
var ErrNotOurs = errors.New("not signed by us")

// Signer signs what is given to a browser and must come back as it was. It hides nothing: whoever holds a value can read
// it. It is safe for concurrent use.
type Signer struct {
	key []byte
}

// NewSigner makes a signer whose key is derived from the secret, which may serve other purposes: what is signed for one
// purpose is none of another.
func NewSigner(secret []byte, purpose string) *Signer {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(purpose))
	return &Signer{key: mac.Sum(nil)}
}

// Sign writes v as JSON with its signature, in characters that a cookie may have.
func (s *Signer) Sign(v any) (string, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString(body)
	return text + "." + base64.RawURLEncoding.EncodeToString(s.mac(text)), nil
}

// Open reads a signed value into v; the error is [ErrNotOurs].
func (s *Signer) Open(signed string, v any) error {
	text, signature, ok := strings.Cut(signed, ".")
	if !ok {
		return ErrNotOurs
	}
	mac, err := base64.RawURLEncoding.Strict().DecodeString(signature)
	if err != nil || !hmac.Equal(mac, s.mac(text)) {
		return ErrNotOurs
	}
	body, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(body, v) != nil {
		return ErrNotOurs
	}
	return nil
}

func (s *Signer) mac(text string) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}
