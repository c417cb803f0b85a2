package scorecard

import (
	"context"

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
	watcher := watcherOf(viewer)
	watcher.Still = a.stillWatches(c, viewer)
	a.tail.Serve(c, watcher)
}

// stillWatches asks again what let a viewer in: the key, or the session and the role of its person. The admin token holds for as
// long as the process runs, and so does a viewer whose role cannot be asked for now, because the warehouse is away.
func (a *app) stillWatches(c *gin.Context, viewer access.Viewer) func(context.Context) bool {
	if text := c.GetString(keyTextKey); text != "" {
		return func(context.Context) bool {
			_, err := a.keys.Find(text)
			return err == nil
		}
	}
	session, err := c.Cookie(access.SessionCookie(a.overTLS(c)))
	if err != nil || c.GetHeader("Authorization") != "" {
		return nil
	}
	return func(ctx context.Context) bool {
		s, err := a.sessions.Read(session)
		if err != nil || s.Way != access.ByProvider {
			return err == nil
		}
		role, _, err := a.currentRole(ctx, s.Viewer)
		return err != nil || role == viewer.Role
	}
}

// watcherOf sees the workspace; an administrator also what names none, as in the list of rejects.
func watcherOf(viewer access.Viewer) tail.Viewer {
	return tail.Viewer{Workspace: viewer.Workspace, May: func(workspace, _ string, _ event.Kind) bool {
		return workspace == viewer.Workspace || workspace == "" && viewer.Role.May(access.ReadRawRejects)
	}}
}
