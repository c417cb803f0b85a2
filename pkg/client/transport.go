package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/event"
)

// Error is an answer to a whole request that sending again does not change: the key, the form or the size is wrong.
type Error struct {
	// Status is the HTTP status.
	Status int `json:"status"`
	// Code is the stable name of the reason, where the collector gave one.
	Code event.Code `json:"code"`
	// Title and Detail are sentences (RFC 9457).
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

// Error names the status and the sentence.
func (e *Error) Error() string {
	text := e.Detail
	if text == "" {
		text = e.Title
	}
	if text == "" {
		text = http.StatusText(e.Status)
	}
	return fmt.Sprintf("collector answered %d: %s", e.Status, text)
}

// Unavailable says that the collector took nothing for as long as [Config.Patience] lasted.
type Unavailable struct {
	// Tries is how often it was asked, over how long.
	Tries int
	Over  time.Duration
	// Last is the last reason.
	Last error
}

// Error says how long it was tried and why it failed last.
func (e *Unavailable) Error() string {
	return fmt.Sprintf("collector not available after %d tries in %s: %v", e.Tries, e.Over.Round(100*time.Millisecond), e.Last)
}

// Unwrap returns the last reason.
func (e *Unavailable) Unwrap() error { return e.Last }

// busyError is a reason to send the same again: no connection, 429 or 503.
type busyError struct {
	err   error
	after time.Duration
}

func (e *busyError) Error() string { return e.err.Error() }
func (e *busyError) Unwrap() error { return e.err }

// post sends some events of a batch in one request. Answers may come with a busyError: a 503 says what was taken.
func (c *Client) post(ctx context.Context, events []jsontext.Value, which []int) ([]event.Answer, error) {
	body := []byte{'['}
	for k, i := range which {
		if k > 0 {
			body = append(body, ',')
		}
		body = append(body, events[i]...)
	}
	body = append(body, ']')
	var reply struct {
		Answers []event.Answer `json:"answers"`
	}
	err := c.call(ctx, http.MethodPost, "/v1/events", "application/cloudevents-batch+json", body, &reply)
	if err == nil && len(reply.Answers) != len(which) {
		return nil, fmt.Errorf("client: %d events sent, %d answers came: is this a Plumbline collector?", len(which), len(reply.Answers))
	}
	if len(reply.Answers) != len(which) {
		reply.Answers = nil
	}
	return reply.Answers, err
}

// call makes one request and decodes the reply. A busyError may come with a reply, an [Error] never does.
func (c *Client) call(ctx context.Context, method, path, contentType string, body []byte, reply any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := c.http.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &busyError{err: err}
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &busyError{err: fmt.Errorf("read answer: %w", err)}
	}
	switch {
	case res.StatusCode < 300:
		if err := json.Unmarshal(raw, reply); err != nil {
			return fmt.Errorf("client: the answer is not what a collector says: %w", err)
		}
		return nil
	case res.StatusCode == http.StatusTooManyRequests, res.StatusCode >= 500:
		_ = json.Unmarshal(raw, reply) // what was taken all the same, where the collector says so
		return &busyError{err: problem(res, raw), after: retryAfter(res.Header.Get("Retry-After"), time.Now())}
	}
	return problem(res, raw)
}

// patiently repeats a call while its error says that it may work later.
func (c *Client) patiently(ctx context.Context, call func() error) error {
	wait := newBackOff(c.patience)
	for {
		err := call()
		var busy *busyError
		if !errors.As(err, &busy) {
			return err
		}
		if err := wait.pause(ctx, busy, event.Answer{}); err != nil {
			return err
		}
	}
}

func problem(res *http.Response, raw []byte) *Error {
	out := &Error{}
	if kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type")); kind == "application/problem+json" || kind == "application/json" {
		_ = json.Unmarshal(raw, out)
	}
	out.Status = res.StatusCode
	return out
}

// retryAfter reads the header (RFC 9110): seconds or a date; 0 where there is none.
func retryAfter(v string, now time.Time) time.Duration {
	if s, err := strconv.Atoi(v); err == nil && s >= 0 {
		return time.Duration(min(s, 3600)) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return min(max(at.Sub(now), 0), time.Hour)
	}
	return 0
}

// backOff decides how long to wait between tries: doubling from 100 ms to 5 s, each wait drawn from the upper half so
// that many clients do not come back together, and never before Retry-After.
type backOff struct {
	patience time.Duration
	since    time.Time
	tries    int
	next     time.Duration
}

const (
	firstWait = 100 * time.Millisecond
	mostWait  = 5 * time.Second
)

func newBackOff(patience time.Duration) *backOff {
	return &backOff{patience: patience, since: time.Now(), next: firstWait}
}

// progress starts the patience anew: something was taken.
func (b *backOff) progress() {
	b.since, b.tries, b.next = time.Now(), 0, firstWait
}

// pause waits for the next try, or says why there is none.
func (b *backOff) pause(ctx context.Context, busy *busyError, open event.Answer) error {
	b.tries++
	wait := b.next/2 + rand.N(b.next/2)
	b.next = min(2*b.next, mostWait)
	last := error(nil)
	if busy != nil {
		wait, last = max(wait, busy.after), busy.err
	} else {
		last = errors.New(string(open.Code) + ": " + open.Message)
	}
	if over := time.Since(b.since); over+wait > b.patience {
		return &Unavailable{Tries: b.tries, Over: over, Last: last}
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
