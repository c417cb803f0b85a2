package webhook

import (
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestAddresses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"8.8.8.8": true, "1.1.1.1": true, "100.63.255.255": true, "100.128.0.1": true, "172.32.0.1": true, "192.0.1.1": true, "223.255.255.255": true,
		"2606:4700:4700::1111": true, "2a00:1450::1": true, "2001:200::1": true, "2003::1": true,

		"127.0.0.1": false, "127.255.255.254": false, "::1": false, // loopback
		"0.0.0.0": false, "0.1.2.3": false, "::": false, // this network
		"10.0.0.1": false, "172.16.0.1": false, "172.31.255.255": false, "192.168.1.1": false, // private
		"169.254.1.1": false, "169.254.169.254": false, "fe80::1": false, "fe80::1%eth0": false, // link-local, metadata
		"100.64.0.1": false, "100.100.100.200": false, "100.127.255.255": false, // CGNAT, metadata
		"224.0.0.1": false, "239.1.1.1": false, "ff02::1": false, "ff0e::1": false, // multicast
		"255.255.255.255": false, "240.0.0.1": false, // broadcast, reserved
		"192.0.0.8": false, "192.0.2.1": false, "198.18.0.1": false, "198.51.100.1": false, "203.0.113.1": false, "192.88.99.1": false,
		"::ffff:8.8.8.8": false, "::ffff:127.0.0.1": false, "::ffff:169.254.169.254": false, "::127.0.0.1": false, // IPv4 in IPv6
		"64:ff9b::7f00:1": false, "64:ff9b::a9fe:a9fe": false, "64:ff9b::808:808": false, "64:ff9b:1::1": false, // NAT64
		"2002:7f00:1::": false, "2002:a9fe:a9fe::1": false, "2001:0:4136:e378::1": false, // 6to4, Teredo
		"fc00::1": false, "fd00:ec2::254": false, "fec0::1": false, "100::1": false, "2001:db8::1": false, "3fff::1": false, "4000::1": false, // unique local and others
	} {
		if got := admit(netip.MustParseAddr(text), nil) == nil; got != want {
			t.Errorf("%s: admitted %v, want %v", text, got, want)
		}
	}
	networks, err := parseNetworks([]string{"10.20.0.0/16", "127.0.0.1/32", "fd00:1::/64"})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"10.20.3.4": true, "127.0.0.1": true, "fd00:1::9": true, "8.8.8.8": true,
		"10.21.0.1": false, "127.0.0.2": false, "::ffff:10.20.3.4": false, "fd00:2::9": false,
	} {
		if got := admit(netip.MustParseAddr(text), networks) == nil; got != want {
			t.Errorf("with a list, %s: admitted %v, want %v", text, got, want)
		}
	}
	for _, text := range []string{"10.0.0.1", "10.0.0.1/8", "10.0.0.0/33", "localhost", ""} {
		if err := (Config{Allow: []string{text}}).Validate(); err == nil || !strings.Contains(err.Error(), "--webhook-allow") {
			t.Errorf("the network %q: %v", text, err)
		}
	}
}

// receiver is a real server with TLS on loopback.
type receiver struct {
	*httptest.Server
	ca    string
	asked atomic.Int64
}

func newReceiver(t *testing.T, handle http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{ca: filepath.Join(t.TempDir(), "ca.pem")}
	r.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.asked.Add(1)
		handle(w, req)
	}))
	r.Config.ErrorLog = log.New(io.Discard, "", 0) // what it says of clients that do not believe it
	r.StartTLS()
	t.Cleanup(r.Close)
	raw := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate().Raw})
	if err := os.WriteFile(r.ca, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *receiver) sender(t *testing.T, allow ...string) *Sender {
	t.Helper()
	s, err := NewSender(Config{Allow: allow, CA: r.ca}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A message reaches a receiver over TLS, and its signature holds.
func TestPost(t *testing.T) {
	t.Parallel()
	secret := secretOf(t, "whsec_MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw")
	r := newReceiver(t, func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err == nil {
			err = Verify(req.Header, body, time.Now(), secret)
		}
		if err != nil || req.Method != http.MethodPost || req.Header.Get("Content-Type") != "application/json" || req.Header.Get(HeaderID) != "msg_1" {
			t.Errorf("%s %v: %v", req.Method, req.Header, err)
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write(make([]byte, 4*maxAnswer)) // more than anybody reads
	})
	message := Message{ID: "msg_1", URL: r.URL + "/token", Body: []byte(`{"type":"test"}`), Secrets: []Secret{secret}}
	status, err := r.sender(t, "127.0.0.1/32").Post(t.Context(), message)
	if err != nil || status != http.StatusAccepted {
		t.Errorf("%d %v", status, err)
	}
	// Another authority is not believed, and a name that the certificate does not have neither.
	strict, err := NewSender(Config{Allow: []string{"127.0.0.1/32"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := strict.Post(t.Context(), message); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody knows: %v", err)
	}
}

// Without the operator's list nothing inside is reached: not by its address, not by a name that leads to it, not by a redirect, not
// through a proxy of the environment.
func TestNothingInsideIsReached(t *testing.T) {
	inside := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	_, port, err := net.SplitHostPort(inside.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("HTTPS_PROXY", inside.URL)
	t.Setenv("ALL_PROXY", inside.URL)
	sender := inside.sender(t)
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "0", "[::]", "127.1"} {
		_, err := sender.Post(t.Context(), Message{ID: "1", URL: "https://" + host + ":" + port + "/", Body: []byte("{}")})
		if err == nil {
			t.Errorf("%s was reached", host)
		}
	}
	_, err = sender.Post(t.Context(), Message{ID: "1", URL: inside.URL, Body: []byte("{}")})
	if !errors.Is(err, ErrAddress) || Again(err) || !strings.Contains(err.Error(), "--webhook-allow") {
		t.Errorf("%v, again %v", err, Again(err))
	}
	if n := inside.asked.Load(); n != 0 {
		t.Fatalf("the machine inside was asked %d times", n)
	}

	leads := newReceiver(t, func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, inside.URL+"/found", http.StatusTemporaryRedirect)
	})
	status, err := leads.sender(t, "127.0.0.1/32").Post(t.Context(), Message{ID: "1", URL: leads.URL, Body: []byte("{}")})
	if err == nil || status != http.StatusTemporaryRedirect || Again(err) || leads.asked.Load() != 1 || inside.asked.Load() != 0 {
		t.Errorf("a redirect: %d %v, inside was asked %d times", status, err, inside.asked.Load())
	}
}

// What is worth trying again, and how long to wait for it.
func TestFailures(t *testing.T) {
	t.Parallel()
	var answer atomic.Int64
	r := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(int(answer.Load()))
		_, _ = io.WriteString(w, "what only the receiver knows")
	})
	sender := r.sender(t, "127.0.0.1/32")
	message := Message{ID: "1", URL: r.URL + "/token", Body: []byte("{}"), Secrets: []Secret{secretOf(t, "whsec_MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw")}}
	for status, again := range map[int]bool{400: false, 401: false, 404: false, 410: false, 429: true, 500: true, 502: true, 503: true} {
		answer.Store(int64(status))
		got, err := sender.Post(t.Context(), message)
		if got != status || err == nil || Again(err) != again {
			t.Errorf("%d: %d %v, again %v", status, got, err, Again(err))
		}
		for _, word := range []string{"token", "MDAw", "only the receiver"} {
			if strings.Contains(err.Error(), word) {
				t.Errorf("%d tells %q: %v", status, word, err)
			}
		}
		if wait := Wait(err, 1); again && wait != 2*time.Minute {
			t.Errorf("%d: wait %s, the receiver asks for two minutes", status, wait)
		}
	}
	r.Close()
	_, err := sender.Post(t.Context(), message)
	if err == nil || !Again(err) || strings.Contains(err.Error(), "token") {
		t.Errorf("a receiver that is away: %v, again %v", err, Again(err))
	}
	// 5 s doubled 9 times is 43 minutes, once more is over the hour that is the most; half of it is left to chance.
	for failures, most := range map[int]time.Duration{1: 5 * time.Second, 2: 10 * time.Second, 10: 2560 * time.Second, 11: time.Hour, 1000: time.Hour} {
		for range 20 {
			if got := Backoff(failures); got < most/2 || got >= most {
				t.Errorf("after %d failures: %s, want %s to %s", failures, got, most/2, most)
			}
		}
	}
}

// What is no address for webhooks is refused before anything is resolved, and without being quoted.
func TestURLs(t *testing.T) {
	t.Parallel()
	strict, err := NewSender(Config{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	loose, err := NewSender(Config{AllowHTTP: true}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string][2]bool{
		"https://hooks.example.com/token?x=1": {true, true},
		"http://hooks.example.com/token":      {false, true},
		"ftp://hooks.example.com/token":       {}, "file:///token": {}, "token": {}, "": {}, "https:///token": {}, "https:token": {},
		"https://user:token@hooks.example.com/": {}, "https://hooks.example.com/#token": {}, "https://hooks.example.com/%zz-token": {},
		"https://" + strings.Repeat("token", 500): {},
	} {
		for i, s := range []*Sender{strict, loose} {
			err := s.CheckURL(address)
			if (err == nil) != want[i] || (err != nil && strings.Contains(err.Error(), "token")) {
				t.Errorf("%.60q: %v", address, err)
			}
		}
	}
}
