package scorecard

import (
	"context"
	"fmt"
	"sync"

	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
)

// registryCache keeps the registry of a workspace and reads it again when it has changed. Whether it has is asked on
// every request with one small query, so that a write that is readable is also in effect.
type registryCache struct {
	db *warehouse.DB

	mu       sync.Mutex
	byTenant map[string]cachedRegistry
}

// cachedRegistry is a snapshot and the fingerprint of the rows that it was made of.
type cachedRegistry struct {
	snapshot    *registry.Snapshot
	fingerprint uint64
}

func newRegistryCache(db *warehouse.DB) *registryCache {
	return &registryCache{db: db, byTenant: map[string]cachedRegistry{}}
}

// get is the registry as it is now, and its fingerprint.
func (c *registryCache) get(ctx context.Context, workspace string) (*registry.Snapshot, uint64, error) {
	args := map[string]any{"workspace": workspace}
	// groupBitXor of distinct versions does not change when the engine merges copies of a row.
	const fingerprint = `SELECT groupBitXor(h) AS fingerprint FROM (
  SELECT DISTINCT cityHash64(kind, key, valid_from, recorded_at, entry_id) AS h FROM registry WHERE workspace = {workspace:String}
)`
	var prints []struct {
		Fingerprint uint64 `ch:"fingerprint"`
	}
	if err := c.db.Query(ctx, fingerprint, args, &prints); err != nil {
		return nil, 0, fmt.Errorf("read registry: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if cached, ok := c.byTenant[workspace]; ok && cached.fingerprint == prints[0].Fingerprint {
		return cached.snapshot, cached.fingerprint, nil
	}
	records, err := c.db.Registry(ctx, workspace)
	if err != nil {
		return nil, 0, err
	}
	cached := cachedRegistry{registry.NewSnapshot(records), prints[0].Fingerprint}
	c.byTenant[workspace] = cached
	return cached.snapshot, cached.fingerprint, nil
}

// has reports whether a write is readable. Where it names a person who was erased, the loader has stored it under the
// pseudonym, with another id.
func (c *registryCache) has(ctx context.Context, r registry.Record) (bool, error) {
	const sql = `SELECT count() AS n FROM registry
WHERE workspace = {workspace:String} AND kind = {kind:String} AND entry_id IN {entries:Array(String)}`
	var rows []struct {
		N uint64 `ch:"n"`
	}
	// Not by the key: that of a person's own entry becomes the pseudonym, too.
	args := map[string]any{"workspace": r.Workspace, "kind": string(r.Kind), "entries": []string{r.EntryID, registry.RenamedID(r.EntryID)}}
	err := c.db.Query(ctx, sql, args, &rows)
	if err != nil {
		return false, fmt.Errorf("read registry: %w", err)
	}
	return rows[0].N > 0, nil
}
