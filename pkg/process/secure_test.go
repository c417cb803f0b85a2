package process

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
)

// Every kind of answer carries the headers: a page, an answer, and each kind of error.
func TestSecureHeadersOfEveryAnswer(t *testing.T) {
	t.Parallel()
	r := serve(t, func(m *Mount) error {
		m.Router.GET("/v1/fine", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{}) })
		m.Router.GET("/v1/panic", func(*gin.Context) { panic("on purpose") })
		m.Router.POST("/v1/large", MaxBody(1), func(c *gin.Context) {
			_, err := io.ReadAll(c.Request.Body)
			Problem(c, http.StatusRequestEntityTooLarge, "too_large", err.Error(), nil)
		})
		m.Fallback(func(c *gin.Context) { Page(c); c.String(http.StatusOK, "a page") })
		return nil
	})
	for _, tt := range []struct {
		method, path string
		status       int
		policy       string
	}{
		{"GET", "/v1/fine", 200, answerPolicy},
		{"GET", "/v1/panic", 500, answerPolicy},
		{"POST", "/v1/large", 413, answerPolicy},
		{"GET", "/v1/nothing", 404, answerPolicy},
		{"DELETE", "/v1/fine", 405, answerPolicy},
		{"GET", "/healthz", 200, answerPolicy},
		{"GET", "/readyz", 200, answerPolicy},
		{"GET", "/metrics", 200, answerPolicy},
		{"GET", "/pipeline", 200, PagePolicy},
	} {
		got := request(t, tt.method, r.url+tt.path, "too much")
		if got.status != tt.status {
			t.Errorf("%s %s: status %d, want %d", tt.method, tt.path, got.status, tt.status)
		}
		want := secureHeaders()
		want["Content-Security-Policy"] = tt.policy
		if tt.policy == PagePolicy {
			want["Referrer-Policy"] = "same-origin"
		}
		for name, value := range want {
			if got.header.Get(name) != value {
				t.Errorf("%s %s: %s is %q, want %q", tt.method, tt.path, name, got.header.Get(name), value)
			}
		}
		if got.header.Get("Strict-Transport-Security") != "" {
			t.Errorf("%s %s: a browser that came without TLS is told to use nothing else", tt.method, tt.path)
		}
	}
}

// A client that does not finish its header is sent away, and a header that does not end is not kept.
func TestClientsThatDoNotFinishTheirHeader(t *testing.T) {
	t.Parallel()
	r := serve(t, func(*Mount) error { return nil })
	address := strings.TrimPrefix(r.url, "http://")
	t.Run("slow", func(t *testing.T) {
		t.Parallel()
		begun := time.Now()
		answer := sendRaw(t, address, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		if took := time.Since(begun); took < headerTimeout || took > 3*headerTimeout {
			t.Errorf("sent away after %s, want a little more than %s", took, headerTimeout)
		}
		if strings.HasPrefix(answer, "HTTP/1.1 200") {
			t.Errorf("half a request was answered: %.80s", answer)
		}
	})
	t.Run("endless", func(t *testing.T) {
		t.Parallel()
		// The library allows 4 KiB more than the limit.
		answer := sendRaw(t, address, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: "+strings.Repeat("a", maxHeader+8<<10)+"\r\n\r\n")
		if !strings.HasPrefix(answer, "HTTP/1.1 431") {
			t.Errorf("a header of more than %d bytes is answered with %.80q, want 431", maxHeader, answer)
		}
	})
}

// sendRaw sends bytes and returns what comes back until the server closes the connection.
func sendRaw(t *testing.T, address, text string) string {
	t.Helper()
	var d net.Dialer
	c, err := d.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(bufio.NewReader(c))
	if err != nil && len(answer) == 0 {
		t.Fatalf("the server did not close the connection: %v", err)
	}
	return string(answer)
}
