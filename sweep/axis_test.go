package sweep

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestParseAxis(t *testing.T) {
	for _, c := range []struct {
		kind  Kind
		texts []string
		want  Axis
	}{
		{Whole, []string{"8,16,32"}, Axis{Values: []string{"8", "16", "32"}, Whole: true}},
		{Whole, []string{"8", "16,80"}, Axis{Values: []string{"8", "16", "80"}, Whole: true, Log: true}},
		{Whole, []string{"1..5"}, Axis{Low: 1, High: 5, Whole: true}},
		{Whole, []string{"-3..5/3"}, Axis{Values: []string{"-3", "1", "5"}, Whole: true}},
		{Whole, []string{"1..3/9"}, Axis{Values: []string{"1", "2", "3"}, Whole: true}},
		{Whole, []string{"8..512/4"}, Axis{Values: []string{"8", "32", "128", "512"}, Whole: true, Log: true}},
		{Number, []string{"1e-4..1e-2"}, Axis{Low: 1e-4, High: 1e-2, Log: true}},
		{Number, []string{"0..0.5"}, Axis{Low: 0, High: 0.5}},
		{Number, []string{"1e-4..1e-2/5"}, Axis{Values: []string{"1e-4", "0.0003162", "0.001", "0.003162", "1e-2"}, Log: true}},
		{Number, []string{"0..1/3"}, Axis{Values: []string{"0", "0.5", "1"}}},
		{Word, []string{"adam,sgd"}, Axis{Values: []string{"adam", "sgd"}}},
		{Text, []string{"shift=2,flip", "flip"}, Axis{Values: []string{"shift=2,flip", "flip"}}},
	} {
		c.want.Name = "x"
		if got, err := ParseAxis("x", c.kind, c.texts...); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v: got %+v, %v, want %+v", c.texts, got, err, c.want)
		}
	}
	for text, want := range map[string]string{
		"": "want whole numbers", "8,": "want whole numbers", "8,8": "twice", "1.5": "whole", "1..": "1..5", "5..1": "rises", "1..1": "rises",
		"1..5/1": "after the slash", "1..5/x": "after the slash", "1..5,7": "whole numbers", "..": "1..5", "1..99999999999999999999": "whole",
	} {
		if a, err := ParseAxis("x", Whole, text); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "sweep: x is ") {
			t.Errorf("%q: got %+v, %v, want an error with %q", text, a, err, want)
		}
	}
	for _, text := range []string{"NaN", "inf..1", "1e-4..1e300", "a"} {
		if a, err := ParseAxis("x", Number, text); err == nil {
			t.Errorf("%q: got %+v", text, a)
		}
	}
}

// Half of what is drawn from a logarithmic range lies below the geometric mean of its ends, and
// whole numbers are as frequent as their rooms are wide.
func TestDrawsAreSpreadAsTheRangeSays(t *testing.T) {
	const n = 20000
	random := rand.New(rand.NewPCG(1, 2))
	share := func(a Axis, below float64) float64 {
		count := 0
		for range n {
			v, err := strconv.ParseFloat(a.Draw(random), 64)
			if err != nil || v < a.Low || v > a.High {
				t.Fatalf("drew %v, %v", v, err)
			}
			if v < below {
				count++
			}
		}
		return float64(count) / n
	}
	for _, c := range []struct {
		axis        Axis
		below, want float64
	}{
		{Axis{Low: 1e-4, High: 1e-2, Log: true}, 1e-3, 0.5},
		{Axis{Low: 2, High: 6}, 3, 0.25},
		{Axis{Low: 1, High: 5, Whole: true}, 2, 0.2},
		{Axis{Low: 1, High: 100, Whole: true, Log: true}, 10, math.Log(9.5/0.5) / math.Log(100.5/0.5)},
	} {
		if got := share(c.axis, c.below); math.Abs(got-c.want) > 0.015 { // four deviations
			t.Errorf("%+v: a share of %v is below %v, want %v", c.axis, got, c.below, c.want)
		}
	}
	counts := map[string]int{}
	words := Axis{Values: []string{"a", "b", "c"}}
	for range n {
		counts[words.Draw(random)]++
	}
	for word, count := range counts {
		if math.Abs(float64(count)/n-1.0/3) > 0.015 {
			t.Errorf("%s is drawn %d times of %d", word, count, n)
		}
	}
}

func FuzzParseAxis(f *testing.F) {
	for _, text := range []string{"8,16", "1..5", "1e-4..1e-2/5", "0..0", "..", "1..2/99999", "-1e38..1e38", "a,b", "1...5", "5e-324..1"} {
		f.Add(text, 0)
		f.Add(text, 1)
	}
	f.Fuzz(func(t *testing.T, text string, kind int) {
		a, err := ParseAxis("x", Kind(kind&3), text)
		if err != nil {
			return
		}
		random := rand.New(rand.NewPCG(1, 1))
		value := a.Draw(random)
		if a.Values == nil {
			if v, err := strconv.ParseFloat(value, 64); err != nil || v < a.Low || v > a.High || a.Whole && v != math.Round(v) {
				t.Errorf("%q: drew %q", text, value)
			}
		} else if !slices.Contains(a.Values, value) {
			t.Errorf("%q: drew %q", text, value)
		}
		if n := a.Count(); n > 0 {
			seen := map[string]bool{}
			for i := range min(n, 1000) {
				if v := a.At(i); v == "" || seen[v] {
					t.Errorf("%q: value %d of %d is %q", text, i, n, v)
				} else {
					seen[v] = true
				}
			}
		}
	})
}
