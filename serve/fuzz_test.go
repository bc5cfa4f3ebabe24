package serve

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"hourglass/serve/inference"
)

// Whatever comes over gRPC fits the model or is refused.
func FuzzGRPCRequest(f *testing.F) {
	c, _ := testConfig(f)
	s := newServer(f, c)
	view, _, err := s.models.Find("m", "")
	if err != nil {
		f.Fatal(err)
	}
	for _, r := range []*inference.ModelInferRequest{
		{Inputs: []*inference.ModelInferRequest_InferInputTensor{{Name: "input", Datatype: "FP32", Shape: []int64{1, 24},
			Contents: &inference.InferTensorContents{Fp32Contents: make([]float32, 24)}}}},
		{Inputs: []*inference.ModelInferRequest_InferInputTensor{{Name: "input", Datatype: "FP16", Shape: []int64{1, 6, 4}}}, RawInputContents: [][]byte{make([]byte, 48)},
			Outputs:    []*inference.ModelInferRequest_InferRequestedOutputTensor{{Name: "outlier"}},
			Parameters: map[string]*inference.InferParameter{"quantile": {ParameterChoice: &inference.InferParameter_DoubleParam{DoubleParam: 0.5}}}},
	} {
		text, err := proto.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var r inference.ModelInferRequest
		if proto.Unmarshal(text, &r) != nil {
			return
		}
		request, err := fromGRPC(&r)
		if err != nil {
			return
		}
		p, err := plan(view, request)
		if err == nil && (p.samples < 1 || p.samples*24 != len(request.Inputs[0].Data) || p.want == 0) {
			t.Errorf("%d samples of %d values, want %b", p.samples, len(request.Inputs[0].Data), p.want)
		}
	})
}

// No request makes the server fail, whatever it has in path, headers and body.
func FuzzRequest(f *testing.F) {
	c, _ := testConfig(f)
	handler := newServer(f, c).Handler()
	f.Add("POST", "/v2/models/m/infer", "application/json", "", "", inferBody("input", samples(1, 1)))
	f.Add("POST", "/models/m/encode", "text/csv", "*/*", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", []byte("1,2\n"))
	f.Add("GET", "/v2/models/m.decode/versions/1", "", "", "", []byte(nil))
	f.Add("POST", "/models/m/score?quantile=0.5&version=1", "", "text/csv", "", mustRows(f))
	f.Fuzz(func(t *testing.T, method, path, contentType, accept, trace string, body []byte) {
		r, err := http.NewRequest(method, "http://localhost/", strings.NewReader(string(body)))
		if err != nil {
			return
		}
		if r.URL, err = r.URL.Parse("http://localhost" + path); err != nil || r.URL.Host != "localhost" {
			return
		}
		r.RequestURI = path
		for name, value := range map[string]string{"Content-Type": contentType, "Accept": accept, "Traceparent": trace, "Inference-Header-Content-Length": accept} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code == http.StatusInternalServerError {
			t.Errorf("%s %s: %s", method, path, w.Body)
		}
	})
}
