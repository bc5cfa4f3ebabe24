package anomaly

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"hourglass/nn"
	"hourglass/tensor"
)

// golden is what testdata/golden.py writes.
type golden struct {
	Scores           []float64
	Unusual          []bool
	ROCAUC           float64 `json:"roc_auc"`
	AveragePrecision float64 `json:"average_precision"`
	Residuals        []float32
	Mahalanobis      []float64
	Intervals        []struct {
		N, K      int
		Low, High float64
	}
}

func readGolden(t *testing.T) (g golden) {
	t.Helper()
	text, err := os.ReadFile("testdata/golden.json")
	if err == nil {
		err = json.Unmarshal(text, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*max(1, math.Abs(want))) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestCurve(t *testing.T) {
	g := readGolden(t)
	c, err := NewCurve(g.Scores, g.Unusual)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "area", c.ROCAUC, g.ROCAUC, 1e-12)
	near(t, "average precision", c.AveragePrecision, g.AveragePrecision, 1e-12)
	if last := c.Points[len(c.Points)-1]; last.Recall != 1 || last.FalseAlarms != 1 || last.Flag != len(g.Scores) {
		t.Errorf("the lowest threshold comes to %+v", last)
	}
	for _, unusual := range [][]bool{{true}, {true, true}, {false, false}} {
		if _, err := NewCurve([]float64{1, 2}, unusual); err == nil {
			t.Errorf("labels %v: no error", unusual)
		}
	}
}

func TestWhiteningIsLedoitAndWolfs(t *testing.T) {
	g := readGolden(t)
	residuals := tensor.Tensor{Shape: tensor.Shape{12, 4}, Data: g.Residuals}
	for i, got := range newWhitening(residuals).score(residuals) {
		near(t, "squared length", got, g.Mahalanobis[i], 1e-4)
	}
}

func TestThreshold(t *testing.T) {
	for _, c := range readGolden(t).Intervals {
		d := &Detector{nearest: &nearest{}, heldOut: map[Method][]float64{Masked: make([]float64, c.N)}}
		for i := range d.heldOut[Masked] {
			d.heldOut[Masked][i] = float64(i)
		}
		got, err := d.Threshold(Masked, float64(c.K)/float64(c.N+1))
		if err != nil {
			t.Fatal(err)
		}
		near(t, "low", got.Low, c.Low, 1e-9)
		near(t, "high", got.High, c.High, 1e-9)
		if want := float64(c.N - c.K); got.Score != want || got.HeldOut != c.N {
			t.Errorf("%d of %d: threshold %+v, want the score %v", c.K, c.N, got, want)
		}
		p, err := d.PValues(Masked, []float64{-1, float64(c.N - 1), float64(c.N)})
		if want := []float64{1, 2 / float64(c.N+1), 1 / float64(c.N+1)}; err != nil || !slices.Equal(p, want) {
			t.Errorf("p values %v, want %v (%v)", p, want, err)
		}
	}
	for _, rate := range []float64{-0.1, 1.1, math.NaN()} {
		if _, err := (&Detector{nearest: &nearest{}}).Threshold(Masked, rate); err == nil || !strings.Contains(err.Error(), "0 to 1") {
			t.Errorf("rate %v: error %v", rate, err)
		}
	}
	if _, err := (&Detector{nearest: &nearest{}}).Threshold(Masked, 0.1); err == nil {
		t.Error("a method that was not learned has a threshold")
	}
}

func TestSurpriseRises(t *testing.T) {
	s := newSurprise([]float64{5, 1, 4, 2, 3, 9, 8, 7, 6, 10})
	near(t, "of the least", s.of(0), 0, 1e-12)
	near(t, "of a middle one", s.of(5.5), -math.Log(6.0/11), 1e-12)
	last := -1.0
	for score := -2.0; score < 1e9; score = score*1.1 + 3 {
		if now := s.of(score); now < last || math.IsInf(now, 0) {
			t.Fatalf("%v after %v at %v", now, last, score)
		} else {
			last = now
		}
	}
	if all := newSurprise([]float64{3, 3, 3}); !(all.of(4) > all.of(3)) || all.of(math.MaxFloat64) > 1e3 {
		t.Error("normal samples that score alike tell nothing apart")
	}
}

// views makes samples on a curved line in space, x = (a, a², noise), as an autoencoder
// might see them that knows of nothing but the last value.
func views(n int, seed uint64, change func(i int, x []float32)) Views {
	rng := rand.New(rand.NewPCG(seed, 1))
	v := Views{tensor.New(n, 3), tensor.New(n, 1), tensor.New(n, 3)}
	for i := range n {
		x := v.Samples.Row(i)
		a := rng.Float64()*2 - 1
		x[0], x[1], x[2] = float32(a), float32(a*a), float32(rng.NormFloat64())
		if change != nil {
			change(i, x)
		}
		v.Codes.Row(i)[0] = x[2]
		copy(v.Residuals.Row(i), x[:2])
	}
	return v
}

// learned is a detector of such samples, for all tests.
func learned(t *testing.T) *Detector {
	t.Helper()
	d, err := Learn(context.Background(), views(400, 1, nil), views(200, 2, nil), Options{Seed: 1, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// bent has each value as usual, but one that contradicts the others in every second sample.
func bent(i int, x []float32) {
	if i%2 == 1 {
		x[1] = 1 - x[1]
	}
}

func TestDetector(t *testing.T) {
	ctx := context.Background()
	d := learned(t)
	odd := views(200, 3, bent)
	unusual := make([]bool, odd.Len())
	for i := range unusual {
		unusual[i] = i%2 == 1
	}
	// What no value tells by itself is told by those methods that see values together.
	for m, least := range map[Method]float64{Combined: 0.85, Masked: 0.85, Mixture: 0.85, Neighbors: 0.85} {
		scores, err := d.Score(ctx, m, odd)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := NewCurve(scores, unusual); err != nil || c.ROCAUC < least {
			t.Errorf("%s: area %.3f, want at least %v (%v)", m, c.ROCAUC, least, err)
		}
	}
	t.Run("false alarms", func(t *testing.T) {
		threshold, err := d.Threshold(Combined, 0.1)
		if err != nil {
			t.Fatal(err)
		}
		scores, err := d.Score(ctx, Combined, views(4000, 4, nil))
		if err != nil {
			t.Fatal(err)
		}
		above := 0
		for _, s := range scores {
			if s > threshold.Score {
				above++
			}
		}
		if rate := float64(above) / 4000; rate < threshold.Low || rate > threshold.High {
			t.Errorf("%.3f of normal samples are above the threshold, want %.3f to %.3f", rate, threshold.Low, threshold.High)
		}
	})
	t.Run("explanation", func(t *testing.T) {
		shares, err := d.Contributions(ctx, odd)
		if err != nil {
			t.Fatal(err)
		}
		blamed := 0
		for i := range odd.Len() {
			sum := float64(shares.Row(i)[0] + shares.Row(i)[1] + shares.Row(i)[2])
			near(t, "sum of shares", sum, 1, 1e-5)
			if first := Heaviest(shares.Row(i), 1)[0]; unusual[i] && first != 2 {
				blamed++
			}
		}
		if blamed < 90 {
			t.Errorf("the values that contradict each other weigh most in %d of 100 samples", blamed)
		}
	})
	t.Run("kept and read", func(t *testing.T) {
		text, arrays, err := d.State()
		if err != nil {
			t.Fatal(err)
		}
		back, err := FromState(text, arrays)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range d.Methods() {
			a, _ := d.Score(ctx, m, odd)
			b, err := back.Score(ctx, m, odd)
			p, _ := d.PValues(m, a)
			q, _ := back.PValues(m, b)
			if err != nil || !slices.Equal(a, b) || !slices.Equal(p, q) {
				t.Errorf("%s: other scores after reading it back (%v)", m, err)
			}
		}
	})
	t.Run("threads", func(t *testing.T) {
		again, err := Learn(ctx, views(400, 1, nil), views(200, 2, nil), Options{Seed: 1, Threads: 2})
		if err != nil {
			t.Fatal(err)
		}
		a, _ := d.Score(ctx, Combined, odd)
		b, _ := again.Score(ctx, Combined, odd)
		if !slices.Equal(a, b) {
			t.Error("other scores on two threads")
		}
	})
}

// Samples of many values are told apart by their codes, and no small networks are trained.
func TestLargeSamples(t *testing.T) {
	ctx := context.Background()
	make := func(n int, seed uint64) Views {
		rng := rand.New(rand.NewPCG(seed, 2))
		v := Views{tensor.New(n, 20, 20), tensor.New(n, 3), tensor.New(n, 20, 20)}
		for _, values := range [][]float32{v.Samples.Data, v.Codes.Data, v.Residuals.Data} {
			for i := range values {
				values[i] = float32(rng.NormFloat64())
			}
		}
		return v
	}
	d, err := Learn(ctx, make(50, 1), make(30, 2), Options{Seed: 1, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	if slices.Contains(d.Methods(), Masked) {
		t.Error("values are told from others")
	}
	later := make(20, 3)
	for i := range later.Codes.Row(7) {
		later.Codes.Row(7)[i] = 9
	}
	scores, err := d.Score(ctx, Combined, later)
	if err != nil || slices.Max(scores) != scores[7] {
		t.Errorf("scores %v, want the one of the strange code to be the highest (%v)", scores, err)
	}
	if _, err := d.Score(ctx, Masked, later); err == nil {
		t.Error("samples are scored by a method that there is not")
	}
}

// Beside samples that are close together a distance counts that is usual elsewhere. What it comes
// to follows from the places: 0, 0.01 … 0.19 and 100, 101 … 119.
func TestLocalComparesWithWhatIsNear(t *testing.T) {
	ctx := context.Background()
	references := tensor.New(40, 1)
	for i := range 20 {
		references.Data[i], references.Data[20+i] = float32(i)/100, float32(100+i)
	}
	m, err := newNearest(references, 1)
	if err != nil {
		t.Fatal(err)
	}
	others, err := m.others(ctx)
	if err != nil {
		t.Fatal(err)
	}
	m.setSpacing(others)
	scores, err := m.scoreLocally(ctx, tensor.Tensor{Shape: tensor.Shape{2, 1}, Data: []float32{1.19, 120}})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "beside the close ones", scores[0], 1.02/0.0212, 1e-2)
	near(t, "beside the others", scores[1], 3/2.12, 1e-2)
}

// Windows of a series have no method that compares with what is near, nor have detectors of
// older files.
func TestWithoutLocal(t *testing.T) {
	ctx := context.Background()
	windows, err := Learn(ctx, views(40, 1, nil), views(40, 2, nil), Options{Threads: 1, Dependence: 4})
	if err != nil {
		t.Fatal(err)
	}
	text, arrays, err := learned(t).State()
	if err != nil {
		t.Fatal(err)
	}
	old, err := FromState(json.RawMessage(strings.Replace(string(text), `,"local":true`, "", 1)), arrays)
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]*Detector{"windows": windows, "an older file": old} {
		if slices.Contains(d.Methods(), Local) || slices.Contains(d.parts(), Local) {
			t.Errorf("%s: methods %v", name, d.Methods())
		}
		if _, err := d.Score(ctx, Combined, views(5, 3, nil)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := d.Score(ctx, Local, views(5, 3, nil)); err == nil || !strings.Contains(err.Error(), "not learned") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestLearnRefuses(t *testing.T) {
	good, other := views(20, 1, nil), views(20, 1, nil)
	other.Codes = tensor.New(20, 2)
	short := views(20, 1, nil)
	short.Residuals = tensor.New(19, 3)
	for what, c := range map[string]struct {
		training, heldOut Views
		want              string
	}{
		"few samples":   {views(9, 1, nil), good, "9 training samples, want at least 10"},
		"other codes":   {good, other, "codes of 2, want 3 and 1"},
		"short rows":    {good, short, "as many rows"},
		"nothing":       {Views{}, good, "as many rows"},
		"nothing later": {good, Views{}, "as many rows"},
	} {
		if _, err := Learn(context.Background(), c.training, c.heldOut, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", what, err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Learn(ctx, good, good, Options{}); err == nil {
		t.Error("a cancelled context ends nothing")
	}
}

func TestByName(t *testing.T) {
	for _, m := range Methods() {
		if got, err := ByName(string(m)); err != nil || got != m {
			t.Errorf("%s: %v, %v", m, got, err)
		}
	}
	if _, err := ByName("magic"); err == nil || !strings.Contains(err.Error(), "combined") {
		t.Errorf("error %v", err)
	}
}

// Whatever a file has, a detector is read or refused.
func FuzzFromState(f *testing.F) {
	d, err := Learn(context.Background(), views(20, 1, nil), views(10, 2, nil), Options{Threads: 1})
	if err != nil {
		f.Fatal(err)
	}
	text, arrays, err := d.State()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text), 0, 0, float32(1), 3)
	f.Add(`{"values":3,"codes":1,"masked":3,"mixtures":3}`, 8, 1, float32(math.NaN()), 1)
	f.Add(`{"values":1000000000,"codes":1,"mixtures":1}`, 2, 0, float32(-1), 0)
	f.Add(`{"values":-1}`, 2, 0, float32(-1), 9)
	f.Fuzz(func(t *testing.T, text string, array, place int, value float32, rows int) {
		changed := make([]nn.Array, len(arrays))
		for i, a := range arrays {
			changed[i] = nn.Array{Name: a.Name, Shape: a.Shape.Clone(), Values: slices.Clone(a.Values)}
		}
		a := &changed[uint(array)%uint(len(changed))]
		a.Values[uint(place)%uint(len(a.Values))] = value
		a.Shape[0] = rows
		back, err := FromState(json.RawMessage(text), changed)
		if err != nil {
			return
		}
		v := Views{tensor.New(2, back.values), tensor.New(2, back.codes), tensor.New(2, back.values)}
		for _, m := range back.Methods() {
			if _, err := back.Score(context.Background(), m, v); err != nil {
				t.Errorf("%s: %v", m, err)
			}
		}
	})
}
