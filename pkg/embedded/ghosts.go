package embedded

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// ghosts finds members of consumer groups that are not there. kfake begins the session of a member when it has sent the
// answer to its join; where the connection is gone by then it begins none, and unless another rebalance happens to come,
// the member keeps its partitions for ever. So whoever has not been heard of for longer than a session allows is made to
// leave, as Kafka does.
//
// And a rebalance may never end: kfake begins to wait anew with each one that joins, where Kafka waits once, and loses count of
// who has joined when a member goes whose place is being told, so that it waits although all are there. Clients that give up and join
// again, out of step, then wait for ever. So whoever joins a group that has waited for longer than it may is told to come
// again, until kfake's time has run out and it counts anew.
type ghosts struct {
	addr string

	mu sync.Mutex
	// heard is when a member was heard of last, or seen first.
	heard map[groupMember]time.Time
	// sessions are the longest sessions that members of a group have asked for, and rebalances the longest times to join again.
	sessions, rebalances map[string]time.Duration
	// waiting is since when a group prepares its rebalance.
	waiting map[string]time.Time
}

type groupMember struct{ group, member string }

const (
	// ghostEvery is how often groups are looked at.
	ghostEvery = time.Second
	// joinPatience is how much longer a member may be silent while its group rebalances: it waits for an answer then.
	joinPatience = 15 * time.Second
	// joinMargin is how much longer than it may a group prepares its rebalance before nobody more is let in.
	joinMargin = 2 * time.Second
	// preparing is the state of a group that waits for its members to join.
	preparing = "PreparingRebalance"
	// defaultSession is that of a group of which no join was seen since the start: Kafka's own.
	defaultSession = 45 * time.Second
)

func newGhosts(addr string) *ghosts {
	return &ghosts{
		addr: addr, heard: map[groupMember]time.Time{}, waiting: map[string]time.Time{},
		sessions: map[string]time.Duration{}, rebalances: map[string]time.Duration{},
	}
}

// listen hears what members say.
func (g *ghosts) listen(cluster *kfake.Cluster) {
	for _, key := range []kmsg.Key{kmsg.SyncGroup, kmsg.Heartbeat, kmsg.OffsetCommit} {
		observe(cluster, key, g.hear)
	}
	intercept(cluster, kmsg.JoinGroup, func(request kmsg.Request) kmsg.Response {
		join, ok := request.(*kmsg.JoinGroupRequest)
		if ok && g.refuses(join.Group) {
			response := kmsg.NewPtrJoinGroupResponse()
			response.Version, response.ErrorCode = join.Version, kerr.CoordinatorLoadInProgress.Code
			return response
		}
		g.hear(request)
		return nil
	})
}

// refuses tells whether nobody is let into a group for now.
func (g *ghosts) refuses(group string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.overdue(group, time.Now())
}

// overdue tells whether a group has prepared its rebalance for longer than it may. It wants the lock.
func (g *ghosts) overdue(group string, now time.Time) bool {
	since, ok := g.waiting[group]
	return ok && now.Sub(since) > g.rebalances[group]+joinMargin
}

func (g *ghosts) hear(request kmsg.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch r := request.(type) {
	case *kmsg.JoinGroupRequest:
		session := time.Duration(r.SessionTimeoutMillis) * time.Millisecond
		g.sessions[r.Group] = max(g.sessions[r.Group], session)
		rebalance := time.Duration(max(r.RebalanceTimeoutMillis, r.SessionTimeoutMillis)) * time.Millisecond
		g.rebalances[r.Group] = max(g.rebalances[r.Group], rebalance)
		g.heard[groupMember{r.Group, r.MemberID}] = time.Now()
	case *kmsg.SyncGroupRequest:
		g.heard[groupMember{r.Group, r.MemberID}] = time.Now()
	case *kmsg.HeartbeatRequest:
		g.heard[groupMember{r.Group, r.MemberID}] = time.Now()
	case *kmsg.OffsetCommitRequest:
		g.heard[groupMember{r.Group, r.MemberID}] = time.Now()
	}
}

// run makes ghosts leave until ctx ends.
func (g *ghosts) run(ctx context.Context) {
	client, err := kgo.NewClient(kgo.SeedBrokers(g.addr))
	if err != nil {
		return // an address of ours can be read
	}
	defer client.Close()
	ticker := time.NewTicker(ghostEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			g.look(ctx, client) // what fails is looked at again
		}
	}
}

// look looks at all groups once.
func (g *ghosts) look(ctx context.Context, client *kgo.Client) {
	list, err := kmsg.NewPtrListGroupsRequest().RequestWith(ctx, client)
	if err != nil {
		return
	}
	describe := kmsg.NewPtrDescribeGroupsRequest()
	for _, group := range list.Groups {
		describe.Groups = append(describe.Groups, group.Group)
	}
	if len(describe.Groups) == 0 {
		return
	}
	groups, err := describe.RequestWith(ctx, client)
	if err != nil {
		return
	}
	for _, leave := range g.silent(groups.Groups, time.Now()) {
		_, _ = leave.RequestWith(ctx, client) // whoever is still there then is found again
	}
}

// silent are the leaves of the members that were not heard of for too long, and forgets those that are gone.
func (g *ghosts) silent(groups []kmsg.DescribeGroupsResponseGroup, now time.Time) []*kmsg.LeaveGroupRequest {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []*kmsg.LeaveGroupRequest
	there, waiting := map[groupMember]time.Time{}, map[string]time.Time{}
	for _, group := range groups {
		if group.State == preparing {
			waiting[group.Group] = now
			if since, ok := g.waiting[group.Group]; ok {
				waiting[group.Group] = since
			}
		}
		session := g.sessions[group.Group]
		if session == 0 {
			session = defaultSession
		}
		patience := 2 * session
		if group.State != "Stable" {
			patience += joinPatience
		}
		// A leave would have the broker wait anew, as a join does.
		wait := g.overdue(group.Group, now)
		leave := kmsg.NewPtrLeaveGroupRequest()
		leave.Group = group.Group
		for _, m := range group.Members {
			at := groupMember{group.Group, m.MemberID}
			heard, known := g.heard[at]
			if !known {
				heard = now
			}
			there[at] = heard
			if now.Sub(heard) > patience && !wait {
				member := kmsg.NewLeaveGroupRequestMember()
				member.MemberID, member.InstanceID = m.MemberID, m.InstanceID
				leave.Members = append(leave.Members, member)
			}
		}
		if len(leave.Members) > 0 {
			out = append(out, leave)
		}
	}
	g.heard, g.waiting = there, waiting
	return out
}
