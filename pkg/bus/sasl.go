package bus

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/twmb/franz-go/pkg/kmsg"

	"plumbline/pkg/trust"
)

// authenticate says who we are on a new connection. kafka-go does so too, on the connections that it makes itself; ours are
// for its parts and for the [fetcher] alike, and their errors say what to change.
func (s Security) authenticate(ctx context.Context, conn net.Conn, address string) error {
	mechanism, err := s.mechanism()
	if err != nil {
		return fmt.Errorf("say who we are to %s: %w", address, err)
	}
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return fmt.Errorf("say who we are to %s: %w", address, err)
		}
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // ends what waits on it
	defer stop()
	t := &talk{conn: conn}
	if err := t.choose(mechanism.Name()); err != nil {
		return s.explain(address, err)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("say who we are to %s: %w", address, err)
	}
	number, _ := strconv.Atoi(port) // an address that was connected to has one
	session, state, err := mechanism.Start(sasl.WithMetadata(ctx, &sasl.Metadata{Host: host, Port: number}))
	for done := false; err == nil && !done; {
		var challenge []byte
		if challenge, err = t.present(state); err == nil {
			done, state, err = session.Next(ctx, challenge)
		}
	}
	if err != nil {
		return s.explain(address, err)
	}
	if !stop() {
		return ctx.Err() // the deadline is no longer ours to take away
	}
	return conn.SetDeadline(time.Time{})
}

// explain says what to change when a broker does not take us for who we say we are.
func (s Security) explain(address string, err error) error {
	switch {
	case errors.Is(err, kafka.UnsupportedSASLMechanism):
		err = trust.Refused(fmt.Errorf("connect to %s: it does not offer --kafka-sasl=%s there: choose one of %w", address, s.SASL, err))
	case errors.Is(err, kafka.SASLAuthenticationFailed):
		err = trust.Refused(fmt.Errorf(
			"connect to %s: it does not know --kafka-user=%s with this password and --kafka-sasl=%s: correct the password, or give the user one there: %w",
			address, s.User, s.SASL, err))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		err = fmt.Errorf("%s hung up while we said who we are: look at --kafka-user, its password and --kafka-tls: %w", address, err)
	default:
		err = fmt.Errorf("say who we are to %s: %w", address, err)
	}
	return err
}

// talk is the beginning of a connection, before anybody else speaks on it.
type talk struct {
	conn        net.Conn
	correlation int32
}

// greet asks what the broker can do, which it answers to anybody whom it talks to.
func (t *talk) greet() error {
	if err := t.conn.SetDeadline(time.Now().Add(dialTimeout)); err != nil {
		return err
	}
	return t.exchange(kmsg.NewPtrApiVersionsRequest(), &kmsg.ApiVersionsResponse{})
}

// choose tells the broker the mechanism.
func (t *talk) choose(mechanism string) error {
	req := kmsg.NewPtrSASLHandshakeRequest()
	req.Version, req.Mechanism = 1, mechanism
	res := &kmsg.SASLHandshakeResponse{Version: req.Version}
	if err := t.exchange(req, res); err != nil {
		return err
	}
	if code := kafka.Error(res.ErrorCode); code == kafka.UnsupportedSASLMechanism {
		return fmt.Errorf("%q: %w", res.SupportedMechanisms, code)
	} else if code != 0 {
		return code
	}
	return nil
}

// present sends what the mechanism says and returns what the broker says to it.
func (t *talk) present(state []byte) ([]byte, error) {
	req := kmsg.NewPtrSASLAuthenticateRequest()
	req.SASLAuthBytes = state
	res := &kmsg.SASLAuthenticateResponse{}
	if err := t.exchange(req, res); err != nil {
		return nil, err
	}
	if code := kafka.Error(res.ErrorCode); code != 0 {
		return nil, code
	}
	return res.SASLAuthBytes, nil
}

// mostTalk is the longest answer that is believed of somebody who is not known yet.
const mostTalk = 1 << 16

func (t *talk) exchange(req kmsg.Request, res kmsg.Response) error {
	t.correlation++
	_, err := t.conn.Write(kmsg.NewRequestFormatter(kmsg.FormatterClientID(clientID)).AppendRequest(nil, req, t.correlation))
	if err != nil {
		return err
	}
	raw, err := readAnswer(t.conn, t.correlation, nil, mostTalk)
	if err != nil {
		return err
	}
	return res.ReadFrom(raw)
}

// readAnswer reads one answer of a broker, into the buffer where it is large enough.
func readAnswer(r io.Reader, correlation int32, buffer []byte, most int64) ([]byte, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return buffer, err
	}
	size := int64(int32(binary.BigEndian.Uint32(head[:]))) - 4
	if size < 0 || size > most {
		return buffer, fmt.Errorf("the answer has %d bytes", size)
	}
	if got := int32(binary.BigEndian.Uint32(head[4:])); got != correlation {
		return buffer, fmt.Errorf("the answer is to request %d, not %d", got, correlation)
	}
	if int64(cap(buffer)) < size {
		buffer = make([]byte, size, size+size/8)
	}
	buffer = buffer[:size]
	_, err := io.ReadFull(r, buffer)
	return buffer, err
}
