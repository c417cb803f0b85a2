package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/shopspring/decimal"

	"plumbline/pkg/embedded"
	"plumbline/pkg/event"
)

// reading reads a scorecard as an administrator, always whole: what was read before is not remembered.
type reading struct {
	service  *service
	client   *http.Client
	database *embedded.Database
}

// newReading reads from a service. database is the embedded one whose processor time is counted, nil where it is not ours.
func newReading(s *service, database *embedded.Database) *reading {
	return &reading{s, &http.Client{Timeout: time.Minute}, database}
}

// boardAnswer is what is read of GET /api/v1/scorecard.
type boardAnswer struct {
	Period struct {
		From string `json:"from"`
		To   string `json:"to"`
	} `json:"period"`
	CompleteThrough *string                 `json:"complete_through"`
	Measures        map[string]boardMeasure `json:"measures"`
	ByWorkflow      []boardRow              `json:"contributions_by_workflow"`
}

type boardMeasure struct {
	Value *decimal.Decimal `json:"value"`
	N     *uint64          `json:"n"`
	Parts []struct {
		Key   string           `json:"key"`
		Value *decimal.Decimal `json:"value"`
		N     *uint64          `json:"n"`
	} `json:"parts"`
}

// boardRow is a row of contributions.
type boardRow struct {
	Workflow string                  `json:"workflow"`
	Measures map[string]boardMeasure `json:"measures"`
}

// get reads a path whole.
func (r *reading) get(ctx context.Context, path string, query url.Values) (body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.service.url(path+"?"+query.Encode()), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+benchToken)
	res, err := r.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	body, err = io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("read %s: status %d: %.300s", path, res.StatusCode, body)
	}
	return body, nil
}

// read reads a path into an answer.
func (r *reading) read(ctx context.Context, path string, query url.Values, into any) error {
	body, err := r.get(ctx, path, query)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}

const boardPath = "/api/v1/scorecard"

// times fills in what the readings take: the first one, then those of the default period, those with a comparison, and those
// of other periods.
func (r *reading) times(ctx context.Context, res *ScorecardResult, progress func(done, of int)) error {
	defer r.client.CloseIdleConnections()
	none := func(int) url.Values { return nil }
	first, _, err := r.time(ctx, 1, none, func() {})
	if err != nil {
		return err
	}
	res.First = ms(first[0])
	if _, _, err := r.time(ctx, scorecardWarm, none, func() {}); err != nil {
		return err
	}
	done := 0
	tell := func() { done++; progress(done, 3*res.Requests) }
	took, used, err := r.time(ctx, res.Requests, none, tell)
	if err != nil {
		return err
	}
	res.Latency, res.CPU, res.DatabaseCPU = latencyOf(took), used.scorecard, used.database
	took, _, err = r.time(ctx, res.Requests, func(int) url.Values { return url.Values{"compare": {"previous"}} }, tell)
	if err != nil {
		return err
	}
	res.Compared = latencyOf(took)
	if took, _, err = r.time(ctx, res.Requests, periods(time.Now()), tell); err != nil {
		return err
	}
	res.OtherPeriods, res.Memory = latencyOf(took), r.service.peakMemory()
	var a boardAnswer
	if err := r.read(ctx, boardPath, nil, &a); err != nil {
		return err
	}
	if a.CompleteThrough == nil {
		return errors.New("the scorecard does not know how far it is complete")
	}
	for _, m := range a.Measures {
		if res.Measures++; m.Value != nil {
			res.Valued++
		}
	}
	return nil
}

// periods are as long as the default one, each a day before the one before it; after a quarter of a year they begin again, a
// day longer.
func periods(now time.Time) func(i int) url.Values {
	const days, shifts = 90, 90
	tomorrow := event.DayOf(now).AddDate(0, 0, 1)
	return func(i int) url.Values {
		to := tomorrow.AddDate(0, 0, -1-i%shifts)
		from := to.AddDate(0, 0, -days-i/shifts)
		return url.Values{"from": {from.Format(time.DateOnly)}, "to": {to.Format(time.DateOnly)}}
	}
}

// usage is the processor time of one request, in milliseconds.
type usage struct{ scorecard, database float64 }

// time reads the scorecard so often, one request after the other.
func (r *reading) time(ctx context.Context, n int, query func(i int) url.Values, each func()) (took []time.Duration, _ usage, err error) {
	scorecard, database := r.service.cpuTime(), r.databaseCPU()
	for i := range n {
		q := query(i)
		asked := time.Now()
		if _, err := r.get(ctx, boardPath, q); err != nil {
			return nil, usage{}, err
		}
		took = append(took, time.Since(asked))
		each()
	}
	per := func(d time.Duration) float64 { return ms(d) / float64(n) }
	return took, usage{per(r.service.cpuTime() - scorecard), per(r.databaseCPU() - database)}, nil
}

// databaseCPU is what the embedded database has used so far.
func (r *reading) databaseCPU() time.Duration {
	if r.database == nil {
		return 0
	}
	return cpuTimeOf(r.database.Pid())
}
