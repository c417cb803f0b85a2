package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"plumbline/pkg/process"
)

// probeWorkflow is the workflow of the events that are followed, and of no others.
const probeWorkflow = "followed"

// probeEvent is the n-th event that is followed: an hour of work that names nobody. Of people, a workflow shows months that
// are over.
func probeEvent(n int, at time.Time) []byte {
	return fmt.Appendf(nil, `[{"specversion":"1.0","id":"probe-%06d","source":"/tools/assistant","type":"plumbline.hours_saved.v1","time":%q,`+
		`"data":{"workflow":%q,"team":"team-0","doing_minutes":30,"baseline_minutes":90}}]`,
		n, at.UTC().Format(time.RFC3339Nano), probeWorkflow)
}

// reader reads one number, or the whole scorecard, as an administrator, and as a browser does: what has not changed is not sent again. It is
// for one goroutine.
type reader struct {
	service *service
	client  *http.Client
	// seen has the last answer for each scope.
	seen map[string]seen
	// whole reads the whole scorecard for the one number.
	whole bool
}

// seen is what an answer said, and under which tag.
type seen struct {
	tag   string
	hours int
}

func newReader(s *service, whole bool) *reader {
	return &reader{s, &http.Client{Timeout: time.Minute}, map[string]seen{}, whole}
}

// declare makes the workflow known whose events are followed: until one has come nothing else names it.
func (r *reader) declare(ctx context.Context) (err error) {
	body := strings.NewReader(`{"valid_from":"2026-01-01","name":"Followed"}`)
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, r.service.url("/api/v1/registry/workflows/"+probeWorkflow), body)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+benchToken)
	req.Header.Set("Content-Type", "application/json")
	res, err := r.client.Do(req)
	if err != nil {
		return fmt.Errorf("declare the workflow: %w", err)
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if res.StatusCode >= http.StatusMultipleChoices {
		text, _ := io.ReadAll(res.Body) // for the message only
		return fmt.Errorf("declare the workflow: status %d: %.300s", res.StatusCode, text)
	}
	return nil
}

// answer is what is read of an answer.
type answer struct {
	Measures map[string]struct {
		N uint64 `json:"n"`
	} `json:"measures"`
}

// hours is how many events are in the hours saved of a scope, of the months of so many days up to now: others' work is shown
// in whole months, and that of the month that is not over only of an organisation of fifty people, or where nobody is named.
func (r *reader) hours(ctx context.Context, scope string, days int) (n int, err error) {
	today := time.Now().UTC()
	first := today.AddDate(0, 0, -days)
	query := url.Values{
		"from": {first.AddDate(0, 0, 1-first.Day()).Format(time.DateOnly)}, "to": {today.AddDate(0, 0, 2).Format(time.DateOnly)}, "scope": {scope},
	}
	if !r.whole {
		query.Set("measures", "hours_saved_net")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.service.url("/api/v1/scorecard?"+query.Encode()), nil)
	if err != nil {
		return 0, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+benchToken)
	before := r.seen[scope]
	if before.tag != "" {
		req.Header.Set("If-None-Match", before.tag)
	}
	res, err := r.client.Do(req)
	if err != nil {
		return 0, fmt.Errorf("read the scorecard: %w", err)
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, fmt.Errorf("read the scorecard: %w", err)
	}
	if res.StatusCode == http.StatusNotModified {
		return before.hours, nil
	}
	if res.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("read the scorecard: status %d: %.300s", res.StatusCode, body)
	}
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return 0, fmt.Errorf("read the scorecard: %w", err)
	}
	now := seen{res.Header.Get("ETag"), int(a.Measures["hours_saved_net"].N)}
	r.seen[scope] = now
	return now.hours, nil
}

// probes is how many of the events that are followed are in the number.
func (r *reader) probes(ctx context.Context) (int, error) {
	return r.hours(ctx, "workflow:"+probeWorkflow, 1)
}

// awaitHours waits until so many events are in the number of the organisation.
func (r *reader) awaitHours(ctx context.Context, want int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		n, err := r.hours(ctx, "org", 8)
		if err != nil || n >= want {
			return err
		}
		if err := process.Wait(ctx, pollEvery); err != nil {
			return fmt.Errorf("%d of %d events are in the number: %w", n, want, err)
		}
	}
}
