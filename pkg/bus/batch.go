package bus

import (
	"encoding/binary"
	"sync"
	"time"

	"plumbline/pkg/event"
)

// batch is a record batch of one partition (Kafka's format 2), written into bytes as messages come, with the place of
// each message in its call. A batch of which an attempt was made never changes again.
type batch struct {
	partition int
	records   []byte
	places    []place
	// size is what its messages have reserved of the bytes in flight.
	size int64
	// attempts is how often it was sent; from the first one on it is sealed.
	attempts int
	sealed   bool
	born     time.Time
}

// place ties a message to the call that it came with.
type place struct {
	call  *call
	index int
}

// The layout of what stands before the records: the size of the whole, as the request wants it, then the head of the
// record batch, as record.go names its fields.
const (
	sizeBytes = 4
	headBytes = sizeBytes + batchHeader

	magic = 2
)

// buffers are the bytes of batches that were acknowledged, for those to come.
type buffers struct{ pool sync.Pool }

// keepBytes is the largest buffer that is kept.
const keepBytes = 2 * batchBytes

func (b *buffers) get() []byte {
	if kept, ok := b.pool.Get().(*[]byte); ok {
		return (*kept)[:headBytes]
	}
	return make([]byte, headBytes, 16<<10)
}

func (b *buffers) put(records []byte) {
	if cap(records) <= keepBytes {
		b.pool.Put(&records)
	}
}

// fits tells whether a message of so many bytes may still come in.
func (b *batch) fits(n int64) bool {
	return !b.sealed && int64(len(b.records))+n <= batchBytes && len(b.places) < batchMessages
}

// add writes a message behind the others.
func (b *batch) add(m *Message, at place, n int64) {
	b.records = appendRecord(b.records, m, int64(len(b.places)))
	b.places = append(b.places, at)
	b.size += n
}

// seal writes the head. The time is that of sending; the broker puts its own in its place.
func (b *batch) seal(now time.Time) {
	if b.sealed {
		return
	}
	b.sealed = true
	clear(b.records[:headBytes])
	r, ms := b.records[sizeBytes:], uint64(now.UnixMilli())
	binary.BigEndian.PutUint32(b.records, uint32(len(r)))
	binary.BigEndian.PutUint32(r[batchLengthAt:], uint32(len(r)-batchEpochAt))
	binary.BigEndian.PutUint32(r[batchEpochAt:], ^uint32(0))
	r[batchMagicAt] = magic
	binary.BigEndian.PutUint32(r[batchLastDeltaAt:], uint32(len(b.places)-1))
	binary.BigEndian.PutUint64(r[batchFirstTimeAt:], ms)
	binary.BigEndian.PutUint64(r[batchMaxTimeAt:], ms)
	// No idempotent producer: the identity of an event absorbs what is written twice.
	binary.BigEndian.PutUint64(r[batchProducerAt:], ^uint64(0))
	binary.BigEndian.PutUint16(r[batchTermAt:], ^uint16(0))
	binary.BigEndian.PutUint32(r[batchSequenceAt:], ^uint32(0))
	binary.BigEndian.PutUint32(r[batchCountAt:], uint32(len(b.places)))
	binary.BigEndian.PutUint32(r[batchCRCAt:], checksum(r))
}

// appendRecord writes one record: its length, no attributes, no time of its own, its place in the batch, then key,
// value and headers.
func appendRecord(b []byte, m *Message, delta int64) []byte {
	n := 2 + varintSize(delta) + bytesSize(m.Key) + bytesSize(m.Value) + varintSize(int64(len(m.Headers)))
	for i := range m.Headers {
		n += headerSize(&m.Headers[i])
	}
	b = binary.AppendVarint(b, int64(n))
	b = append(b, 0, 0)
	b = binary.AppendVarint(b, delta)
	b = appendBytes(b, m.Key)
	b = appendBytes(b, m.Value)
	b = binary.AppendVarint(b, int64(len(m.Headers)))
	for i := range m.Headers {
		h := &m.Headers[i]
		b = binary.AppendVarint(b, int64(len(h.Key)))
		b = append(b, h.Key...)
		b = appendBytes(b, h.Value)
	}
	return b
}

func appendBytes(b, v []byte) []byte {
	if v == nil {
		return binary.AppendVarint(b, -1)
	}
	return append(binary.AppendVarint(b, int64(len(v))), v...)
}

func headerSize(h *event.Header) int {
	return varintSize(int64(len(h.Key))) + len(h.Key) + bytesSize(h.Value)
}

func bytesSize(v []byte) int {
	if v == nil {
		return 1
	}
	return varintSize(int64(len(v))) + len(v)
}

// varintSize is how many bytes binary.AppendVarint writes, of a number that is not negative.
func varintSize(v int64) int {
	n := 1
	for u := uint64(v) << 1; u >= 0x80; u >>= 7 {
		n++
	}
	return n
}
