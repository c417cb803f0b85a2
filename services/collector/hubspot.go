package collector

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

	"github.com/gin-gonic/gin"

	"plumbline/pkg/access"
	"plumbline/pkg/connections"
	"plumbline/pkg/registry"
)

// The headers of a call that HubSpot has signed.
const (
	headerHubSpotSignature = "X-HubSpot-Signature-v3"
	headerHubSpotTime      = "X-HubSpot-Request-Timestamp"
)

// AppSecrets are the client secrets of HubSpot's apps by the key of the connection whose calls they sign. HubSpot makes them, so they can
// not follow from a secret of ours, and they stand in no registry. They are never shown.
type AppSecrets struct{ byConnection map[string][]string }

// UnmarshalText reads secrets by comma. One alone is that of the connection hubspot, any other has the key of its connection before
// it: "hubspot-emea=SECRET". A key may have several, as while one takes the place of another.
func (s *AppSecrets) UnmarshalText(text []byte) error {
	s.byConnection = map[string][]string{}
	for part := range strings.SplitSeq(string(text), ",") {
		key, secret, named := strings.Cut(strings.TrimSpace(part), "=")
		if !named {
			key, secret = registry.ViaHubSpot, key
		}
		if key == "" || secret == "" {
			return errors.New("a secret is SECRET or CONNECTION=SECRET")
		}
		s.byConnection[key] = append(s.byConnection[key], secret)
	}
	return nil
}

// String keeps the secrets out of logs, as the others do.
func (AppSecrets) String() string { return "(secret)" }

// GoString is for %#v.
func (AppSecrets) GoString() string { return "(secret)" }

// LogValue is for slog.
func (AppSecrets) LogValue() slog.Value { return slog.StringValue("(secret)") }

// Validate reports that the public address is missing, which HubSpot signs.
func (s AppSecrets) Validate(public string) error {
	if len(s.byConnection) == 0 || strings.HasPrefix(public, "https://") || strings.HasPrefix(public, "http://") {
		return nil
	}
	return errors.New("--url: give the public address, such as https://plumbline.example.com: HubSpot signs it, and a secret of its app is given")
}

// hubspotHook takes a call that HubSpot has signed: version 3 of its signatures is the only one that says when it was made.
func (r *caller) hubspotHook(c *gin.Context, name string, held connections.Held) {
	stamp := c.GetHeader(headerHubSpotTime)
	millis, err := strconv.ParseInt(stamp, 10, 64)
	if off := r.now().Sub(time.UnixMilli(millis)); err != nil || off > signatureWindow || off < -signatureWindow {
		r.refuse(c, http.StatusForbidden, "old_signature",
			fmt.Sprintf("The header %s must hold the time of sending in milliseconds since 1970, at most five minutes from ours.", headerHubSpotTime), nil)
		return
	}
	body, give, err := r.collect(c, unproven, MaxBody)
	defer give()
	if err != nil {
		r.hookUnread(c, err)
		return
	}
	signed := hubspotSigned{method: c.Request.Method, uri: r.public + c.Request.URL.RequestURI(), body: body, stamp: stamp}
	if !signed.by(r.apps.byConnection[name], c.GetHeader(headerHubSpotSignature)) {
		if len(r.apps.byConnection[name]) == 0 {
			r.log.WarnContext(c, "no secret of a HubSpot app is configured for the connection", "connection", name)
		}
		r.refuse(c, http.StatusForbidden, "wrong_signature",
			"The signature is not that of the call with the client secret of the app: see that the collector has that secret, and that its --url is the address that HubSpot calls.", nil)
		return
	}
	r.hookBody(c, access.Key{Workspace: r.home, Sources: []string{held.Source}}, held, body)
}

// hubspotSigned is what HubSpot signs: one text of the four.
type hubspotSigned struct {
	method, uri string
	body        []byte
	stamp       string
}

// by tells whether a signature is one of the call with one of the secrets.
func (s hubspotSigned) by(secrets []string, signature string) bool {
	got, err := base64.StdEncoding.DecodeString(strings.TrimSpace(signature))
	if err != nil {
		return false
	}
	uri, good := hubspotURI(s.uri), false
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(s.method + uri))
		mac.Write(s.body)
		mac.Write([]byte(s.stamp))
		good = hmac.Equal(mac.Sum(nil), got) || good
	}
	return good
}

// hubspotURI writes the characters of an address plainly that HubSpot signs plainly, however they were sent. All others stay as they are.
func hubspotURI(uri string) string {
	return strings.NewReplacer(
		"%3A", ":", "%2F", "/", "%3F", "?", "%40", "@", "%21", "!", "%24", "$", "%27", "'", "%28", "(", "%29", ")", "%2A", "*", "%2C", ",", "%3B", ";",
		"%3a", ":", "%2f", "/", "%3f", "?", "%2a", "*", "%2c", ",", "%3b", ";",
	).Replace(uri)
}
