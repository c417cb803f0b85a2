package backup

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Format is the form of the archives that this program writes, and the newest that it reads.
const Format = 1

// Manifest is the first file of an archive: it says what follows.
type Manifest struct {
	Format int `json:"format"`
	// Plumbline and Engine are the versions that made the archive.
	Plumbline string    `json:"plumbline"`
	Engine    string    `json:"engine"`
	CreatedAt time.Time `json:"created_at"`
	// BrokerPauseMillis is how long the broker stood still for the copy, in milliseconds.
	BrokerPauseMillis float64 `json:"broker_pause_ms"`
	// Bytes is the size of all files together.
	Bytes int64 `json:"bytes"`
	// Files are the files in the order in which they follow.
	Files []File `json:"files"`
}

// File is one file of an archive.
type File struct {
	// Path is relative to the data folder, with slashes.
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// The names of the first and of the last entry. The last has the SHA-256 of all bytes before it, as hexadecimal digits: of
// headers and of what fills blocks up, too.
const (
	manifestName = "plumbline-backup.json"
	endName      = "plumbline-backup.end"
)

const (
	// block is the unit of a tar file, in bytes.
	block = 512
	// afterEnd is how many zero bytes follow the content of the last entry: they fill its block up, and two blocks end the file.
	afterEnd = block - 2*sha256.Size + 2*block
)

// maxManifest bounds the manifest, in bytes: 100,000 files and more.
const maxManifest = 64 << 20

// What an archive can be that is none to restore from.
var (
	// ErrForeign says that the file was never an archive of ours.
	ErrForeign = errors.New("this is not a Plumbline backup")
	// ErrDamaged says that it is not what it was when it was written.
	ErrDamaged = errors.New("the backup is damaged")
	// ErrNewer says that a newer program wrote it.
	ErrNewer = errors.New("the backup was made by a newer Plumbline")
)

// ParseManifest reads a manifest and checks that its paths stay within a data folder and its sizes add up.
func ParseManifest(raw []byte) (Manifest, error) {
	var version struct {
		Format int            `json:"format"`
		Rest   jsontext.Value `json:",unknown"`
	}
	if err := json.Unmarshal(raw, &version); err != nil {
		return Manifest{}, fmt.Errorf("%w: manifest: %w", ErrDamaged, err)
	}
	if version.Format > Format {
		return Manifest{}, fmt.Errorf("%w: it has format %d, this program reads up to %d: update it", ErrNewer, version.Format, Format)
	}
	var m Manifest
	if err := json.Unmarshal(raw, &m, json.RejectUnknownMembers(true)); err != nil {
		return Manifest{}, fmt.Errorf("%w: manifest: %w", ErrDamaged, err)
	}
	if m.Format < 1 {
		return Manifest{}, fmt.Errorf("%w: manifest: there is no format %d", ErrDamaged, m.Format)
	}
	left := m.Bytes
	seen := make(map[string]bool, len(m.Files))
	for _, f := range m.Files {
		left -= f.Size
		if f.Size < 0 || left < 0 {
			return Manifest{}, fmt.Errorf("%w: manifest: the sizes do not add up", ErrDamaged)
		}
		if !belongs(f.Path) || seen[f.Path] {
			return Manifest{}, fmt.Errorf("%w: manifest: %q is no place for a file", ErrDamaged, f.Path)
		}
		seen[f.Path] = true
		if sum, err := hex.DecodeString(f.SHA256); err != nil || len(sum) != sha256.Size {
			return Manifest{}, fmt.Errorf("%w: manifest: %q has no checksum", ErrDamaged, f.Path)
		}
	}
	if left != 0 {
		return Manifest{}, fmt.Errorf("%w: manifest: the sizes do not add up", ErrDamaged)
	}
	return m, nil
}

// belongs says whether a path is one that a backup writes.
func belongs(name string) bool {
	if path.Clean(name) != name || !filepath.IsLocal(filepath.FromSlash(name)) || strings.ContainsAny(name, "\\\x00") {
		return false
	}
	return slices.Contains(ownFiles(), name) || strings.HasPrefix(name, databaseDir+"/") || strings.HasPrefix(name, brokerDir+"/")
}

// WriteTo writes the archive, a tar file.
func (c *Copy) WriteTo(w io.Writer) (int64, error) {
	counted := &counter{w: w, sum: sha256.New()}
	err := c.write(tar.NewWriter(counted), counted)
	if err != nil {
		err = fmt.Errorf("write backup: %w", err)
	}
	return counted.n, err
}

func (c *Copy) write(w *tar.Writer, written *counter) error {
	manifest, err := json.Marshal(c.Manifest, json.Deterministic(true))
	if err != nil {
		return err
	}
	if err := c.entry(w, manifestName, int64(len(manifest)), bytes.NewReader(manifest)); err != nil {
		return err
	}
	for i, f := range c.Manifest.Files {
		if err := c.file(w, f, c.places[i]); err != nil {
			return err
		}
	}
	if err := w.Flush(); err != nil { // fills the last block up
		return err
	}
	sum := hex.EncodeToString(written.sum.Sum(nil))
	if err := c.entry(w, endName, int64(len(sum)), strings.NewReader(sum)); err != nil {
		return err
	}
	return w.Close()
}

func (c *Copy) file(w *tar.Writer, f File, place string) error {
	in, err := os.Open(place)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	return c.entry(w, f.Path, f.Size, in)
}

func (c *Copy) entry(w *tar.Writer, name string, size int64, in io.Reader) error {
	header := &tar.Header{Name: name, Size: size, Mode: 0o600, ModTime: c.Manifest.CreatedAt.Truncate(time.Second), Typeflag: tar.TypeReg}
	if err := w.WriteHeader(header); err != nil {
		return err
	}
	_, err := io.CopyN(w, in, size)
	return err
}

// counter counts what is written, and sums it up.
type counter struct {
	w   io.Writer
	sum hash.Hash
	n   int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.sum.Write(p[:n])
	c.n += int64(n)
	return n, err
}

// summer sums up what is read, up to a limit.
type summer struct {
	r     io.Reader
	sum   hash.Hash
	n     int64
	limit int64
}

func (s *summer) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.sum.Write(p[:max(0, min(int64(n), s.limit-s.n))])
	s.n += int64(n)
	return n, err
}

// Verify reads a whole archive and checks every byte of it against the manifest. It calls done, if not nil, as it goes
// on, with the bytes of files that were read and of all.
func Verify(r io.Reader, done func(read, all int64)) (Manifest, error) {
	return read(r, done, func(File, io.Reader) error { return nil })
}

// read calls handle for every file, with what is in it; what handle leaves is read after it. An error of handle ends it.
func read(r io.Reader, done func(read, all int64), handle func(File, io.Reader) error) (Manifest, error) {
	// Through the sum only, and so without seeking.
	summed := &summer{r: r, sum: sha256.New(), limit: math.MaxInt64}
	t := tar.NewReader(summed)
	m, err := readManifest(t)
	if err != nil {
		return Manifest{}, err
	}
	soFar := int64(0)
	for _, f := range m.Files {
		if err := readFile(t, f, handle); err != nil {
			return Manifest{}, err
		}
		soFar += f.Size
		if done != nil {
			done(soFar, m.Bytes)
		}
	}
	return m, readEnd(t, summed)
}

func readFile(t *tar.Reader, f File, handle func(File, io.Reader) error) error {
	header, err := t.Next()
	if err != nil {
		return cut(err)
	}
	if header.Name != f.Path || header.Size != f.Size || header.Typeflag != tar.TypeReg {
		return fmt.Errorf("%w: it has %q where %q should be", ErrDamaged, header.Name, f.Path)
	}
	sum := sha256.New()
	content := io.TeeReader(t, sum)
	if err := handle(f, content); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, content); err != nil {
		return cut(err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return fmt.Errorf("%w: the checksum of %s is wrong", ErrDamaged, f.Path)
	}
	return nil
}

// readManifest reads the first entry.
func readManifest(t *tar.Reader) (Manifest, error) {
	header, err := t.Next()
	if err != nil || header.Name != manifestName {
		return Manifest{}, ErrForeign
	}
	raw, err := entryOf(t, header)
	if err != nil {
		return Manifest{}, err
	}
	return ParseManifest(raw)
}

// readEnd reads the last entry, compares the sum of everything before it, and wants nothing after it.
func readEnd(t *tar.Reader, summed *summer) error {
	// The content of the last file was read to its end, but not what fills its block up.
	summed.limit = (summed.n + block - 1) / block * block
	header, err := t.Next()
	if err != nil {
		return cut(err)
	}
	if header.Name != endName {
		return fmt.Errorf("%w: it has %q where it should end", ErrDamaged, header.Name)
	}
	want, err := entryOf(t, header)
	if err != nil {
		return err
	}
	if hex.EncodeToString(summed.sum.Sum(nil)) != string(want) {
		return fmt.Errorf("%w: its checksum is wrong", ErrDamaged)
	}
	rest, err := io.ReadAll(io.LimitReader(summed, afterEnd+1))
	switch {
	case err != nil:
		return cut(err)
	case len(rest) < afterEnd:
		return cut(io.ErrUnexpectedEOF)
	case len(rest) > afterEnd || len(bytes.Trim(rest, "\x00")) > 0:
		return fmt.Errorf("%w: something follows its end", ErrDamaged)
	}
	return nil
}

func entryOf(t *tar.Reader, header *tar.Header) ([]byte, error) {
	if header.Size > maxManifest {
		return nil, fmt.Errorf("%w: %s is too long", ErrDamaged, header.Name)
	}
	raw, err := io.ReadAll(t)
	if err != nil {
		return nil, cut(err)
	}
	return raw, nil
}

// cut says that an archive ends too early, or is damaged in another way.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends too early, as if a copy of it was interrupted", ErrDamaged)
	}
	return fmt.Errorf("%w: %w", ErrDamaged, err)
}
