package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"golang.org/x/sync/errgroup"

	"plumbline/services/standalone/parts"
)

const (
	benchKey   = "write-key-of-the-benchmark"
	benchToken = "admin-token-of-the-benchmark"
	// benchSecret seals persons for nobody: the topics of a benchmark go with it.
	benchSecret = "secret-of-the-benchmark-32-bytes"

	typeBatch = "application/cloudevents-batch+json"
)

// sender sends events to a collector that runs as a process of its own.
type sender struct {
	*service
	client *http.Client
}

// startCollector starts a collector and waits until it listens. Clients is how many will send at a time.
func (p *place) startCollector(ctx context.Context, clients int) (*sender, error) {
	s, err := p.start(ctx, parts.Collector, "--secret="+benchSecret, "--write-key="+benchKey)
	if err != nil {
		return nil, err
	}
	return &sender{s, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}}, nil
}

// send sends the bodies from several clients, each of which waits for an answer before it sends again, and fails where
// not every event of a body was accepted.
func (s *sender) send(ctx context.Context, bodies [][]byte, size, clients int, sent func(events int)) error {
	work := make(chan []byte, len(bodies))
	for _, b := range bodies {
		work <- b
	}
	close(work)
	g, ctx := errgroup.WithContext(ctx)
	for range clients {
		g.Go(func() error {
			for body := range work {
				if err := s.post(ctx, body, size); err != nil {
					return err
				}
				sent(size)
			}
			return nil
		})
	}
	return g.Wait()
}

// post sends one body and reads the whole answer.
func (s *sender) post(ctx context.Context, body []byte, events int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url("/v1/events"), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+benchKey)
	req.Header.Set("Content-Type", typeBatch)
	res, err := s.client.Do(req)
	if err != nil {
		return fmt.Errorf("send events: %w", err)
	}
	answer, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if res.StatusCode != http.StatusAccepted || !bytes.Contains(answer, []byte(`"accepted":`+strconv.Itoa(events)+`,"duplicates":0`)) {
		return fmt.Errorf("send events: status %d: %.300s", res.StatusCode, answer)
	}
	return nil
}
