package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/services/standalone"
)

// remote says which server a command talks to. Flags win over the environment, that over the data folder of a server
// on this machine.
type remote struct {
	URL  string `name:"url" placeholder:"URL" help:"Address of the server (or PLUMBLINE_URL; else that of the data folder)."`
	Key  string `placeholder:"KEY" help:"Write key (or PLUMBLINE_WRITE_KEY; else that of the data folder)."`
	Data string `default:"data" placeholder:"DIR" help:"Data folder of a server on this machine."`
}

// admin is remote for commands that read or write as an administrator.
type admin struct {
	URL   string `name:"url" placeholder:"URL" help:"Address of the server (or PLUMBLINE_URL; else that of the data folder)."`
	Token string `placeholder:"TOKEN" help:"Admin token (or PLUMBLINE_ADMIN_TOKEN; else that of the data folder)."`
	Data  string `default:"data" placeholder:"DIR" help:"Data folder of a server on this machine."`
}

func (r remote) address(s Streams) (string, error) { return address(s, r.URL, r.Data) }

func (r remote) writeKey(s Streams) (string, error) {
	return secret(s, r.Key, "PLUMBLINE_WRITE_KEY", "--key", r.Data, func(k standalone.Keys) string { return k.WriteKey })
}

func (a admin) address(s Streams) (string, error) { return address(s, a.URL, a.Data) }

func (a admin) adminToken(s Streams) (string, error) {
	return secret(s, a.Token, "PLUMBLINE_ADMIN_TOKEN", "--token", a.Data, func(k standalone.Keys) string { return k.AdminToken })
}

func address(s Streams, flag, data string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	if v, ok := s.Env("PLUMBLINE_URL"); ok && v != "" {
		return v, nil
	}
	url, err := standalone.Address(data)
	if errors.Is(err, fs.ErrNotExist) {
		return "", usage("no server is known: give --url, set PLUMBLINE_URL, or name the data folder of a running server with --data (%s has none)", data)
	}
	return url, err
}

func secret(s Streams, flag, env, name, data string, pick func(standalone.Keys) string) (string, error) {
	if flag != "" {
		return flag, nil
	}
	if v, ok := s.Env(env); ok && v != "" {
		return v, nil
	}
	k, err := standalone.ReadKeys(data)
	if errors.Is(err, fs.ErrNotExist) {
		return "", usage("no key is known: give %s, set %s, or name the data folder of a server with --data (%s has none)", name, env, data)
	}
	return pick(k), err
}

// get reads a JSON document of the scorecard's API.
func (a admin) get(ctx context.Context, s Streams, path string, into any) (jsontext.Value, error) {
	return a.call(ctx, s, http.MethodGet, path, nil, into)
}

// call sends a request to the scorecard's API, with a JSON body where there is one, and reads the answer.
func (a admin) call(ctx context.Context, s Streams, method, path string, body []byte, into any) (jsontext.Value, error) {
	raw, err := a.send(ctx, s, method, path, body)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return nil, fmt.Errorf("the answer of %s is not what a scorecard says: %w", path, err)
	}
	return raw, nil
}

// send sends a request to the scorecard's API and returns the body of the answer.
func (a admin) send(ctx context.Context, s Streams, method, path string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	answer, err := a.open(ctx, s, method, path, body)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Close() }()
	raw, err := io.ReadAll(answer)
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return raw, nil
}

// stream writes what the scorecard's API answers as it comes, however long it is: to a file, which is there whole or not at
// all, or to standard output where none is named.
func (a admin) stream(ctx context.Context, s Streams, path, file string) error {
	answer, err := a.open(ctx, s, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Close() }()
	if file != "" {
		return writeWhole(file, answer)
	}
	if _, err := io.Copy(s.Out, answer); err != nil {
		return fmt.Errorf("read the answer, which is not whole: %w", err)
	}
	return nil
}

// open sends a request to the scorecard's API and returns the body of the answer to be read and closed.
func (a admin) open(ctx context.Context, s Streams, method, path string, body []byte) (io.ReadCloser, error) {
	address, err := a.address(s)
	if err != nil {
		return nil, err
	}
	token, err := a.adminToken(s)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, address+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", address, err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the server (is it running?): %w", err)
	}
	if res.StatusCode >= 200 && res.StatusCode <= 299 {
		return res.Body, nil
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	return nil, refusedBy(res, raw)
}

// refusedBy is an answer that is none.
func refusedBy(res *http.Response, raw []byte) error {
	var problem struct {
		Detail string `json:"detail"`
	}
	if err := json.Unmarshal(raw, &problem); err != nil || problem.Detail == "" {
		return errors.New("the server answered " + res.Status)
	}
	// Its title is what the status says already.
	return fmt.Errorf("the server answered %s: %s", res.Status, problem.Detail)
}
