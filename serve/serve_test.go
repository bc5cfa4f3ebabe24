package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"hourglass"
	"hourglass/dataset"
	"hourglass/nn"
	"hourglass/serve/registry"
	"hourglass/tensor"
)

// newAutoencoder returns a small autoencoder of 6×4 samples with codes of 3 numbers;
// another seed gives another one.
func newAutoencoder(t testing.TB, seed uint64) *hourglass.Autoencoder {
	t.Helper()
	ae, err := hourglass.New(
		nn.Layers{nn.Input{6, 4}, nn.Flatten{}, nn.Dense{Units: 10, Activation: nn.SELU}, nn.Dense{Units: 3}},
		nn.Layers{nn.Dense{Units: 10, Activation: nn.ReLU}, nn.Dense{Units: 24, Activation: nn.Sigmoid}, nn.Reshape{6, 4}},
	)
	if err != nil {
		t.Fatal(err)
	}
	ae.Init(seed)
	return ae
}

// samples returns n samples of 6×4.
func samples(seed uint64, n int) tensor.Tensor {
	x := tensor.New(n, 6, 4)
	rng := rand.New(rand.NewPCG(seed, 1))
	for i := range x.Data {
		x.Data[i] = rng.Float32()
	}
	return x
}

// saveModel saves an autoencoder that has learned its scores, and returns its path.
func saveModel(t testing.TB, path string, seed uint64) *hourglass.Autoencoder {
	t.Helper()
	ae := newAutoencoder(t, seed)
	if err := ae.LearnScores(context.Background(), dataset.Array{Tensor: samples(seed, 2000)}); err != nil {
		t.Fatal(err)
	}
	if err := ae.Save(path); err != nil {
		t.Fatal(err)
	}
	return ae
}

// testConfig is a configuration with one model, "m", in a file of its own.
func testConfig(t testing.TB) (Config, *hourglass.Autoencoder) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m.safetensors")
	ae := saveModel(t, path, 1)
	c := DefaultConfig()
	c.Addr = "127.0.0.1:0"
	c.Models = []registry.Spec{{Name: "m", Path: path}}
	return c, ae
}

// testLog writes what a server logs where the test writes, except for the lines of
// failed requests, which are many.
func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(io.Discard, nil))
}

func newServer(t testing.TB, c Config) *Server {
	t.Helper()
	s, err := New(context.Background(), c, "v1.2.3", testLog(t))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ask sends a request straight to the handler.
func ask(s *Server, method, path, contentType string, body []byte, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	r.Host = "localhost"
	r.Header.Set("Content-Type", contentType)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

// inferBody returns a request for inference as JSON.
func inferBody(name string, x tensor.Tensor, outputs ...string) []byte {
	type output struct {
		Name string `json:"name"`
	}
	request := map[string]any{"inputs": []any{map[string]any{"name": name, "datatype": "FP32", "shape": x.Shape, "data": x.Data}}}
	if outputs != nil {
		var list []output
		for _, o := range outputs {
			list = append(list, output{o})
		}
		request["outputs"] = list
	}
	text, err := json.Marshal(request)
	if err != nil {
		panic(err)
	}
	return text
}

// inferred is the answer to a request for inference.
type inferred struct {
	Model   string `json:"model_name"`
	Version string `json:"model_version"`
	ID      string `json:"id"`
	Outputs []struct {
		Name, Datatype string
		Shape          []int
		Data           json.RawMessage
	}
}

// infer sends a request for inference and returns its outputs as they are in the
// text, by name.
func infer(t testing.TB, s *Server, path string, body []byte) map[string]string {
	t.Helper()
	w := ask(s, "POST", path, "application/json", body)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: status %d: %s", path, w.Code, w.Body)
	}
	var a inferred
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatal(err)
	}
	outputs := map[string]string{}
	for _, o := range a.Outputs {
		outputs[o.Name] = string(o.Data)
	}
	return outputs
}

// floats reads a JSON array.
func floats(t testing.TB, text string) (v []float32) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %.100s", err, text)
	}
	return v
}

// sameBits reports whether two lists are the same, bit for bit.
func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

func TestInferIsTheLibrary(t *testing.T) {
	c, ae := testConfig(t)
	s := newServer(t, c)
	x := samples(9, 5)
	got := infer(t, s, "/v2/models/m/infer", inferBody("input", x))
	codes, _ := ae.Encode(x)
	y, _ := ae.Reconstruct(x)
	scores, _ := ae.Score(x)
	threshold, _ := ae.Threshold(0.99)
	if !sameBits(floats(t, got["codes"]), codes.Data) || !sameBits(floats(t, got["reconstruction"]), y.Data) {
		t.Error("codes or reconstruction are not the library's, bit for bit")
	}
	var gotScores []float64
	var outliers []bool
	json.Unmarshal([]byte(got["score"]), &gotScores)
	json.Unmarshal([]byte(got["outlier"]), &outliers)
	if !slices.Equal(gotScores, scores) || len(outliers) != 5 {
		t.Errorf("scores %v and outliers %v, want %v", gotScores, outliers, scores)
	}
	for i := range outliers {
		if outliers[i] != (scores[i] > threshold) {
			t.Errorf("outlier %d is %v with score %v and threshold %v", i, outliers[i], scores[i], threshold)
		}
	}
	part := infer(t, s, "/v2/models/m.encode/infer", inferBody("input", x))
	if len(part) != 1 || part["codes"] != got["codes"] {
		t.Errorf("m.encode gives %v", part)
	}
	part = infer(t, s, "/v2/models/m.decode/versions/1/infer", inferBody("codes", codes))
	if len(part) != 1 || part["reconstruction"] != got["reconstruction"] {
		t.Errorf("m.decode gives %v", part)
	}
}

// Whatever runs together, every answer is that of a request alone.
func TestBatchesDoNotChangeABit(t *testing.T) {
	c, ae := testConfig(t)
	c.MaxBatch = 16
	s := newServer(t, c)
	outputs := [][]string{{"codes"}, {"reconstruction"}, {"codes", "reconstruction", "score"}, nil}
	type question struct {
		x    tensor.Tensor
		body []byte
		want []float32
	}
	var questions []question
	for i := range 24 {
		x := samples(uint64(i), 1+i*i%37) // more than a batch, too
		codes, err := ae.Encode(x)
		if err != nil {
			t.Fatal(err)
		}
		y, _ := ae.Reconstruct(x)
		want := codes.Data
		if i%4 == 1 {
			want = y.Data
		}
		questions = append(questions, question{x, inferBody("input", x, outputs[i%4]...), want})
	}
	handler := s.Handler()
	var all sync.WaitGroup
	for worker := range 16 {
		all.Go(func() {
			for i := range 60 {
				n := (worker*7 + i) % len(questions)
				q := questions[n]
				r := httptest.NewRequest("POST", "/v2/models/m/infer", bytes.NewReader(q.body))
				r.Host = "localhost"
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				var a inferred
				if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != http.StatusOK || len(a.Outputs) == 0 {
					t.Errorf("status %d: %.200s", w.Code, w.Body)
					return
				}
				if !sameBits(floats(t, string(a.Outputs[0].Data)), q.want) {
					t.Errorf("question %d: %s differs from what it is alone", n, a.Outputs[0].Name)
				}
			}
		})
	}
	all.Wait()
	if got := s.memory.used.Load(); got != 0 {
		t.Errorf("%d bytes are still reserved", got)
	}
}

// The description of the protocol, path by path.
func TestOpenInferenceProtocol(t *testing.T) {
	c, _ := testConfig(t)
	s := newServer(t, c)
	tensors := func(list ...string) string { return strings.Join(list, ",") }
	codes, reconstruction := `{"name":"codes","datatype":"FP32","shape":[-1,3]}`, `{"name":"reconstruction","datatype":"FP32","shape":[-1,6,4]}`
	model := `{"name":"m","versions":["1"],"platform":"hourglass","inputs":[{"name":"input","datatype":"FP32","shape":[-1,6,4]}],"outputs":[` +
		tensors(codes, reconstruction, `{"name":"score","datatype":"FP64","shape":[-1]}`, `{"name":"outlier","datatype":"BOOL","shape":[-1]}`) + `]}`
	for _, x := range []struct {
		path   string
		status int
		want   string
	}{
		{"/v2", 200, `{"name":"hourglass","version":"v1.2.3","extensions":["binary_tensor_data"]}`},
		{"/v2/", 200, `{"name":"hourglass","version":"v1.2.3","extensions":["binary_tensor_data"]}`},
		{"/v2/health/live", 200, `{"live":true}`},
		{"/v2/health/ready", 200, `{"ready":true}`},
		{"/v2/models/m", 200, model},
		{"/v2/models/m/versions/1", 200, model},
		{"/v2/models/m/ready", 200, `{"name":"m","ready":true}`},
		{"/v2/models/m/versions/1/ready", 200, `{"name":"m","ready":true}`},
		{"/v2/models/m.decode", 200, `{"name":"m.decode","versions":["1"],"platform":"hourglass","inputs":[` + codes + `],"outputs":[` + reconstruction + `]}`},
		{"/v2/models/other", 404, `{"error":"there is no model \"other\""}`},
		{"/v2/models/other/ready", 404, `{"error":"there is no model \"other\""}`},
		{"/v2/models/m/versions/2", 404, `{"error":"there is no model \"m\" of version \"2\""}`},
		{"/v2/models/m/versions/2/ready", 404, `{"error":"there is no model \"m\" of version \"2\""}`},
		{"/v2/models/m/infer", 405, `{"error":"GET is not for \"/v2/models/m/infer\", want POST"}`},
		{"/v2/elsewhere", 404, `{"error":"there is nothing at \"/v2/elsewhere\""}`},
	} {
		w := ask(s, "GET", x.path, "", nil)
		if got := strings.TrimSpace(w.Body.String()); w.Code != x.status || got != x.want || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: status %d, %s, want %d, %s", x.path, w.Code, got, x.status, x.want)
		}
	}
	x := samples(1, 2)
	w := ask(s, "POST", "/v2/models/m/infer", "application/json", bytes.Replace(inferBody("input", x, "codes"), []byte("{"), []byte(`{"id":"42",`), 1))
	var a inferred
	json.Unmarshal(w.Body.Bytes(), &a)
	if a.Model != "m" || a.Version != "1" || a.ID != "42" || len(a.Outputs) != 1 || a.Outputs[0].Datatype != "FP32" || fmt.Sprint(a.Outputs[0].Shape) != "[2 3]" {
		t.Errorf("got %s", w.Body)
	}
}

func TestInferRefuses(t *testing.T) {
	c, _ := testConfig(t)
	c.MaxBody = 20000
	s := newServer(t, c)
	x := samples(1, 1)
	wide := tensor.New(1, 25)
	for _, q := range []struct {
		name   string
		body   []byte
		status int
		want   string
	}{
		{"another input", inferBody("image", x), 400, `the input is called \"image\", want \"input\"`},
		{"another shape", inferBody("input", wide), 400, "want N samples of 6×4"},
		{"without batch axis", inferBody("input", tensor.Tensor{Shape: tensor.Shape{24}, Data: x.Data}), 400, "want N samples of 6×4"},
		{"another output", inferBody("input", x, "labels"), 400, `no output \"labels\", want some of`},
		{"two inputs", []byte(`{"inputs":[{"name":"a","datatype":"FP32","shape":[1],"data":[1]},{"name":"b","datatype":"FP32","shape":[1],"data":[1]}]}`), 400, "2 inputs, want 1"},
		{"too large", inferBody("input", samples(1, 200)), 413, "more than 20000 bytes"},
		{"a bad quantile", bytes.Replace(inferBody("input", x), []byte("{"), []byte(`{"parameters":{"quantile":2},`), 1), 400, "quantile is 2"},
		{"nothing", nil, 400, "want an object"},
	} {
		w := ask(s, "POST", "/v2/models/m/infer", "application/json", q.body)
		var e errorBody
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code != q.status || !strings.Contains(w.Body.String(), q.want) {
			t.Errorf("%s: status %d, %s, want %d and %q", q.name, w.Code, w.Body, q.status, q.want)
		}
	}
	many := tensor.New(400, 3) // codes that fit into a request; their samples would not fit into an answer
	w := ask(s, "POST", "/v2/models/m.decode/infer", "application/json", inferBody("codes", many))
	if w.Code != 413 || !strings.Contains(w.Body.String(), "the answer has more than") {
		t.Errorf("an answer too large: status %d, %s", w.Code, w.Body)
	}
	if got := s.memory.used.Load(); got != 0 {
		t.Errorf("%d bytes are still reserved", got)
	}
}
