package scorecard

import (
	"github.com/gin-gonic/gin"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/process"
	"plumbline/pkg/tail"
)

// The live tail of the app shows of an event where it came from and what became of it, never what is in it: one event is
// the number of one person, and below the privacy floor for everybody. Sources and ids are for those who may list rejects.
// Who wants to see the data watches with a write key, which is whoever sends it.

func newTail(cfg Config, mount *process.Mount) *tail.Tail {
	return tail.New(tail.Config{
		Bus: cfg.Bus, Service: "scorecard", Stopping: mount.Stopping(), Metrics: mount.Metrics, Log: mount.Log.With("service", "scorecard"),
	})
}

// getTail needs no view: it shows the log, and does so while the warehouse is away.
func (a *app) getTail(c *gin.Context) {
	viewer := viewerOf(c)
	if !viewer.Role.May(access.WatchEvents) {
		a.fail(c, forbidden("Only analysts and administrators may watch single events come in; the summary is for everyone."))
		return
	}
	if text := c.GetString(keyTextKey); text != "" {
		ctx, release := a.keys.Hold(c.Request.Context(), text)
		defer release()
		c.Request = c.Request.WithContext(ctx)
	}
	a.tail.Serve(c, watcherOf(viewer))
}

// watcherOf sees the workspace; an administrator also what names none, as in the list of rejects.
func watcherOf(viewer access.Viewer) tail.Viewer {
	return tail.Viewer{Workspace: viewer.Workspace, May: func(workspace, _ string, _ event.Kind) bool {
		return workspace == viewer.Workspace || workspace == "" && viewer.Role.May(access.ReadRawRejects)
	}}
}
