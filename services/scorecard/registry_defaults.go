package scorecard

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/shopspring/decimal"

	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
)

// registryDefault is what holds where the registry declares nothing: an entry as one would be written.
type registryDefault struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
	// Source says who has set it.
	Source string `json:"source"`
}

// bestGrade is the highest evidence grade.
const bestGrade = 5

// ofDefinitions is the source of what belongs to the definitions of the measures.
const ofDefinitions = "the definitions of the measures"

// defaultsOf are those of a kind; the other kinds have none, and what depends on their entries is withheld or left out without one.
func (v *view) defaultsOf(kind registry.Kind) ([]registryDefault, error) {
	d := defaults{list: []registryDefault{}}
	switch kind {
	case registry.Assumptions:
		for _, key := range []string{realisationKey, attributionKey, discountKey} {
			a := assumedDefault(key)
			d.add(key, ofDefinitions, map[string]any{"range": map[string]any{"low": exactNumber(a.Low), "mode": exactNumber(a.Mode), "high": exactNumber(a.High)}})
		}
		byGrade := map[string]any{}
		for grade := range bestGrade + 1 {
			byGrade[strconv.Itoa(grade)] = exactNumber(metric.DefaultHaircut(grade))
		}
		d.add(riskKey, ofDefinitions, map[string]any{"by_grade": byGrade})
	case registry.Benchmarks:
		for _, m := range v.rules.Catalogue() {
			if b := metric.KnownBenchmark(m.Key); b != nil {
				source := ofDefinitions
				if b.Source != nil {
					source = *b.Source
				}
				d.add(m.Key, source, map[string]any{"measure": m.Key, "value": exactNumber(b.Value.Decimal), "label": b.Label})
			}
		}
	case registry.Calendar:
		d.add(registry.CalendarKey, "this program", map[string]any{"zone": "UTC", "currency": registry.DefaultCurrency, "fiscal_year_start": 1})
	default:
	}
	return d.list, d.err
}

// defaults collects what holds by default.
type defaults struct {
	list []registryDefault
	err  error
}

func (d *defaults) add(key, source string, value map[string]any) {
	raw, err := json.Marshal(value)
	if err != nil {
		d.err = fmt.Errorf("encode default of %s: %w", key, err)
		return
	}
	d.list = append(d.list, registryDefault{key, raw, source})
}

func exactNumber(d decimal.Decimal) json.Number { return json.Number(d.String()) }
