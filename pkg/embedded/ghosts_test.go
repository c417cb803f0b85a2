package embedded_test

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"plumbline/pkg/embedded"
)

// A member whose connection ends while it waits for its place in a group is in nobody's way for long: the others get its
// partitions.
func TestGhostsLeaveTheirGroup(t *testing.T) {
	t.Parallel()
	broker, err := embedded.StartBroker(t.Context(), embedded.BrokerConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Stop(context.WithoutCancel(t.Context())) })
	client, err := kgo.NewClient(kgo.SeedBrokers(broker.Addrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()

	member, generation := join(ctx, t, client, "")
	leaveAt(ctx, t, broker.Addrs()[0])
	for beat(ctx, t, client, member, generation) == nil { // until the other one has joined
		pause(ctx, t)
	}
	member, generation = join(ctx, t, client, member)
	if n := members(ctx, t, client); n != 2 {
		t.Fatalf("%d members, want the ghost, too", n)
	}
	for beat(ctx, t, client, member, generation) == nil { // until the ghost is found
		pause(ctx, t)
	}
	join(ctx, t, client, member)
	if n := members(ctx, t, client); n != 1 {
		t.Errorf("%d members, want one", n)
	}
}

// A rebalance ends, however its members give up and join again: also where the broker has lost count of them, because one has
// gone while it waited for its place.
func TestRebalancesEnd(t *testing.T) {
	t.Parallel()
	broker, err := embedded.StartBroker(t.Context(), embedded.BrokerConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = broker.Stop(context.WithoutCancel(t.Context())) })
	connect := func() *kgo.Client { // each has a connection of its own: an answer that does not come holds up what follows on it
		client, err := kgo.NewClient(kgo.SeedBrokers(broker.Addrs()...))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		return client
	}
	client, second := connect(), connect()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()

	leader, generation := join(ctx, t, client, "")
	other := make(chan int32, 1)
	go func() { // joins, asks for its place, and is gone before it is told
		id, at, _ := tryJoin(ctx, second, "")
		other <- at
		syncRequest(id, at).RequestWith(ctx, second) //nolint:errcheck // the answer is that there is none
	}()
	for beat(ctx, t, client, leader, generation) == nil {
		pause(ctx, t)
	}
	if _, generation, err = tryJoin(ctx, client, leader); err != nil || generation != <-other {
		t.Fatalf("both joined: %d, %v", generation, err)
	}
	for beat(ctx, t, client, leader, generation) == nil { // until the other one's session has ended, while it waits for us
		pause(ctx, t)
	}

	// Two who give up after four seconds, of which the broker gives three, and join again, out of step.
	in := make(chan int32, 2)
	for range 2 {
		client := connect()
		go func() {
			for ctx.Err() == nil {
				attempt, done := context.WithTimeout(ctx, 4*time.Second)
				id, at, err := tryJoin(attempt, client, "")
				done()
				if err == nil {
					in <- at
					syncRequest(id, at).RequestWith(ctx, client) //nolint:errcheck // it is in
					return
				}
				select {
				case <-ctx.Done():
				case <-time.After(200 * time.Millisecond):
				}
			}
		}()
		select {
		case <-ctx.Done():
		case <-time.After(2 * time.Second):
		}
	}
	select {
	case <-in:
	case <-ctx.Done():
		t.Fatal("nobody has got into the group")
	}
}

// tryJoin joins, and waits for the generation.
func tryJoin(ctx context.Context, client *kgo.Client, member string) (id string, generation int32, err error) {
	for {
		res, err := joinRequest(member).RequestWith(ctx, client)
		if err != nil {
			return "", 0, err
		}
		if member = res.MemberID; res.ErrorCode == kerr.MemberIDRequired.Code {
			continue
		}
		return res.MemberID, res.Generation, kerr.ErrorForCode(res.ErrorCode)
	}
}

// syncRequest asks for the place in a generation.
func syncRequest(member string, generation int32) *kmsg.SyncGroupRequest {
	r := kmsg.NewPtrSyncGroupRequest()
	r.Group, r.MemberID, r.Generation = ghostGroup, member, generation
	return r
}

const ghostGroup = "g"

func joinRequest(member string) *kmsg.JoinGroupRequest {
	r := kmsg.NewPtrJoinGroupRequest()
	r.Group, r.MemberID, r.ProtocolType, r.SessionTimeoutMillis, r.RebalanceTimeoutMillis = ghostGroup, member, "test", 1000, 3000
	p := kmsg.NewJoinGroupRequestProtocol()
	p.Name = "p"
	r.Protocols = append(r.Protocols, p)
	return r
}

// join joins and takes the place that the group gives.
func join(ctx context.Context, t *testing.T, client *kgo.Client, member string) (id string, generation int32) {
	t.Helper()
	for {
		res, err := joinRequest(member).RequestWith(ctx, client)
		if err != nil {
			t.Fatal(err)
		}
		if member = res.MemberID; res.ErrorCode == kerr.MemberIDRequired.Code {
			continue
		}
		if err := kerr.ErrorForCode(res.ErrorCode); err != nil {
			t.Fatal(err)
		}
		sync := kmsg.NewPtrSyncGroupRequest()
		sync.Group, sync.MemberID, sync.Generation = ghostGroup, member, res.Generation
		sync.ProtocolType, sync.Protocol = res.ProtocolType, res.Protocol
		placed, err := sync.RequestWith(ctx, client)
		if err != nil || placed.ErrorCode != 0 {
			t.Fatal(err, kerr.ErrorForCode(placed.ErrorCode))
		}
		return member, res.Generation
	}
}

// leaveAt joins on a connection that ends before there is an answer.
func leaveAt(ctx context.Context, t *testing.T, addr string) {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	r := joinRequest("")
	r.SetVersion(1)
	frame := binary.BigEndian.AppendUint16(make([]byte, 4), uint16(kmsg.JoinGroup))
	frame = binary.BigEndian.AppendUint16(frame, 1)
	frame = binary.BigEndian.AppendUint32(frame, 1)
	frame = r.AppendTo(binary.BigEndian.AppendUint16(frame, 0)) // no name
	binary.BigEndian.PutUint32(frame, uint32(len(frame)-4))
	if _, err := conn.Write(frame); err != nil {
		t.Fatal(err)
	}
	// The broker ends its side when it has seen that ours has ended.
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, conn) // until then
	_ = conn.Close()
}

func beat(ctx context.Context, t *testing.T, client *kgo.Client, member string, generation int32) error {
	t.Helper()
	r := kmsg.NewPtrHeartbeatRequest()
	r.Group, r.MemberID, r.Generation = ghostGroup, member, generation
	res, err := r.RequestWith(ctx, client)
	if err != nil {
		t.Fatal(err)
	}
	return kerr.ErrorForCode(res.ErrorCode)
}

func members(ctx context.Context, t *testing.T, client *kgo.Client) int {
	t.Helper()
	r := kmsg.NewPtrDescribeGroupsRequest()
	r.Groups = []string{ghostGroup}
	res, err := r.RequestWith(ctx, client)
	if err != nil {
		t.Fatal(err)
	}
	return len(res.Groups[0].Members)
}

func pause(ctx context.Context, t *testing.T) {
	t.Helper()
	select {
	case <-ctx.Done():
		t.Fatal("nothing has happened")
	case <-time.After(100 * time.Millisecond):
	}
}
