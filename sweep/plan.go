package sweep

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
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
	// Halving draws them, too, but trains most of them for a few epochs only: successive halving (Jamieson &
	// Talwalkar, Non-stochastic best arm identification and hyperparameter optimization, 2016).
	Halving Search = "halving"
)

// Searches lists the searches.
func Searches() []Search { return []Search{Grid, Random, Halving} }

// Plan is what a sweep is to try. Everything else follows from it: the i-th setting is the same
// however many there are, and whatever has been tried before.
type Plan struct {
	Axes    []Axis `json:"axes"`              // what settings differ in
	Repeats []Axis `json:"repeats,omitempty"` // what the trials of a setting differ in: seeds
	Search  Search `json:"search"`
	// Settings is how many settings are drawn; a grid has as many as there are.
	Settings int    `json:"settings,omitempty"`
	Seed     uint64 `json:"search_seed"` // of what is drawn

	// Halving begins with all settings and few epochs, keeps the best of Reduction settings, trains those
	// Reduction times as long, and so on, until some have had all Epochs.
	Epochs    int `json:"epochs,omitempty"`
	Reduction int `json:"reduction,omitempty"` // at least 2

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
	if p.Search == Halving {
		switch {
		case p.Reduction < 2:
			return fmt.Errorf("sweep: a reduction of %d, want at least 2", p.Reduction)
		case p.Settings < p.Reduction || p.Epochs < p.Reduction:
			return fmt.Errorf("sweep: %d settings and %d epochs are too few to keep the best of %d settings; want as many of both at least", p.Settings, p.Epochs, p.Reduction)
		}
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
	case p.Epochs != here.Epochs:
		return fmt.Errorf("the sweep has %d epochs, not %d", p.Epochs, here.Epochs)
	case p.Reduction != here.Reduction:
		return fmt.Errorf("the sweep has the reduction %d, not %d", p.Reduction, here.Reduction)
	case p.Search == Halving && p.Settings != here.Settings:
		return fmt.Errorf("the sweep has %d settings, not %d; halving begins with all of them", p.Settings, here.Settings)
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
	const patience = 1000 // draws in a row that are nothing new, where nobody knows how many there are
	var all []Values
	seen := map[string]bool{}
	known := int(min(size(p.Axes), MostTrials+1)) // 0 where there is a range of numbers
	for index, missed := uint64(0), 0; len(all) < p.Settings && (known > 0 && len(all) < known || known == 0 && missed < patience); index++ {
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
	// Stop is the number of epochs after which the trial rests, so that it can go on later; 0 for its end.
	Stop int `json:"stop,omitempty"`
}

// tasks returns the trials of one of the settings, by its index.
func (p *Plan) tasks(settings []Values, index, stop int) []Task {
	var tasks []Task
	repeats := product(p.Repeats)
	for r, repeat := range repeats {
		t := Task{Trial: index*len(repeats) + r + 1, Setting: index + 1, Values: maps.Clone(settings[index]), Stop: stop}
		maps.Copy(t.Values, repeat)
		tasks = append(tasks, t)
	}
	return tasks
}

// Tasks returns all trials of the plan in their order, to their ends.
func (p *Plan) Tasks() []Task {
	var tasks []Task
	settings := p.All()
	for i := range settings {
		tasks = append(tasks, p.tasks(settings, i, 0)...)
	}
	return tasks
}

// rung is a step of successive halving: how many settings get that far, and the epochs after which
// they are compared; 0 epochs are all.
type rung struct{ settings, stop int }

// rungs returns the steps that a sweep of n settings goes through. Of halving there are as many as settings
// and epochs allow, s + 1 with the largest s for which the reduction η has η^s ≤ n and η^s ≤ R epochs; rung k
// compares ⌊n/η^k⌋ settings after R·η^(k−s) epochs (Li et al., Hyperband, 2018, one of its brackets).
func (p *Plan) rungs(n int) []rung {
	if p.Search != Halving {
		return []rung{{n, 0}}
	}
	most := 1 // η^s
	for most*p.Reduction <= min(n, p.Epochs) {
		most *= p.Reduction
	}
	var list []rung
	for kept := 1; kept < most; kept *= p.Reduction {
		list = append(list, rung{n / kept, int(math.Round(float64(p.Epochs*kept) / float64(most)))})
	}
	return append(list, rung{n / most, 0})
}

// Rungs says in words what halving does with n settings: "27 settings for 1, 9 for 3, 3 for 9, 1 for 27 epochs".
func (p *Plan) Rungs(n int) string {
	var parts []string
	for _, r := range p.rungs(n) {
		parts = append(parts, fmt.Sprintf("%d for %d", r.settings, cmp.Or(r.stop, p.Epochs)))
	}
	return strings.Replace(strings.Join(parts, ", "), " for", " settings for", 1) + " epochs"
}

// ErrNothing is the error of a sweep in which all trials failed.
var ErrNothing = errors.New("sweep: all trials failed")
