package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hourglass"
	"hourglass/dataset"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/tensor"
)

// trained returns an autoencoder of pairs (x, 2x).
func trained(t *testing.T) *hourglass.Autoencoder {
	t.Helper()
	pairs := tensor.New(200, 2)
	for i := range pairs.Len() {
		pairs.Row(i)[0], pairs.Row(i)[1] = float32(i)/100-1, float32(i)/50-2
	}
	ae, err := hourglass.New(nn.Layers{nn.Input{2}, nn.Dense{Units: 1}}, nn.Layers{nn.Dense{Units: 2}})
	if err != nil {
		t.Fatal(err)
	}
	data := dataset.Array{Tensor: pairs}
	if _, err := ae.Fit(context.Background(), data, hourglass.Epochs(200), hourglass.Optimizer(optim.Adam{LearningRate: 0.02})); err != nil {
		t.Fatal(err)
	}
	if err := ae.LearnScores(context.Background(), data); err != nil {
		t.Fatal(err)
	}
	return ae
}

func TestScorer(t *testing.T) {
	s, err := newScorer(trained(t), 0.99)
	if err != nil {
		t.Fatal(err)
	}
	post := func(body string) (int, string) {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/score", strings.NewReader(body)))
		return w.Code, w.Body.String()
	}
	code, body := post("[[0.5, 1], [0.5, -1]]")
	var verdicts []verdict
	if err := json.Unmarshal([]byte(body), &verdicts); err != nil || code != http.StatusOK || len(verdicts) != 2 {
		t.Fatalf("%d %s: %v", code, body, err)
	}
	if verdicts[0].Outlier || !verdicts[1].Outlier {
		t.Errorf("a pair like the others and one unlike them: %+v", verdicts)
	}
	for _, bad := range []string{"", "{}", "[]", "[[1]]", "[[1, 2, 3]]", `[["a", 1]]`, "[[1e39, 1]]"} {
		if code, body := post(bad); code != http.StatusBadRequest || body == "" {
			t.Errorf("%q: %d %q", bad, code, body)
		}
	}
}
