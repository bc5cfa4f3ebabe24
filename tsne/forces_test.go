package tsne

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"hourglass/tensor"
)

// golden is the content of testdata/tsne.golden, which testdata/tsne.py made.
type golden struct {
	Codes      [][]float32
	Perplexity float64
	Rows       []goldenRow
	Points     [][]float32
	KL         float64
	Gradient   []point
	Initial    [][]float64
	Finals     []float64
}

// goldenRow is a row of P: its number, and numbers and values of its columns.
type goldenRow struct {
	i       int
	columns [][2]float64
}

func (r *goldenRow) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, &[]any{&r.i, &r.columns})
}

func readGolden(t *testing.T) (g golden) {
	text, err := os.ReadFile("testdata/tsne.golden")
	if err == nil {
		err = json.Unmarshal(text, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func array(rows [][]float32) tensor.Tensor {
	x := tensor.New(len(rows), len(rows[0]))
	for i, row := range rows {
		copy(x.Row(i), row)
	}
	return x
}

func (g golden) affinities(t *testing.T) *Affinities {
	a, err := NewAffinities(context.Background(), array(g.Codes), g.Perplexity, 0)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (g golden) embedding(t *testing.T, o Options) *Embedding {
	e, err := NewEmbedding(g.affinities(t), array(g.Points), o)
	if err != nil {
		t.Fatal(err)
	}
	e.begin(RefinementStage)
	return e
}

func testCrew(t *testing.T) *crew {
	c := newCrew(2)
	t.Cleanup(c.team.Close)
	return c
}

func TestAffinitiesAreScikitLearns(t *testing.T) {
	g := readGolden(t)
	a := g.affinities(t)
	for _, row := range g.Rows {
		k := 0
		a.Row(row.i, func(j int, p float64) {
			if k >= len(row.columns) || float64(j) != row.columns[k][0] || math.Abs(p-row.columns[k][1]) > 1e-6*row.columns[k][1]+1e-12 {
				t.Fatalf("row %d has P = %v at column %d, want the pairs %v", row.i, p, j, row.columns)
			}
			k++
		})
		if k != len(row.columns) {
			t.Errorf("row %d has %d affinities, want %d", row.i, k, len(row.columns))
		}
	}
	if math.Abs(a.total-1) > 1e-6 || a.Perplexity != g.Perplexity {
		t.Errorf("perplexity %v, the affinities sum to %v, want %v and 1", a.Perplexity, a.total, g.Perplexity)
	}
}

func TestGradientIsScikitLearns(t *testing.T) {
	g := readGolden(t)
	e := g.embedding(t, Options{Gradient: Exact})
	e.measure(testCrew(t))
	if math.Abs(e.KL()-g.KL) > 1e-6*g.KL {
		t.Errorf("divergence %v, want %v", e.KL(), g.KL)
	}
	exact, err := e.affinities.KL(array(g.Points))
	if err != nil || exact != e.KL() {
		t.Errorf("the affinities say the divergence is %v (%v), the embedding %v", exact, err, e.KL())
	}
	for i, want := range g.Gradient {
		if got := e.gradient[i]; math.Hypot(got[0]-want[0], got[1]-want[1]) > 1e-6*math.Hypot(want[0], want[1]) {
			t.Errorf("gradient of point %d is %v, want %v", i, got, want)
		}
	}
}

// Both the exact and the interpolated gradient must be the slopes of the divergence each of them reports.
func TestGradientIsTheSlopeOfTheDivergence(t *testing.T) {
	g, c := readGolden(t), testCrew(t)
	for _, kind := range []Gradient{Exact, Interpolated} {
		e := g.embedding(t, Options{Gradient: kind})
		at := func(i, axis int, step float64) float64 {
			e.points[i][axis] += step
			defer func() { e.points[i][axis] -= step }()
			z := e.repulsion.forces(c, e.points, make([]point, len(e.points)))
			// The logarithms of divergence are of float32 precision, too coarse for differences.
			sum := a64(e, e.points)
			return sum + math.Log(z)*e.affinities.total
		}
		e.evaluate(c)
		for _, i := range []int{0, 17, 119} {
			for axis := range 2 {
				const h = 1e-4
				slope := (at(i, axis, h) - at(i, axis, -h)) / (2 * h)
				if got := e.gradient[i][axis]; math.Abs(got-slope) > 1e-6*e.norm+1e-8 {
					t.Errorf("gradient %d: point %d, axis %d: %v, want the slope %v", kind, i, axis, got, slope)
				}
			}
		}
	}
}

// a64 returns Σ P·ln(1/q) in float64.
func a64(e *Embedding, points []point) (s float64) {
	for i := range points {
		for _, p := range e.affinities.row(i) {
			dx, dy := points[i][0]-points[p.j][0], points[i][1]-points[p.j][1]
			s += float64(p.p) * math.Log1p(dx*dx+dy*dy)
		}
	}
	return s
}

// cloud is a map of n points with the given standard deviation.
func cloud(seed uint64, n int, std float64) []point {
	random, points := rand.New(rand.NewPCG(seed, 0)), make([]point, n)
	for i := range points {
		points[i] = point{std * random.NormFloat64(), 0.7*std*random.NormFloat64() + 100}
	}
	return points
}

// The maps need lattices of several sizes. Where points lie closer than the spacing of the nodes, q is a little blunt.
func TestInterpolatedForcesAreTheExactOnes(t *testing.T) {
	c := testCrew(t)
	for _, m := range []struct {
		n      int
		std    float64
		zError float64 // relative
		rms    float64 // of the errors of the forces, relative to the forces
	}{
		{2000, 1, 0.001, 0.01},
		{2000, 5, 0.0001, 0.02},
		{3000, 25, 0.0001, 0.06},
		{2, 30, 0.02, 0.05},
	} {
		points := cloud(7, m.n, m.std)
		want, got := make([]point, m.n), make([]point, m.n)
		wantZ := (&exactRepulsion{}).forces(c, points, want)
		gotZ := (&interpolatedRepulsion{}).forces(c, points, got)
		var errors, squares float64
		for i := range want {
			errors += square(got[i][0]-want[i][0]) + square(got[i][1]-want[i][1])
			squares += square(want[i][0]) + square(want[i][1])
		}
		zError, rms := math.Abs(gotZ-wantZ)/wantZ, math.Sqrt(errors/squares)
		t.Logf("%d points, std %v: errors %.1e of Z, %.1e of the forces", m.n, m.std, zError, rms)
		if zError > m.zError || rms > m.rms {
			t.Errorf("%d points, std %v: errors %.1e of Z and %.1e of the forces, want at most %v and %v", m.n, m.std, zError, rms, m.zError, m.rms)
		}
	}
}

func square(v float64) float64 { return v * v }

// A pair's potential is what q is, wherever the pair lies on the lattice: z of two points is twice q.
func TestInterpolatedKernel(t *testing.T) {
	random, c, interpolated := rand.New(rand.NewPCG(3, 4)), testCrew(t), &interpolatedRepulsion{}
	for _, d := range []struct{ distance, tolerance float64 }{{0, 0.04}, {0.3, 0.02}, {0.6, 0.01}, {1, 0.01}, {2, 0.003}, {100, 0.002}} {
		var worst float64
		for range 20 {
			angle := 2 * math.Pi * random.Float64()
			a := point{10 * random.Float64(), 10 * random.Float64()}
			b := point{a[0] + d.distance*math.Cos(angle), a[1] + d.distance*math.Sin(angle)}
			z := interpolated.forces(c, []point{a, b}, make([]point, 2))
			worst = max(worst, math.Abs(z/2-1/(1+d.distance*d.distance)))
		}
		t.Logf("distance %v: error of q up to %.1e", d.distance, worst)
		if worst > d.tolerance {
			t.Errorf("at distance %v q is wrong by up to %v, want at most %v", d.distance, worst, d.tolerance)
		}
	}
}

func TestLatticeWidensUnderHugeMaps(t *testing.T) {
	l := newLattice(point{-1e11, 3}, point{1e11, 4})
	if l.nx > maxNodes || l.ny != splineOrder {
		t.Errorf("a lattice of %d×%d nodes, want at most %d by %d", l.nx, l.ny, maxNodes, splineOrder)
	}
	column, _, tx, _ := l.place(point{1e11, 4})
	if column+splineOrder > l.nx || tx < 0 || tx >= 1 {
		t.Errorf("the last point is %v beyond node %d of %d", tx, column+2, l.nx)
	}
}

// At whole numbers the quintic B-spline is 66/120, 26/120 and 1/120, and everywhere the weights sum to one and
// reproduce the place.
func TestSplineWeights(t *testing.T) {
	w := splineWeights(0)
	for i, want := range []float64{1. / 120, 26. / 120, 66. / 120, 26. / 120, 1. / 120, 0} {
		if math.Abs(w[i]-want) > 1e-15 {
			t.Errorf("weight %d at a node is %v, want %v", i, w[i], want)
		}
	}
	for _, at := range []float64{0, 0.25, 0.7, 1} {
		w, dw := splineWeights(at), splineSlopes(at)
		var sum, place, slope, speed float64
		for i := range w {
			sum += w[i]
			place += w[i] * float64(i-2)
			slope += dw[i]
			speed += dw[i] * float64(i-2)
		}
		if math.Abs(sum-1)+math.Abs(place-at)+math.Abs(slope)+math.Abs(speed-1) > 1e-14 {
			t.Errorf("at %v: weights sum to %v, mean place %v, with slopes %v and %v, want 1, %v, 0, 1", at, sum, place, slope, speed, at)
		}
	}
}

func TestCalibrate(t *testing.T) {
	for name, squared := range map[string][]float32{
		"plain":      {1, 2, 3, 4, 5, 6, 7, 8, 9, 10},
		"far away":   {1e12, 1.1e12, 1.2e12, 1.3e12, 1.4e12, 1.5e12},
		"tiny":       {1e-30, 2e-30, 3e-30, 4e-30, 5e-30, 7e-30},
		"an outlier": {1, 1.1, 1.2, 1.3, 1.4, 1e20},
	} {
		p := make([]float64, len(squared))
		calibrate(p, squared, 3)
		var entropy, sum float64
		for _, v := range p {
			sum += v
			if v > 0 {
				entropy -= v * math.Log(v)
			}
		}
		if math.Abs(math.Exp(entropy)-3) > 1e-6 || math.Abs(sum-1) > 1e-12 {
			t.Errorf("%s: perplexity %v of %v, want 3", name, math.Exp(entropy), p)
		}
	}
	p := make([]float64, 4)
	calibrate(p, []float32{2, 2, 2, 2}, 3) // cannot be had: uniform
	for _, v := range p {
		if v != 0.25 {
			t.Errorf("four equal distances have probabilities %v, want a quarter each", p)
		}
	}
}
