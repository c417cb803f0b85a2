package scorecard

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/access"
	"plumbline/pkg/connections"
	"plumbline/pkg/event"
)

// What comes in by way of tools: the collector takes it; here it is replayed, and here are the secrets. CONNECT.md of the collector
// says the rest.

// structured reads an event in CloudEvents JSON format. A call of a tool that was kept is mapped as its connection says now.
func (r *replay) structured(raw []byte) (event.Event, []event.Problem) {
	if call, ok := connections.Decode(raw); ok {
		return connections.Again(r.app.replays.parser, r.view.registry, call, r.view.now)
	}
	return r.app.replays.parser.Structured(raw)
}

// connectionSecret is what an administrator is told about the secrets of a connection.
type connectionSecret struct {
	Connection    string `json:"connection"`
	SecretVersion uint32 `json:"secret_version"`
	// Secret is the key of the HMAC, as text. Before is good, too, for a day after a rotation.
	Secret string  `json:"secret"`
	Before *string `json:"secret_before"`
}

// getConnectionSecret shows what calls of a connection are signed with, once that is in the audit log.
func (a *app) getConnectionSecret(c *gin.Context, v *view) error {
	if !v.viewer.Role.May(access.Administer) {
		return forbidden("Only an administrator may see the secret of a connection.")
	}
	if _, err := parseParams(c.Request.URL.Query(), v.today); err != nil {
		return err
	}
	key := c.Param("key")
	versions := v.registry.SignatureVersions(key, v.now)
	if len(versions) == 0 {
		return errNotFound("there is no connection " + key + " with a signature that holds now")
	}
	out := connectionSecret{
		Connection: key, SecretVersion: versions[0], Secret: connections.SecretText(a.cfg.Secret, v.viewer.Workspace, key, versions[0]),
	}
	if len(versions) > 1 {
		out.Before = new(connections.SecretText(a.cfg.Secret, v.viewer.Workspace, key, versions[1]))
	}
	a.touches(c, "connections", key)
	if err := a.disclose(c); err != nil {
		return err
	}
	c.Header("Cache-Control", "no-store")
	writeJSON(c, http.StatusOK, out)
	return nil
}
