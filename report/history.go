package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// history is the training as metrics.json tells it: columns over the epochs.
type history struct {
	epochs  []float64 // their numbers
	seconds float64   // of all together; 0 where they were not measured
	names   []string  // of the columns, in the order of the file: "loss", "val_loss", …
	columns map[string][]float64
}

// largestValue bounds what is drawn, so that differences of values stay numbers.
const largestValue = 1e100

// parseHistory reads the epochs. An epoch without a number that others have is
// an error, as is anything but a number.
func parseHistory(metrics Object) (history, error) {
	h := history{columns: map[string][]float64{}}
	value := metrics.Get("epochs")
	if value == nil {
		return h, nil
	}
	list, ok := value.([]any)
	if !ok {
		return h, fmt.Errorf("epochs: got %s, want an array", compact(value))
	}
	for i, element := range list {
		epoch, ok := element.(Object)
		if !ok {
			return h, fmt.Errorf("epochs[%d]: got %s, want an object", i, compact(element))
		}
		if err := h.add(i, epoch); err != nil {
			return h, fmt.Errorf("epochs[%d]: %w", i, err)
		}
	}
	return h, nil
}

// add takes in epoch i, counted from 0.
func (h *history) add(i int, epoch Object) error {
	number := float64(i + 1)
	for _, f := range epoch {
		x, ok := toFloat(f.Value)
		if f.Value == nil && f.Key != "epoch" && f.Key != "seconds" { // it was not finite
			x, ok = math.NaN(), true
		}
		if !ok || math.Abs(x) > largestValue {
			return fmt.Errorf("%s is %s, want a number of size up to %.0e", f.Key, compact(f.Value), largestValue)
		}
		switch f.Key {
		case "epoch":
			number = x
		case "seconds":
			h.seconds += x
			fallthrough
		default:
			if !slices.Contains(h.names, f.Key) {
				h.names = append(h.names, f.Key)
			}
			h.columns[f.Key] = append(h.columns[f.Key], x)
		}
	}
	h.epochs = append(h.epochs, number)
	for _, name := range h.names {
		if n := len(h.columns[name]); n != len(h.epochs) {
			return fmt.Errorf("%s stands there %d times in %d epochs, want once in each", name, n, len(h.epochs))
		}
	}
	return nil
}

// validationPrefix marks what was measured on the validation data.
const validationPrefix = "val_"

// charts groups the columns into charts: a quantity in training, and in
// validation where there is that.
func (h history) charts() []chart {
	var charts []chart
	for _, name := range h.names {
		if name == "seconds" || h.isValidationOfAnother(name) || slices.ContainsFunc(h.columns[name], math.IsNaN) {
			continue
		}
		lines := []line{{Name: "training", Class: "training", values: h.columns[name]}}
		if values := h.columns[validationPrefix+name]; values != nil && !slices.ContainsFunc(values, math.IsNaN) {
			lines = append(lines, line{Name: "validation", Class: "validation", values: values})
		}
		charts = append(charts, newChart(label("", name), h.epochs, lines))
	}
	return charts
}

func (h history) isValidationOfAnother(name string) bool {
	base, ok := strings.CutPrefix(name, validationPrefix)
	return ok && h.columns[base] != nil
}

// table lists all numbers of all epochs.
func (h history) table() *table {
	if len(h.epochs) == 0 {
		return nil
	}
	t := &table{Head: []string{label("", "epoch")}, Numeric: true, Long: len(h.epochs) > longTable,
		Summary: fmt.Sprintf("All %d epochs", len(h.epochs))}
	for _, epoch := range h.epochs {
		t.Rows = append(t.Rows, []string{formatNumber(epoch)})
	}
	for _, name := range h.names {
		t.Head = append(t.Head, label("", name))
		for i, cell := range formatColumn(name, h.columns[name]) {
			t.Rows[i] = append(t.Rows[i], cell)
		}
	}
	return t
}

// longTable is how many rows a table has at most that stands open.
const longTable = 10
