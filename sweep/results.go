package sweep

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"text/tabwriter"
)

// Results are what the trials of a sweep came to.
type Results struct {
	Score    string   `json:"score"`    // what is ranked by
	Trials   int      `json:"trials"`   // that have been run; of halving each counts again whenever it went on
	Of       int      `json:"of"`       // that there are
	Failed   int      `json:"failed"`   // of those that have been run
	Settings []Result `json:"settings"` // the best first; those with failures last
	// Test is the loss of the best model on the samples kept apart for testing, nil without, and Loss which loss
	// that is.
	Test *float64 `json:"test_loss,omitempty"`
	Loss string   `json:"loss,omitempty"`

	plan *Plan
}

// Result is what a setting came to.
type Result struct {
	Setting int    `json:"setting"` // from 1
	Values  Values `json:"values"`
	Rung    int    `json:"rung"` // of halving that it has got to, from 0; those further up are ranked before it
	// Mean and Deviation are of the scores of its trials: their mean and standard deviation (n − 1). Mean is nil
	// where a trial failed, Deviation with fewer than two.
	Mean      *float64  `json:"mean"`
	Deviation *float64  `json:"deviation"`
	Outcomes  []Outcome `json:"trials"`
}

// Results ranks the settings of which there are outcomes, by the mean over their trials.
func (s *Store) Results() *Results {
	plan := &s.notes.Plan
	c := s.climb()
	r := &Results{Score: plan.Score, Trials: c.done, Of: c.of, plan: plan}
	for _, one := range c.results {
		if one == nil {
			continue
		}
		for _, o := range one.Outcomes {
			if o.Failed != "" {
				r.Failed++
			}
		}
		r.Settings = append(r.Settings, *one)
	}
	slices.SortFunc(r.Settings, func(a, b Result) int { return a.compare(&b, plan.HigherIsBetter) })
	return r
}

// newResult works out mean and standard deviation, in the order of the trials.
func newResult(setting, rung int, v Values, outcomes []Outcome) *Result {
	r := &Result{Setting: setting, Rung: rung, Values: v, Outcomes: outcomes}
	n, mean := float64(len(outcomes)), 0.0
	for _, o := range outcomes {
		if o.Failed != "" {
			return r
		}
		mean += o.Score / n
	}
	r.Mean = &mean
	if n < 2 {
		return r
	}
	squares := 0.0
	for _, o := range outcomes {
		squares += float64((o.Score - mean) * (o.Score - mean)) // never fused: the same bits on all processors
	}
	deviation := math.Sqrt(squares / (n - 1))
	r.Deviation = &deviation
	return r
}

// compare puts the better of two settings first: one that has failed last, then one that got further, then
// the better mean, then the earlier.
func (r *Result) compare(other *Result, higher bool) int {
	if r.Mean != nil && other.Mean != nil && r.Rung != other.Rung {
		return cmp.Compare(other.Rung, r.Rung)
	}
	return cmp.Or(compareScores(r.Mean, other.Mean, higher), cmp.Compare(r.Setting, other.Setting))
}

// compareScores puts the better first, and what failed last.
func compareScores(a, b *float64, higher bool) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	case higher:
		return cmp.Compare(*b, *a)
	}
	return cmp.Compare(*a, *b)
}

// Best returns the best trial of the best setting; an error where all have failed.
func (r *Results) Best() (Outcome, error) {
	if len(r.Settings) == 0 || r.Settings[0].Mean == nil {
		for _, s := range r.Settings {
			for _, o := range s.Outcomes {
				if o.Failed != "" {
					return Outcome{}, fmt.Errorf("%w; trial %d: %s", ErrNothing, o.Trial, o.Failed)
				}
			}
		}
		return Outcome{}, ErrNothing
	}
	return slices.MinFunc(r.Settings[0].Outcomes, func(a, b Outcome) int {
		return cmp.Or(compareScores(&a.Score, &b.Score, r.plan.HigherIsBetter), cmp.Compare(a.Trial, b.Trial))
	}), nil
}

// WriteTable writes the best settings as text, at most so many.
func (r *Results) WriteTable(w io.Writer, most int) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "rank\t")
	for _, a := range r.plan.Axes {
		fmt.Fprintf(t, "%s\t", a.Name)
	}
	fmt.Fprintf(t, "%s\ttrials\tepochs\tseconds\n", r.Score)
	for i, s := range r.Settings[:min(most, len(r.Settings))] {
		fmt.Fprintf(t, "%d\t", i+1)
		for _, a := range r.plan.Axes {
			fmt.Fprintf(t, "%s\t", shown(s.Values[a.Name]))
		}
		epochs, seconds := 0.0, 0.0
		for _, o := range s.Outcomes {
			epochs += float64(o.Epochs) / float64(len(s.Outcomes))
			seconds += o.Seconds
		}
		fmt.Fprintf(t, "%s\t%d\t%.4g\t%.3g\n", s.score(), len(s.Outcomes), epochs, seconds)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if more := len(r.Settings) - most; more > 0 {
		fmt.Fprintf(w, "and %d more in %s\n", more, TableFile)
	}
	return nil
}

// shown shortens a value such as an architecture, so that it fits a table.
func shown(value string) string {
	const most = 40
	if letters := []rune(value); len(letters) > most {
		return string(letters[:most-1]) + "…"
	}
	return value
}

// score writes mean and standard deviation, the latter with two digits and the former with as
// many decimals.
func (r *Result) score() string {
	if r.Mean == nil {
		return "failed"
	}
	if r.Deviation == nil || !(*r.Deviation > 0) {
		return fmt.Sprintf("%.5g", *r.Mean)
	}
	decimals := min(max(1-int(math.Floor(math.Log10(*r.Deviation))), 0), 12)
	return fmt.Sprintf("%.*f ± %.*f", decimals, *r.Mean, decimals, *r.Deviation)
}

// WriteCSV writes a row for each trial that has been run, in their order.
func (r *Results) WriteCSV(w io.Writer) error {
	var outcomes []Outcome
	ranks, numbers := map[int]int{}, map[string]bool{}
	for rank, s := range r.Settings {
		ranks[s.Setting] = rank + 1
		for _, o := range s.Outcomes {
			outcomes = append(outcomes, o)
			for name := range o.Numbers {
				numbers[name] = true
			}
		}
	}
	slices.SortFunc(outcomes, func(a, b Outcome) int { return cmp.Compare(a.Trial, b.Trial) })
	axes := append(names(r.plan.Axes), names(r.plan.Repeats)...)
	columns := slices.Sorted(maps.Keys(numbers))
	rows := [][]string{slices.Concat([]string{"trial", "setting", "rank"}, axes, []string{"epochs", "epoch"}, columns, []string{"parameters", "seconds", "failed", "folder"})}
	for _, o := range outcomes {
		row := []string{strconv.Itoa(o.Trial), strconv.Itoa(o.Setting), strconv.Itoa(ranks[o.Setting])}
		for _, a := range axes {
			row = append(row, o.Values[a])
		}
		row = append(row, strconv.Itoa(o.Epochs), strconv.Itoa(o.Epoch))
		for _, name := range columns {
			cell := ""
			if v, ok := o.Numbers[name]; ok {
				cell = strconv.FormatFloat(v, 'g', -1, 64)
			}
			row = append(row, cell)
		}
		rows = append(rows, append(row, strconv.Itoa(o.Parameters), strconv.FormatFloat(o.Seconds, 'f', 3, 64), o.Failed,
			filepath.ToSlash(trialPath(o.Trial))))
	}
	return csv.NewWriter(w).WriteAll(rows)
}
