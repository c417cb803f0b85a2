// Package wire puts proxies between services and engines, or clients and services, that understand enough of the traffic
// to act at a step: when a certain request is about to be forwarded, or has just been answered. They can hold, slow down,
// refuse or cut what passes, and call whoever wants to kill a process at that moment.
//
// It changes no request and no answer, but for the addresses of brokers in the metadata of Kafka, so that clients stay
// on the proxy.
package wire

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Verdict is what becomes of what a rule has met.
type Verdict int

const (
	// Pass forwards it.
	Pass Verdict = iota
	// Cut closes the connection without forwarding it: an answer that was cut is a lost answer.
	Cut
)

// Rule acts once, at a step.
type Rule struct {
	// Contains is a text in the description of the request: see [Kafka], [ClickHouse] and [HTTP].
	Contains string
	// After acts when the request was answered and the answer is about to be forwarded, else before the request is.
	After bool
	// Skip is how many such steps are let pass before.
	Skip int
	// Do acts. The connection waits for it.
	Do func(what string) Verdict
}

// Dialect is a protocol that proxies understand.
type Dialect func() session

// session follows one connection.
type session interface {
	// request reads the next piece from the client; what is not empty where it begins a request.
	request(r *bufio.Reader) (piece []byte, what string, err error)
	// answer reads the next piece from the server; what is that of the request which it completes the answer of.
	answer(r *bufio.Reader) (piece []byte, what string, err error)
}

// Proxy listens on an address of its own and forwards to a target. It is safe for concurrent use.
type Proxy struct {
	dialect  Dialect
	listener net.Listener
	target   atomic.Pointer[string]
	refusing atomic.Bool
	rate     atomic.Int64
	hits     atomic.Int64

	mu    sync.Mutex
	rules []*Rule
	conns map[net.Conn]bool
	// open is closed while traffic may flow, and replaced where it is held.
	open chan struct{}
}

// Listen starts a proxy on a free port of the loopback address. It forwards until Close.
func Listen(ctx context.Context, d Dialect, target string) (*Proxy, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start proxy: %w", err)
	}
	p := &Proxy{dialect: d, listener: l, conns: map[net.Conn]bool{}, open: make(chan struct{})}
	close(p.open)
	p.target.Store(&target)
	go p.accept()
	return p, nil
}

// Addr is where it listens, host:port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Hits is how many rules have acted.
func (p *Proxy) Hits() int { return int(p.hits.Load()) }

// When adds a rule.
func (p *Proxy) When(r Rule) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = append(p.rules, &r)
}

// Refuse closes all connections, and new ones at once, until it is called with false.
func (p *Proxy) Refuse(on bool) {
	p.refusing.Store(on)
	if on {
		p.Drop()
	}
}

// Hold lets nothing pass, in silence, until it is called with false.
func (p *Proxy) Hold(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	held := false
	select {
	case <-p.open:
	default:
		held = true
	}
	switch {
	case on && !held:
		p.open = make(chan struct{})
	case !on && held:
		close(p.open)
	}
}

// Slow bounds each connection to bytes a second in each direction; 0 is no bound.
func (p *Proxy) Slow(bytes int64) { p.rate.Store(bytes) }

// Calm ends everything: rules, refusing, holding and slowness.
func (p *Proxy) Calm() {
	p.mu.Lock()
	p.rules = nil
	p.mu.Unlock()
	p.refusing.Store(false)
	p.rate.Store(0)
	p.Hold(false)
}

// Drop closes all connections.
func (p *Proxy) Drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		reset(c)
	}
}

// Close ends the proxy and all its connections.
func (p *Proxy) Close() {
	_ = p.listener.Close()
	p.Calm()
	p.Drop()
}

// reset closes a connection so that the other side meets an error and not an end.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		if p.refusing.Load() {
			reset(c)
			continue
		}
		go p.serve(c)
	}
}

// dialTimeout is how long the target may take to take a connection.
const dialTimeout = 5 * time.Second

// serve forwards one connection until either side ends it.
func (p *Proxy) serve(client net.Conn) {
	p.track(client, true)
	defer p.track(client, false)
	dialer := net.Dialer{Timeout: dialTimeout}
	server, err := dialer.DialContext(context.Background(), "tcp", *p.target.Load())
	if err != nil {
		return
	}
	p.track(server, true)
	defer p.track(server, false)
	s := p.dialect()
	ended := make(chan struct{}, 2)
	go func() {
		p.pump(server, bufio.NewReaderSize(client, bufferSize), s.request, false)
		ended <- struct{}{}
	}()
	go func() {
		p.pump(client, bufio.NewReaderSize(server, bufferSize), s.answer, true)
		ended <- struct{}{}
	}()
	<-ended
	reset(client)
	reset(server)
	<-ended
}

const bufferSize = 64 << 10

// track remembers a connection, or closes and forgets it.
func (p *Proxy) track(c net.Conn, on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if on {
		p.conns[c] = true
		return
	}
	delete(p.conns, c)
	reset(c)
}

// pump forwards piece after piece, and stops at each step that a rule waits for.
func (p *Proxy) pump(to net.Conn, from *bufio.Reader, next func(*bufio.Reader) ([]byte, string, error), after bool) {
	for {
		piece, what, err := next(from)
		if err != nil {
			return
		}
		p.wait()
		if what != "" && p.judge(what, after) == Cut {
			return
		}
		if err := p.write(to, piece); err != nil {
			return
		}
	}
}

// wait waits while traffic is held.
func (p *Proxy) wait() {
	p.mu.Lock()
	open := p.open
	p.mu.Unlock()
	<-open
}

// judge lets the first rule act that waits for the step.
func (p *Proxy) judge(what string, after bool) Verdict {
	r := p.due(what, after)
	if r == nil {
		return Pass
	}
	p.hits.Add(1)
	return r.Do(what)
}

// due takes the rule out whose turn it is.
func (p *Proxy) due(what string, after bool) *Rule {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, r := range p.rules {
		if r.After != after || !contains(what, r.Contains) {
			continue
		}
		if r.Skip > 0 {
			r.Skip--
			continue
		}
		p.rules = append(p.rules[:i:i], p.rules[i+1:]...)
		return r
	}
	return nil
}

// slice is how long a slow connection waits between two writes.
const slice = 20 * time.Millisecond

// write writes a piece, in small parts where the connection is slow.
func (p *Proxy) write(to net.Conn, piece []byte) error {
	for len(piece) > 0 {
		n := len(piece)
		if rate := p.rate.Load(); rate > 0 {
			n = min(n, int(max(rate*int64(slice)/int64(time.Second), 1)))
			time.Sleep(slice)
		}
		if _, err := to.Write(piece[:n]); err != nil {
			return err
		}
		piece = piece[n:]
	}
	return nil
}
