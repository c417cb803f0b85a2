package embedded

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// A clickhouse-local that listens ends, all of it, when a client resets a connection instead of closing it: it lacks the
// handler of such errors that a clickhouse server has. The kernel resets the connections of every client that is killed
// with an answer unread. So clients never meet the engine: the child listens in its place and passes on what they say,
// and the engine only ever sees connections that end in good order.

// shieldFlag begins the argument of the child that names the ports: public and private of the native protocol, then of
// HTTP, by comma.
const shieldFlag = "--shield="

// shieldArg is that argument.
func shieldArg(tcpPort, tcpPrivate, httpPort, httpPrivate int) string {
	return fmt.Sprintf("%s%d,%d,%d,%d", shieldFlag, tcpPort, tcpPrivate, httpPort, httpPrivate)
}

// startShield takes the argument off, and listens as it says until the process ends.
func startShield(args []string) (rest []string, err error) {
	if len(args) == 0 || !strings.HasPrefix(args[0], shieldFlag) {
		return args, nil
	}
	var ports [4]int
	for i, text := range strings.SplitN(strings.TrimPrefix(args[0], shieldFlag), ",", len(ports)) {
		if ports[i], err = strconv.Atoi(text); err != nil {
			return nil, fmt.Errorf("read %s: %w", shieldFlag, err)
		}
	}
	for i := 0; i < len(ports); i += 2 {
		l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.ParseIP(loopback), Port: ports[i]})
		if err != nil {
			return nil, err
		}
		go shield(l, &net.TCPAddr{IP: net.ParseIP(loopback), Port: ports[i+1]})
	}
	return args[1:], nil
}

// shield passes connections on for ever.
func shield(l *net.TCPListener, engine *net.TCPAddr) {
	for {
		client, err := l.AcceptTCP()
		if err != nil {
			continue // too many open files, say: clients try again
		}
		go func() {
			defer func() { _ = client.Close() }()
			server, err := net.DialTCP("tcp4", nil, engine)
			if err != nil {
				return // it does not listen yet, or not any more
			}
			pass(client, server)
		}()
	}
}

// pass copies both ways until the engine has said all that it has to say. However a client ends, the engine meets an end
// of what it reads, and somebody who takes what it writes.
func pass(client, server *net.TCPConn) {
	defer func() { _ = server.Close() }()
	go func() {
		_, _ = io.Copy(server, client)
		_ = server.CloseWrite()
	}()
	if _, err := io.Copy(client, server); err != nil {
		// The client is gone: its end must be heard above, and the rest of the answer be taken.
		_ = client.CloseRead()
		_, _ = io.Copy(io.Discard, server)
	}
}
