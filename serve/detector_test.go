package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"hourglass/anomaly"
	"hourglass/dataset"
	"hourglass/serve/payload"
	"hourglass/workflow"
)

// A model that has learned what normal samples are like is served with those scores, to the
// bit, whatever else is asked for and however many samples come at once.
func TestDetectorsScores(t *testing.T) {
	c, _ := testConfig(t)
	path := c.Models[0].Path
	m, err := workflow.OpenModel(path)
	if err != nil {
		t.Fatal(err)
	}
	input := func(seed uint64, n int) *workflow.Input {
		return &workflow.Input{Data: &dataset.Data{Samples: dataset.Array{Tensor: samples(seed, n)}}}
	}
	ctx := context.Background()
	if err := m.LearnDetector(ctx, input(1, 100), input(2, 100), anomaly.Options{Seed: 1}); err != nil {
		t.Fatal(err)
	}
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	const n = 70 // more than a batch
	x := samples(5, n)
	for i := range x.Row(3) {
		x.Row(3)[i] *= 5
	}
	ranked, err := m.Rank(ctx, &workflow.Input{Data: &dataset.Data{Samples: dataset.Array{Tensor: x}}}, workflow.RankOptions{Rate: 0.01})
	if err != nil {
		t.Fatal(err)
	}
	scores, outliers := make([]float64, n), make([]bool, n)
	for _, s := range ranked.Scores {
		scores[s.Index], outliers[s.Index] = s.Score, s.Outlier
	}
	if !outliers[3] {
		t.Fatal("what lies far outside is no outlier")
	}
	s := newServer(t, c)
	var got struct {
		Scores    []float64
		Outliers  []bool
		Threshold float64
		Outputs   []struct {
			Name string
			Data []any
		}
	}
	answer := func(path string, body []byte) {
		t.Helper()
		w := ask(s, "POST", path, "application/json", body)
		if w.Code != 200 {
			t.Fatalf("%s: status %d, %s", path, w.Code, w.Body)
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
	}
	all, err := payload.AppendRows(nil, x.Data, n)
	if err != nil {
		t.Fatal(err)
	}
	answer("/models/m/score", all)
	if got.Threshold != *ranked.Threshold {
		t.Errorf("threshold %v, want %v", got.Threshold, *ranked.Threshold)
	}
	for i := range scores {
		if got.Scores[i] != scores[i] || got.Outliers[i] != outliers[i] {
			t.Errorf("sample %d: %v, outlier %v; want %v, %v", i, got.Scores[i], got.Outliers[i], scores[i], outliers[i])
		}
	}
	row, err := payload.AppendRows(nil, x.Row(3), 1)
	if err != nil {
		t.Fatal(err)
	}
	answer("/v2/models/m/infer", fmt.Appendf(nil, `{"inputs":[{"name":"input","datatype":"FP32","shape":[1,24],"data":%s}]}`, row))
	seen := 0
	for _, out := range got.Outputs {
		switch out.Name {
		case "score":
			seen++
			if out.Data[0] != scores[3] {
				t.Errorf("score %v by the protocol, want %v", out.Data[0], scores[3])
			}
		case "outlier":
			seen++
			if out.Data[0] != true {
				t.Error("no outlier by the protocol")
			}
		}
	}
	if seen != 2 {
		t.Errorf("outputs %+v", got.Outputs)
	}
	if q, ok := quantileOf(s.loaded()[0], math.Inf(1)); !ok || q < 0.98 {
		t.Errorf("%v of normal samples score below infinity (%v)", q, ok)
	}
}
