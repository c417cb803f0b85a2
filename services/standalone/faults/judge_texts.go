package faults

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
)

// judgeTexts compares the persons and the free texts of every raw row, and the new data of corrections, with the event in
// the log: they are what was sealed, or what is left of it when a person is erased. Which row is whose is judged in
// [run.judgeRows].
func (r *run) judgeTexts(ctx context.Context, db *warehouse.DB, m *model, rep *report) error {
	for _, spec := range event.Catalogue() {
		columns := textColumns(spec.Kind)
		var rows []struct {
			Identity [16]byte `ch:"identity"`
			Texts    []string `ch:"texts"`
		}
		sql := "SELECT identity, [toString(" + strings.Join(columns, "), toString(") + ")] AS texts FROM " + spec.Table + " FINAL"
		if err := db.Query(ctx, sql, nil, &rows); err != nil {
			return fmt.Errorf("read texts of %s: %w", spec.Table, err)
		}
		for _, row := range rows {
			e, ok := m.winners[row.Identity]
			if !ok || e.Kind != spec.Kind {
				continue
			}
			want, err := m.texts(e, columns)
			if err != nil {
				return err
			}
			if !slices.ContainsFunc(want, func(w []string) bool { return slices.Equal(w, row.Texts) }) {
				rep.wrong = append(rep.wrong, fmt.Sprintf("%s %s of %s: %v are %q, want %q", e.Source, e.ID, e.Workspace, columns, row.Texts, want))
			}
		}
	}
	return nil
}

// textColumns are the columns of a kind that erasing changes, those of persons first.
func textColumns(kind event.Kind) []string {
	by := event.ErasedColumns(kind)
	return slices.Concat(by[event.ErasePerson], by[event.EraseBlank], by[event.EraseData])
}

// texts are the values of columns that a row may have: one list, but for a correction of an event of the person who was
// erased. Its free text is emptied by the passes, since nobody knows whom it names, and stays where the correction came
// after them, naming nobody itself.
func (m *model) texts(e event.Stored, columns []string) ([][]string, error) {
	plain, err := values(e.Data, columns)
	if err != nil {
		return nil, err
	}
	c, ok := e.Data.(*event.Correct)
	if target, _ := warehouse.TargetOf(e.Event); !ok || !m.erased[target] {
		return [][]string{plain}, nil
	}
	data, _, err := event.NewEraser().Correction(c.Target, c.Data, true, func(string) (string, bool) { return "", false })
	if err != nil {
		return nil, err
	}
	emptied, err := values(&event.Correct{Common: c.Common, Source: c.Source, ID: c.ID, Target: c.Target, Data: data}, columns)
	return [][]string{plain, emptied}, err
}

// values are those of columns of the payload, whose names in JSON are the same but where they are of no interest here.
func values(data event.Data, columns []string) ([]string, error) {
	raw, err := json.Marshal(data)
	if err != nil {
		return nil, err
	}
	fields := map[string]jsontext.Value{}
	if err := json.Unmarshal(raw, &fields); err != nil {
		return nil, err
	}
	var out []string
	for _, c := range columns {
		v := fields[c]
		if v.Kind() != '"' {
			out = append(out, string(v)) // the data of a correction, or nothing
			continue
		}
		var text string
		if err := json.Unmarshal(v, &text); err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, nil
}
