package collector

import (
	"encoding/json"
	"maps"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/event"
)

const (
	// mostProblems are shown; the others are counted.
	mostProblems = 20
	// writeTime is how long a client may take to read a line of the answer.
	writeTime = 30 * time.Second
	// progressEvery is the least time between two lines. Clients that only read when they have sent everything must not be
	// held up by lines that nobody takes: the time grows with each of them, to some hundred lines in a day.
	progressEvery = time.Second
)

// importSummary is what has become of the rows of a file, so far or in the end.
type importSummary struct {
	// Complete is true at the end of the file, Error why it was not reached.
	Complete bool           `json:"complete"`
	Error    *importProblem `json:"error,omitempty"`
	// Mapping is the name of the mapping: of several that which fits the file.
	Mapping string `json:"mapping"`
	Rows    int    `json:"rows"`
	Events  int    `json:"events"`
	// Accepted are durable in the log; Duplicates repeat another of the same request. The loader tells of those that came before.
	Accepted   int                `json:"accepted"`
	Duplicates int                `json:"duplicates"`
	Rejected   map[event.Code]int `json:"rejected"`
	// Skipped are events that the mapping does not count, by its reason.
	Skipped  map[string]int `json:"skipped"`
	Problems []rowProblem   `json:"problems"`
	// Absent are columns that the mapping reads and that no row had: NDJSON has no header that says so before.
	Absent []string `json:"absent,omitempty"`
	// NextRow is the first row that is not known to be durable: from_row of a request that goes on.
	NextRow int `json:"next_row"`
}

// rowProblem is why an event of a row was not taken.
type rowProblem struct {
	Line    int        `json:"line"`
	Column  string     `json:"column,omitempty"`
	Pointer string     `json:"pointer,omitempty"`
	Code    event.Code `json:"code"`
	Message string     `json:"message"`
}

func newImportSummary(mapping string, from int) importSummary {
	return importSummary{
		Mapping: mapping, Rejected: map[event.Code]int{}, Skipped: map[string]int{}, Problems: []rowProblem{}, NextRow: from,
	}
}

func (s *importSummary) problem(p rowProblem) {
	if len(s.Problems) < mostProblems {
		p.Column, p.Message = short(p.Column), short(p.Message)
		s.Problems = append(s.Problems, p)
	}
}

// importProgress is a line of the answer while the file is read.
type importProgress struct {
	Rows       int `json:"rows"`
	Accepted   int `json:"accepted"`
	Duplicates int `json:"duplicates"`
	Rejected   int `json:"rejected"`
	NextRow    int `json:"next_row"`
}

// importAnswers writes the answer, line by line.
type importAnswers struct {
	c       *gin.Context
	control *http.ResponseController
	began   bool
	lines   int
	last    time.Time
}

// progress writes a line now and then.
func (a *importAnswers) progress(s importSummary) {
	if time.Since(a.last) < time.Duration(a.lines)*progressEvery {
		return
	}
	rejected := 0
	for n := range maps.Values(s.Rejected) {
		rejected += n
	}
	a.line(map[string]any{"progress": importProgress{s.Rows, s.Accepted, s.Duplicates, rejected, s.NextRow}})
}

// end writes the last line.
func (a *importAnswers) end(s importSummary) { a.line(map[string]any{"summary": s}) }

// line writes one line. A client that has gone gets none; what it has sent is taken all the same.
func (a *importAnswers) line(v any) {
	raw, err := json.Marshal(v)
	if err != nil {
		return // numbers and texts can be written
	}
	_ = a.control.SetWriteDeadline(time.Now().Add(writeTime))
	if !a.began {
		a.c.Header("Content-Type", typeNDJSON)
		a.c.Status(http.StatusOK)
		a.began = true
	}
	_, _ = a.c.Writer.Write(append(raw, '\n'))
	_ = a.control.Flush()
	a.lines, a.last = a.lines+1, time.Now()
}
