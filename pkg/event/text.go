package event

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxKey is the most characters of a key.
const maxKey = 128

// judgeText says what is wrong with a one-line text of at most so many characters (0: unbounded here), as a predicate
// to the field's name; code "" means nothing.
func judgeText(s string, most int) (Code, string) {
	return judge(s, most, "")
}

// judgeNote is judgeText for text of several lines.
func judgeNote(s string) (Code, string) {
	return judge(s, 0, "\n\t")
}

func judge(s string, most int, allowed string) (Code, string) {
	if most > 0 && len(s) > most && utf8.RuneCountInString(s) > most {
		return CodeTooLong, fmt.Sprintf("may have at most %d characters", most)
	}
	if isPlain(s) {
		return "", ""
	}
	switch {
	case !utf8.ValidString(s):
		return CodeBadText, "must be valid UTF-8"
	case hasControl(s, allowed):
		if allowed != "" {
			return CodeBadText, `must not contain control characters; write line breaks as \n`
		}
		return CodeBadText, "must not contain control characters or line breaks"
	}
	first, _ := utf8.DecodeRuneInString(s)
	last, _ := utf8.DecodeLastRuneInString(s)
	if unicode.IsSpace(first) || unicode.IsSpace(last) {
		return CodeBadText, "must not begin or end with a space"
	}
	return "", ""
}

// isPlain is true of most texts: printable ASCII without a space at either end.
func isPlain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' {
			return false
		}
	}
	return s == "" || s[0] != ' ' && s[len(s)-1] != ' '
}

func hasControl(s, allowed string) bool {
	for _, r := range s {
		if unicode.IsControl(r) && !strings.ContainsRune(allowed, r) {
			return true
		}
	}
	return false
}

// WebPattern is the form of a web address: absolute, http or https, the characters of RFC 3986, no credentials.
// Beyond it the address must parse as a URI.
const WebPattern = `^https?://[A-Za-z0-9\[][A-Za-z0-9._:%\[\]-]*([/?#][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*)?$`

var webForm = regexp.MustCompile(WebPattern)

func isWeb(s string) bool {
	if !webForm.MatchString(s) {
		return false
	}
	u, err := url.Parse(s)
	if err != nil {
		return false
	}
	// An IPv6 host stands in brackets, and nothing else does.
	if host := u.Hostname(); strings.Contains(host, ":") {
		ip, err := netip.ParseAddr(host)
		return err == nil && ip.Zone() == "" && strings.Contains(u.Host, "[")
	}
	return true
}
