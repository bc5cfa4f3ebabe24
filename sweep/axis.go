package sweep

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"hourglass/internal/portable"
)

// Kind is what the values of an axis are.
type Kind int

// The kinds of values.
const (
	Whole  Kind = iota // whole numbers
	Number             // numbers
	Word               // words, between commas
	Text               // words that may have commas in them
)

// Axis is something to vary, and its values: those that are listed, or all in a range.
type Axis struct {
	Name   string   `json:"name"`
	Values []string `json:"values,omitempty"` // nil for a range

	// Low and High are the ends of a range, which belong to it.
	Low   float64 `json:"low,omitempty"`
	High  float64 `json:"high,omitempty"`
	Whole bool    `json:"whole,omitempty"` // whole numbers only
	// Log is set where equal ratios count alike and not equal differences: of a range above 0 whose
	// ends are at least a factor of 10 apart, and of numbers that are listed likewise.
	Log bool `json:"log,omitempty"`
}

const (
	// logRatio is how far apart ends must be for ratios to count.
	logRatio = 10
	// mostExact bounds whole numbers to those that float64 has, too.
	mostExact = 1 << 53
	// mostValues bounds the list of an axis.
	mostValues = 100_000
	digits     = 4 // of a number that is drawn or counted out
)

// ParseAxis reads the values of an axis, given once or several times:
//
//	8,16,32        these values
//	1..5           all numbers from 1 to 5; of whole numbers these five
//	1e-4..1e-2/5   five of them, as far apart as can be, the ends among them
//
// A range above 0 whose ends are at least a factor of 10 apart is logarithmic. Words have
// lists only. A Text is one value each time it is given, so that it may have commas in it.
func ParseAxis(name string, kind Kind, texts ...string) (Axis, error) {
	a, err := parseAxis(kind, texts)
	a.Name = name
	if err == nil {
		err = a.Validate()
	}
	if err != nil {
		return Axis{}, fmt.Errorf("sweep: %s is %.100q: %w", name, strings.Join(texts, ","), err)
	}
	return a, nil
}

func parseAxis(kind Kind, texts []string) (Axis, error) {
	if kind == Text {
		return Axis{Values: slices.Clone(texts)}, nil
	}
	list := strings.Split(strings.Join(texts, ","), ",")
	if kind == Word {
		return Axis{Values: list}, nil
	}
	if len(list) == 1 && strings.Contains(list[0], "..") {
		return parseRange(kind, list[0])
	}
	a := Axis{Values: list, Whole: kind == Whole}
	low, high := math.Inf(1), math.Inf(-1)
	for _, text := range list {
		v, err := parseNumber(kind, text)
		if err != nil {
			return a, err
		}
		low, high = min(low, v), max(high, v)
	}
	a.Log = isLog(low, high)
	return a, nil
}

// parseRange reads LOW..HIGH or LOW..HIGH/COUNT.
func parseRange(kind Kind, text string) (Axis, error) {
	a := Axis{Whole: kind == Whole}
	lowText, rest, _ := strings.Cut(text, "..")
	highText, countText, counted := strings.Cut(rest, "/")
	for _, end := range []struct {
		value *float64
		text  string
	}{{&a.Low, lowText}, {&a.High, highText}} {
		var err error
		if *end.value, err = parseNumber(kind, end.text); err != nil {
			return a, fmt.Errorf("want a range such as 1..5: %w", err)
		}
	}
	if !(a.Low < a.High) {
		return a, fmt.Errorf("want a range that rises, but %v is not below %v", a.Low, a.High)
	}
	a.Log = isLog(a.Low, a.High)
	if !counted {
		return a, nil
	}
	count, err := strconv.Atoi(countText)
	if err != nil || count < 2 || count > mostValues {
		return a, fmt.Errorf("want a number of values from 2 to %d after the slash, got %.20q", mostValues, countText)
	}
	return a.countOut(count, lowText, highText), nil
}

func parseNumber(kind Kind, text string) (float64, error) {
	if kind == Whole {
		v, err := strconv.ParseInt(text, 10, 64)
		if err != nil || v > mostExact || v < -mostExact {
			return 0, fmt.Errorf("want whole numbers, got %.40q", text)
		}
		return float64(v), nil
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(v) || math.Abs(v) > math.MaxFloat32 {
		return 0, fmt.Errorf("want numbers, got %.40q", text)
	}
	return v, nil
}

// isLog reports whether ratios count between two numbers.
func isLog(low, high float64) bool { return low > 0 && high/low >= logRatio }

// countOut lists so many values of a range; of whole numbers as many as differ.
func (a Axis) countOut(count int, low, high string) Axis {
	list := Axis{Whole: a.Whole, Log: a.Log, Values: []string{low}}
	for i := 1; i < count-1; i++ {
		if v := a.text(a.at(float64(i) / float64(count-1))); v != list.Values[len(list.Values)-1] && v != high {
			list.Values = append(list.Values, v)
		}
	}
	list.Values = append(list.Values, high)
	return list
}

// at returns the value at a share of the way through a range.
func (a Axis) at(share float64) float64 {
	v := a.Low + share*(a.High-a.Low)
	if a.Log {
		v = a.Low * portable.Exp(share*portable.Log(a.High/a.Low))
	}
	return min(max(v, a.Low), a.High)
}

// text writes a value of a range, with a few digits and still within.
func (a Axis) text(v float64) string {
	if a.Whole {
		return strconv.FormatFloat(math.Round(v), 'f', -1, 64)
	}
	short, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'e', digits-1, 64), 64)
	return strconv.FormatFloat(min(max(short, a.Low), a.High), 'g', -1, 64)
}

// Validate refuses an axis without values, and one that has a value twice.
func (a Axis) Validate() error {
	if a.Values == nil {
		return nil
	}
	seen := map[string]bool{}
	for _, v := range a.Values {
		switch {
		case v == "":
			return errors.New("want values between the commas, but one is empty")
		case seen[v]:
			return fmt.Errorf("want each value once, but %.40q is there twice", v)
		}
		seen[v] = true
	}
	return nil
}

// Count returns how many values there are; 0 for the numbers of a range, which cannot be counted.
func (a Axis) Count() int {
	switch {
	case a.Values != nil:
		return len(a.Values)
	case a.Whole:
		return int(a.High-a.Low) + 1
	}
	return 0
}

// At returns the i-th of the values that can be counted.
func (a Axis) At(i int) string {
	if a.Values != nil {
		return a.Values[i]
	}
	return a.text(a.Low + float64(i))
}

// Draw returns a value at random, each as likely as any other; of a logarithmic range, in each
// stretch between two numbers and their multiples alike.
func (a Axis) Draw(random *rand.Rand) string {
	switch share := random.Float64(); {
	case a.Values != nil:
		return a.Values[min(int(share*float64(len(a.Values))), len(a.Values)-1)]
	case a.Whole: // each has as much room as the others: half a step beyond the ends
		wide := Axis{Low: a.Low - 0.5, High: a.High + 0.5, Log: a.Log}
		return a.text(min(max(math.Round(wide.at(share)), a.Low), a.High))
	default:
		return a.text(a.at(share))
	}
}

// IsNumeric reports whether all values are numbers.
func (a Axis) IsNumeric() bool {
	for _, v := range a.Values {
		if f, err := strconv.ParseFloat(v, 64); err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return false
		}
	}
	return true
}
