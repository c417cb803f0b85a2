package bus

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/protocol"
	"pgregory.net/rapid"

	"plumbline/pkg/event"
)

// What a batch writes, kafka-go reads: keys, values and headers, absent ones too, in order and with a right checksum.
func TestBatchIsReadByTheLibrary(t *testing.T) {
	value := rapid.OneOf(rapid.SliceOfN(rapid.Byte(), 0, 300), rapid.Just([]byte(nil)))
	message := rapid.Custom(func(t *rapid.T) Message {
		return Message{
			Key: value.Draw(t, "key"), Value: value.Draw(t, "value"),
			Headers: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) event.Header {
				return event.Header{Key: rapid.String().Draw(t, "name"), Value: value.Draw(t, "header")}
			}), 0, 5).Draw(t, "headers"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		messages := rapid.SliceOfN(message, 1, 200).Draw(t, "messages")
		b := &batch{records: new(buffers).get()}
		for i := range messages {
			b.add(&messages[i], place{index: i}, messages[i].Size())
		}
		now := time.UnixMilli(1_764_000_000_000)
		b.seal(now)
		var set protocol.RecordSet
		if _, err := set.ReadFrom(bytes.NewReader(b.records)); err != nil {
			t.Fatal(err)
		}
		for i := range messages {
			r, err := set.Records.ReadRecord()
			if err != nil {
				t.Fatalf("record %d: %v", i, err)
			}
			compareRecord(t, i, r, &messages[i])
			if !r.Time.Equal(now) {
				t.Fatalf("record %d is of %s, want %s", i, r.Time, now)
			}
		}
		if _, err := set.Records.ReadRecord(); !errors.Is(err, io.EOF) {
			t.Fatalf("after the last record: %v", err)
		}
	})
}

func compareRecord(t *rapid.T, i int, r *protocol.Record, m *Message) {
	if r.Offset != int64(i) {
		t.Fatalf("record %d has offset %d", i, r.Offset)
	}
	for name, pair := range map[string][2][]byte{"key": {all(t, r.Key), m.Key}, "value": {all(t, r.Value), m.Value}} {
		if !bytes.Equal(pair[0], pair[1]) || (pair[0] == nil) != (pair[1] == nil) {
			t.Fatalf("record %d: %s is %q, want %q", i, name, pair[0], pair[1])
		}
	}
	if len(r.Headers) != len(m.Headers) {
		t.Fatalf("record %d has %d headers, want %d", i, len(r.Headers), len(m.Headers))
	}
	for j, h := range r.Headers {
		if h.Key != m.Headers[j].Key || !bytes.Equal(h.Value, m.Headers[j].Value) {
			t.Fatalf("record %d: header %d is %q %q, want %q %q", i, j, h.Key, h.Value, m.Headers[j].Key, m.Headers[j].Value)
		}
	}
}

// all reads what kafka-go gives; nil where there was nothing.
func all(t *rapid.T, b protocol.Bytes) []byte {
	if b == nil {
		return nil
	}
	out, err := protocol.ReadAll(b)
	if err != nil {
		t.Fatal(err)
	}
	if out == nil {
		out = []byte{}
	}
	return out
}
