package neighbors_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"hourglass/neighbors"
	"hourglass/tensor"
)

var background = context.Background()

// golden is the content of testdata/neighbors.golden, which testdata/neighbors.py made.
type golden struct {
	References, Queries, Plane [][]float32
	Labels, Truth, Predicted   []int
	Indices, Others            [][]int32
	Squared                    [][]float64
	Confusion                  [][]int
	Accuracy                   float64
	Trustworthiness            map[int]float64
}

func readGolden(t *testing.T) (g golden) {
	text, err := os.ReadFile("testdata/neighbors.golden")
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

func normal(seed uint64, n, dim int) tensor.Tensor {
	random, x := rand.New(rand.NewPCG(seed, 0)), tensor.New(n, dim)
	for i := range x.Data {
		x.Data[i] = float32(random.NormFloat64())
	}
	return x
}

func newIndex(t testing.TB, references tensor.Tensor) *neighbors.Index {
	index, err := neighbors.NewIndex(references)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func TestSearchIsScikitLearns(t *testing.T) {
	g := readGolden(t)
	index := newIndex(t, array(g.References))
	near, err := index.Search(background, array(g.Queries), 4)
	if err != nil {
		t.Fatal(err)
	}
	for i := range g.Queries {
		indices, squared := near.Row(i)
		if !slices.Equal(indices, g.Indices[i]) {
			t.Errorf("query %d: neighbours %v, want %v", i, indices, g.Indices[i])
		}
		for k, want := range g.Squared[i] {
			if got := float64(squared[k]); math.Abs(got-want) > 1e-6*want {
				t.Errorf("query %d, neighbour %d: squared distance %v, want %v", i, k, got, want)
			}
		}
	}
	others, err := index.Others(background, 4)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range g.Others {
		if got, _ := others.Row(i); !slices.Equal(got, want) {
			t.Errorf("reference %d: neighbours %v, want %v", i, got, want)
		}
	}
}

// bruteForce sorts all references by distance in float64, then index.
func bruteForce(references tensor.Tensor, query []float32, k, except int) []int32 {
	type pair struct {
		d float64
		j int32
	}
	var all []pair
	for j := range references.Len() {
		var d float64
		for i, v := range references.Row(j) {
			e := float64(query[i]) - float64(v)
			d += e * e
		}
		if j != except {
			all = append(all, pair{d, int32(j)})
		}
	}
	slices.SortStableFunc(all, func(a, b pair) int {
		switch {
		case a.d < b.d:
			return -1
		case a.d > b.d:
			return 1
		}
		return 0
	})
	var indices []int32
	for _, p := range all[:k] {
		indices = append(indices, p.j)
	}
	return indices
}

// The cases are those where the float32 product alone orders neighbours wrongly:
// far from the origin, of very different lengths, equal, and so small or large
// that products underflow or nearly overflow.
func TestSearchIsBruteForce(t *testing.T) {
	const n = 2500 // several blocks of queries and of references
	for name, change := range map[string]func(i int, v float32) float32{
		"plain":      func(i int, v float32) float32 { return v },
		"offset":     func(i int, v float32) float32 { return 1000 + v },
		"outlier":    func(i int, v float32) float32 { return v * map[bool]float32{true: 1e6, false: 1}[i < 3] },
		"duplicates": func(i int, v float32) float32 { return float32(i % 7 / 3) },
		"tiny":       func(i int, v float32) float32 { return v * 1e-21 },
		"huge":       func(i int, v float32) float32 { return v * 5e15 },
	} {
		x := normal(1, n, 3)
		for i := range x.Data {
			// Whole numbers keep sums of squares exact in any order.
			x.Data[i] = change(i/3, float32(math.Round(float64(x.Data[i])*64)))
		}
		index := newIndex(t, x)
		near, err := index.Others(background, 5)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i := 0; i < n; i += 17 {
			got, _ := near.Row(i)
			if want := bruteForce(x, x.Row(i), 5, i); !slices.Equal(got, want) {
				t.Errorf("%s: reference %d: neighbours %v, want %v", name, i, got, want)
			}
		}
	}
}

func TestThreadsDoNotMatter(t *testing.T) {
	index, queries := newIndex(t, normal(1, 3000, 10)), normal(2, 700, 10)
	var want neighbors.Neighbors
	for _, threads := range []int{1, 2, 3, 8} {
		index.Threads = threads
		got, err := index.Search(background, queries, 7)
		if err != nil {
			t.Fatal(err)
		}
		if threads == 1 {
			want = got
		}
		if !slices.Equal(got.Indices, want.Indices) || !slices.Equal(got.Squared, want.Squared) {
			t.Errorf("%d threads give other neighbours than one", threads)
		}
	}
}

func TestSearchRefusesWhatItCannotDo(t *testing.T) {
	nan := tensor.New(3, 2)
	nan.Data[4] = float32(math.NaN())
	huge := tensor.New(3, 2)
	huge.Data[1] = 1e30
	index := newIndex(t, tensor.New(3, 2))
	search := func(queries tensor.Tensor, k int) error {
		_, err := index.Search(background, queries, k)
		return err
	}
	build := func(x tensor.Tensor) error { _, err := neighbors.NewIndex(x); return err }
	others := func(k int) error { _, err := index.Others(background, k); return err }
	for want, err := range map[string]error{
		"code 2 holds NaN":                  build(nan),
		"code 0 holds 1e+30":                build(huge),
		"want a shape of at least one":      build(tensor.Tensor{}),
		"axis 0 has length 0":               build(tensor.Tensor{Shape: tensor.Shape{0, 2}}),
		"5 numbers a code, want the":        search(tensor.New(1, 5), 1),
		"k is 0, want 1 to 3":               search(tensor.New(1, 2), 0),
		"k is 4, want 1 to 3":               search(tensor.New(1, 2), 4),
		"k is 3, want 1 to 2, the number o": others(3),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one with %q", err, want)
		}
	}
}

func TestSearchStops(t *testing.T) {
	ctx, cancel := context.WithCancel(background)
	cancel()
	if _, err := newIndex(t, normal(1, 100, 2)).Others(ctx, 3); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want that of the context", err)
	}
}

func ExampleIndex_Search() {
	references, _ := tensor.FromSlice([]float32{0, 0, 3, 0, 0, 4}, 3, 2)
	query, _ := tensor.FromSlice([]float32{3, 1}, 1, 2)
	index, _ := neighbors.NewIndex(references)
	near, _ := index.Search(context.Background(), query, 2)
	fmt.Println(near.Row(0))
	// Output: [1 0] [1 10]
}
