package embeddedtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/embedded"
)

// startTimeout bounds the start of an engine: other test binaries may keep the
// machine busy.
const startTimeout = time.Minute

// Database returns the DSN of a fresh, empty ClickHouse database of the test's
// own, which is dropped when the test ends.
func Database(t testing.TB) string {
	t.Helper()
	server, err := engines.startDatabase()
	if err != nil {
		t.Fatalf("start the test database: %v", err)
	}
	dsn, err := url.Parse(server.DSN())
	if err != nil {
		t.Fatalf("parse DSN: %v", err)
	}
	name := unique()
	if err := execute(t.Context(), server, dsn.User, "CREATE DATABASE "+name); err != nil {
		t.Fatalf("create database %s: %v", name, err)
	}
	t.Cleanup(func() {
		// t.Context() has ended here.
		ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
		defer cancel()
		if err := execute(ctx, server, dsn.User, "DROP DATABASE "+name+" SYNC"); err != nil {
			t.Errorf("drop database %s: %v", name, err)
		}
	})
	dsn.Path = "/" + name
	return dsn.String()
}

// startDatabase starts the database of this test binary, once.
func (s *shared) startDatabase() (*embedded.Database, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.databaseErr != nil {
		return nil, s.databaseErr
	}
	if s.database != nil {
		select {
		case <-s.database.Done():
			return nil, errors.Join(errors.New("the test database is gone"), s.database.Err())
		default:
			return s.database, nil
		}
	}
	s.database, s.databaseErr = func() (*embedded.Database, error) {
		dir, err := s.folder("clickhouse")
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
		defer cancel()
		return embedded.StartDatabase(ctx, embedded.DatabaseConfig{Dir: dir})
	}()
	return s.database, s.databaseErr
}

// execute runs a statement without a result over HTTP, which needs no driver.
func execute(ctx context.Context, server *embedded.Database, user *url.Userinfo, statement string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost,
		"http://"+server.HTTPAddr()+"/", strings.NewReader(statement))
	if err != nil {
		return err
	}
	password, _ := user.Password()
	req.SetBasicAuth(user.Username(), password)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", res.Status, body)
	}
	return nil
}
