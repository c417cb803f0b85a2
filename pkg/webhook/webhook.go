// Package webhook sends JSON to an address outside that somebody has typed in, signed as the Standard Webhooks specification
// says, and checks such signatures.
//
// Because somebody has typed the address in, it may name a machine inside: addresses are judged when the connection is made,
// after the name was resolved, and only public ones are taken unless the operator allows others. No redirect is followed, no
// proxy of the environment is used, and neither secrets nor paths of addresses stand in an error.
//
// It knows neither what is sent nor when: whoever sends keeps what must not be forgotten.
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of a message.
const (
	// HeaderID names the message: it is the same each time the message is sent again, so that a receiver takes it once.
	HeaderID = "webhook-id"
	// HeaderTimestamp is when it was sent this time, in seconds since 1970.
	HeaderTimestamp = "webhook-timestamp"
	// HeaderSignature holds one signature or several, with a space between them.
	HeaderSignature = "webhook-signature"
)

// Tolerance is how far the time of a message may be from the receiver's: what is older may be a copy that somebody sends again.
const Tolerance = 5 * time.Minute

const (
	secretPrefix    = "whsec_"
	signaturePrefix = "v1,"
	// minSecret and maxSecret are how many bytes a secret may have, as the specification says.
	minSecret = 24
	maxSecret = 64
	// maxSignatures bounds what is read of a header.
	maxSignatures = 16
	maxHeader     = 4096
)

// Secret is what messages are signed with. It never prints.
type Secret struct{ raw []byte }

// NewSecret makes a secret of 24 to 64 bytes.
func NewSecret(raw []byte) (Secret, error) {
	if len(raw) < minSecret || len(raw) > maxSecret {
		return Secret{}, fmt.Errorf("webhook secret: it has %d bytes, it needs %d to %d", len(raw), minSecret, maxSecret)
	}
	return Secret{append([]byte(nil), raw...)}, nil
}

// ParseSecret reads a secret in the form whsec_….
func ParseSecret(text string) (Secret, error) {
	rest, ok := strings.CutPrefix(text, secretPrefix)
	if !ok {
		return Secret{}, errors.New("webhook secret: it begins with " + secretPrefix)
	}
	raw, err := base64.StdEncoding.DecodeString(rest)
	if err != nil {
		return Secret{}, errors.New("webhook secret: what follows " + secretPrefix + " is no base64")
	}
	return NewSecret(raw)
}

// Text is the secret in the form whsec_…, which receivers are given.
func (s Secret) Text() string { return secretPrefix + base64.StdEncoding.EncodeToString(s.raw) }

const hidden = "(secret)"

// String keeps the secret out of logs, as the others do.
func (Secret) String() string { return hidden }

// GoString is for %#v.
func (Secret) GoString() string { return hidden }

// MarshalText is for what is written as JSON.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// LogValue is for slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// sum is the HMAC-SHA256 of id.timestamp.body.
func (s Secret) sum(id, timestamp string, body []byte) []byte {
	mac := hmac.New(sha256.New, s.raw)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	return mac.Sum(nil)
}

// Sign sets the headers of a message that is sent at that time, with a signature for each secret.
func Sign(h http.Header, id string, at time.Time, body []byte, secrets ...Secret) {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	var signatures []string
	for _, s := range secrets {
		signatures = append(signatures, signaturePrefix+base64.StdEncoding.EncodeToString(s.sum(id, timestamp, body)))
	}
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, timestamp)
	h.Set(HeaderSignature, strings.Join(signatures, " "))
}

// The reasons why a message is not believed.
var (
	// ErrHeaders says that a header is missing, there twice, or unreadable.
	ErrHeaders = errors.New("webhook: the headers webhook-id, webhook-timestamp and webhook-signature are missing or unreadable")
	// ErrTime says that the message is too old, or from the future.
	ErrTime = errors.New("webhook: the message was sent more than five minutes ago, or is from the future: it may be a copy")
	// ErrSignature says that no signature fits a secret.
	ErrSignature = errors.New("webhook: no signature fits: it was signed with another secret, or changed on its way")
)

// Verify tells whether a message was sent by who knows one of the secrets, and within [Tolerance] of now. Give both secrets while
// one takes the place of the other. Remember the ids that were taken: a message may come more than once.
func Verify(h http.Header, body []byte, now time.Time, secrets ...Secret) error {
	id, timestamp, header := single(h, HeaderID), single(h, HeaderTimestamp), single(h, HeaderSignature)
	signatures := parseSignatures(header)
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if id == "" || err != nil || strconv.FormatInt(seconds, 10) != timestamp || len(signatures) == 0 {
		return ErrHeaders
	}
	if age := now.Unix() - seconds; age > int64(Tolerance/time.Second) || age < -int64(Tolerance/time.Second) {
		return ErrTime
	}
	fits := false
	for _, s := range secrets {
		want := s.sum(id, timestamp, body)
		for _, got := range signatures {
			// All are compared, each in constant time: how long it takes tells nothing.
			fits = hmac.Equal(want, got) || fits
		}
	}
	if !fits {
		return ErrSignature
	}
	return nil
}

// single is a header that is there once; "" otherwise.
func single(h http.Header, name string) string {
	if values := h.Values(name); len(values) == 1 {
		return values[0]
	}
	return ""
}

// parseSignatures reads the signatures of version 1; others are for receivers that know them. A header that is none of ours, or has
// more signatures than anybody sends, has none.
func parseSignatures(header string) [][]byte {
	if len(header) > maxHeader {
		return nil
	}
	parts := strings.Fields(header)
	if len(parts) > maxSignatures {
		return nil
	}
	var out [][]byte
	for _, part := range parts {
		text, ok := strings.CutPrefix(part, signaturePrefix)
		if !ok {
			continue
		}
		raw, err := base64.StdEncoding.Strict().DecodeString(text)
		if err != nil || len(raw) != sha256.Size {
			continue
		}
		out = append(out, raw)
	}
	return out
}
