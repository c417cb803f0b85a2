package standalone

import (
	"context"

	"plumbline/pkg/process"
	"plumbline/services/collector"
	"plumbline/services/loader"
	"plumbline/services/scorecard"
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
		WriteKeys: []string{in.keys.WriteKey}, Keys: in.cfg.Keys,
	}, m); err != nil {
		return err
	}
	return scorecard.Run(ctx, scorecard.Config{
		Bus: e.bus, Warehouse: e.warehouse, Secret: in.keys.Secret, Workspace: Workspace,
		AdminToken: in.keys.AdminToken, Demo: !in.demo.None, SignIns: in.signIns, Version: Version(),
	}, m)
}
