package event_test

import (
	"testing"

	"plumbline/pkg/event"
)

func TestReceiptText(t *testing.T) {
	for _, r := range []event.Receipt{{}, {5, 123456789012}, {999, 1<<63 - 1}} {
		if got, err := event.ParseReceipt(r.String()); err != nil || got != r {
			t.Errorf("%s was read as %v, %v", r, got, err)
		}
	}
	for _, s := range []string{"", ":", "1", "1:", ":1", "-1:1", "1:-1", "01:1", "1:1:1", "+1:1", "1: 1", "70000:1"} {
		if r, err := event.ParseReceipt(s); err == nil {
			t.Errorf("%q was read as %v", s, r)
		}
	}
}
