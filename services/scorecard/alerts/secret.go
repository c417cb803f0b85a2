package alerts

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"

	"plumbline/pkg/event"
	"plumbline/pkg/webhook"
)

// derive makes 32 bytes of the secret of the installation, for one purpose: no other purpose gets the same, and nothing of the
// secret follows from them. Each part has its length before it, so that no two lists of parts are the same text.
func derive(secret event.Secret, purpose string, parts ...string) []byte {
	mac := hmac.New(sha256.New, secret)
	for _, part := range append([]string{"plumbline " + purpose}, parts...) {
		mac.Write(binary.BigEndian.AppendUint32(nil, uint32(len(part))))
		mac.Write([]byte(part))
	}
	return mac.Sum(nil)
}

// WebhookSecret is what messages to a webhook are signed with. It stands nowhere: it follows from the secret of the installation.
func WebhookSecret(secret event.Secret, workspace, key string, version uint32) (webhook.Secret, error) {
	return webhook.NewSecret(derive(secret, "webhook secret 1", workspace, key, strconv.FormatUint(uint64(version), 10)))
}

// messageID is the id of a message, which follows from what it tells.
func (c Config) messageID(parts ...string) string {
	return "msg_" + hex.EncodeToString(derive(c.Secret, "message id 1", append([]string{c.Workspace}, parts...)...)[:12])
}

// recipientID stands for a recipient in the state of a digest.
func recipientID(address string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(address)))
	return hex.EncodeToString(sum[:8])
}
