package standalone

import (
	"context"

	"plumbline/pkg/process"
	"plumbline/services/collector"
	"plumbline/services/loader"
	"plumbline/services/scorecard"
	"plumbline/services/standalone/demo"
)

// mount registers the services on one listener. The loader comes first: it brings topics and tables up to date.
func (in *installation) mount(ctx context.Context, e *engines, m *process.Mount) error {
	in.mountBackup(e, m)
	if err := loader.Run(ctx, loader.Config{
		Bus: e.bus, Warehouse: e.warehouse, Secret: in.keys.Secret, RawRetention: in.cfg.RawRetention, ErasePause: in.cfg.ErasePause,
	}, m); err != nil {
		return err
	}
	if err := collector.Run(ctx, collector.Config{
		Bus: e.bus, Warehouse: e.warehouse, Secret: in.keys.Secret, Workspace: Workspace,
		WriteKeys: []string{in.keys.WriteKey}, Keys: in.cfg.Keys, URL: in.cfg.URL, HubSpot: in.cfg.HubSpot,
	}, m); err != nil {
		return err
	}
	return scorecard.Run(ctx, scorecard.Config{
		Bus: e.bus, Warehouse: e.warehouse, Secret: in.keys.Secret, Workspace: Workspace,
		AdminToken: in.keys.AdminToken, SignIns: in.signIns, Version: Version(),
		// Personas only where the demo was asked for by name: one of them is an administrator.
		Demo: !in.demo.None, DemoPersonas: in.cfg.Demo == DemoYes, DemoPerson: demo.Contributor,
		URL: in.cfg.URL, OIDC: in.cfg.OIDC, SessionIdle: in.cfg.SessionIdle, SessionLife: in.cfg.SessionLife,
		Webhook: in.cfg.Webhook, Mail: in.cfg.Mail, AlertsEvery: in.cfg.AlertsEvery,
	}, m)
}
