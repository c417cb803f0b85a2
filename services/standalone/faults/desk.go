package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"plumbline/pkg/process"
)

// desk is an administrator who asks the scorecard, and asks the same again where no answer comes.
type desk struct {
	run  *run
	http *http.Client
}

// deskTimeout is longer than the scorecard may take for a replay.
const deskTimeout = 35 * time.Second

func newDesk(r *run) *desk {
	return &desk{run: r, http: &http.Client{Timeout: deskTimeout, Transport: &http.Transport{}}}
}

// ask makes a request until it is answered with anything but "later", and reads the answer into out where that is not nil and
// the status is a success.
func (d *desk) ask(ctx context.Context, method, path, body string, out any) (status int, err error) {
	for {
		status, raw, err := d.try(ctx, method, path, body)
		switch later := err != nil || status >= 500 || status == http.StatusTooManyRequests; {
		case !later && status < 300 && out != nil:
			if err := json.Unmarshal(raw, out); err != nil {
				return status, fmt.Errorf("%s %s: %w", method, path, err)
			}
			return status, nil
		case !later:
			return status, nil
		}
		if waited := process.Wait(ctx, 100*time.Millisecond); waited != nil {
			return 0, fmt.Errorf("%s %s: %w after %d %s", method, path, waited, status, raw)
		}
	}
}

func (d *desk) try(ctx context.Context, method, path, body string) (status int, raw []byte, err error) {
	url := "http://" + d.run.w.desk.Addr() + "/api/v1" + path
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+adminToken)
	req.Header.Set("Content-Type", "application/json")
	res, err := d.http.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }()
	raw, err = io.ReadAll(res.Body)
	return res.StatusCode, raw, err
}

// must is ask where one status is expected, or any success where that is one.
func (d *desk) must(ctx context.Context, want int, method, path, body string, out any) error {
	status, err := d.ask(ctx, method, path, body, out)
	if err == nil && status != want && max(status, want) >= 300 {
		err = fmt.Errorf("%s %s: the scorecard answered %d, want %d", method, path, status, want)
	}
	return err
}

// waitFor waits until something holds; what is not so after a long time is an error.
func waitFor(ctx context.Context, what string, holds func() (bool, error)) error {
	deadline := time.Now().Add(settleTime)
	for {
		ok, err := holds()
		switch {
		case ok:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("%s: not after %s (%w)", what, settleTime, errors.Join(err, errLate))
		}
		if err := process.Wait(ctx, 100*time.Millisecond); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
}
