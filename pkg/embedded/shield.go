package embedded

import (
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// A clickhouse-local that listens ends, all of it, at an error that a clickhouse server would handle: it lacks the
// handler of errors of connections. Such errors are a client that resets its connection instead of closing it (the
// kernel does so for every client that is killed with an answer unread), one with a wrong password or an unknown
// database, and one that speaks no protocol of ours. So clients never meet the engine: the child listens in its place,
// refuses by itself whom the engine would refuse, and passes on what the others say. The engine only ever sees clients
// that it knows, and connections that end in good order.

const (
	// shieldFlag begins the argument of the child that names the ports: public and private of the native protocol, then
	// of HTTP, by comma.
	shieldFlag = "--shield="
	// introduction is how long a client may take to say who it is, and how long to say what comes next. The engine itself
	// gives up after 300 s, and that is one of the errors that end it.
	introduction = 30 * time.Second
	// farewell bounds how long, and farewellBytes how much, a client that was refused is still listened to: a connection
	// that is closed with bytes unread is reset, and the client may lose the answer.
	farewell      = time.Second
	farewellBytes = 1 << 20
	// acceptAgain is the pause after a connection that could not be accepted.
	acceptAgain = 10 * time.Millisecond
)

// shieldArg is that argument.
func shieldArg(tcpPort, tcpPrivate, httpPort, httpPrivate int) string {
	return fmt.Sprintf("%s%d,%d,%d,%d", shieldFlag, tcpPort, tcpPrivate, httpPort, httpPrivate)
}

// startShield takes the argument off, and listens as it says until the process ends. It works in the data folder, where
// the password is: arguments and environments can be read by others.
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
	password, err := os.ReadFile(passwordFile)
	if err != nil {
		return nil, fmt.Errorf("read database password: %w", err)
	}
	native := nativeGuard{owner: account{httpPort: ports[2], user: databaseUser, password: strings.TrimSpace(string(password))}}
	for i, admit := range []func(*net.TCPConn) io.WriterTo{native.admit, admitHTTP} {
		l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.ParseIP(loopback), Port: ports[2*i]})
		if err != nil {
			return nil, err
		}
		go shield(l, &net.TCPAddr{IP: net.ParseIP(loopback), Port: ports[2*i+1]}, admit)
	}
	return args[1:], nil
}

// shield passes connections on for ever: those for which admit returns what is to be passed on. The others it has
// answered.
func shield(l *net.TCPListener, engine *net.TCPAddr, admit func(*net.TCPConn) io.WriterTo) {
	for {
		client, err := l.AcceptTCP()
		if err != nil {
			time.Sleep(acceptAgain) // too many open files, say: clients try again
			continue
		}
		go func() {
			defer func() { _ = client.Close() }()
			said := admit(client)
			if said == nil {
				return
			}
			server, err := net.DialTCP("tcp4", nil, engine)
			if err != nil {
				return // it does not listen yet, or not any more
			}
			pass(client, server, said)
		}()
	}
}

// pass copies both ways until the engine has said all that it has to say. However a client ends, the engine meets an end
// of what it reads, and somebody who takes what it writes.
func pass(client, server *net.TCPConn, said io.WriterTo) {
	defer func() { _ = server.Close() }()
	go func() {
		_, _ = said.WriteTo(server)
		_ = server.CloseWrite()
	}()
	if _, err := io.Copy(client, server); err != nil {
		// The client is gone: its end must be heard above, and the rest of the answer be taken.
		_ = client.CloseRead()
		_, _ = io.Copy(io.Discard, server)
	}
}

// refuse gives a client an answer instead of the engine, and the time to read it.
func refuse(client *net.TCPConn, answer []byte) {
	if _, err := client.Write(answer); err != nil {
		return
	}
	_ = client.CloseWrite()
	_ = client.SetReadDeadline(time.Now().Add(farewell))
	_, _ = io.Copy(io.Discard, io.LimitReader(client, farewellBytes))
}
