package scorecard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/process"
	"plumbline/pkg/registry"
	"plumbline/pkg/webhook"
	"plumbline/services/scorecard/alerts"
	"plumbline/services/scorecard/mail"
)

// What goes out by itself: alerts to webhooks and digests by mail. ALERTS.md says what is sent.

// openOutgoing makes what looks after alerts and digests.
func (a *app) openOutgoing(mount *process.Mount) error {
	sender, err := webhook.NewSender(a.cfg.Webhook, a.now)
	if err != nil {
		return fmt.Errorf("scorecard: %w", err)
	}
	a.sender = sender
	cfg := alerts.Config{
		Bus: a.cfg.Bus, Workspace: a.cfg.Workspace, Secret: a.cfg.Secret, Every: a.cfg.AlertsEvery, Judge: a.judgeAlert, Sender: sender,
		URL: a.cfg.URL, Now: a.now, Metrics: mount.Metrics, Log: a.log,
		Registry: func(ctx context.Context) (*registry.Snapshot, error) {
			reg, _, err := a.registry.get(ctx, a.cfg.Workspace)
			return reg, err
		},
	}
	if a.cfg.Mail.Given() {
		cfg.Mail = a.mailDigest
	}
	a.alerts = alerts.New(cfg)
	mount.Go("alerts of the scorecard", func(ctx context.Context) error {
		if err := bus.Await(ctx, a.cfg.Bus, a.log); err != nil {
			return err
		}
		return a.alerts.Run(ctx)
	})
	mount.OnStop("alerts of the scorecard", func(context.Context) error { return a.alerts.Close() })
	return nil
}

// mailDigest writes a digest and sends it to one recipient.
func (a *app) mailDigest(ctx context.Context, d *registry.Digest, id, recipient string) error {
	v, err := a.look(ctx, a.reader())
	if err != nil {
		return err
	}
	written, err := v.digest(ctx, scopeText(d.Scope), a.cfg.URL)
	if bad := (*badRequest)(nil); errors.As(err, &bad) {
		return fmt.Errorf("%w: %w", bad, alerts.ErrRefused) // there is no such scope
	}
	if err != nil {
		return err
	}
	html, err := written.HTML()
	if err != nil {
		return err
	}
	err = a.cfg.Mail.Send(ctx, mail.Message{ID: id, To: recipient, Subject: written.Subject(), Text: written.Text(), HTML: html, At: a.now()})
	if errors.Is(err, mail.ErrRefused) {
		return fmt.Errorf("%w: %w", err, alerts.ErrRefused)
	}
	return err
}

// reader is who alerts and digests are written for: a leader who is nobody in particular, so that the privacy floor holds.
func (a *app) reader() access.Viewer {
	return access.Viewer{Workspace: a.cfg.Workspace, Role: access.RoleLeader}
}

func scopeText(scope string) string {
	if scope == "" {
		return metric.Scope{Kind: metric.ScopeOrg}.String()
	}
	return scope
}

// isOutgoing tells the kinds of entries that say where something is sent to: their addresses may be secrets, or people's.
func isOutgoing(kind registry.Kind) bool {
	return kind == registry.Webhooks || kind == registry.Digests
}

// mayRead refuses what the viewer's role may not read of the registry.
func (v *view) mayRead(kind registry.Kind) error {
	if isOutgoing(kind) && !v.viewer.Role.May(access.ChangeRegistry) {
		return forbidden("Where something is sent is for analysts and administrators: your role may read the rest of the registry.")
	}
	return nil
}

// refuseOutgoing refuses entries of things that go out which could never be sent, or never mean anything.
func (a *app) refuseOutgoing(reg *registry.Snapshot, r registry.Record) []event.Problem {
	entry, problems := registry.Decode(r.Kind, r.Key, r.Value)
	if len(problems) > 0 {
		return problems
	}
	switch e := entry.(type) {
	case *registry.Webhook:
		if err := a.sender.CheckURL(e.URL); err != nil {
			return []event.Problem{{Code: event.CodeBadValue, Pointer: "/url", Message: err.Error()}}
		}
	case *registry.Alert:
		if _, known := metric.Lookup(e.Measure); e.Measure != "" && !known {
			return []event.Problem{{Code: event.CodeBadValue, Pointer: "/measure", Message: "there is no such measure: see /api/v1/metrics"}}
		}
		if _, there := reg.Latest(registry.Webhooks, e.Webhook); !there {
			return []event.Problem{{Code: event.CodeBadValue, Pointer: "/webhook", Message: "there is no such webhook: an administrator writes registry/webhooks/" + e.Webhook + " first"}}
		}
	}
	return nil
}

// secretAnswer is what an administrator is told about the secrets of a webhook.
type secretAnswer struct {
	Webhook       string `json:"webhook"`
	SecretVersion uint32 `json:"secret_version"`
	Secret        string `json:"secret"`
	// Before is the secret that messages are signed with, too, for a day after a rotation.
	Before *string `json:"secret_before"`
}

// getWebhookSecret shows the signing secret of a webhook, once that is in the audit log.
func (a *app) getWebhookSecret(c *gin.Context, v *view) error {
	if !v.viewer.Role.May(access.Administer) {
		return forbidden("Only an administrator may see the secret of a webhook.")
	}
	if _, err := parseParams(c.Request.URL.Query(), v.today); err != nil {
		return err
	}
	key := c.Param("key")
	versions := v.registry.SecretVersions(key, v.now)
	if len(versions) == 0 {
		return errNotFound("there is no webhook " + key + " that holds now")
	}
	out := secretAnswer{Webhook: key, SecretVersion: versions[0]}
	for i, version := range versions {
		secret, err := alerts.WebhookSecret(a.cfg.Secret, v.viewer.Workspace, key, version)
		if err != nil {
			return err
		}
		if i == 0 {
			out.Secret = secret.Text()
		} else {
			out.Before = new(secret.Text())
		}
	}
	a.touches(c, "webhooks", key)
	if err := a.disclose(c); err != nil {
		return err
	}
	c.Header("Cache-Control", "no-store")
	writeJSON(c, http.StatusOK, out)
	return nil
}

// deliveryAnswer is what became of a message, or is to become of it.
type deliveryAnswer struct {
	ID       string  `json:"id"`
	Event    string  `json:"event"`
	State    string  `json:"state"`
	MadeAt   string  `json:"made_at"`
	Attempts int     `json:"attempts"`
	TriedAt  *string `json:"tried_at"`
	NextAt   *string `json:"next_at"`
	Status   *int    `json:"status"`
	Error    *string `json:"error"`
}

// alertAnswer is an alert or digest with how it stands.
type alertAnswer struct {
	Key    string  `json:"key"`
	Name   string  `json:"name,omitempty"`
	Active bool    `json:"active"`
	State  *string `json:"state"`
	Since  *string `json:"since"`
	// Judged says whether anything can be said about it now, Reason why not.
	Judged  *string          `json:"judged"`
	Reason  *string          `json:"reason"`
	When    string           `json:"when,omitempty"`
	Webhook string           `json:"webhook,omitempty"`
	Scope   string           `json:"scope,omitempty"`
	DueAt   *string          `json:"due_at,omitempty"`
	Pending []deliveryAnswer `json:"pending"`
	Last    *deliveryAnswer  `json:"last"`
}

func deliveryOf(d alerts.Delivery) deliveryAnswer {
	out := deliveryAnswer{
		ID: d.ID, Event: d.Event, State: d.Outcome, MadeAt: d.Made.UTC().Format(event.TimeForm), Attempts: d.Attempts,
		TriedAt: optionalTime(d.Tried), NextAt: optionalTime(d.Next), Error: optionalText(d.Error),
	}
	if out.State == "" {
		out.State = "pending"
	}
	if d.Status != 0 {
		out.Status = &d.Status
	}
	return out
}

func alertOf(l alerts.Listed) alertAnswer {
	s := l.State
	out := alertAnswer{
		Key: l.Key, State: optionalText(s.Status), Since: optionalTime(s.Since), Judged: optionalText(s.Outcome), Reason: optionalText(s.Reason),
		Pending: []deliveryAnswer{},
	}
	switch e := l.Version.Entry.(type) {
	case *registry.Alert:
		out.Name, out.Active, out.When, out.Webhook, out.Scope = e.Name, e.IsActive(), e.When, e.Webhook, e.Scope
	case *registry.Digest:
		out.Active, out.Scope, out.DueAt = e.IsActive(), scopeText(e.Scope), optionalTime(s.Due)
	}
	for _, d := range s.Pending {
		out.Pending = append(out.Pending, deliveryOf(d))
	}
	if s.Last != nil {
		out.Last = new(deliveryOf(*s.Last))
	}
	return out
}

// getAlerts lists alerts and digests with how they stand and what became of their messages.
func (a *app) getAlerts(c *gin.Context, v *view) error {
	if !v.viewer.Role.May(access.ChangeRegistry) {
		return forbidden("Only analysts and administrators may see alerts and their deliveries.")
	}
	if _, err := parseParams(c.Request.URL.Query(), v.today); err != nil {
		return err
	}
	out := map[registry.Kind][]alertAnswer{registry.Alerts: {}, registry.Digests: {}}
	for kind := range out {
		if v.viewer.Workspace != a.cfg.Workspace {
			continue // nobody here looks after those
		}
		listed, err := a.alerts.List(v.registry, kind)
		if err != nil {
			return &httpError{status: http.StatusServiceUnavailable, code: "starting", header: map[string]string{"Retry-After": "1"}, detail: "How alerts stand is still being read from the log: try again in a few seconds."}
		}
		for _, l := range listed {
			out[kind] = append(out[kind], alertOf(l))
		}
	}
	c.Header("Cache-Control", "no-store")
	writeJSON(c, http.StatusOK, gin.H{"alerts": out[registry.Alerts], "digests": out[registry.Digests]})
	return nil
}

// testAnswer is what became of a test message.
type testAnswer struct {
	ID        string  `json:"id"`
	Delivered bool    `json:"delivered"`
	Status    *int    `json:"status"`
	Error     *string `json:"error"`
	Millis    int64   `json:"duration_ms"`
}

// postAlertTest sends a test message to the webhook of an alert, once.
func (a *app) postAlertTest(c *gin.Context, v *view) error {
	if !v.viewer.Role.May(access.ChangeRegistry) {
		return forbidden("Only analysts and administrators may send test messages.")
	}
	key := c.Param("key")
	alert, _, ok := registry.Find[registry.Alert](v.registry, registry.Alerts, key, v.now)
	if !ok || v.viewer.Workspace != a.cfg.Workspace {
		return errNotFound("there is no alert " + key + " that holds now")
	}
	if w, _, ok := registry.Find[registry.Webhook](v.registry, registry.Webhooks, alert.Webhook, v.now); !ok || !w.IsActive() {
		return &httpError{status: http.StatusConflict, code: "no_webhook", detail: "The webhook " + alert.Webhook + " of this alert is not there or not active: write it, or name another."}
	}
	if err := a.begin(c, string(registry.Alerts), key); err != nil {
		return err
	}
	begun := time.Now()
	id, status, err := a.alerts.Test(c, key)
	if errors.Is(err, alerts.ErrUnknown) {
		return errNotFound("there is no alert " + key + " with an active webhook that holds now")
	}
	out := testAnswer{ID: id, Delivered: err == nil, Millis: time.Since(begun).Milliseconds()}
	if status != 0 {
		out.Status = &status
	}
	if err != nil {
		out.Error = new(strings.TrimSpace(err.Error()))
	}
	c.Header("Cache-Control", "no-store")
	writeJSON(c, http.StatusOK, out)
	return nil
}
