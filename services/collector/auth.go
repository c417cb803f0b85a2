package collector

import (
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/access"
	"plumbline/pkg/process"
)

const keyName = "collector.key"

// authenticate lets requests pass that carry a write key: 401 without one, 403 with one that is not ours. It reads
// nothing of the body.
func authenticate(keys *access.Keys, m *metrics) gin.HandlerFunc {
	return func(c *gin.Context) {
		text, ok := bearer(c.GetHeader("Authorization"))
		if !ok {
			m.refuse("no_key")
			c.Header("WWW-Authenticate", `Bearer realm="plumbline"`)
			process.Problem(c, http.StatusUnauthorized, "no_key", "Send the write key as the header Authorization: Bearer KEY.", nil)
			return
		}
		key, ok := keys.Find(text)
		if !ok {
			m.refuse("wrong_key")
			process.Problem(c, http.StatusForbidden, "wrong_key", "This write key is not known here.", nil)
			return
		}
		c.Set(keyName, key)
	}
}

func bearer(header string) (string, bool) {
	scheme, text, ok := strings.Cut(header, " ")
	text = strings.TrimSpace(text)
	return text, ok && strings.EqualFold(scheme, "Bearer") && text != ""
}

// keyOf is the key that authenticate has found.
func keyOf(c *gin.Context) access.Key {
	key, _ := c.MustGet(keyName).(access.Key)
	return key
}
