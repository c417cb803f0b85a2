package bus

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/compress"
	"github.com/twmb/franz-go/pkg/kmsg"

	"plumbline/pkg/event"
)

// Record is a message as it came from the broker. Its texts are parts of one large text, that of its batch: whoever keeps
// one of them for long makes a copy, so as not to keep them all.
type Record struct {
	Offset     int64
	Key, Value string

	// from is the first offset that the record accounts for: its own, or that of the first of what stands directly before it
	// and is no message (markers of transactions, messages of aborted ones).
	from int64
	// appended is the broker's time, in milliseconds since 1970.
	appended int64
	// headers are as on the wire: their number, then name and value of each, with lengths before them.
	headers string
}

// Appended is the broker's time of the message.
func (r *Record) Appended() time.Time { return time.UnixMilli(r.appended).UTC() }

// AppendHeaders adds the headers to what is given.
func (r *Record) AppendHeaders(to []event.TextHeader) []event.TextHeader {
	w := wire{s: r.headers}
	for range max(w.varint(), 0) {
		h := event.TextHeader{Key: w.text(), Value: w.text()}
		if w.bad {
			break // the checksum is right, so its producer has written this
		}
		to = append(to, h)
	}
	return to
}

// size is about what the message takes in memory.
func (r *Record) size() int64 {
	return int64(len(r.Key) + len(r.Value) + len(r.headers) + messageOverhead)
}

// message copies the record into the form of kafka-go.
func (r *Record) message(topic string, partition int, highWater int64) kafka.Message {
	m := kafka.Message{
		Topic: topic, Partition: partition, Offset: r.Offset, HighWaterMark: highWater,
		Key: []byte(r.Key), Value: []byte(r.Value), Time: time.UnixMilli(r.appended),
	}
	for _, h := range r.AppendHeaders(nil) {
		m.Headers = append(m.Headers, kafka.Header{Key: strings.Clone(h.Key), Value: []byte(h.Value)})
	}
	return m
}

// wire reads the varints and texts of a record.
type wire struct {
	s  string
	at int
	// bad tells that the text ended too early, or was no varint.
	bad bool
}

// varint reads a zigzag varint.
func (w *wire) varint() int64 {
	var n uint64
	for shift := 0; shift < 64 && w.at < len(w.s); shift += 7 {
		b := w.s[w.at]
		w.at++
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return int64(n>>1) ^ -int64(n&1)
		}
	}
	w.bad = true
	return 0
}

// text reads a text and the length before it; a length below zero stands for none.
func (w *wire) text() string {
	n := w.varint()
	if n <= 0 {
		return ""
	}
	if n > int64(len(w.s)-w.at) {
		w.bad = true
		return ""
	}
	w.at += int(n)
	return w.s[w.at-int(n) : w.at]
}

// Positions in the header of a record batch of version 2, and bits of its attributes, as the Kafka protocol guide lists
// them. The checksum covers everything from the attributes on.
const (
	batchLengthAt     = 8
	batchEpochAt      = 12 // the first byte that counts for the length
	batchMagicAt      = 16
	batchCRCAt        = 17
	batchAttributesAt = 21
	batchLastDeltaAt  = 23
	batchFirstTimeAt  = 27
	batchMaxTimeAt    = 35
	batchProducerAt   = 43
	batchTermAt       = 51
	batchSequenceAt   = 53
	batchCountAt      = 57
	batchHeader       = 61

	batchCompression   = 0x07
	batchAppendTime    = 0x08
	batchTransactional = 0x10
	batchControl       = 0x20
)

// errBatch says that the broker has sent something that is no record batch.
var errBatch = errors.New("the broker has sent a damaged record batch")

// checksum is that of a whole batch.
func checksum(batch []byte) uint32 {
	return crc32.Checksum(batch[batchAttributesAt:], crc32.MakeTable(crc32.Castagnoli))
}

// logReader reads the record batches of one partition in order.
type logReader struct {
	// next is the offset to read next.
	next int64
	// skipped is the first offset of what was passed over directly before next and is no message; -1 where nothing was.
	skipped int64
}

// read reads what an answer of the broker holds, and returns its messages from r.next on. A batch that the answer has cut
// off at its end is left for the next answer. Aborted are the aborted transactions that the answer has messages of.
func (r *logReader) read(raw []byte, aborted []kmsg.FetchResponseTopicPartitionAbortedTransaction) (out []Record, err error) {
	t := transactions{aborted: slices.SortedFunc(slices.Values(aborted), func(a, b kmsg.FetchResponseTopicPartitionAbortedTransaction) int {
		return int(min(max(a.FirstOffset-b.FirstOffset, -1), 1))
	}), active: map[int64]bool{}}
	begun := r.next
	for len(raw) > batchMagicAt {
		length := int64(int32(binary.BigEndian.Uint32(raw[batchLengthAt:]))) + batchEpochAt
		switch {
		case raw[batchMagicAt] != magic:
			return nil, fmt.Errorf("%w: messages of version %d, from before Kafka 0.11, cannot be read", errBatch, raw[batchMagicAt])
		case length < batchHeader:
			return nil, fmt.Errorf("%w: %d bytes are too few", errBatch, length)
		case length > int64(len(raw)) && r.next == begun:
			return nil, fmt.Errorf("%w: the answer has only %d of the %d bytes of its first one", errBatch, len(raw), length)
		case length > int64(len(raw)):
			return out, nil
		}
		batch := raw[:length]
		raw = raw[length:]
		if out, err = r.batch(batch, &t, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// batch reads one batch.
func (r *logReader) batch(raw []byte, t *transactions, out []Record) ([]Record, error) {
	if binary.BigEndian.Uint32(raw[batchCRCAt:]) != checksum(raw) {
		return nil, fmt.Errorf("%w: the checksum is wrong", errBatch)
	}
	base := int64(binary.BigEndian.Uint64(raw))
	last := base + int64(int32(binary.BigEndian.Uint32(raw[batchLastDeltaAt:])))
	skip, err := t.skips(raw, last)
	if err != nil {
		return nil, err
	}
	if last < r.next {
		return out, nil // it was read before
	}
	if skip {
		if r.skipped < 0 || base > r.next {
			r.skipped = max(base, r.next)
		}
		r.next = last + 1
		return out, nil
	}
	if out, err = r.records(raw, base, out); err != nil {
		return nil, err
	}
	r.next = max(r.next, last+1) // a compaction may have taken the last ones
	return out, nil
}

// records reads the messages of one batch.
func (r *logReader) records(raw []byte, base int64, out []Record) ([]Record, error) {
	body, err := bodyOf(raw)
	if err != nil {
		return nil, err
	}
	attributes := binary.BigEndian.Uint16(raw[batchAttributesAt:])
	first, latest := int64(binary.BigEndian.Uint64(raw[batchFirstTimeAt:])), int64(binary.BigEndian.Uint64(raw[batchMaxTimeAt:]))
	count := int(int32(binary.BigEndian.Uint32(raw[batchCountAt:])))
	out = slices.Grow(out, min(max(count, 0), len(body)))
	w := wire{s: body}
	for range count {
		length := w.varint()
		end := w.at + int(length)
		if w.bad || length < 1 || length > int64(len(body)-w.at) {
			return nil, fmt.Errorf("%w: a message of it does not end", errBatch)
		}
		w.at++ // attributes of a message, which has none
		appended := first + w.varint()
		offset := base + w.varint()
		record := Record{Offset: offset, from: offset, appended: appended, Key: w.text(), Value: w.text()}
		if w.bad || w.at > end {
			return nil, fmt.Errorf("%w: a message of it is longer than it says", errBatch)
		}
		record.headers = body[w.at:end]
		w.at = end
		if attributes&batchAppendTime != 0 {
			record.appended = latest
		}
		if offset < r.next {
			continue // it was read before
		}
		if r.skipped >= 0 && offset == r.next {
			record.from = r.skipped
		}
		r.skipped, r.next = -1, offset+1
		out = append(out, record)
	}
	return out, nil
}

// bodyOf is the messages of a batch, decompressed, as a text that nobody changes.
func bodyOf(raw []byte) (string, error) {
	compression := compress.Compression(binary.BigEndian.Uint16(raw[batchAttributesAt:]) & batchCompression)
	if compression == compress.None {
		return string(raw[batchHeader:]), nil
	}
	codec := compression.Codec()
	if codec == nil {
		return "", fmt.Errorf("%w: no compression has the number %d", errBatch, compression)
	}
	reader := codec.NewReader(strings.NewReader(string(raw[batchHeader:])))
	var body strings.Builder
	n, err := io.Copy(&body, io.LimitReader(reader, HardMaxBytes+1))
	if err = errors.Join(err, reader.Close()); err != nil {
		return "", fmt.Errorf("decompress: %w", err)
	}
	if n > HardMaxBytes {
		return "", fmt.Errorf("%w: more than %d bytes when decompressed", errBatch, HardMaxBytes)
	}
	return body.String(), nil
}

// transactions knows which batches of an answer belong to transactions that were aborted.
type transactions struct {
	// aborted are those that are still to begin, in the order of their first offsets; active are the producers whose
	// messages, from here to their marker, count for nothing.
	aborted []kmsg.FetchResponseTopicPartitionAbortedTransaction
	active  map[int64]bool
}

// skips tells whether a batch is none of messages: the marker of a transaction, or a part of an aborted one.
func (t *transactions) skips(raw []byte, last int64) (bool, error) {
	attributes := binary.BigEndian.Uint16(raw[batchAttributesAt:])
	producer := int64(binary.BigEndian.Uint64(raw[batchProducerAt:]))
	for len(t.aborted) > 0 && t.aborted[0].FirstOffset <= last {
		t.active[t.aborted[0].ProducerID] = true
		t.aborted = t.aborted[1:]
	}
	if attributes&batchControl == 0 {
		return attributes&batchTransactional != 0 && t.active[producer], nil
	}
	aborts, err := isAbort(raw)
	if aborts {
		delete(t.active, producer)
	}
	return true, err
}

// isAbort reads the marker of a transaction: the key of its one record is a version, and 0 for aborted or 1 for
// committed, of two bytes each.
func isAbort(raw []byte) (bool, error) {
	body, err := bodyOf(raw)
	if err != nil {
		return false, err
	}
	w := wire{s: body}
	w.varint() // length
	w.at++     // attributes
	w.varint() // time
	w.varint() // offset
	key := w.text()
	if w.bad || len(key) < 4 {
		return false, fmt.Errorf("%w: a marker of a transaction that says nothing", errBatch)
	}
	return key[2] == 0 && key[3] == 0, nil
}
