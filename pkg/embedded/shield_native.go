package embedded

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

const (
	// helloText bounds each text of a hello, bytes. The engine's own bound is larger.
	helloText = 4096

	// revisionQuota is the revision of the native protocol since which a client says the key of its quota after the
	// hello of the server, revisionChunks the one since which it then says twice how it frames packets, and
	// revisionReplicas the one since which it then says how it speaks of replicas.
	revisionQuota    = 54458
	revisionChunks   = 54470
	revisionReplicas = 54471

	packetHello     = 0 // of a client
	packetException = 2 // of a server

	codeUnknownDatabase      = 81
	codeUnexpectedPacket     = 101
	codeAuthenticationFailed = 516
)

// errNoHello says that a client does not begin as one of the native protocol does.
var errNoHello = errors.New("no hello of the native protocol of ClickHouse")

// hello is the first packet of a client of the native protocol.
type hello struct {
	revision                 uint64
	database, user, password string
}

// readHello reads a hello. The error is [errNoHello] where the client says something else.
func readHello(r *packetReader) (hello, error) {
	var h hello
	kind, err := r.uvarint()
	if err == nil && kind != packetHello {
		err = errNoHello
	}
	if err != nil {
		return h, err
	}
	if _, err = r.text(); err != nil { // the name of the client
		return h, err
	}
	for range 3 { // its version, major and minor, then the revision of its protocol
		if h.revision, err = r.uvarint(); err != nil {
			return h, err
		}
	}
	for _, text := range []*string{&h.database, &h.user, &h.password} {
		if *text, err = r.text(); err != nil {
			return h, err
		}
	}
	return h, nil
}

// packetReader reads the parts of a packet, and keeps what it has read.
type packetReader struct {
	from *bufio.Reader
	read []byte
}

// ReadByte makes numbers of it, for [binary.ReadUvarint].
func (r *packetReader) ReadByte() (byte, error) {
	b, err := r.from.ReadByte()
	if err == nil {
		r.read = append(r.read, b)
	}
	return b, err
}

// uvarint reads a number; one that does not fit into 64 bits is no part of a hello.
func (r *packetReader) uvarint() (uint64, error) {
	before := len(r.read)
	n, err := binary.ReadUvarint(r)
	if err != nil && len(r.read)-before == binary.MaxVarintLen64 {
		return 0, errNoHello
	}
	return n, err
}

// text reads a text of at most helloText bytes.
func (r *packetReader) text() (string, error) {
	n, err := r.uvarint()
	if err != nil {
		return "", err
	}
	if n > helloText {
		return "", errNoHello
	}
	start := len(r.read)
	r.read = append(r.read, make([]byte, n)...)
	got, err := io.ReadFull(r.from, r.read[start:])
	r.read = r.read[:start+got]
	return string(r.read[start:]), err
}

// nativeGuard lets in whom the engine would let in.
type nativeGuard struct {
	owner account // the only user of the native protocol
}

// admit reads the hello of a client. It returns what is to be passed on, or nil where it has refused the client.
func (g nativeGuard) admit(client *net.TCPConn) io.WriterTo {
	_ = client.SetReadDeadline(time.Now().Add(introduction))
	r := &packetReader{from: bufio.NewReader(client)}
	h, err := readHello(r)
	switch {
	case errors.Is(err, errNoHello) && r.read[0] >= 'A' && r.read[0] <= 'Z':
		refuse(client, badRequest(fmt.Sprintf("this port is for the native protocol of ClickHouse; HTTP is on port %d", g.owner.httpPort)))
		return nil
	case errors.Is(err, errNoHello):
		refuse(client, exception(codeUnexpectedPacket, err.Error()))
		return nil
	case err != nil:
		return nil // it ended, or is too slow
	case !g.owner.is(h.user, h.password):
		refuse(client, exception(codeAuthenticationFailed,
			fmt.Sprintf("Authentication failed: there is no user %q with this password; only %q may use the native protocol", h.user, g.owner.user)))
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), introduction)
	defer cancel()
	// Databases come and go, and so only the engine knows them. Over HTTP, it survives the question.
	if err := g.owner.exec(ctx, h.database, "SELECT 1"); err != nil {
		var failed *statementError
		switch {
		case errors.As(err, &failed) && failed.code == codeUnknownDatabase:
			refuse(client, exception(failed.code, fmt.Sprintf("Database %q does not exist", h.database)))
		case errors.As(err, &failed) && failed.code != 0:
			refuse(client, exception(failed.code, failed.message))
		}
		return nil // without an answer where the engine gave none
	}
	return &introduced{client: client, revision: h.revision, packetReader: r}
}

// is compares in constant time.
func (a account) is(user, password string) bool {
	users := sameText(a.user, user)
	return users&sameText(a.password, password) == 1
}

// sameText is 1 where two texts are the same; how long it takes says nothing about them.
func sameText(a, b string) int {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:])
}

// introduced is what a client says whose hello was read and found good.
type introduced struct {
	client   *net.TCPConn
	revision uint64
	*packetReader
}

// WriteTo passes the hello on, then what comes after it: first the addendum, whole and right or not at all, since the
// engine does not survive half of one either.
func (c *introduced) WriteTo(server io.Writer) (int64, error) {
	hello, err := server.Write(c.read)
	if err != nil {
		return int64(hello), err
	}
	c.read = nil
	_ = c.client.SetReadDeadline(time.Now().Add(introduction))
	if err := c.readAddendum(); err != nil {
		return int64(hello), err
	}
	_ = c.client.SetReadDeadline(time.Time{})
	addendum, err := server.Write(c.read)
	if err != nil {
		return int64(hello + addendum), err
	}
	rest, err := c.from.WriteTo(server)
	return int64(hello+addendum) + rest, err
}

// readAddendum reads what a client says once the server has greeted it.
func (c *introduced) readAddendum() error {
	if c.revision >= revisionQuota {
		if _, err := c.text(); err != nil {
			return err
		}
	}
	if c.revision < revisionChunks {
		return nil
	}
	for range 2 {
		framing, err := c.text()
		if err != nil {
			return err
		}
		if framing != "notchunked" {
			return errNoHello // the engine has said that this is all it is set up for
		}
	}
	if c.revision < revisionReplicas {
		return nil
	}
	_, err := c.uvarint()
	return err
}

// exception is the packet with which a server of the native protocol refuses something.
func exception(code int, message string) []byte {
	const name = "DB::Exception"
	packet := binary.AppendUvarint(nil, packetException)
	packet = binary.LittleEndian.AppendUint32(packet, uint32(code))
	for _, text := range []string{name, name + ": " + message, ""} { // the last is a stack trace
		packet = binary.AppendUvarint(packet, uint64(len(text)))
		packet = append(packet, text...)
	}
	return append(packet, 0) // nothing nested
}
