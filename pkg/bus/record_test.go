package bus

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// rawBatch is a batch of two messages at offsets 5 and 6, with keys k and no headers.
func rawBatch() []byte {
	message := func(delta byte) []byte {
		// attributes, time delta, offset delta, key of 1 byte, value of 1 byte, no headers; lengths are zigzag, so doubled.
		body := []byte{0, 0, delta * 2, 2, 'k', 2, 'v', 0}
		return append([]byte{byte(len(body)) * 2}, body...)
	}
	b := make([]byte, batchHeader)
	binary.BigEndian.PutUint64(b, 5)
	b[batchMagicAt] = 2
	binary.BigEndian.PutUint32(b[batchLastDeltaAt:], 1)
	binary.BigEndian.PutUint64(b[batchFirstTimeAt:], 1000)
	binary.BigEndian.PutUint64(b[batchMaxTimeAt:], 1000)
	binary.BigEndian.PutUint64(b[batchProducerAt:], ^uint64(0))
	binary.BigEndian.PutUint32(b[batchCountAt:], 2)
	b = append(append(b, message(0)...), message(1)...)
	return sealBatch(b)
}

// sealBatch writes the length and the checksum.
func sealBatch(b []byte) []byte {
	binary.BigEndian.PutUint32(b[batchLengthAt:], uint32(len(b)-12))
	binary.BigEndian.PutUint32(b[batchCRCAt:], crc32.Checksum(b[batchAttributesAt:], crc32.MakeTable(crc32.Castagnoli)))
	return b
}

func TestLogReader(t *testing.T) {
	r := logReader{next: 6, skipped: -1}
	out, err := r.read(rawBatch(), nil)
	if err != nil || len(out) != 1 || out[0].Offset != 6 || out[0].Key != "k" || out[0].Value != "v" || out[0].appended != 1000 || r.next != 7 {
		t.Errorf("from 6 on: %+v, %v, next %d; want the message 6 only", out, err, r.next)
	}
	r = logReader{next: 5, skipped: -1}
	if out, err = r.read(append(rawBatch(), rawBatch()[:70]...), nil); err != nil || len(out) != 2 {
		t.Errorf("with a batch that is cut off: %+v, %v; want two messages", out, err)
	}
	damaged := rawBatch()
	damaged[len(damaged)-2]++
	old := rawBatch()
	old[batchMagicAt] = 1
	endless := rawBatch()
	endless[batchHeader] = 0x7e
	for name, raw := range map[string][]byte{"damaged": damaged, "old": old, "cut": rawBatch()[:70], "endless": sealBatch(endless)} {
		r = logReader{next: 5, skipped: -1}
		if out, err := r.read(raw, nil); !errors.Is(err, errBatch) {
			t.Errorf("%s: %+v, %v; want %v", name, out, err, errBatch)
		}
	}
}

// No bytes of a broker make the reader fail in another way than with an error, or go back.
func FuzzLogReader(f *testing.F) {
	f.Add(rawBatch(), int64(0), int64(5), true)
	f.Add(append(rawBatch(), rawBatch()...), int64(6), int64(0), false)
	f.Fuzz(func(t *testing.T, raw []byte, next, aborted int64, sealed bool) {
		if sealed && len(raw) > batchHeader {
			raw[batchMagicAt] = 2
			sealBatch(raw)
		}
		r := logReader{next: next, skipped: -1}
		out, err := r.read(raw, []kmsg.FetchResponseTopicPartitionAbortedTransaction{{ProducerID: 1, FirstOffset: aborted}})
		if r.next < next {
			t.Fatalf("went back from %d to %d", next, r.next)
		}
		if err != nil {
			return
		}
		before := next
		for _, m := range out {
			if m.Offset < before || m.from > m.Offset {
				t.Fatalf("offset %d, from %d, after %d", m.Offset, m.from, before)
			}
			before = m.Offset + 1
			m.AppendHeaders(nil)
		}
	})
}
