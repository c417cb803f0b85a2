package warehouse

import (
	"context"
	"testing"
	"time"
)

// While an insert runs its context ends with that of the caller; afterwards it must not, for a while: the client may
// close the connection, which somebody else has by then.
func TestInsertContextOutlivesTheInsert(t *testing.T) {
	t.Parallel()
	db := &DB{cfg: Config{InsertTimeout: time.Minute}}
	for _, test := range []struct {
		name string
		end  func(cancelCaller, done func())
		live bool
	}{
		{"the caller gives up while it runs", func(cancel, _ func()) { cancel() }, false},
		{"it is done", func(_, done func()) { done() }, true},
		{"it is done, then the caller's context ends", func(cancel, done func()) { done(); cancel() }, true},
	} {
		caller, cancel := context.WithCancel(t.Context())
		insert, done := db.insertContext(caller)
		test.end(cancel, done)
		if test.live && insert.Err() != nil {
			t.Errorf("%s: the context of the insert has ended", test.name)
		}
		select {
		case <-insert.Done(): // in the end always: nothing is left behind
		case <-time.After(10 * settle):
			t.Errorf("%s: the context of the insert does not end", test.name)
		}
		cancel()
		done()
	}
}
