package tsne_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"hourglass/neighbors"
	"hourglass/tensor"
	"hourglass/tsne"
)

var background = context.Background()

func embed(t *testing.T, x tensor.Tensor, o tsne.Options) *tsne.Embedding {
	t.Helper()
	e, err := tsne.Embed(background, x, o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// The golden file, of testdata/tsne.py, has scikit-learn's final divergences from three beginnings.
func TestEmbedReachesScikitLearnsDivergence(t *testing.T) {
	var g struct {
		Codes      [][]float32
		Perplexity float64
		Initial    [][]float64
		Finals     []float64
	}
	text, err := os.ReadFile("testdata/tsne.golden")
	if err == nil {
		err = json.Unmarshal(text, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	x := tensor.New(len(g.Codes), len(g.Codes[0]))
	for i, row := range g.Codes {
		copy(x.Row(i), row)
	}
	// Small maps end in one of many minima; the best of as many beginnings is compared.
	finals := []float64{
		embed(t, x, tsne.Options{Perplexity: g.Perplexity}).KL(),
		embed(t, x, tsne.Options{Perplexity: g.Perplexity, Init: tsne.Random, Seed: 1}).KL(),
		embed(t, x, tsne.Options{Perplexity: g.Perplexity, Init: tsne.Random, Seed: 2}).KL(),
	}
	if slices.Min(finals) > 1.03*slices.Min(g.Finals) {
		t.Errorf("divergences %v, want the least about scikit-learn's of %v", finals, g.Finals)
	}
	y, err := tsne.PCAInit(x, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range g.Initial {
		for a, v := range y.Row(i) {
			if math.Abs(float64(v)-want[a]) > 1e-9 {
				t.Errorf("point %d begins at %v, want %v", i, y.Row(i), want)
			}
		}
	}
}

func TestEmbedKeepsNeighbours(t *testing.T) {
	x := clusters(600, 10)
	e := embed(t, x, tsne.Options{Iterations: 400})
	trust, err := neighbors.Trustworthiness(background, x, e.Points(), 12)
	if err != nil || trust < 0.97 {
		t.Errorf("trustworthiness %v (%v), want at least 0.97", trust, err)
	}
	// Every cluster holds together: nearest neighbours on the map are of the same one.
	index, err := neighbors.NewIndex(e.Points())
	if err != nil {
		t.Fatal(err)
	}
	near, err := index.Others(background, 1)
	if err != nil {
		t.Fatal(err)
	}
	same := 0
	for i, j := range near.Indices {
		if i%10 == int(j)%10 {
			same++
		}
	}
	if same < 585 {
		t.Errorf("%d of 600 points have a nearest neighbour of the same cluster, want 585", same)
	}
}

func TestThreadsAndCallsDoNotMatter(t *testing.T) {
	x := clusters(300, 8)
	for _, kind := range []tsne.Gradient{tsne.Exact, tsne.Interpolated} {
		o := tsne.Options{Gradient: kind, ExaggeratedIterations: 25, Iterations: 60, Threads: 1}
		want := embed(t, x, o)
		for _, threads := range []int{2, 5} {
			o.Threads = threads
			if got := embed(t, x, o); !slices.Equal(got.Points().Data, want.Points().Data) || got.KL() != want.KL() {
				t.Errorf("gradient %d: %d threads give another map than one", kind, threads)
			}
		}
		a, err := tsne.NewAffinities(background, x, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		y, err := tsne.PCAInit(x, 0)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := tsne.NewEmbedding(a, y, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []int{1, 24, 0, 25, 7} {
			if err := parts.Optimize(background, n); err != nil {
				t.Fatal(err)
			}
		}
		if err := parts.Run(background); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(parts.Points().Data, want.Points().Data) || parts.Iteration() != 60 {
			t.Errorf("gradient %d: %d iterations in several calls give another map than in one", kind, parts.Iteration())
		}
	}
}

func TestObserverSeesStages(t *testing.T) {
	var seen []string
	embed(t, clusters(60, 3), tsne.Options{ExaggeratedIterations: 20, Iterations: 50, Every: 15, Observe: func(e tsne.Event) error {
		seen = append(seen, fmt.Sprintf("%s %d/%d", e.Stage, e.Iteration, e.Iterations))
		if e.Embedding != nil && !(e.Embedding.KL() > 0 && e.Embedding.GradientNorm() > 0 && e.Embedding.Stage() == e.Stage) {
			t.Errorf("%s: divergence %v, gradient %v", e.Stage, e.Embedding.KL(), e.Embedding.GradientNorm())
		}
		return nil
	}})
	want := []string{"affinities 0/50", "initialisation 0/50", "early exaggeration 0/50", "early exaggeration 15/50",
		"refinement 20/50", "refinement 30/50", "refinement 45/50", "refinement 50/50"}
	if !slices.Equal(seen, want) {
		t.Errorf("observed %q, want %q", seen, want)
	}
}

func TestEmbedStopsAndGoesOn(t *testing.T) {
	x := clusters(100, 3)
	want := embed(t, x, tsne.Options{Iterations: 60})
	ctx, cancel := context.WithCancel(background)
	stopped, err := tsne.Embed(ctx, x, tsne.Options{Iterations: 60, Every: 20, Observe: func(e tsne.Event) error {
		if e.Iteration == 20 {
			cancel()
		}
		return nil
	}})
	if !errors.Is(err, context.Canceled) || stopped == nil || stopped.Iteration() >= 60 {
		t.Fatalf("got error %v and embedding %v, want the context's error and what there was", err, stopped)
	}
	if err := stopped.Run(background); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(stopped.Points().Data, want.Points().Data) {
		t.Error("the run that was stopped and went on ends with another map")
	}
	if _, err := tsne.Embed(ctx, x, tsne.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v from a context that had ended", err)
	}
	mine := errors.New("enough")
	for _, o := range []tsne.Options{{}, {Iterations: 7}} {
		o.Observe = func(e tsne.Event) error {
			if want := max(o.Iterations, 1); e.Stage == tsne.AffinityStage && e.Iterations < want {
				t.Errorf("the first event announces %d iterations", e.Iterations)
			}
			return mine
		}
		if _, err := tsne.Embed(background, x, o); err != mine {
			t.Errorf("got error %v, want the observer's", err)
		}
	}
}

func TestConvergence(t *testing.T) {
	e := embed(t, clusters(40, 2), tsne.Options{MinGradientNorm: 1e9})
	if !e.Converged() || e.Iteration() != 100 { // each stage at its first check
		t.Errorf("converged %v after %d iterations, want true after 100", e.Converged(), e.Iteration())
	}
	e = embed(t, clusters(40, 2), tsne.Options{Patience: 1, Iterations: 5000})
	if !e.Converged() || e.Iteration() >= 5000 {
		t.Errorf("converged %v after %d iterations, want true before 5000", e.Converged(), e.Iteration())
	}
}

// Whatever the data, a map of finite points comes out.
func TestDegenerateData(t *testing.T) {
	constant, duplicates, line := tensor.New(40, 3), clusters(50, 3), tensor.New(30, 1)
	for i := range constant.Data {
		constant.Data[i] = 5
	}
	for i := range duplicates.Len() {
		copy(duplicates.Row(i), duplicates.Row(i%4))
		duplicates.Row(i)[1] = -1
	}
	for i := range line.Data {
		line.Data[i] = float32(i)
	}
	cases := map[string]tensor.Tensor{"constant": constant, "duplicates": duplicates, "line": line,
		"images": {Shape: tensor.Shape{50, 3, 1}, Data: clusters(50, 3).Data}}
	for n := 2; n <= 5; n++ {
		cases[fmt.Sprint(n, " samples")] = clusters(n, 3)
	}
	for name, x := range cases {
		for _, kind := range []tsne.Gradient{tsne.Exact, tsne.Interpolated} {
			e := embed(t, x, tsne.Options{Iterations: 60, ExaggeratedIterations: 30, Gradient: kind})
			var spread [2]float64
			for i, v := range e.Points().Data {
				if v != v || math.Abs(float64(v)) > 1e6 {
					t.Fatalf("%s: point %d is at %v", name, i/2, v)
				}
				spread[i%2] = max(spread[i%2], math.Abs(float64(v)))
			}
			if x.Len() > 5 && (spread[0] < 0.1 || spread[1] < 0.1) {
				t.Errorf("%s: the map extends to %v, want both axes used", name, spread)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	nan := clusters(20, 3)
	nan.Data[7] = float32(math.NaN())
	good := clusters(20, 3)
	run := func(x tensor.Tensor, o tsne.Options) error { _, err := tsne.Embed(background, x, o); return err }
	a, err := tsne.NewAffinities(background, good, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	start := func(y tensor.Tensor) error { _, err := tsne.NewEmbedding(a, y, tsne.Options{}); return err }
	for want, err := range map[string]error{
		"code 2 holds NaN":                       run(nan, tsne.Options{}),
		"got 1 sample, want at least 2":          run(clusters(1, 3), tsne.Options{}),
		"want a shape of at least one axis":      run(tensor.Tensor{}, tsne.Options{}),
		"perplexity is 0.5":                      run(good, tsne.Options{Perplexity: 0.5}),
		"perplexity is NaN":                      run(good, tsne.Options{Perplexity: math.NaN()}),
		"learning rate is -1":                    run(good, tsne.Options{LearningRate: -1}),
		"iterations is -5":                       run(good, tsne.Options{Iterations: -5}),
		"gradient is 9":                          run(good, tsne.Options{Gradient: 9}),
		"init is -1":                             run(good, tsne.Options{Init: -1}),
		"the map diverged, want a learning":      run(good, tsne.Options{LearningRate: 1e300}),
		"the map has shape 20×3, want 20×2":      start(tensor.New(20, 3)),
		"point 3 of the map is at [0 NaN], want": start(func() tensor.Tensor { y := tensor.New(20, 2); y.Data[7] = nan.Data[7]; return y }()),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one with %q", err, want)
		}
	}
}

func TestPerplexityIsLoweredForFewSamples(t *testing.T) {
	for n, want := range map[int]float64{2: 1, 4: 1, 31: 10, 91: 30, 120: 30} {
		a, err := tsne.NewAffinities(background, clusters(n, 3), 30, 0)
		if err != nil || a.Perplexity != want {
			t.Errorf("perplexity %v of %d samples (%v), want %v", a.Perplexity, n, err, want)
		}
	}
}

func ExampleEmbed() {
	x := tensor.New(60, 3) // two clusters
	for i := range x.Len() {
		copy(x.Row(i), []float32{float32(i % 2 * 10), float32(i % 7), float32(i % 5)})
	}
	e, err := tsne.Embed(context.Background(), x, tsne.Options{Perplexity: 10, Seed: 42})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e.Points().Shape, "after", e.Iteration(), "iterations")
	// Output: 60×2 after 1000 iterations
}

func ExampleEmbedding_Optimize() {
	ctx, x := context.Background(), clusters(100, 5)
	affinities, _ := tsne.NewAffinities(ctx, x, 10, 0)
	start, _ := tsne.RandomInit(100, 42)
	e, _ := tsne.NewEmbedding(affinities, start, tsne.Options{})
	first := math.Inf(1)
	for range 3 {
		e.Optimize(ctx, 200)
		fmt.Println(e.Iteration(), e.Stage(), e.KL() < first)
		first = e.KL()
	}
	// Output:
	// 200 early exaggeration true
	// 400 refinement true
	// 600 refinement true
}
