package embedded

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// soundBatch is an empty record batch with a right checksum.
func soundBatch(first, latest int64) []byte {
	b := kmsg.RecordBatch{Magic: 2, FirstTimestamp: first, MaxTimestamp: latest, Length: 49, ProducerID: -1}
	raw := b.AppendTo(nil)
	sum := crc32.Checksum(raw[batchAttributesAt:], crc32.MakeTable(crc32.Castagnoli))
	binary.BigEndian.PutUint32(raw[batchCRCAt:], sum)
	return raw
}

// Whatever a client sends as a batch: what is sound stays sound and gets the time, and nothing else in it changes; what
// is not is left as it came, for the broker to refuse.
func FuzzStampBatch(f *testing.F) {
	f.Add(soundBatch(1_000, 2_000), time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC).UnixMilli())
	f.Add(soundBatch(-1, -1), int64(5))
	f.Add([]byte("short"), int64(0))
	table := crc32.MakeTable(crc32.Castagnoli)
	f.Fuzz(func(t *testing.T, raw []byte, now int64) {
		sound := len(raw) >= batchHeaderSize && raw[batchMagicAt] == 2 &&
			binary.BigEndian.Uint32(raw[batchCRCAt:]) == crc32.Checksum(raw[batchAttributesAt:], table)
		stamped := bytes.Clone(raw)
		stampBatch(stamped, now)
		if !sound {
			if !bytes.Equal(stamped, raw) {
				t.Fatal("a batch that is not sound was changed")
			}
			return
		}
		if binary.BigEndian.Uint32(stamped[batchCRCAt:]) != crc32.Checksum(stamped[batchAttributesAt:], table) {
			t.Fatal("the checksum is wrong")
		}
		at := func(b []byte, place int) int64 { return int64(binary.BigEndian.Uint64(b[place:])) }
		if at(stamped, batchMaxTimeAt) != now || at(stamped, batchMaxTimeAt)-at(stamped, batchFirstTimeAt) != at(raw, batchMaxTimeAt)-at(raw, batchFirstTimeAt) {
			t.Fatalf("times %d to %d, want the latest at %d", at(stamped, batchFirstTimeAt), at(stamped, batchMaxTimeAt), now)
		}
		for i := range raw {
			if raw[i] != stamped[i] && (i < batchCRCAt || i >= batchMaxTimeAt+8) {
				t.Fatalf("byte %d changed", i)
			}
		}
	})
}

// Whatever a client says first: what was read is the beginning of it and is bounded, and a hello that was found good is
// the one that was said.
func FuzzReadHello(f *testing.F) {
	f.Add([]byte("\x00\x05probe\x18\x01\xbc\xa9\x03\x09plumbline\x09plumbline\x06secret"))
	f.Add([]byte("\x00\xff\xff\xff\xff\x7f"))
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"))
	f.Fuzz(func(t *testing.T, said []byte) {
		r := &packetReader{from: bufio.NewReader(bytes.NewReader(said))}
		h, err := readHello(r)
		if !bytes.HasPrefix(said, r.read) {
			t.Fatalf("%q was read of %q", r.read, said)
		}
		// 4 texts with their lengths, and 4 numbers.
		if most := 4*helloText + 8*binary.MaxVarintLen64; len(r.read) > most {
			t.Fatalf("%d bytes were read; want at most %d", len(r.read), most)
		}
		if err == nil && !bytes.HasSuffix(r.read, []byte(h.password)) {
			t.Fatalf("the password %q does not end %q", h.password, r.read)
		}
	})
}
