package generate

import (
	"context"
	"math"
	"slices"
	"testing"

	"hourglass/internal/golden"
	"hourglass/tensor"
)

// numbers are what scikit-learn, SciPy and NumPy make of the same arrays.
type numbers struct {
	Codes       [][]float32
	Weights     []float64
	Means       [][]float64
	Covariances [][][]float64
	Densities   []float64
	Real        [][]float32
	Generated   [][]float32
	Quality     []Quality
	Quantiles   []float64
}

func load(t *testing.T) (n numbers) {
	golden.Load(t, "testdata/generate.golden", &n)
	return n
}

func matrix(rows [][]float32) tensor.Tensor {
	x := tensor.New(len(rows), len(rows[0]))
	for i, row := range rows {
		copy(x.Row(i), row)
	}
	return x
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*max(1, math.Abs(want))) {
		t.Errorf("%s is %.9g, want %.9g", what, got, want)
	}
}

func TestMixtureIsScikitLearns(t *testing.T) {
	n := load(t)
	codes := matrix(n.Codes)
	m, err := FitMixture(context.Background(), codes, MixtureOptions{Components: 3, Tolerance: 1e-9, Iterations: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range n.Means {
		own := slices.IndexFunc(m.Means, func(mean []float64) bool { return squared(mean, want) < 1e-3 })
		if own < 0 {
			t.Fatalf("no component has the mean %v: %v", want, m.Means)
		}
		near(t, "weight", m.Weights[own], n.Weights[k], 1e-5)
		for r, row := range n.Covariances[k] {
			for c, value := range row {
				sum := 0.0
				for i := range 3 {
					sum += m.Factors[own][r*3+i] * m.Factors[own][c*3+i]
				}
				near(t, "covariance", sum, value, 1e-4)
			}
		}
	}
	densities, err := m.LogDensity(codes)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range n.Densities {
		near(t, "log density", densities[40*i], want, 1e-4)
	}
}

func TestMixtureDrawsWhatItIs(t *testing.T) {
	m := &Mixture{Weights: []float64{0.25, 0.75}, Means: [][]float64{{-3, 1}, {4, 0}}, Factors: [][]float64{{1, 0, 0.5, 0.2}, {0.5, 0, 0, 2}}}
	const n = 40000
	codes := m.Sample(n, 7)
	var left int
	var sum, product float64
	for i := range n {
		if c := codes.Row(i); c[0] < 0 {
			left++
			sum += float64(c[1])
			product += float64(c[0]+3) * float64(c[1]-1)
		}
	}
	near(t, "the first component's share", float64(left)/n, 0.25, 0.01)
	near(t, "its mean", sum/float64(left), 1, 0.03)
	near(t, "its covariance", product/float64(left), 0.5, 0.05)
	if again := m.Sample(100, 7); !slices.Equal(again.Data, codes.Data[:200]) {
		t.Error("fewer codes of the same seed are others")
	}
}

func TestQualityIsThePapers(t *testing.T) {
	n := load(t)
	for _, want := range n.Quality {
		got, err := Judge(context.Background(), matrix(n.Real), matrix(n.Generated), want.K)
		if err != nil {
			t.Fatal(err)
		}
		// The papers' balls are open and ours closed, which of one sample's own neighbours makes no difference.
		near(t, "precision", got.Precision, want.Precision, 1e-9)
		near(t, "recall", got.Recall, want.Recall, 1e-9)
		near(t, "density", got.Density, want.Density, 1e-9)
		near(t, "coverage", got.Coverage, want.Coverage, 1e-9)
	}
}

func TestPaths(t *testing.T) {
	a, b := []float32{3, 0}, []float32{0, 3}
	line, err := Linear(a, b, 4)
	if err != nil {
		t.Fatal(err)
	}
	if want := []float32{3, 0, 2, 1, 1, 2, 0, 3}; !slices.Equal(line.Data, want) {
		t.Errorf("the line is %v, want %v", line.Data, want)
	}
	arc, err := Spherical(a, b, 3)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "the middle of the arc", float64(arc.Row(1)[0]), 3/math.Sqrt2, 1e-6)
	if same, err := Spherical(a, []float32{6, 0}, 3); err != nil || !slices.Equal(same.Data, []float32{3, 0, 4.5, 0, 6, 0}) {
		t.Errorf("between codes of one direction: %v, %v", same.Data, err)
	}
	if _, err := Linear(a, []float32{1}, 4); err == nil {
		t.Error("codes of different sizes were interpolated")
	}
	if _, err := Spherical(a, b, 1); err == nil {
		t.Error("one step was taken for a path")
	}
}

func TestTraverseAndPlane(t *testing.T) {
	codes, err := Traverse([]float32{1, 2, 3}, 1, []float32{-1, 5})
	if err != nil || !slices.Equal(codes.Data, []float32{1, -1, 3, 1, 5, 3}) {
		t.Errorf("traversed: %v, %v", codes.Data, err)
	}
	if _, err := Traverse([]float32{1}, 1, []float32{0}); err == nil {
		t.Error("a dimension beyond the code was traversed")
	}
	plane, err := Plane(5)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range load(t).Quantiles {
		near(t, "quantile", float64(plane.Row(i)[0]), want, 1e-6)
		near(t, "quantile", float64(plane.Row(5 * (4 - i))[1]), want, 1e-6)
	}
}

func TestNormalIsNormal(t *testing.T) {
	codes := Normal{Codes: 3}.Sample(20000, 1)
	var sum, squares float64
	for _, v := range codes.Data {
		sum, squares = sum+float64(v), squares+float64(v)*float64(v)
	}
	near(t, "mean", sum/float64(len(codes.Data)), 0, 0.02)
	near(t, "variance", squares/float64(len(codes.Data)), 1, 0.02)
}

func TestBadCodesAreRefused(t *testing.T) {
	ctx, bad := context.Background(), tensor.Tensor{Shape: tensor.Shape{2, 2}, Data: []float32{1, 2, 3, float32(math.NaN())}}
	if _, err := FitMixture(ctx, bad, MixtureOptions{}); err == nil {
		t.Error("a mixture was fitted to NaN")
	}
	good := matrix([][]float32{{1, 2}, {3, 4}, {5, 7}})
	for _, o := range []MixtureOptions{{Components: 4}, {Components: -1}, {Tolerance: -1}, {Iterations: -2}} {
		if _, err := FitMixture(ctx, good, o); err == nil {
			t.Errorf("a mixture was fitted with %+v", o)
		}
	}
	if _, err := Judge(ctx, good, good, 3); err == nil {
		t.Error("three samples were judged by three neighbours")
	}
	if _, err := Judge(ctx, good, matrix([][]float32{{1}, {2}, {3}}), 1); err == nil {
		t.Error("samples of different sizes were compared")
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := FitMixture(cancelled, good, MixtureOptions{Components: 1}); err == nil {
		t.Error("a cancelled fit went on")
	}
	// Codes that lie in one point have a mixture all the same.
	if _, err := FitMixture(ctx, matrix([][]float32{{1, 1}, {1, 1}, {1, 1}}), MixtureOptions{Components: 2}); err != nil {
		t.Error(err)
	}
}
