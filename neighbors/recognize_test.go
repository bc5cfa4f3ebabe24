package neighbors_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/neighbors"
	"hourglass/tensor"
)

func TestRecognizeIsScikitLearns(t *testing.T) {
	g := readGolden(t)
	r, err := neighbors.Recognize(background, neighbors.Labeled{Codes: array(g.References), Labels: g.Labels},
		neighbors.Labeled{Codes: array(g.Queries), Labels: g.Truth}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(r.Predicted, g.Predicted) {
		t.Errorf("predicted %v, want %v", r.Predicted, g.Predicted)
	}
	if fmt.Sprint(r.Confusion) != fmt.Sprint(g.Confusion) {
		t.Errorf("confusion %v, want %v", r.Confusion, g.Confusion)
	}
	if got := r.Confusion.Accuracy(); got != g.Accuracy {
		t.Errorf("accuracy %v, want %v", got, g.Accuracy)
	}
}

func TestVote(t *testing.T) {
	labels := []int{0, 1, 1, 2, 2}
	for _, c := range []struct {
		near []int32
		want int
	}{
		{[]int32{0, 1, 2}, 1},    // two against one
		{[]int32{3, 1, 0}, 2},    // all differ: the nearest
		{[]int32{1, 3, 4, 2}, 1}, // two each: that of the nearest
		{[]int32{0, 3, 1, 2, 4}, 2},
	} {
		near := neighbors.Neighbors{K: len(c.near), Indices: c.near, Squared: make([]float32, len(c.near))}
		got, err := neighbors.Vote(near, labels)
		if err != nil || got[0] != c.want {
			t.Errorf("neighbours %v vote %v (%v), want %d", c.near, got, err, c.want)
		}
	}
	near := neighbors.Neighbors{K: 1, Indices: []int32{5}, Squared: []float32{0}}
	if _, err := neighbors.Vote(near, labels); err == nil {
		t.Error("the vote of a reference without a label was counted")
	}
}

func TestTrustworthinessIsScikitLearns(t *testing.T) {
	g := readGolden(t)
	for k, want := range g.Trustworthiness {
		got, err := neighbors.Trustworthiness(background, array(g.References), array(g.Plane), k)
		if err != nil || math.Abs(got-want) > 1e-12 {
			t.Errorf("trustworthiness(%d) = %v (%v), want %v", k, got, err, want)
		}
	}
	if _, err := neighbors.Trustworthiness(background, array(g.References), array(g.Plane), 30); err == nil {
		t.Error("30 neighbours of 60 points were accepted")
	}
}

func TestDrawPerClass(t *testing.T) {
	labels := make([]int, 300)
	for i := range labels {
		labels[i] = 2 * (i % 3) // classes 1 and 3 do not occur
	}
	drawn, err := neighbors.DrawPerClass(labels, 10, 5)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for i, sample := range drawn {
		if labels[sample] != i/10*2 || seen[sample] {
			t.Errorf("sample %d of class %d stands at %d (seen before: %v)", sample, labels[sample], i, seen[sample])
		}
		seen[sample] = true
	}
	again, _ := neighbors.DrawPerClass(labels, 10, 5)
	other, _ := neighbors.DrawPerClass(labels, 10, 6)
	if !slices.Equal(again, drawn) || slices.Equal(other, drawn) || len(drawn) != 30 {
		t.Errorf("%d drawn; the same seed gives the same: %v; another seed gives another: %v",
			len(drawn), slices.Equal(again, drawn), !slices.Equal(other, drawn))
	}
	if _, err := neighbors.DrawPerClass(labels, 101, 5); err == nil || !strings.Contains(err.Error(), "class 0 has 100 samples") {
		t.Errorf("got error %v, want one that counts the samples", err)
	}
}

// Of 100 drawn with replacement from 128, 128·(1-(1-1/128)^100) = 69.6 are expected
// to be different ones.
func TestDrawFromBatch(t *testing.T) {
	var distinct float64
	for seed := range uint64(200) {
		drawn, err := neighbors.DrawFromBatch(60000, 128, 100, seed)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(drawn)
		if drawn[0] < 0 || drawn[99] >= 60000 {
			t.Fatalf("drew samples %d to %d of 60000", drawn[0], drawn[99])
		}
		distinct += float64(len(slices.Compact(drawn))) / 200
	}
	if math.Abs(distinct-69.6) > 1.5 {
		t.Errorf("%.1f distinct samples on average, want 69.6", distinct)
	}
	if _, err := neighbors.DrawFromBatch(100, 128, 100, 1); err == nil {
		t.Error("a batch of 128 was drawn from 100")
	}
}

func TestNewSpread(t *testing.T) {
	s := neighbors.NewSpread([]float64{2, 4, 4, 4, 5, 5, 7, 9})
	if s.Mean != 5 || math.Abs(s.Std-math.Sqrt(32.0/7)) > 1e-15 {
		t.Errorf("mean %v ± %v, want 5 ± √(32/7)", s.Mean, s.Std)
	}
	if s := neighbors.NewSpread([]float64{3}); s.Mean != 3 || s.Std != 0 {
		t.Errorf("one value: %v ± %v, want 3 ± 0", s.Mean, s.Std)
	}
}

// blobs are classes well apart, all of whose members any labelled member recognises.
func blobs(seed uint64, n int) neighbors.Labeled {
	l := neighbors.Labeled{Codes: normal(seed, n, 4), Labels: make([]int, n)}
	for i := range n {
		l.Labels[i] = i % 3
		l.Codes.Row(i)[i%3] += 100
	}
	return l
}

func TestRecognizeDraws(t *testing.T) {
	s, err := neighbors.RecognizeDraws(background, blobs(1, 90), blobs(2, 30), 5, 4, 42)
	if err != nil || s.Mean != 1 || s.Std != 0 || len(s.Values) != 4 {
		t.Errorf("accuracy %v ± %v over %v (%v), want 1 ± 0 over 4 draws", s.Mean, s.Std, s.Values, err)
	}
	if _, err := neighbors.RecognizeDraws(background, blobs(1, 90), blobs(2, 30), 5, 0, 42); err == nil {
		t.Error("0 draws were accepted")
	}
}

func TestLabeledErrors(t *testing.T) {
	good := blobs(1, 9)
	few := neighbors.Labeled{Codes: good.Codes, Labels: good.Labels[:8]}
	negative := neighbors.Labeled{Codes: good.Codes, Labels: append([]int{-1}, good.Labels[1:]...)}
	recognize := func(a, b neighbors.Labeled) error { _, err := neighbors.Recognize(background, a, b, 1); return err }
	pick := func(i ...int) error { _, err := good.Pick(i); return err }
	confuse := func(a, b []int) error { _, err := neighbors.NewConfusion(a, b, 0); return err }
	for want, err := range map[string]error{
		"8 labels, want one for each of 9": recognize(good, few),
		"label 0 is -1":                    recognize(negative, good),
		"none is listed":                   pick(),
		"index 9, want 0 to 8":             pick(0, 9),
		"1 predictions, want one for":      confuse([]int{0, 1}, []int{1}),
		"label 1 is 99999":                 confuse([]int{0, 1}, []int{1, 99999}),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one with %q", err, want)
		}
	}
}

func ExampleRecognize() {
	codes, _ := tensor.FromSlice([]float32{0, 1, 10, 11}, 4, 1)
	queries, _ := tensor.FromSlice([]float32{2, 9, 12}, 3, 1)
	r, _ := neighbors.Recognize(context.Background(),
		neighbors.Labeled{Codes: codes, Labels: []int{0, 0, 1, 1}},
		neighbors.Labeled{Codes: queries, Labels: []int{0, 1, 0}}, 1)
	fmt.Println(r.Predicted, r.Confusion)
	fmt.Printf("recognition accuracy %.1f%%\n", 100*r.Confusion.Accuracy())
	// Output:
	// [0 1 1] [[1 1] [0 1]]
	// recognition accuracy 66.7%
}
