package serve

import (
	"bytes"
	"encoding/json"
	"image/png"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourglass/dataset"
	"hourglass/dataset/npy"
	"hourglass/serve/payload"
	"hourglass/tensor"
)

func TestVerbs(t *testing.T) {
	c, ae := testConfig(t)
	x := samples(5, 3)
	codes, _ := ae.Encode(x)
	references := filepath.Join(t.TempDir(), "codes.csv")
	if err := dataset.WriteCSVFile(references, dataset.CSVColumns("code", 3, "label"), codes, []string{"a", "b", "c"}); err != nil {
		t.Fatal(err)
	}
	c.Models[0].References = references
	s := newServer(t, c)
	y, _ := ae.Reconstruct(x)
	scores, _ := ae.Score(x)
	rows, err := payload.AppendRows(nil, x.Data, 3)
	if err != nil {
		t.Fatal(err)
	}
	answer := func(path, kind string, body []byte, headers ...string) []byte {
		t.Helper()
		w := ask(s, "POST", path, kind, body, headers...)
		if w.Code != 200 {
			t.Fatalf("%s: status %d, %s", path, w.Code, w.Body)
		}
		return w.Body.Bytes()
	}
	var got struct {
		Model, Version string
		Shape          []int
		Codes, Samples [][]float32
		Scores         []float64
		Outliers       []bool
		Threshold      float64
		Nearest        [][]struct {
			Label    string
			Distance float64
		}
	}
	read := func(body []byte) {
		t.Helper()
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatalf("%v in %s", err, body)
		}
	}
	read(answer("/models/m/encode", "application/json", rows))
	if got.Model != "m" || got.Version != "1" || !slices.Equal(got.Shape, []int{3, 3}) || !sameBits(slices.Concat(got.Codes...), codes.Data) {
		t.Errorf("encode: %+v", got)
	}
	for _, verb := range []string{"reconstruct", "denoise"} {
		read(answer("/models/m/"+verb, "", rows))
		if !slices.Equal(got.Shape, []int{3, 6, 4}) || !sameBits(slices.Concat(got.Samples...), y.Data) {
			t.Errorf("%s: %+v", verb, got)
		}
	}
	read(answer("/models/m/score?quantile=0.5", "application/json", rows))
	threshold, _ := ae.Threshold(0.5)
	if !slices.Equal(got.Scores, scores) || got.Threshold != threshold || got.Outliers[1] != (scores[1] > threshold) {
		t.Errorf("score: %+v, want %v", got, scores)
	}
	read(answer("/models/m/nearest?k=2", "application/json", rows))
	if len(got.Nearest) != 3 || len(got.Nearest[2]) != 2 || got.Nearest[2][0].Label != "c" || got.Nearest[2][0].Distance != 0 {
		t.Errorf("nearest: %+v", got.Nearest)
	}
	// The answer is of the kind of the question.
	file, _ := payload.WriteNPY(codes.Data, codes.Shape)
	array, err := npy.Read(bytes.NewReader(answer("/models/m/decode", "application/x-npy", file)), 1<<20)
	if err != nil || !array.Shape.Equal(tensor.Shape{3, 6, 4}) || !sameBits(array.Values, y.Data) {
		t.Errorf("decode: %v, %v", array.Shape, err)
	}
	table, _ := payload.WriteCSV(dataset.CSVColumns("value", 24), x.Data, 3, nil)
	if text := string(answer("/models/m/score", "text/csv", table)); !strings.HasPrefix(text, "score,outlier") || strings.Count(text, "\n") != 4 {
		t.Errorf("score: %s", text)
	}
	if text := string(answer("/models/m/encode", "text/csv", table)); !strings.HasPrefix(text, "code_1,code_2,code_3") {
		t.Errorf("encode: %s", text)
	}
	if text := string(answer("/models/m/nearest?k=1", "text/csv", table)); strings.Count(text, "\n") != 4 || !strings.HasPrefix(text, "distance,sample,neighbour,neighbour_label") {
		t.Errorf("nearest: %s", text)
	}
	// And may be asked for as another.
	picture := answer("/models/m/reconstruct", "application/x-npy", mustNPY(t, x.Row(0), 6, 4), "Accept", "image/png")
	if m, err := png.Decode(bytes.NewReader(picture)); err != nil || m.Bounds().Dx() != 4 || m.Bounds().Dy() != 6 {
		t.Errorf("a picture: %v", err)
	}
	// A picture's bytes are shares of white to a model without scaling.
	read(answer("/models/m/encode", "image/png", picture))
	pixels, err := dataset.DecodeImage(picture, tensor.Shape{6, 4}, 100)
	if err != nil {
		t.Fatal(err)
	}
	shares := tensor.New(1, 6, 4)
	for i, b := range pixels {
		shares.Data[i] = float32(b) / 255
	}
	want, _ := ae.Encode(shares)
	if !sameBits(got.Codes[0], want.Data) {
		t.Errorf("the codes of a picture are %v, want %v", got.Codes[0], want.Data)
	}
	for _, q := range []struct {
		path, kind string
		body       []byte
		accept     string
		status     int
		want       string
	}{
		{"/models/m/encode", "text/html", rows, "", 415, "content type"},
		{"/models/m/reconstruct", "application/json", rows, "image/png", 406, "3 samples are no one picture"},
		{"/models/m/score?quantile=2", "application/json", rows, "", 400, "want a number from 0 to 1"},
		{"/models/m/nearest?k=4", "application/json", rows, "", 400, "want 1 to 3"},
		{"/models/m/encode?version=7", "application/json", rows, "", 404, "version"},
		{"/models/m.encode/encode", "application/json", rows, "", 404, "there is no model"},
		{"/models/m/paint", "application/json", rows, "", 404, "nothing at"},
		{"/models/m/decode", "image/png", picture, "", 400, "samples are of shape 3"},
	} {
		if w := ask(s, "POST", q.path, q.kind, q.body, "Accept", q.accept); w.Code != q.status || !strings.Contains(w.Body.String(), q.want) {
			t.Errorf("%s: status %d, %s, want %d and %q", q.path, w.Code, w.Body, q.status, q.want)
		}
	}
	if got := s.memory.used.Load(); got != 0 {
		t.Errorf("%d bytes are still reserved", got)
	}
}

func mustNPY(t testing.TB, values []float32, shape ...int) []byte {
	t.Helper()
	b, err := payload.WriteNPY(values, shape)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWithoutReferences(t *testing.T) {
	c, _ := testConfig(t)
	s := newServer(t, c)
	if w := ask(s, "POST", "/models/m/nearest", "application/json", mustRows(t)); w.Code != 404 || !strings.Contains(w.Body.String(), "has no references") {
		t.Errorf("status %d, %s", w.Code, w.Body)
	}
}

func mustRows(t testing.TB) []byte {
	t.Helper()
	rows, err := payload.AppendRows(nil, samples(1, 1).Data, 1)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestPageAndDescription(t *testing.T) {
	c, _ := testConfig(t)
	s := newServer(t, c)
	for path, want := range map[string]string{"/": "<title>Hourglass</title>", "/page.js": "use strict", "/page.css": "--paper"} {
		w := ask(s, "GET", path, "", nil)
		if w.Code != 200 || !strings.Contains(w.Body.String(), want) || !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
	var d struct {
		OpenAPI string
		Paths   map[string]map[string]struct{ Responses map[string]any }
	}
	if err := json.Unmarshal(ask(s, "GET", "/openapi.json", "", nil).Body.Bytes(), &d); err != nil || d.OpenAPI != "3.1.0" {
		t.Fatalf("%v, OpenAPI %q", err, d.OpenAPI)
	}
	// Everything that is described is there, and the other way round.
	for path, item := range d.Paths {
		path = strings.NewReplacer("{model}", "m", "{version}", "1").Replace(path)
		for method := range item {
			w := ask(s, strings.ToUpper(method), path, "application/json", nil)
			if w.Code == 404 || w.Code == 405 {
				t.Errorf("%s %s is described and answers %d", method, path, w.Code)
			}
		}
	}
	for _, path := range []string{"/v2", "/v2/models/{model}/infer", "/v2/models/{model}/versions/{version}/ready", "/models/m/score", "/metrics", "/models"} {
		if d.Paths[path] == nil {
			t.Errorf("%s is not described", path)
		}
	}
	var models struct{ Models []modelInfo }
	if err := json.Unmarshal(ask(s, "GET", "/models", "", nil).Body.Bytes(), &models); err != nil || len(models.Models) != 1 || !models.Models[0].Picture || !models.Models[0].Ready {
		t.Errorf("models: %+v, %v", models, err)
	}
}
