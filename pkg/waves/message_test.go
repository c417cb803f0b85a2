package waves

import (
	"bytes"
	"testing"
	"time"
)

// What is read is what was written, and what nobody of us writes is refused.
func FuzzDecode(f *testing.F) {
	n := name{"w", "q4"}
	o := newOpening(time.UnixMilli(1_790_000_000_000), time.UnixMilli(1_791_000_000_000))
	m, err := o.message(n)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.Key, m.Value)
	f.Add(m.Key, []byte(nil))
	e, err := ending{ClosesAt: o.ClosesAt, ClosedAt: o.ClosesAt}.message(n)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(e.Key, e.Value)
	f.Add([]byte(`["end","w"]`), e.Value)
	f.Add([]byte(`["secret","w","q4","x"]`), []byte(`{"secret":"AA==","opened_at":"2026-11-28T12:00:00Z","closes_at":"2026-11-29T12:00:00Z"}`))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		n, o, e, err := decode(key, value)
		if err != nil {
			if o != nil || e != nil {
				t.Error("what is refused is told as well")
			}
			return
		}
		switch {
		case o != nil:
			again, err := o.message(n)
			if err != nil || len(o.Secret) != secretBytes {
				t.Fatalf("%v, %d bytes", err, len(o.Secret))
			}
			back, second, _, err := decode(again.Key, again.Value)
			if err != nil || back != n || !bytes.Equal(second.Secret, o.Secret) || second.write != o.write {
				t.Errorf("read again it is another: %v", err)
			}
		case e != nil && e.ClosesAt.IsZero():
			t.Error("an end without a time")
		}
	})
}
