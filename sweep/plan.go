package sweep

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
)

// Search is the way settings are found.
type Search string

// The searches.
const (
	// Grid tries every combination of values.
	Grid Search = "grid"
	// Random draws them (Bergstra & Bengio, Random search for hyper-parameter optimization, 2012).
	Random Search = "random"
)

// Searches lists the searches.
func Searches() []Search { return []Search{Grid, Random} }

// Plan is what a sweep is to try. Everything else follows from it: the i-th setting is the same
// however many there are, and whatever has been tried before.
type Plan struct {
	Axes    []Axis `json:"axes"`              // what settings differ in
	Repeats []Axis `json:"repeats,omitempty"` // what the trials of a setting differ in: seeds
	Search  Search `json:"search"`
	// Settings is how many settings are drawn; a grid has as many as there are.
	Settings int    `json:"settings,omitempty"`
	Seed     uint64 `json:"search_seed"` // of what is drawn

	Score          string `json:"score"` // what is ranked by: "val_loss"
	HigherIsBetter bool   `json:"higher_is_better,omitempty"`
}

// Values are those of a setting or of a trial, by the names of their axes.
type Values map[string]string

// MostTrials bounds a sweep: more folders than that are a mistake.
const MostTrials = 100_000

// Validate refuses a plan that cannot be carried out.
func (p *Plan) Validate() error {
	if !slices.Contains(Searches(), p.Search) {
		return fmt.Errorf("sweep: search is %q, want one of %v", p.Search, Searches())
	}
	for _, a := range p.Repeats {
		if a.Count() == 0 {
			return fmt.Errorf("sweep: %s has all numbers from %v to %v, of which a setting cannot try each; want some of them: %v..%v/5", a.Name, a.Low, a.High, a.Low, a.High)
		}
	}
	for _, a := range p.Axes {
		if a.Count() == 0 && p.Search == Grid {
			return fmt.Errorf("sweep: a grid cannot have all numbers of %s from %v to %v; want some of them (%v..%v/5), or another search", a.Name, a.Low, a.High, a.Low, a.High)
		}
	}
	if p.Search != Grid && p.Settings < 1 {
		return fmt.Errorf("sweep: %d settings, want at least 1", p.Settings)
	}
	settings := float64(p.Settings)
	if p.Search == Grid {
		settings = size(p.Axes)
	}
	if n := settings * size(p.Repeats); n > MostTrials {
		return fmt.Errorf("sweep: that makes %.0f trials, want at most %d", n, MostTrials)
	}
	return nil
}

// size is the number of combinations; those that cannot be counted make it 0.
func size(axes []Axis) float64 {
	n := 1.0
	for _, a := range axes {
		n *= float64(a.Count())
	}
	return n
}

// Differ reports the first thing in which another plan is not this one. It may have more
// settings, where they are drawn.
func (p *Plan) Differ(here *Plan) error {
	switch {
	case p.Search != here.Search:
		return fmt.Errorf("the sweep has the search %s, not %s", p.Search, here.Search)
	case p.Seed != here.Seed:
		return fmt.Errorf("the sweep has the search seed %d, not %d", p.Seed, here.Seed)
	case p.Score != here.Score:
		return fmt.Errorf("the sweep is ranked by %s, not by %s", p.Score, here.Score)
	case here.Settings < p.Settings:
		return fmt.Errorf("the sweep has %d settings already, and cannot have but %d", p.Settings, here.Settings)
	}
	for _, c := range []struct{ was, now []Axis }{{p.Axes, here.Axes}, {p.Repeats, here.Repeats}} {
		if !reflect.DeepEqual(names(c.was), names(c.now)) {
			return fmt.Errorf("the sweep varies %s, not %s", strings.Join(names(c.was), ", "), strings.Join(names(c.now), ", "))
		}
		for i, a := range c.was {
			if !reflect.DeepEqual(a, c.now[i]) {
				return fmt.Errorf("the sweep has other values of %s", a.Name)
			}
		}
	}
	return nil
}

func names(axes []Axis) []string {
	list := []string{}
	for _, a := range axes {
		list = append(list, a.Name)
	}
	return list
}

// All returns the settings, in their order.
func (p *Plan) All() []Values {
	if p.Search == Grid {
		return product(p.Axes)
	}
	return p.draw()
}

// product returns all combinations of values; those of the last axis change fastest.
func product(axes []Axis) []Values {
	all := []Values{{}}
	for _, a := range axes {
		var longer []Values
		for _, v := range all {
			for i := range a.Count() {
				with := Values{a.Name: a.At(i)}
				for name, value := range v {
					with[name] = value
				}
				longer = append(longer, with)
			}
		}
		all = longer
	}
	return all
}

// draw returns settings at random. One that comes again is drawn anew; where all there are have
// been drawn, there are no more.
func (p *Plan) draw() []Values {
	const patience = 1000 // draws in a row that are nothing new
	var all []Values
	seen := map[string]bool{}
	for index, missed := uint64(0), 0; len(all) < p.Settings && missed < patience; index++ {
		v, key := p.setting(index)
		if seen[key] {
			missed++
			continue
		}
		seen[key], missed = true, 0
		all = append(all, v)
	}
	return all
}

// setting returns the setting of an index, and a text that no other has. Each axis has random
// numbers of its own, so that its values stay if another is added.
func (p *Plan) setting(index uint64) (Values, string) {
	v, key := Values{}, ""
	for _, a := range p.Axes {
		name := fnv.New64a()
		name.Write([]byte(a.Name))
		v[a.Name] = a.Draw(rand.New(rand.NewPCG(p.Seed^name.Sum64(), index)))
		key += v[a.Name] + "\x00"
	}
	return v, key
}

// Task is a trial to be run.
type Task struct {
	Trial   int    `json:"trial"`   // from 1
	Setting int    `json:"setting"` // from 1
	Values  Values `json:"values"`
}

// tasks returns the trials of some settings, by their indices.
func (p *Plan) tasks(settings []Values) []Task {
	var tasks []Task
	repeats := product(p.Repeats)
	for s, setting := range settings {
		for r, repeat := range repeats {
			t := Task{Trial: s*len(repeats) + r + 1, Setting: s + 1, Values: Values{}}
			for _, v := range []Values{setting, repeat} {
				for name, value := range v {
					t.Values[name] = value
				}
			}
			tasks = append(tasks, t)
		}
	}
	return tasks
}

// Tasks returns all trials of the plan in their order.
func (p *Plan) Tasks() []Task { return p.tasks(p.All()) }

// ErrNothing is the error of a sweep in which all trials failed.
var ErrNothing = errors.New("sweep: all trials failed")
