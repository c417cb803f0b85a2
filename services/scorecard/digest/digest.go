// Package digest writes the scorecard as a mail: one page of HTML that needs nothing from elsewhere and reads well in light and
// dark, and the same as plain text.
//
// It is given words and formats them: what a number is, and whether it may be told, is decided before.
package digest

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"strings"
	"unicode/utf8"
)

// Digest is what is told.
type Digest struct {
	// Title names what it is of, Period the days, Compared those that it is compared with.
	Title, Period, Compared string
	// Through says up to when the numbers are complete.
	Through string
	// URL leads to the same view; "" where no public address is known.
	URL    string
	Groups []Group
}

// Group are the measures of one part of the scorecard.
type Group struct {
	Title string
	Rows  []Row
}

// Row is one measure.
type Row struct {
	Title string
	// Value is the figure, or in words why there is none: then Silent is set, and Range, Grade and Change are empty.
	Value  string
	Silent bool
	Range  string
	Grade  string
	Change string
	// Note is what is to be known beside it.
	Note string
}

//go:embed digest.html
var page string

// HTML is the digest as a page.
func (d Digest) HTML() ([]byte, error) {
	t, err := template.New("digest").Parse(page)
	if err != nil {
		return nil, fmt.Errorf("read the page of digests: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, d); err != nil {
		return nil, fmt.Errorf("write digest: %w", err)
	}
	return b.Bytes(), nil
}

// Subject is that of the mail.
func (d Digest) Subject() string { return "Plumbline: " + oneLine(d.Title) + ", " + oneLine(d.Period) }

// Text is the digest as plain text, in lines of at most about 100 characters.
func (d Digest) Text() []byte {
	var b strings.Builder
	line := func(parts ...string) { b.WriteString(strings.TrimRight(oneLine(strings.Join(parts, "")), " ") + "\n") }
	line(d.Title)
	line(d.Period)
	if d.Compared != "" {
		line(d.Compared)
	}
	line(d.Through)
	for _, g := range d.Groups {
		b.WriteByte('\n')
		line(strings.ToUpper(g.Title))
		for _, r := range g.Rows {
			b.WriteString("  " + padded(r.Title, 24) + oneLine(r.Value) + "\n")
			for _, more := range []string{r.Range, r.Grade, r.Change, r.Note} {
				if more != "" {
					b.WriteString("  " + padded("", 24) + oneLine(more) + "\n")
				}
			}
		}
	}
	if d.URL != "" {
		b.WriteString("\n" + d.URL + "\n")
	}
	return []byte(b.String())
}

func padded(text string, width int) string {
	text = oneLine(text)
	return text + strings.Repeat(" ", max(1, width-utf8.RuneCountInString(text)))
}

// oneLine takes line breaks out of names that somebody has typed in.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
