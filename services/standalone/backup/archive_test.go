package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// archive writes an archive of two small files.
func archive(t testing.TB) []byte {
	t.Helper()
	c := &Copy{Manifest: Manifest{Format: Format, Plumbline: "test", CreatedAt: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)}}
	dir := t.TempDir()
	for name, content := range map[string]string{"keys.json": "{}", "kafka/topics.json": strings.Repeat("x", 700)} {
		place := filepath.Join(dir, filepath.Base(name))
		if err := os.WriteFile(place, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := c.add(t.Context(), name, place, -1); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	n, err := c.WriteTo(&out)
	if err != nil || n != int64(out.Len()) {
		t.Fatalf("%d bytes of %d: %v", n, out.Len(), err)
	}
	return out.Bytes()
}

// A file that grows while it is copied is taken as long as it was.
func TestOnlyTheFirstBytesBelongToACopy(t *testing.T) {
	place := filepath.Join(t.TempDir(), "log")
	if err := os.WriteFile(place, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &Copy{Manifest: Manifest{Format: Format}}
	if err := c.add(t.Context(), "kafka/log", place, 3); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(place, []byte("old and new"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := c.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	var got string
	_, err := read(&out, nil, func(_ File, content io.Reader) error {
		raw, err := io.ReadAll(content)
		got = string(raw)
		return err
	})
	if err != nil || got != "old" {
		t.Errorf("the file has %q, %v; want what was there", got, err)
	}
}

func TestVerifySaysWhatIsWrong(t *testing.T) {
	sound := archive(t)
	if m, err := Verify(bytes.NewReader(sound), nil); err != nil || len(m.Files) != 2 || m.Bytes != 702 {
		t.Fatalf("a sound archive: %+v, %v", m, err)
	}
	// Cut anywhere, it is damaged, or no archive at all.
	for n := 0; n < len(sound); n += 97 {
		if _, err := Verify(bytes.NewReader(sound[:n]), nil); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrForeign) {
			t.Errorf("cut to %d of %d bytes: %v", n, len(sound), err)
		}
	}
	// So it is with any bit of it, be it of a file, of a header, or of what fills a block up; but for the header of the last
	// entry, which says nothing more than its name and size.
	for at := range sound {
		if header := len(sound) - afterEnd - 2*sha256.Size - block; at >= header && at < header+block {
			continue
		}
		broken := slices.Clone(sound)
		broken[at] ^= 1 << (at % 8)
		if _, err := Verify(bytes.NewReader(broken), nil); err == nil {
			t.Errorf("bit %d of byte %d of %d was flipped, and nothing is said", at%8, at, len(sound))
		}
	}
	broken := slices.Clone(sound)
	broken[bytes.Index(sound, []byte("xxxxx"))+300] ^= 1
	if _, err := Verify(bytes.NewReader(broken), nil); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "checksum of kafka/topics.json") {
		t.Errorf("a flipped bit: %v", err)
	}
	if _, err := Verify(bytes.NewReader(append(slices.Clone(sound), 0)), nil); !errors.Is(err, ErrDamaged) {
		t.Errorf("one byte more: %v", err)
	}
	for _, c := range []struct {
		name, manifest string
		want           error
	}{
		{"newer", `{"format":2,"what":"ever"}`, ErrNewer},
		{"no format", `{}`, ErrDamaged},
		{"unknown member", `{"format":1,"what":"ever"}`, ErrDamaged},
		{"escape", manifestOf("../keys.json", 0), ErrDamaged},
		{"absolute", manifestOf("/etc/passwd", 0), ErrDamaged},
		{"elsewhere", manifestOf("bin/sh", 0), ErrDamaged},
		{"negative", manifestOf("kafka/x", -1), ErrDamaged},
		{"missing file", manifestOf("kafka/x", 0), ErrDamaged},
	} {
		if _, err := Verify(bytes.NewReader(tarOf(t, c.manifest)), nil); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := Verify(strings.NewReader("PK\x03\x04 something else"), nil); !errors.Is(err, ErrForeign) {
		t.Errorf("a foreign file: %v", err)
	}
}

func manifestOf(path string, size int64) string {
	sum := sha256.Sum256(nil)
	return fmt.Sprintf(`{"format":1,"bytes":%d,"files":[{"path":%q,"size":%d,"sha256":"%x"}]}`, size, path, size, sum)
}

// tarOf is an archive that has this manifest and ends there.
func tarOf(t testing.TB, manifest string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	if err := w.WriteHeader(&tar.Header{Name: manifestName, Size: int64(len(manifest)), Mode: 0o600}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, manifest); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// A damaged archive leaves nothing behind, and what is not empty stays as it is.
func TestRestoreLeavesNothingBehind(t *testing.T) {
	root := t.TempDir()
	file := filepath.Join(root, "b.tar")
	if err := os.WriteFile(file, archive(t)[:2000], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(context.Background(), file, filepath.Join(root, "new"), nil); !errors.Is(err, ErrDamaged) {
		t.Errorf("a damaged archive: %v", err)
	}
	if _, err := Restore(context.Background(), file, root, nil); !errors.Is(err, ErrNotEmpty) {
		t.Errorf("a folder that is not empty: %v", err)
	}
	if entries, err := os.ReadDir(root); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v %v", entries, err)
	}
}

// A manifest that is accepted stays in the data folder, adds up, and reads the same once more.
func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(manifestOf("kafka/data/topics.json", 0)))
	f.Add([]byte(manifestOf("keys.json", 0)))
	f.Add([]byte(manifestOf("kafka/../keys.json", 0)))
	f.Add([]byte(`{"format":1,"bytes":9223372036854775807,"files":[]}`))
	f.Add([]byte(`{"format":3}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := ParseManifest(raw)
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewer) {
				t.Errorf("an error of no kind: %v", err)
			}
			return
		}
		total := int64(0)
		for _, file := range m.Files {
			total += file.Size
			inside := place(file.Path)
			if !filepath.IsLocal(inside) || inside == "." || strings.Contains(inside, "..") && slices.Contains(strings.Split(inside, "/"), "..") {
				t.Errorf("%q leads out of the folder", file.Path)
			}
		}
		if total != m.Bytes {
			t.Errorf("%d bytes, the files have %d", m.Bytes, total)
		}
		again, err := json.Marshal(m, json.Deterministic(true))
		if err != nil {
			t.Fatalf("an accepted manifest cannot be written: %v", err)
		}
		back, err := ParseManifest(again)
		if err != nil || len(back.Files) != len(m.Files) || back.Bytes != m.Bytes || !back.CreatedAt.Equal(m.CreatedAt) {
			t.Errorf("read again: %+v, %v; want %+v", back, err, m)
		}
	})
}

// Whatever is said to be sound has exactly the files of its manifest.
func FuzzVerify(f *testing.F) {
	sound := archive(f)
	f.Add(sound)
	f.Add(sound[:1024])
	f.Add(tarOf(f, manifestOf("kafka/x", 0)))
	f.Add([]byte("PK\x03\x04"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		last := int64(0)
		m, err := Verify(bytes.NewReader(raw), func(done, all int64) {
			if done < last || done > all {
				t.Errorf("%d of %d bytes done after %d", done, all, last)
			}
			last = done
		})
		switch {
		case err == nil && last != m.Bytes:
			t.Errorf("sound, but %d of %d bytes were read", last, m.Bytes)
		case err != nil && !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewer) && !errors.Is(err, ErrForeign):
			t.Errorf("an error of no kind: %v", err)
		}
	})
}
