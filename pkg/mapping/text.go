package mapping

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxRecord bounds one record: a longer one is a quote left open, or no file of records at all.
const maxRecord = 1 << 20

// FileError is something wrong with the file as a whole: reading cannot go on behind it.
type FileError struct {
	// Line is where it is, from 1; 0 where it is no single line.
	Line int
	// Message is a sentence that says what to change.
	Message string
}

// Error is "line 7: sentence".
func (e *FileError) Error() string {
	if e.Line == 0 {
		return e.Message
	}
	return fmt.Sprintf("line %d: %s", e.Line, e.Message)
}

var (
	bomUTF8    = []byte{0xEF, 0xBB, 0xBF}
	bomUTF16LE = []byte{0xFF, 0xFE}
	bomUTF16BE = []byte{0xFE, 0xFF}
)

// plainText strips a UTF-8 byte order mark and refuses files that are not text in UTF-8.
func plainText(r io.Reader) (*bufio.Reader, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	head, err := b.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read: %w", err)
	}
	switch {
	case bytes.HasPrefix(head, bomUTF8):
		if _, err := b.Discard(len(bomUTF8)); err != nil {
			return nil, fmt.Errorf("read: %w", err)
		}
	case bytes.HasPrefix(head, bomUTF16LE), bytes.HasPrefix(head, bomUTF16BE):
		return nil, &FileError{1, "the file is UTF-16: save it as UTF-8 (in Excel: \"CSV UTF-8\") and import that"}
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return nil, &FileError{1, "the file is a ZIP archive or an Excel workbook: save it as CSV in UTF-8 and import that"}
	case bytes.HasPrefix(head, []byte{0x1F, 0x8B}):
		return nil, &FileError{1, "the file is compressed with gzip: unpack it first (gunzip -c FILE | plumbline import -)"}
	case len(head) == 0:
		return nil, &FileError{1, "the file is empty"}
	}
	return b, nil
}

// fuse is a reader that fails once a record has grown beyond its bound.
type fuse struct {
	r         io.Reader
	delivered int64
	limit     int64
}

var errRecordTooLong = errors.New("record too long")

func (f *fuse) Read(p []byte) (int, error) {
	if f.delivered > f.limit {
		return 0, errRecordTooLong
	}
	n, err := f.r.Read(p)
	f.delivered += int64(n)
	return n, err
}
