package process

import (
	"errors"
	"io/fs"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// testConfig has a field of every kind.
type testConfig struct {
	Common
	Listen  string        `name:"listen" default:"127.0.0.1:8080" help:"address to listen on"`
	Brokers []string      `name:"brokers" required:"true" help:"addresses of Kafka"`
	Wait    time.Duration `name:"wait" default:"1m30s" help:"how long to wait"`
	Rows    int           `name:"rows" default:"500000" help:"rows of a chunk"`
	Share   float64       `name:"share" help:"share of something"`
	Fast    bool          `name:"fast" help:"do it fast"`
	Log     LogConfig     `name:"log"`
	Other   string        // no tag: not a setting
}

// Common stands for what several configurations embed.
type Common struct {
	Bytes int64 `name:"bytes" help:"a size"`
}

// Validate refuses one combination.
func (c *testConfig) Validate() error {
	if c.Fast && c.Wait > time.Hour {
		return errors.New("fast with a wait of more than 1h makes no sense")
	}
	return nil
}

// loadTest loads with the given environment and files.
func loadTest(cfg any, args, environ []string, files map[string]string) (help string, err error) {
	var out strings.Builder
	l := &loader{environ: environ, out: &out, readFile: func(name string) ([]byte, error) {
		text, ok := files[name]
		if !ok {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		return []byte(text), nil
	}}
	err = l.load(cfg, args)
	return out.String(), err
}

func TestLoadPrecedence(t *testing.T) {
	var got testConfig
	_, err := loadTest(&got,
		[]string{"--rows=1", "--fast", "--config", "c.json", "--log-level", "debug"},
		[]string{"PLUMBLINE_ROWS=2", "PLUMBLINE_BROKERS=a:1, b:2", "PLUMBLINE_WAIT=2s", "HOME=/", "PLUMBLINE_ENGINE=/lib"},
		map[string]string{"c.json": `{"rows": 3, "wait": "3s", "share": 0.25, "bytes": 9007199254740993, "log-format": "text"}`})
	if err != nil {
		t.Fatal(err)
	}
	want := testConfig{
		Common:  Common{Bytes: 9007199254740993},                   // the file, all digits of it
		Listen:  "127.0.0.1:8080",                                  // the default
		Brokers: []string{"a:1", "b:2"},                            // the environment
		Wait:    2 * time.Second,                                   // the environment over the file
		Rows:    1,                                                 // the flag over both
		Share:   0.25,                                              // the file
		Fast:    true,                                              // a flag without a value
		Log:     LogConfig{Format: "text", Level: slog.LevelDebug}, // file and flag
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestLoadListsEverythingThatIsWrong(t *testing.T) {
	_, err := loadTest(&testConfig{},
		[]string{"--rwos=1", "stray", "--rows=many", "--nosuch", "value", "--log-format=xml", "--share"},
		[]string{"PLUMBLINE_RWOS=1", "PLUMBLINE_WAIT=soon", "PLUMBLINE_CONFIG=c.json"},
		map[string]string{"c.json": `{"rwos": 1, "fast": {"a": 1}}`})
	usage := (*UsageError)(nil)
	if !errors.As(err, &usage) {
		t.Fatalf("error is %v; want a UsageError", err)
	}
	want := strings.Join([]string{
		`load configuration: unknown: argument "stray", flag --nosuch, flag --rwos, key "rwos" in c.json, variable PLUMBLINE_RWOS`,
		`flag --share: needs a value`,
		`key "fast" in c.json: must be a string, a number, true, false, or a list of strings`,
		`--brokers (or PLUMBLINE_BROKERS) is required`,
		`variable PLUMBLINE_WAIT: must be a duration such as "1m30s"`,
		`flag --rows: must be a whole number`,
		`flag --log-format: must be one of auto, json, text`,
	}, "\n")
	if err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}

func TestLoadValidatesAndChecks(t *testing.T) {
	_, err := loadTest(&testConfig{}, []string{"--brokers=a:1", "--fast", "--wait=2h"}, nil, nil)
	if usage := (*UsageError)(nil); !errors.As(err, &usage) || !strings.Contains(err.Error(), "makes no sense") {
		t.Errorf("error is %v; want the one of Validate", err)
	}
	_, err = loadTest(&testConfig{}, []string{"--brokers=a:1", "--check"}, nil, nil)
	if !errors.Is(err, ErrDone) {
		t.Errorf("--check of a good configuration: %v; want ErrDone", err)
	}
	_, err = loadTest(&testConfig{}, []string{"--check"}, nil, nil)
	if err == nil || errors.Is(err, ErrDone) {
		t.Errorf("--check of a bad configuration: %v; want its error", err)
	}
}

func TestLoadReadsFilesStrictly(t *testing.T) {
	for file, want := range map[string]string{
		"missing.json": "file does not exist",
		"broken.json":  "read configuration file broken.json",
	} {
		_, err := loadTest(&testConfig{}, []string{"--config=" + file}, nil, map[string]string{"broken.json": "{"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want an error with %q", file, err, want)
		}
	}
}

func TestHelpNamesEverySetting(t *testing.T) {
	help, err := loadTest(&testConfig{}, []string{"--help"}, nil, nil)
	if !errors.Is(err, ErrDone) {
		t.Fatalf("error is %v; want ErrDone", err)
	}
	for _, want := range []string{"--listen", "PLUMBLINE_LISTEN", "default 127.0.0.1:8080", "--bytes", "--log-level", "required", "--check"} {
		if !strings.Contains(help, want) {
			t.Errorf("help does not name %q:\n%s", want, help)
		}
	}
}

// A bad value never appears in the error, as it may be a secret.
func TestLoadKeepsValuesOutOfErrors(t *testing.T) {
	_, err := loadTest(&testConfig{}, []string{"--rows=s3cret", "--log-format=s3cret", "--wait=s3cret", "--log-level=s3cret"}, nil, nil)
	if err == nil || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error is %v; want one without the value", err)
	}
}

// A secret is taken from the environment and from the file, and the command line, which everybody on the machine sees, is refused.
func TestSecretIsNoFlag(t *testing.T) {
	type withSecret struct {
		Password string `name:"password" secret:"true" help:"password of the broker"`
	}
	var got withSecret
	_, err := loadTest(&got, []string{"--password=s3cret"}, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "set PLUMBLINE_PASSWORD") || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("by flag: %v", err)
	}
	if _, err := loadTest(&got, nil, []string{"PLUMBLINE_PASSWORD=s3cret"}, nil); err != nil || got.Password != "s3cret" {
		t.Errorf("by variable: %q, %v", got.Password, err)
	}
	got = withSecret{}
	if _, err := loadTest(&got, []string{"--config=c.json"}, nil, map[string]string{"c.json": `{"password": "s3cret"}`}); err != nil || got.Password != "s3cret" {
		t.Errorf("by file: %q, %v", got.Password, err)
	}
	if help, _ := loadTest(&got, []string{"--help"}, nil, nil); strings.Contains(help, "--password") {
		t.Errorf("the help names a flag:\n%s", help)
	}
}

// Any text is the same whether it comes by flag, variable or file.
func TestSourcesAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type config struct {
			Text string `name:"text"`
		}
		text := rapid.StringMatching(`[ -~]{0,20}`).Draw(t, "text")
		var byFlag, byEnv config
		if _, err := loadTest(&byFlag, []string{"--text=" + text}, nil, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := loadTest(&byEnv, nil, []string{"PLUMBLINE_TEXT=" + text}, nil); err != nil {
			t.Fatal(err)
		}
		if byFlag.Text != text || byEnv.Text != text {
			t.Fatalf("%q became %q and %q", text, byFlag.Text, byEnv.Text)
		}
	})
}

// FuzzFlags: no arguments make the loader panic, and none that is no flag is
// accepted in the place of one.
func FuzzFlags(f *testing.F) {
	f.Add("--rows=1", "--fast")
	f.Add("--rows", "--")
	f.Add("-x", "--=")
	f.Fuzz(func(t *testing.T, a, b string) {
		cfg := testConfig{}
		_, err := loadTest(&cfg, []string{"--brokers=x", a, b}, nil, nil)
		if err == nil && !strings.HasPrefix(a, "--") {
			t.Errorf("the argument %q was accepted", a)
		}
	})
}
