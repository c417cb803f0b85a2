// Package demo invents a marketing organisation with planted truth: what its people really saved, which experiment
// really wins, how often its deals are really won. The Scorecard that is made of its events can be held against that
// truth, and a newcomer sees every page filled.
//
// Everything is a pure function of a [Config]: the same configuration gives the same events under the same ids, so that
// loading it twice changes nothing. The package does no I/O; names of people, vendors and teams are invented.
package demo

import (
	"fmt"
	"iter"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/event"
)

// Config says which organisation to invent.
type Config struct {
	// Seed decides everything that is drawn.
	Seed uint64
	// Size multiplies people, deals and exposures; 1 is about 60 people and some thousand events. Default 1.
	Size float64
	// Days is how many days of history there are; default 180, the 90 of a scorecard and 90 before them, from which
	// baselines are measured and with which it is compared.
	Days int
	// Until is the end of the history: nothing happened later. Required.
	Until time.Time
}

// Zone is the organisation's time zone, Currency its money.
const (
	Zone     = "America/New_York"
	Currency = "USD"
)

// Event is one fact of the organisation.
type Event struct {
	ID, Source string
	Time       time.Time
	Subject    string
	Data       event.Data
}

// Organisation is an invented organisation.
type Organisation struct {
	cfg       Config
	start     time.Time // midnight UTC of the first day
	workflows []workflow
	people    []person
	vendors   []vendor
	trials    []experiment
}

// New invents an organisation.
func New(cfg Config) *Organisation {
	if cfg.Size <= 0 {
		cfg.Size = 1
	}
	if cfg.Days <= 0 {
		cfg.Days = 180
	}
	cfg.Until = cfg.Until.UTC().Truncate(time.Minute)
	o := &Organisation{cfg: cfg}
	o.start = event.DayOf(cfg.Until).AddDate(0, 0, 1-cfg.Days)
	o.workflows = drawWorkflows(cfg.Seed)
	o.people = hire(cfg.Size)
	o.vendors = vendors()
	o.trials = o.planExperiments()
	return o
}

// Start is the first instant of the history.
func (o *Organisation) Start() time.Time { return o.start }

// Until is the end of the history.
func (o *Organisation) Until() time.Time { return o.cfg.Until }

// Events are all facts, kind by kind, each kind in the order of time. The sequence may be read several times and is
// made while it is read.
func (o *Organisation) Events() iter.Seq[Event] {
	streams := []func(func(Event) bool) bool{
		o.hours, o.study, o.timeTrial, o.spend, o.conversions, o.deals, o.reviews, o.pulses, o.trainings, o.barriers,
	}
	return func(yield func(Event) bool) {
		for _, s := range streams {
			if !s(yield) {
				return
			}
		}
	}
}

// source names one of the organisation's tools. The configuration is part of it, so that two organisations in one
// workspace are two sets of facts, and never conflicting versions of one.
func (o *Organisation) source(tool string) string {
	return fmt.Sprintf("demo/%s/seed-%d/%s/%d-days/size-%g", tool, o.cfg.Seed, o.cfg.Until.Format("2006-01-02T15:04Z"), o.cfg.Days, o.cfg.Size)
}

// workdays are the instants 00:00 UTC of Monday to Friday.
func (o *Organisation) workdays() iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		for d := o.start; d.Before(o.cfg.Until); d = d.AddDate(0, 0, 1) {
			if wd := d.Weekday(); wd == time.Saturday || wd == time.Sunday {
				continue
			}
			if !yield(d) {
				return
			}
		}
	}
}

// past reports whether t has happened.
func (o *Organisation) past(t time.Time) bool { return !t.After(o.cfg.Until) }

// Structured is the event as a CloudEvents JSON object.
func (e Event) Structured() (jsontext.Value, error) {
	return json.Marshal(struct {
		SpecVersion string     `json:"specversion"`
		Type        string     `json:"type"`
		Source      string     `json:"source"`
		ID          string     `json:"id"`
		Time        event.Time `json:"time"`
		Subject     string     `json:"subject,omitzero"`
		Data        event.Data `json:"data"`
	}{"1.0", e.Data.Kind().Type(), e.Source, e.ID, event.Time{Time: e.Time.UTC()}, e.Subject, e.Data})
}
