package optim

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"hourglass/internal/golden"
)

// Of the golden file: see nn/testdata/core_golden.py.
const weights, steps = 13, 15

var kept = []int{1, 2, 15}

// gradient returns the gradients of a step, from 1 down to 1e-6, where ε matters.
func gradient(step int) []float32 {
	g := golden.Values(uint64(100+step), weights, -1, 1)
	for i := range g {
		g[i] *= float32(math.Pow10(-(i % 7)))
	}
	return g
}

// goldenRules are the rules by their names in the golden file.
var goldenRules = map[string]Optimizer{
	"sgd":                   SGD{},
	"sgd momentum":          SGD{LearningRate: 0.1, Momentum: 0.9},
	"sgd nesterov":          SGD{LearningRate: 0.1, Momentum: 0.8, Nesterov: true},
	"keras sgd momentum":    SGD{LearningRate: 0.1, Momentum: 0.9},
	"keras sgd nesterov":    SGD{LearningRate: 0.1, Momentum: 0.8, Nesterov: true},
	"torch adam":            Adam{Torch: true},
	"torch adam options":    Adam{LearningRate: 0.05, Beta1: 0.8, Beta2: 0.95, Epsilon: 1e-3, Torch: true},
	"keras adam":            Adam{},
	"keras adam options":    Adam{LearningRate: 0.05, Beta1: 0.8, Beta2: 0.95, Epsilon: 1e-3},
	"torch adamw":           AdamW{Adam: Adam{Torch: true}},
	"torch adamw options":   AdamW{Adam: Adam{LearningRate: 0.05, Torch: true}, WeightDecay: 0.2},
	"keras adamw":           AdamW{},
	"keras adamw options":   AdamW{Adam: Adam{LearningRate: 0.05}, WeightDecay: 0.2},
	"torch nadam":           Nadam{Torch: true},
	"torch nadam options":   Nadam{LearningRate: 0.05, Beta1: 0.8, Beta2: 0.95, Epsilon: 1e-3, Torch: true},
	"keras nadam":           Nadam{},
	"keras nadam options":   Nadam{LearningRate: 0.05, Beta1: 0.8, Beta2: 0.95, Epsilon: 1e-3},
	"torch rmsprop":         RMSprop{Torch: true},
	"torch rmsprop options": RMSprop{LearningRate: 0.05, Rho: 0.8, Epsilon: 1e-3, Torch: true},
	"keras rmsprop":         RMSprop{},
	"keras rmsprop options": RMSprop{LearningRate: 0.05, Rho: 0.8, Epsilon: 1e-3},
}

// TestGolden compares the weights, and how far they moved, with torch.optim and
// with Keras' formulas in NumPy.
func TestGolden(t *testing.T) {
	var want map[string][]float64
	golden.Load(t, "testdata/core_golden.json", &want)
	if len(want) != len(goldenRules) {
		t.Errorf("the golden file has %d rules, want %d", len(want), len(goldenRules))
	}
	for name, rule := range goldenRules {
		start := golden.Values(20, weights, -1, 1)
		w, state := slices.Clone(start), NewState(rule, weights)
		for step := 1; step <= steps; step++ {
			state.Advance()
			// In two pieces, as the workers of a training do it.
			g := gradient(step)
			state.Update(w, g, 5, weights)
			state.Update(w, g, 0, 5)
			at := slices.Index(kept, step)
			if at < 0 || len(want[name]) != len(kept)*weights {
				continue
			}
			golden.Close(t, name, w, want[name][at*weights:(at+1)*weights], 2e-6)
			for i, x := range want[name][at*weights : (at+1)*weights] {
				moved, wantMoved := float64(w[i]-start[i]), x-float64(start[i])
				// Each step rounds the weight to float32: 6e-8 of at most 1.
				if math.Abs(moved-wantMoved) > 2e-5*math.Abs(wantMoved)+6e-8*float64(step) {
					t.Errorf("%s: weight %d moved by %v in %d steps, want %v", name, i, moved, step, wantMoved)
				}
			}
		}
	}
}

// The same gradients in pieces of any size give the same bits.
func TestUpdateInPieces(t *testing.T) {
	const n = 203
	for name, rule := range goldenRules {
		whole, pieces := golden.Values(7, n, -1, 1), golden.Values(7, n, -1, 1)
		a, b := NewState(rule, n), NewState(rule, n)
		for step := range uint64(4) {
			g := golden.Values(8+step, n, -1, 1)
			a.Advance()
			b.Advance()
			a.Update(whole, g, 0, n)
			for lo := 0; lo < n; lo += 37 {
				b.Update(pieces, g, lo, min(lo+37, n))
			}
		}
		if !slices.Equal(whole, pieces) {
			t.Errorf("%s: updating in pieces gives other weights", name)
		}
	}
}

// Every rule finds the minimum of the mean of (w - c)².
func TestMinimize(t *testing.T) {
	for _, rule := range []Optimizer{SGD{LearningRate: 0.1}, SGD{LearningRate: 0.02, Momentum: 0.9},
		SGD{LearningRate: 0.02, Momentum: 0.9, Nesterov: true}, Adam{LearningRate: 0.02}, Adam{LearningRate: 0.02, Torch: true},
		AdamW{Adam: Adam{LearningRate: 0.02}, WeightDecay: 1e-4}, Nadam{LearningRate: 0.02}, RMSprop{LearningRate: 0.01}} {
		w, c, g := make([]float32, 10), golden.Values(9, 10, -1, 1), make([]float32, 10)
		state := NewState(rule, 10)
		for range 400 {
			for i := range w {
				g[i] = 2 * (w[i] - c[i])
			}
			state.Advance()
			state.Update(w, g, 0, 10)
		}
		for i := range w {
			if math.Abs(float64(w[i]-c[i])) > 0.02 {
				t.Errorf("%s: %+v ends at %v, want %v", rule.Name(), rule, w[i], c[i])
				break
			}
		}
	}
}

func TestValidate(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for _, c := range []struct {
		rule Optimizer
		want string // part of the error
	}{
		{SGD{LearningRate: -1}, "sgd: learning rate is -1, want a finite number of at least 0"},
		{SGD{LearningRate: nan}, "learning rate is NaN"},
		{SGD{LearningRate: inf}, "learning rate is +Inf"},
		{SGD{Momentum: 1}, "sgd: momentum is 1, want at least 0 and below 1"},
		{Adam{Beta1: 1}, "adam: beta1 is 1"},
		{Adam{Beta2: -0.1}, "adam: beta2 is -0.1"},
		{Adam{Epsilon: -1}, "adam: epsilon is -1"},
		{AdamW{Adam: Adam{Beta1: 2}}, "adamw: beta1 is 2"},
		{AdamW{WeightDecay: -1}, "adamw: weight decay is -1"},
		{Nadam{Beta2: 1}, "nadam: beta2 is 1"},
		{RMSprop{Rho: 1.5}, "rmsprop: rho is 1.5"},
		{RMSprop{LearningRate: -2}, "rmsprop: learning rate is -2"},
	} {
		err := c.rule.Validate()
		if err == nil || !strings.HasPrefix(err.Error(), "optim: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %+v: error %v, want %q", c.rule.Name(), c.rule, err, c.want)
		}
	}
	for name, rule := range goldenRules {
		if err := rule.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The defaults are those of the frameworks' documentation.
func TestDefaultRates(t *testing.T) {
	for _, c := range []struct {
		rule Optimizer
		want float64
	}{
		{SGD{}, 0.01}, {Adam{}, 0.001}, {Adam{Torch: true}, 0.001}, {AdamW{}, 0.001}, {Nadam{}, 0.001},
		{Nadam{Torch: true}, 0.002}, {RMSprop{}, 0.001}, {RMSprop{Torch: true}, 0.01},
	} {
		if got := c.rule.Rate(); got != c.want {
			t.Errorf("%s %+v: learning rate %v, want %v", c.rule.Name(), c.rule, got, c.want)
		}
	}
}

func TestByName(t *testing.T) {
	for _, name := range Names() {
		rule, err := ByName(name, 0.125)
		if err != nil || rule.Name() != name || rule.Rate() != 0.125 {
			t.Errorf("ByName(%q, 0.125) = %+v, %v", name, rule, err)
			continue
		}
		if changed := WithRate(rule, 0.25); changed.Name() != name || changed.Rate() != 0.25 || rule.Rate() != 0.125 {
			t.Errorf("WithRate(%+v, 0.25) = %+v", rule, changed)
		}
	}
	for text, want := range map[string]float64{"adam": Adam{}.Rate(), "adam:0.0002": 0.0002, "adam:0": 0, "adam:x": 0, "adam:": 0, "adagrad:1": 0, "adam:+Inf": 0} {
		if rule, err := Parse(text); (err == nil) != (want > 0) || err == nil && rule.Rate() != want {
			t.Errorf("Parse(%q) = %v, %v, want a rate of %v", text, rule, err, want)
		}
	}
	if _, err := ByName("adagrad", 0); err == nil || !strings.Contains(err.Error(), `unknown optimizer "adagrad", want one of [sgd adam adamw nadam rmsprop]`) {
		t.Errorf("ByName(adagrad): error %v", err)
	}
}

// plain is a rule from outside this package.
type plain struct{}

func (plain) Name() string    { return "plain" }
func (plain) Validate() error { return nil }
func (plain) Rate() float64   { return 0.5 }
func (plain) Slots() int      { return 0 }
func (plain) Update(s *State, w, g []float32, lo int) {
	for i := range w {
		w[i] -= float32(s.Rate) * g[i]
	}
}

// A rate can be set on any rule.
func TestWithRateOnARuleFromOutside(t *testing.T) {
	rule := WithRate(WithRate(plain{}, 2), 0.25)
	if rule.Name() != "plain" || rule.Rate() != 0.25 || rule.Validate() != nil {
		t.Errorf("WithRate gives %+v", rule)
	}
	w, state := []float32{1}, NewState(rule, 1)
	state.Advance()
	state.Update(w, []float32{1}, 0, 1)
	if w[0] != 0.75 {
		t.Errorf("a step of rate 0.25 goes from 1 to %v", w[0])
	}
	if WithRate(rule, 0) != Optimizer(plain{}) {
		t.Error("a rate of 0 is not the rule's own")
	}
	if err := WithRate(plain{}, math.NaN()).Validate(); err == nil || err.Error() != "optim: plain: learning rate is NaN, want a finite number of at least 0" {
		t.Errorf("a rate of NaN: %v", err)
	}
	if rate := WithRate(plain{}, Zero).Rate(); rate != 0 {
		t.Errorf("a rate of Zero is %v", rate)
	}
}

// Zero is nothing, to the bit: what a rule does with it follows from its formula.
func TestZero(t *testing.T) {
	g := []float32{0.5, -2, 0.25, -4}
	step := func(rule Optimizer) []float32 {
		if err := rule.Validate(); err != nil {
			t.Fatal(err)
		}
		w, state := []float32{1, 2, 3, 4}, NewState(rule, 4)
		for range 3 {
			state.Advance()
			state.Update(w, g, 0, 4)
		}
		return w
	}
	for name, c := range map[string][2]Optimizer{
		"no decay":         {AdamW{WeightDecay: Zero}, Adam{}},
		"no momentum":      {Adam{Beta1: Zero, Beta2: Zero, LearningRate: 0.125, Epsilon: Zero}, sign{0.125}},
		"no mean square":   {RMSprop{Rho: Zero, LearningRate: 0.125, Epsilon: Zero, Torch: true}, sign{0.125}},
		"no SGD momentum":  {SGD{Momentum: Zero}, SGD{}},
		"no learning rate": {Adam{LearningRate: Zero}, sign{0}},
	} {
		if got, want := step(c[0]), step(c[1]); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

// sign takes steps of the rate, whatever the gradient's size: what is left of Adam and
// RMSprop without their means.
type sign struct{ rate float32 }

func (sign) Name() string    { return "sign" }
func (sign) Validate() error { return nil }
func (sign) Rate() float64   { return 1 }
func (sign) Slots() int      { return 0 }
func (o sign) Update(s *State, w, g []float32, lo int) {
	for i := range w {
		w[i] -= o.rate * float32(math.Copysign(1, float64(g[i])))
	}
}

// Spelled out, the defaults give the same bits as left out.
func TestResolvedIsTheSameRule(t *testing.T) {
	for _, o := range []Resolver{SGD{}, SGD{Momentum: 0.5}, Adam{}, Adam{Torch: true}, Adam{Beta1: 0.5}, AdamW{}, AdamW{Adam: Adam{Torch: true}},
		AdamW{WeightDecay: 0.1}, AdamW{WeightDecay: Zero}, Adam{Beta1: Zero, LearningRate: Zero}, Nadam{Beta1: Zero, Epsilon: Zero}, RMSprop{Rho: Zero}, SGD{LearningRate: Zero}, Nadam{}, Nadam{Torch: true}, RMSprop{}, RMSprop{Torch: true}, RMSprop{Rho: 0.5}} {
		resolved := o.Resolved()
		if resolved.Name() != o.Name() || resolved.Rate() != o.Rate() || !reflect.DeepEqual(resolved.(Resolver).Resolved(), resolved) {
			t.Errorf("%+v is resolved as %+v", o, resolved)
		}
		fields := reflect.ValueOf(resolved)
		for i := range fields.NumField() {
			if f := fields.Field(i); f.Kind() == reflect.Float64 && f.Float() == 0 && fields.Type().Field(i).Name != "Momentum" {
				t.Errorf("%+v: %s is not spelled out", resolved, fields.Type().Field(i).Name)
			}
		}
		var weights [2][]float32
		for i, o := range []Optimizer{o, resolved} {
			s, w := NewState(o, 3), []float32{1, -2, 3}
			for range 4 {
				s.Advance()
				s.Update(w, []float32{0.5, -0.25, 1e-3}, 0, 3)
			}
			weights[i] = w
		}
		if !slices.Equal(weights[0], weights[1]) {
			t.Errorf("%+v: %v, resolved %v", o, weights[0], weights[1])
		}
	}
}
