package process

import (
	"net"

	"github.com/gin-gonic/gin"
	"golang.org/x/net/netutil"
)

// answerPolicy is the content policy of what is no page: it loads nothing, runs nothing, and is framed nowhere. Pages set
// their own.
const answerPolicy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// secureHeaders go with every answer, errors among them.
func secureHeaders() map[string]string {
	return map[string]string{
		"Content-Security-Policy":      answerPolicy,
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY", // for browsers that do not know frame-ancestors
		"Referrer-Policy":              "no-referrer",
		"Cross-Origin-Opener-Policy":   "same-origin",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Permissions-Policy":           "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), microphone=(), payment=(), usb=()",
	}
}

// hstsAge is how long a browser that was answered over TLS uses nothing else: a year, in seconds.
const hstsAge = "31536000"

// withSecureHeaders keeps browsers from doing with an answer what it is not for.
func withSecureHeaders() gin.HandlerFunc {
	headers := secureHeaders()
	return func(c *gin.Context) {
		for name, value := range headers {
			c.Header(name, value)
		}
		if c.Request.TLS != nil {
			c.Header("Strict-Transport-Security", "max-age="+hstsAge)
		}
	}
}

// maxConnections are open at a time; who comes later waits until one is closed. A client that opens many and says nothing
// is sent away after the time for a header, and can not use up the files that the process may open.
const maxConnections = 4096

func limited(l net.Listener) net.Listener { return netutil.LimitListener(l, maxConnections) }

// PagePolicy is the content policy of a page: it loads from its own origin alone, nothing inline runs, and no other site may
// frame it.
const PagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
	"manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// Page is a handler for what a person sees in a browser: it sets the headers of a page.
func Page(c *gin.Context) {
	c.Header("Content-Security-Policy", PagePolicy)
	c.Header("Referrer-Policy", "same-origin")
}
