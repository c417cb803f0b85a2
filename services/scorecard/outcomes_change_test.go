package scorecard

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
)

// A correction changes what was logged, a version that is gone is not overwritten, and a withdrawal takes it out; each is harmless
// when it is sent again.
func TestOutcomesAreCorrectedAndWithdrawn(t *testing.T) {
	_, me := newOutcomeBench(t)
	id, path := uuid.NewString(), ""
	path = "/api/v1/outcomes/" + id
	me.logged(id, `{"workflow":"brief","minutes":48,"quality":4,"note":"First"}`)
	p := me.preview(`{"replaces":"` + id + `","workflow":"brief","minutes":18}`)
	p.at("hours").is("0.5") // from 30 minutes to 60
	change := uuid.NewString()
	res, raw := me.send("PATCH", path, `{"change":"`+change+`","minutes":18,"note":null,"quality":null}`, "If-Match", `"original"`)
	if res.StatusCode != http.StatusOK {
		t.Fatalf("correct: %d %s", res.StatusCode, raw)
	}
	o := me.hold("corrected", "Outcome", raw)
	o.at("minutes").is("18")
	o.at("note").is("null")
	o.at("quality").is("null")
	o.at("corrected").is("true")
	me.settled(id).at("hours").is("1")
	if hours, value := me.ownNumbers(); hours.String() != "1" || value.String() != "36" {
		t.Errorf("%s h and %s, want 1 and 36", hours, value)
	}
	// The same change again is done already; another one of the version before is told.
	if again, raw := me.send("PATCH", path, `{"change":"`+change+`","minutes":18}`, "If-Match", `"original"`); again.StatusCode != http.StatusOK {
		t.Errorf("the same change again: %d %s", again.StatusCode, raw)
	}
	if stale, raw := me.send("PATCH", path, `{"minutes":5}`, "If-Match", `"original"`); stale.StatusCode != http.StatusPreconditionFailed {
		t.Errorf("a change of a version that is gone: %d %s", stale.StatusCode, raw)
	}
	if stale, raw := me.send("DELETE", path, "", "If-Match", `"original"`); stale.StatusCode != http.StatusPreconditionFailed {
		t.Errorf("a withdrawal of a version that is gone: %d %s", stale.StatusCode, raw)
	}
	for body, pointer := range map[string]string{`{"minutes":-1}`: "/minutes", `{"workflow":""}`: "/workflow", `{"note":"` + strings.Repeat("x", 200) + `"}`: "/note"} {
		wrong, raw := me.send("PATCH", path, body, "If-Match", res.Header.Get("ETag"))
		if wrong.StatusCode != http.StatusBadRequest || !strings.Contains(string(raw), `"pointer":"`+pointer+`"`) {
			t.Errorf("%.40s: %d %s", body, wrong.StatusCode, raw)
		}
	}
	if gone, raw := me.send("DELETE", path+"?change="+uuid.NewString(), "", "If-Match", res.Header.Get("ETag")); gone.StatusCode != http.StatusOK {
		t.Fatalf("withdraw: %d %s", gone.StatusCode, raw)
	}
	me.settled(id).at("state").is("withdrawn")
	if hours, value := me.ownNumbers(); !hours.IsZero() || !value.IsZero() {
		t.Errorf("%s h and %s after the withdrawal", hours, value)
	}
	if again, raw := me.send("DELETE", path, ""); again.StatusCode != http.StatusOK {
		t.Errorf("withdrawn again: %d %s", again.StatusCode, raw)
	}
	if late, raw := me.send("PATCH", path, `{"minutes":5}`, "If-Match", `"withdrawn"`); late.StatusCode != http.StatusConflict {
		t.Errorf("a change of what was withdrawn: %d %s", late.StatusCode, raw)
	}
}

// Of many who change one version at once, one does, and the others are told.
func TestOfTwoChangesTheLaterIsTold(t *testing.T) {
	_, me := newOutcomeBench(t)
	id := uuid.NewString()
	me.logged(id, `{"workflow":"brief","minutes":48}`)
	var group sync.WaitGroup
	statuses := make([]int, 5)
	for i := range statuses {
		group.Go(func() {
			res, _ := me.send("PATCH", "/api/v1/outcomes/"+id, fmt.Sprintf(`{"minutes":%d}`, i+1), "If-Match", `"original"`)
			statuses[i] = res.StatusCode
		})
	}
	group.Wait()
	slices.Sort(statuses)
	if !slices.Equal(statuses, []int{200, 412, 412, 412, 412}) {
		t.Errorf("answered %v, want one 200 and four 412", statuses)
	}
}

// An undo may come before the loader: with the receipt it waits for it.
func TestAnUndoOvertakesTheLoader(t *testing.T) {
	_, me := newOutcomeBench(t)
	id := uuid.NewString()
	res, raw := me.send("POST", "/api/v1/outcomes", `{"id":"`+id+`","workflow":"brief","minutes":48}`)
	if res.StatusCode != http.StatusAccepted {
		t.Fatalf("log: %d %s", res.StatusCode, raw)
	}
	receipt := me.hold("log", "OutcomeAccepted", raw).at("receipt").text()
	if res, raw = me.do("GET", "/api/v1/outcomes/"+id+"?receipt="+receipt, ""); res.StatusCode != http.StatusOK {
		t.Errorf("on its way: %d %s", res.StatusCode, raw)
	}
	if res, raw = me.send("DELETE", "/api/v1/outcomes/"+id+"?receipt="+receipt, ""); res.StatusCode != http.StatusOK {
		t.Fatalf("undo: %d %s", res.StatusCode, raw)
	}
	me.settled(id).at("state").is("withdrawn")
}
