package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/segmentio/kafka-go"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/process"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
)

// extra writes what no client does beside the load: events to the inbox, messages on the topic of the events past the
// collector, and changes of the calendar, which cut every day of a workspace anew.
type extra struct {
	run *run
	rng *rand.Rand
	// zones are the names of the time zones that workspaces have had last.
	zones map[string]string
	// clients are the events that clients send, foreign those that were written to the inbox.
	clients, foreign []shipment
}

func newExtra(r *run, rng *rand.Rand, all []batch) *extra {
	x := &extra{run: r, rng: rng, zones: map[string]string{}}
	for _, b := range all {
		x.clients = append(x.clients, b.list...)
	}
	return x
}

// write writes until it has written everything; what fails is the suite's failure.
func (x *extra) write(ctx context.Context) error {
	for range 2 + x.rng.IntN(4) {
		if err := process.Wait(ctx, time.Duration(x.rng.IntN(1200))*time.Millisecond); err != nil {
			return err
		}
		var err error
		switch x.rng.IntN(4) {
		case 0:
			err = x.poison(ctx)
		case 1:
			err = x.astray(ctx)
		case 2:
			err = x.inbox(ctx)
		default:
			err = x.zone(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// produce writes messages on a topic, each into the partition that it names, and again until the brokers have them:
// then some are there twice.
func (x *extra) produce(ctx context.Context, topic bus.Name, list ...kafka.Message) error {
	w := &kafka.Writer{
		Addr: kafka.TCP(x.run.w.cfg.Brokers...), Topic: x.run.w.cfg.Topic(topic), RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond,
		WriteTimeout: 2 * time.Second, ReadTimeout: 2 * time.Second, Transport: x.run.w.transport,
		Balancer: kafka.BalancerFunc(func(m kafka.Message, _ ...int) int {
			p, _ := m.WriterData.(int)
			return p
		}),
	}
	defer func() { _ = w.Close() }()
	for {
		err := w.WriteMessages(ctx, list...)
		if err == nil {
			return nil
		}
		if err := process.Wait(ctx, 100*time.Millisecond); err != nil {
			return fmt.Errorf("write past the collector: %w", err)
		}
	}
}

// poison is what nobody can read.
func (x *extra) poison(ctx context.Context) error {
	var list []kafka.Message
	for range 1 + x.rng.IntN(5) {
		value := make([]byte, x.rng.IntN(40))
		for i := range value {
			value[i] = byte(x.rng.IntN(256))
		}
		m := kafka.Message{Key: fmt.Append(nil, x.rng.IntN(9)), Value: value, WriterData: x.rng.IntN(partitions)}
		if x.rng.IntN(2) == 0 {
			m.Headers = []kafka.Header{{Key: event.HeaderID, Value: []byte("poison")}, {Key: event.HeaderType, Value: []byte("plumbline.hours_saved.v1")}}
		}
		list = append(list, m)
	}
	return x.produce(ctx, bus.Events, list...)
}

// astray is a good event in a partition that it does not belong to.
func (x *extra) astray(ctx context.Context) error {
	d := &drawing{rng: x.rng, made: map[string][]shipment{}, n: 1_000_000 + x.rng.IntN(1_000_000)}
	s := d.next()
	sealed, err := x.run.load.sealer.Seal(event.Event{Workspace: s.workspace, Source: s.source, ID: s.id, Kind: s.data.Kind(), Time: s.time, Data: s.data})
	if err != nil {
		return err
	}
	x.run.load.note([]shipment{s}) // it may be replayed
	key, headers, value := sealed.Message()
	m := kafka.Message{Key: key, Value: value, WriterData: (bus.PartitionOf(key, partitions) + 1 + x.rng.IntN(partitions-1)) % partitions}
	for _, h := range headers {
		m.Headers = append(m.Headers, kafka.Header(h))
	}
	return x.produce(ctx, bus.Events, m)
}

// zone gives a workspace another time zone: through the API where there is one, else by a message.
func (x *extra) zone(ctx context.Context) error {
	zones := []string{"UTC", "Europe/Berlin", "America/Los_Angeles", "Pacific/Auckland"}
	workspace, zone := workspaces()[x.rng.IntN(len(workspaces()))], zones[x.rng.IntN(len(zones))]
	x.zones[workspace] = zone
	if workspace == workspaces()[0] {
		return x.put(ctx, zone)
	}
	key, value, err := registry.Record{
		Workspace: workspace, Kind: registry.Calendar, Key: registry.CalendarKey, EntryID: fmt.Sprint(x.rng.Uint64()), Author: "faults",
		ValidFrom: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), RecordedAt: time.Now().UTC().Truncate(time.Millisecond), Value: []byte(`{"zone":"` + zone + `"}`),
	}.Message()
	if err != nil {
		return err
	}
	return x.produce(ctx, bus.Registry, kafka.Message{Key: key, Value: value, WriterData: bus.PartitionOf(key, partitions)})
}

// put writes the calendar through the scorecard, again until it says that it is done.
func (x *extra) put(ctx context.Context, zone string) error {
	client := http.Client{Timeout: 12 * time.Second}
	for {
		body := `{"valid_from":"2000-01-01T00:00:00Z","zone":"` + zone + `"}`
		url := "http://" + x.run.w.scorecard.engine.Addr() + "/api/v1/registry/calendar/" + registry.CalendarKey
		req, err := http.NewRequestWithContext(ctx, http.MethodPut, url, bytes.NewReader([]byte(body)))
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+adminToken)
		req.Header.Set("Content-Type", "application/json")
		res, err := client.Do(req)
		if err == nil {
			_ = res.Body.Close()
			switch {
			case res.StatusCode < 300:
				return nil
			case res.StatusCode < 500 && res.StatusCode != http.StatusTooManyRequests:
				return fmt.Errorf("put the calendar: the scorecard answered %s", res.Status)
			}
		}
		if err := process.Wait(ctx, 100*time.Millisecond); err != nil {
			return fmt.Errorf("put the calendar: %w", err)
		}
	}
}

// ends asks where the partitions of a topic end, those that hold something.
func (x *extra) ends(ctx context.Context, name bus.Name) (end map[int]int64, err error) {
	topic := x.run.w.cfg.Topic(name)
	req := &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{}}
	for p := range partitions {
		req.Topics[topic] = append(req.Topics[topic], kafka.LastOffsetOf(p))
	}
	err = again(ctx, func() error {
		res, err := x.run.w.client().ListOffsets(ctx, req)
		if err != nil {
			return fmt.Errorf("ask for the end of %s: %w", topic, err)
		}
		end = map[int]int64{}
		for _, p := range res.Topics[topic] {
			if p.Error != nil {
				return fmt.Errorf("ask for the end of %s: %w", topic, p.Error)
			}
			if p.LastOffset > 0 {
				end[p.Partition] = p.LastOffset
			}
		}
		return nil
	})
	return end, err
}

// registryLoaded waits until everything on the topic of the registry is in its table, and its marks are written.
func (x *extra) registryLoaded(ctx context.Context, db *warehouse.DB) error {
	end, err := x.ends(ctx, bus.Registry)
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(settleTime); time.Now().Before(deadline); {
		var rows []struct {
			Partition uint16 `ch:"p"`
			Next      uint64 `ch:"n"`
		}
		err := db.Query(ctx, "SELECT kafka_partition AS p, max(next_offset) AS n FROM progress WHERE stream = 'registry' GROUP BY p", nil, &rows)
		if err != nil {
			return err
		}
		open := len(end)
		for _, row := range rows {
			if e, ok := end[int(row.Partition)]; ok && int64(row.Next) >= e {
				open--
			}
		}
		if open == 0 {
			return nil
		}
		if err := process.Wait(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return errors.Join(errLate, fmt.Errorf("the registry was not loaded in %s", settleTime))
}
