// Package metric holds the functions that training reports beside its loss, one
// file each.
package metric

import (
	"fmt"
	"slices"
)

// Metric judges a prediction by its target. It is evaluated sample by sample.
type Metric interface {
	// Name returns the metric's name in reports: "rounded_accuracy".
	Name() string
	// Eval returns the mean over the entries of one sample; pred and target are
	// equally long.
	Eval(pred, target []float32) float64
}

// Ordered is a metric that says which of its values are better; early stopping on
// a metric needs to know.
type Ordered interface {
	Metric
	// HigherIsBetter reports whether higher values are better, as those of an
	// accuracy, or lower ones, as those of an error.
	HigherIsBetter() bool
}

var all = []Metric{RoundedAccuracy{}, MeanSquaredError{}, MeanAbsoluteError{}}

// Names lists the names that ByName knows.
func Names() []string {
	var names []string
	for _, m := range all {
		names = append(names, m.Name())
	}
	return names
}

// ByName returns a metric: "rounded_accuracy", "mse" or "mae".
func ByName(name string) (Metric, error) {
	i := slices.IndexFunc(all, func(m Metric) bool { return m.Name() == name })
	if i < 0 {
		return nil, fmt.Errorf("metric: unknown metric %q, want one of %v", name, Names())
	}
	return all[i], nil
}
