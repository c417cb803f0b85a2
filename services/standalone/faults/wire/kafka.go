package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Moved says where clients find a broker that says it is at an address, host:port: at a proxy.
type Moved func(address string) string

// Kafka is the protocol of Kafka; what describes a request is its name in lower case with its topics or its group:
// "produce plumbline.events", "fetch …", "offsetcommit plumbline.loader", "joingroup …", "syncgroup …", "heartbeat …". The
// addresses of brokers in answers are moved.
func Kafka(moved Moved) Dialect {
	return func() session { return &kafka{moved: moved, open: map[int32]asked{}} }
}

// asked is a request that waits for its answer.
type asked struct {
	what         string
	key, version int16
}

// kafka follows a connection to a broker.
type kafka struct {
	moved Moved
	mu    sync.Mutex
	open  map[int32]asked
}

// frameMost is more than any frame of ours has, bytes.
const frameMost = 128 << 20

// frame reads one request or answer with its length.
func frame(r *bufio.Reader) ([]byte, error) {
	head, err := r.Peek(4)
	if err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(head)
	if n < 4 || n > frameMost {
		return nil, fmt.Errorf("a frame of %d bytes", n)
	}
	piece := make([]byte, 4+n)
	_, err = io.ReadFull(r, piece)
	return piece, err
}

func (k *kafka) request(r *bufio.Reader) ([]byte, string, error) {
	piece, err := frame(r)
	if err != nil {
		return nil, "", err
	}
	if len(piece) < 14 {
		return nil, "", errors.New("a request without a header")
	}
	a := asked{key: int16(binary.BigEndian.Uint16(piece[4:])), version: int16(binary.BigEndian.Uint16(piece[6:]))}
	a.what = describe(piece, a)
	k.mu.Lock()
	k.open[int32(binary.BigEndian.Uint32(piece[8:]))] = a
	k.mu.Unlock()
	return piece, a.what, nil
}

// describe names a request. What it can not read keeps the name alone.
func describe(piece []byte, a asked) string {
	name := strings.ToLower(kmsg.NameForKey(a.key))
	req := kmsg.RequestForKey(a.key)
	if req == nil {
		return name
	}
	req.SetVersion(a.version)
	body := piece[12:]
	if n := int16(binary.BigEndian.Uint16(body)); n > 0 && int(n) <= len(body)-2 {
		body = body[2+n:] // the name of the client
	} else {
		body = body[2:]
	}
	if req.IsFlexible() {
		if len(body) == 0 || body[0] != 0 {
			return name // tags: our clients write none
		}
		body = body[1:]
	}
	if err := req.ReadFrom(body); err != nil {
		return name
	}
	return strings.Join(append([]string{name}, subjects(req)...), " ")
}

// subjects are the topics or the group of a request.
func subjects(req kmsg.Request) []string {
	var out []string
	switch q := req.(type) {
	case *kmsg.ProduceRequest:
		for _, t := range q.Topics {
			out = append(out, t.Topic)
		}
	case *kmsg.FetchRequest:
		for _, t := range q.Topics {
			out = append(out, t.Topic)
		}
	case *kmsg.ListOffsetsRequest:
		for _, t := range q.Topics {
			out = append(out, t.Topic)
		}
	case *kmsg.OffsetCommitRequest:
		out = append(out, q.Group)
		for _, t := range q.Topics {
			for _, p := range t.Partitions {
				out = append(out, fmt.Sprintf("%s/%d=%d", t.Topic, p.Partition, p.Offset))
			}
		}
	case *kmsg.OffsetFetchRequest:
		out = append(out, q.Group)
	case *kmsg.JoinGroupRequest:
		out = append(out, q.Group)
	case *kmsg.SyncGroupRequest:
		out = append(out, q.Group)
	case *kmsg.HeartbeatRequest:
		out = append(out, q.Group)
	case *kmsg.LeaveGroupRequest:
		out = append(out, q.Group)
	}
	return out
}

func (k *kafka) answer(r *bufio.Reader) ([]byte, string, error) {
	piece, err := frame(r)
	if err != nil {
		return nil, "", err
	}
	id := int32(binary.BigEndian.Uint32(piece[4:]))
	k.mu.Lock()
	a, ok := k.open[id]
	delete(k.open, id)
	k.mu.Unlock()
	if !ok {
		return piece, "", nil
	}
	piece, err = k.move(piece, a)
	return piece, a.what, err
}

// move writes the addresses of proxies into the answers that name brokers.
func (k *kafka) move(piece []byte, a asked) ([]byte, error) {
	if a.key != int16(kmsg.Metadata) && a.key != int16(kmsg.FindCoordinator) {
		return piece, nil
	}
	res := kmsg.RequestForKey(a.key).ResponseKind()
	res.SetVersion(a.version)
	head := 8
	if res.IsFlexible() {
		head++ // no tags
	}
	if err := res.ReadFrom(piece[head:]); err != nil {
		return nil, fmt.Errorf("read an answer: %w", err)
	}
	var err error
	switch r := res.(type) {
	case *kmsg.MetadataResponse:
		for i := range r.Brokers {
			err = errors.Join(err, k.moveOne(&r.Brokers[i].Host, &r.Brokers[i].Port))
		}
	case *kmsg.FindCoordinatorResponse:
		err = k.moveOne(&r.Host, &r.Port)
		for i := range r.Coordinators {
			err = errors.Join(err, k.moveOne(&r.Coordinators[i].Host, &r.Coordinators[i].Port))
		}
	}
	if err != nil {
		return nil, err
	}
	out := res.AppendTo(append([]byte(nil), piece[:head]...))
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	return out, nil
}

func (k *kafka) moveOne(host *string, port *int32) error {
	if *host == "" || *port <= 0 {
		return nil // nobody, in an answer that is an error
	}
	at := k.moved(net.JoinHostPort(*host, strconv.Itoa(int(*port))))
	h, p, err := net.SplitHostPort(at)
	if err != nil {
		return fmt.Errorf("move a broker: %w", err)
	}
	n, err := strconv.Atoi(p)
	if err != nil {
		return fmt.Errorf("move a broker: %w", err)
	}
	*host, *port = h, int32(n)
	return nil
}
