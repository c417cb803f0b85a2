package collector

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/waves"
)

// seals seals events. Answers to the survey are sealed with the secret of their wave, which is opened for the first of them.
type seals struct {
	sealer *event.Sealer
	// waves is nil in tests that open none.
	waves   *waves.Book
	timeout time.Duration
	log     *slog.Logger
}

// seal seals an event. A problem is why it is refused, an error why it can not be told now: the log has not confirmed a wave.
func (s *seals) seal(ctx context.Context, e event.Event) (event.Sealed, *event.Problem, error) {
	for _, wave := range event.WavesOf(e) {
		problem, err := s.open(ctx, e, wave)
		if problem != nil || err != nil {
			return event.Sealed{}, problem, err
		}
	}
	sealed, err := s.sealer.Seal(e)
	if closed := (event.Problem{}); errors.As(err, &closed) && closed.Code == event.CodeWaveClosed {
		return event.Sealed{}, &closed, nil
	}
	if err != nil {
		// The parser has let something pass that can not be written.
		s.log.ErrorContext(ctx, "seal event failed", "error", err, "kind", string(e.Kind))
		return event.Sealed{}, &event.Problem{Code: event.CodeBadValue, Pointer: "/data", Message: "the data can not be stored as it is"}, nil
	}
	return sealed, nil, nil
}

func (s *seals) open(ctx context.Context, e event.Event, wave string) (*event.Problem, error) {
	if s.waves == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timeout)
	defer cancel()
	err := s.waves.Open(ctx, e.Workspace, wave)
	pointer := "/data/wave"
	if e.Kind == event.KindCorrect {
		pointer = "/data/data/wave"
	}
	switch closed := (event.Problem{}); {
	case errors.As(err, &closed):
		return new(event.WaveClosed(pointer)), nil
	case errors.Is(err, waves.ErrTooMany):
		return &event.Problem{Code: event.CodeOutOfRange, Pointer: pointer, Message: err.Error()}, nil
	}
	return nil, err
}

// kept are the bytes of a refused event that are kept. Those of an answer to the survey must not tell whose it is for longer
// than the answers that were taken do: its person is replaced, where the wave is open and nothing else could be a name, and else
// nothing is kept but why it was refused.
func (s *seals) kept(workspace, typ string, raw []byte, contentType string) ([]byte, string) {
	kind, _, _ := strings.Cut(strings.TrimPrefix(typ, "plumbline."), ".")
	if k := event.Kind(kind); k != event.KindPulse && (k != event.KindCorrect || !correctsAnswer(raw)) {
		return raw, contentType
	}
	if contentType == typeStructured {
		if veiled, ok := s.veiled(workspace, raw); ok {
			return veiled, contentType
		}
	}
	return nil, warehouse.AnswerType
}

// correctsAnswer tells whether a correction, as it came, may be one of an answer: what can not be read may be.
func correctsAnswer(raw []byte) bool {
	var e struct {
		Data struct {
			Kind event.Kind `json:"kind"`
		} `json:"data"`
	}
	if err := json.Unmarshal(raw, &e); err == nil {
		if _, ok := event.Lookup(e.Data.Kind); ok {
			return e.Data.Kind == event.KindPulse
		}
	}
	return strings.Contains(string(raw), string(event.KindPulse))
}

// object is a JSON object whose members are looked at by name.
type object map[string]jsontext.Value

// veiled is an answer, or a correction of one, in structured form with pseudonyms in the place of persons.
func (s *seals) veiled(workspace string, raw []byte) ([]byte, bool) {
	var whole, data, inner object
	if json.Unmarshal(raw, &whole) != nil || json.Unmarshal(whole["data"], &data) != nil {
		return nil, false
	}
	answer := data
	if _, corrects := data["data"]; corrects {
		if json.Unmarshal(data["data"], &inner) != nil || !onlyMembersOf(data, event.Correct{}) {
			return nil, false
		}
		answer = inner
	}
	var wave string
	if json.Unmarshal(answer["wave"], &wave) != nil || !onlyMembersOf(answer, event.Pulse{}) ||
		!s.veil(answer, workspace, wave) || inner != nil && !s.veil(data, workspace, wave) {
		return nil, false
	}
	var err error
	if inner != nil {
		data["data"], err = json.Marshal(inner, json.Deterministic(true))
	}
	if err == nil {
		whole["data"], err = json.Marshal(data, json.Deterministic(true))
	}
	if err != nil {
		return nil, false
	}
	out, err := json.Marshal(whole, json.Deterministic(true))
	return out, err == nil
}

// veil replaces the person of an object, if it has one.
func (s *seals) veil(o object, workspace, wave string) bool {
	raw, ok := o["person"]
	if !ok {
		return true
	}
	var person string
	if json.Unmarshal(raw, &person) != nil {
		return false
	}
	sealed, err := s.sealer.Pulse(workspace, wave, person)
	if err != nil {
		return false
	}
	o["person"], err = json.Marshal(sealed)
	return err == nil
}

// onlyMembersOf tells whether an object has no member that the data of the kind does not have: a misspelt one may hold a name.
func onlyMembersOf(o object, data any) bool {
	names := map[string]bool{}
	for _, f := range reflect.VisibleFields(reflect.TypeOf(data)) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		names[name] = true
	}
	for name := range o {
		if !names[name] {
			return false
		}
	}
	return true
}
