package studio

import (
	"bytes"
	"net/http"

	"hourglass"
	"hourglass/neighbors"
	"hourglass/run"
	"hourglass/tensor"
)

func (s *Studio) judgeRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/models/{id}/recognition", answer(s.recognition))
	mux.HandleFunc("GET /api/models/{id}/errors", answerBytes(arrayType, s.errors))
	mux.HandleFunc("GET /api/models/{id}/samples/{sample}/reasons", answerBytes(arrayType, s.reasons))
	mux.HandleFunc("GET /api/models/{id}/report", answerBytes(htmlType, s.report))
}

// recognitionOf says how many samples are what their nearest neighbours are.
type recognitionOf struct {
	K         int        `json:"k"`
	Accuracy  float64    `json:"accuracy"`
	Confusion [][]int    `json:"confusion"` // [class][taken for]
	Mistaken  []mistaken `json:"mistaken"`
}

// mistaken is a sample that was taken for something else.
type mistaken struct {
	Sample int `json:"sample"`
	For    int `json:"for"`
}

// recognition labels every sample by the vote of the nearest codes of others.
func (s *Studio) recognition(r *http.Request) (recognitionOf, error) {
	const shown = 200
	x, err := s.exhibit(r)
	if err != nil {
		return recognitionOf{}, err
	}
	if x.in.Labels == nil {
		return recognitionOf{}, badRequest("the samples have no labels")
	}
	near, err := x.near()
	if err != nil {
		return recognitionOf{}, err
	}
	predicted, err := neighbors.Vote(near, x.in.Labels)
	if err != nil {
		return recognitionOf{}, err
	}
	confusion, err := neighbors.NewConfusion(x.in.Labels, predicted, len(x.in.Classes))
	if err != nil {
		return recognitionOf{}, err
	}
	all := recognitionOf{K: near.K, Accuracy: confusion.Accuracy(), Confusion: confusion, Mistaken: []mistaken{}}
	for i, p := range predicted {
		if p != x.in.Labels[i] && len(all.Mistaken) < shown {
			all.Mistaken = append(all.Mistaken, mistaken{i, p})
		}
	}
	return all, nil
}

// errors serves the mean squared error of each value of a sample, over a thousand of
// them: which are reconstructed badly.
func (s *Studio) errors(r *http.Request) ([]byte, error) {
	const measured = 1000
	x, err := s.exhibit(r)
	if err != nil {
		return nil, err
	}
	before, err := x.some(measured)
	if err != nil {
		return nil, err
	}
	after := make([]float32, len(before.Data))
	if err := x.model.RunInto(r.Context(), hourglass.Output{Reconstructions: after}, before); err != nil {
		return nil, err
	}
	sums := make([]float64, x.show.size)
	for i, v := range before.Data {
		d := float64(after[i] - v)
		sums[i%len(sums)] += d * d
	}
	means := make([]float32, len(sums))
	for j, sum := range sums {
		means[j] = float32(sum / float64(before.Len()))
	}
	return appendFloats(nil, means), nil
}

// reasons serves by how much each value of a sample makes it unusual, by what the model has
// learned of normal ones: shares that sum to 1.
func (s *Studio) reasons(r *http.Request) ([]byte, error) {
	x, i, err := s.sampleAt(r, r.PathValue("sample"))
	if err != nil {
		return nil, err
	}
	if !x.explains() {
		return nil, badRequest("%s has not learned what normal samples are like", x.entry.Name)
	}
	shares, err := x.model.Contributions(r.Context(), x.in, i)
	return appendFloats(nil, shares.Data), err
}

// explains reports whether the model has learned what normal samples are like.
func (x *exhibit) explains() bool { return x.model.Autoencoder.Detector().State != nil }

// report serves the report of a run as a page of its own.
func (s *Studio) report(r *http.Request) ([]byte, error) {
	e, err := s.shelf.find(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if !s.reports(e) {
		return nil, notFound("there is no report of %s", e.Name)
	}
	var page bytes.Buffer
	err = s.config.Report(&page, e.dir)
	return page.Bytes(), err
}

// reports reports whether there can be a report of an entry: of runs that are over.
func (s *Studio) reports(e entry) bool {
	return s.config.Report != nil && e.dir != "" && exists(e.dir, run.MetricsFile)
}

// some returns at most so many samples, evenly from all over them.
func (x *exhibit) some(most int) (tensor.Tensor, error) {
	n := min(x.source.Len(), most)
	indices := make([]int, n)
	for i := range indices {
		indices[i] = i * x.source.Len() / n
	}
	samples := tensor.New(append(tensor.Shape{n}, x.model.Encoder().Input()...)...)
	return samples, x.source.Read(samples.Data, indices)
}
