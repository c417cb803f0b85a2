package embedded

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// account is a user of a database, and where it asks over HTTP.
type account struct {
	httpPort       int
	user, password string
}

// statementError says that the engine has refused a statement.
type statementError struct {
	status  string // of HTTP
	code    int    // of ClickHouse; 0 where it gave none
	message string
}

func (e *statementError) Error() string { return e.status + ": " + e.message }

// exec runs one statement without a result that matters, in a database, which may be empty: the default one. The error
// is a [*statementError] where the engine has answered.
func (a account) exec(ctx context.Context, database, statement string) error {
	address := url.URL{Scheme: "http", Host: net.JoinHostPort(loopback, strconv.Itoa(a.httpPort)), Path: "/"}
	if database != "" {
		address.RawQuery = url.Values{"database": {database}}.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), strings.NewReader(statement))
	if err != nil {
		return err
	}
	req.SetBasicAuth(a.user, a.password)
	// No proxy of the environment, and no connection that outlives the call.
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(res.Body, 4096))
	if err != nil {
		return err
	}
	if res.StatusCode == http.StatusOK {
		return nil
	}
	failed := &statementError{status: res.Status, message: strings.TrimSpace(string(body))}
	if text := res.Header.Get("X-ClickHouse-Exception-Code"); text != "" {
		if failed.code, err = strconv.Atoi(text); err != nil {
			return fmt.Errorf("%w: code %q", failed, text)
		}
	}
	return failed
}
