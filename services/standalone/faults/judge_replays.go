package faults

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"plumbline/pkg/bus"
	"plumbline/pkg/client"
	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
)

// accounts adds the events that a replay has said are in the log to those that were accepted: the same is promised of both.
func (x *replays) accounts(m *model, rep *report) {
	for _, a := range x.told {
		e, ok := m.at[a.receipt]
		if !ok || e.Identity != event.IdentityOf(a.workspace, a.source, a.id) {
			rep.lost = append(rep.lost, fmt.Sprintf("%s %s was replayed as %s, where the log has %s %s", a.source, a.id, a.receipt, e.Source, e.ID))
			continue
		}
		a.payload = e.Payload // one that was sent, or it is found as what nobody sent
		x.run.load.accepted = append(x.run.load.accepted, a)
	}
}

// judgeReplays looks at what has become of everything that was broken, by what the last replay has told.
func (r *run) judgeReplays(ctx context.Context, db *warehouse.DB, m *model, rep *report) error {
	x := r.replays
	rep.wrong = append(rep.wrong, x.wrong...)
	for _, b := range x.sent {
		id := event.IdentityOf(b.workspace, b.source, b.id)
		if _, stored := m.winners[id]; !stored && !x.gone(b.id) {
			rep.lost = append(rep.lost, fmt.Sprintf("%s was mended and replayed, and is not stored", b.id))
		}
	}
	list, err := x.list(ctx, warehouse.RejectReplayed)
	if err != nil {
		return err
	}
	said := map[string]bool{}
	for _, reject := range list {
		said[reject.ID] = true
	}
	told := map[string]bool{}
	for _, result := range x.last {
		if result.State == warehouse.ReplayAccepted {
			rep.duplicated = append(rep.duplicated, fmt.Sprintf("reject %s of %s %s was replayed, and the last replay has sent it once more", result.ID, result.Source, result.EventID))
		}
		if result.Source != brokenSource {
			continue
		}
		told[result.EventID] = true
		x.judgeLast(result, said[result.ID], m, rep)
	}
	for _, b := range x.sent {
		if !told[b.id] {
			rep.lost = append(rep.lost, fmt.Sprintf("%s was refused, and the last replay has not met it", b.id))
		}
	}
	if err := x.judgeRecords(ctx, db, m, rep); err != nil {
		return err
	}
	return x.judgeDetails(ctx, m, rep)
}

// gone tells whether nothing is left to replay of an event: the bytes of all its rejects were emptied, for which
// [replays.judgeLast] wants a reason.
func (x *replays) gone(id string) bool {
	left := slices.ContainsFunc(x.last, func(r replayed) bool {
		return r.Source == brokenSource && r.EventID == id && r.State != warehouse.ReplayImpossible
	})
	return x.run.erasing != nil && !left
}

// judgeLast judges what the last replay has told of one reject, when all was stored; said is that the list calls it replayed.
func (x *replays) judgeLast(result replayed, said bool, m *model, rep *report) {
	id := event.IdentityOf(workspaces()[0], result.Source, result.EventID)
	_, stored := m.winners[id]
	switch {
	case result.State == warehouse.ReplayUnchanged && stored:
		if !said {
			rep.lost = append(rep.lost, fmt.Sprintf("reject %s of %s was replayed, and the list does not say so", result.ID, result.EventID))
		}
	case result.State == warehouse.ReplayRejected && stored && result.Code != nil && *result.Code == string(event.CodeIDConflict):
		// Another version was first.
	case result.State == warehouse.ReplayImpossible && x.named(result):
		// Its bytes were emptied.
	case result.State == warehouse.ReplayAccepted:
		// Found already.
	default:
		code := ""
		if result.Code != nil {
			code = *result.Code
		}
		rep.lost = append(rep.lost, fmt.Sprintf("the last replay says of %s, reject %s: %s %s, stored %t", result.EventID, result.ID, result.State, code, stored))
	}
}

// named tells whether a reject of an event may have named the person who is erased: by the bytes as they were sent, or, where
// the loader has refused it, by the hash.
func (x *replays) named(r replayed) bool {
	if x.run.erasing == nil {
		return false
	}
	ofLoader := strings.HasPrefix(r.ID, string(bus.Events)+"-")
	for _, b := range x.sent {
		if b.id != r.EventID {
			continue
		}
		if b.names == x.run.erasing.person || ofLoader && names(b.data, x.run.erasing.person) {
			return true
		}
	}
	return false
}

// judgeRecords looks for what the records of replays say is in the log.
func (x *replays) judgeRecords(ctx context.Context, db *warehouse.DB, m *model, rep *report) error {
	var rows []struct {
		Reject    string `ch:"reject_id"`
		Source    string `ch:"source"`
		ID        string `ch:"id"`
		Partition uint16 `ch:"kafka_partition"`
		Offset    uint64 `ch:"kafka_offset"`
	}
	const sql = "SELECT reject_id, source, id, kafka_partition, kafka_offset FROM replays FINAL WHERE state = 'accepted'"
	if err := db.Query(ctx, sql, nil, &rows); err != nil {
		return err
	}
	for _, row := range rows {
		at := place{Partition: int(row.Partition), Offset: int64(row.Offset)}
		if e, ok := m.at[at]; !ok || e.Source != row.Source || e.ID != row.ID {
			rep.lost = append(rep.lost, fmt.Sprintf("reject %s is recorded as replayed to %s as %s %s, where the log has %s %s", row.Reject, at, row.Source, row.ID, e.Source, e.ID))
		}
	}
	return nil
}

// detailsAsked is of how many rejects the details are asked for.
const detailsAsked = 12

// judgeDetails asks what became of the last event that was sent again for a reject.
func (x *replays) judgeDetails(ctx context.Context, m *model, rep *report) error {
	for _, result := range x.last[:min(len(x.last), detailsAsked)] {
		var d struct {
			Replays []struct {
				State   string  `json:"state"`
				Source  string  `json:"source"`
				EventID string  `json:"event_id"`
				Receipt *string `json:"receipt"`
			} `json:"replays"`
			Outcome *struct {
				State string  `json:"state"`
				Code  *string `json:"code"`
			} `json:"outcome"`
		}
		if err := x.desk.must(ctx, http.StatusOK, http.MethodGet, "/rejects/"+result.ID, "", &d); err != nil {
			return err
		}
		for _, p := range d.Replays {
			if p.State != warehouse.ReplayAccepted || p.Receipt == nil || d.Outcome == nil {
				continue
			}
			receipt, err := event.ParseReceipt(*p.Receipt)
			if err != nil {
				return err
			}
			o := client.Outcome{State: d.Outcome.State}
			if d.Outcome.Code != nil {
				o.Code = event.Code(*d.Outcome.Code)
			}
			of := acked{shipment: shipment{workspace: workspaces()[0], source: p.Source, id: p.EventID}, receipt: receipt}
			if text := m.wrongOutcome(of, o); text != "" {
				rep.lost = append(rep.lost, "by the details of reject "+result.ID+": "+text)
			}
			break // the latest is first
		}
	}
	return nil
}
