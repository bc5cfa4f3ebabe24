package studio

import (
	"encoding/base64"
	"net/http"

	"hourglass"
	"hourglass/neighbors"
	"hourglass/tensor"
)

func (s *Studio) drawRoutes(mux *http.ServeMux) {
	mux.HandleFunc("POST /api/models/{id}/look", answer(s.look))
	mux.HandleFunc("GET /api/models/{id}/means", answerBytes(arrayType, s.means))
}

// looked is what a model makes of a sample that nobody has seen.
type looked struct {
	Code           []float32   `json:"code"`
	Score          float64     `json:"score"`
	Higher         float64     `json:"higher"`         // share of the samples with a higher score
	Reconstruction string      `json:"reconstruction"` // bytes, in base64
	Neighbors      []neighbour `json:"neighbors"`
	Label          string      `json:"label,omitempty"` // by the vote of the neighbours
}

// look runs a sample of the page's through the model: pixels of a picture in base64, or
// values.
func (s *Studio) look(r *http.Request) (looked, error) {
	x, err := s.exhibit(r)
	if err != nil {
		return looked{}, err
	}
	var body struct {
		Pixels []byte    `json:"pixels"`
		Values []float32 `json:"values"`
	}
	if err := read(r, &body); err != nil {
		return looked{}, err
	}
	if x.show.isImage() && body.Pixels != nil {
		body.Values = x.show.values(body.Pixels)
	}
	if len(body.Values) != x.show.size {
		return looked{}, badRequest("a sample of %d values, want %d", len(body.Values), x.show.size)
	}
	sample := tensor.Tensor{Shape: append(tensor.Shape{1}, x.model.Encoder().Input()...), Data: body.Values}
	at := looked{Code: make([]float32, x.codes.Sample().Size())}
	after, score := make([]float32, x.show.size), make([]float64, 1)
	if err := x.model.RunInto(r.Context(), hourglass.Output{Codes: at.Code, Reconstructions: after, Scores: score}, sample); err != nil {
		return looked{}, err
	}
	at.Score = score[0]
	for _, other := range x.scores {
		if other > at.Score {
			at.Higher++
		}
	}
	at.Higher /= float64(len(x.scores))
	at.Reconstruction = base64.StdEncoding.EncodeToString(x.show.bytes(nil, after))
	if at.Neighbors, err = x.nearest(r.Context(), at.Code, shownNeighbors); err != nil || x.in.Labels == nil {
		return at, err
	}
	near := neighbors.Neighbors{K: min(recognising, len(at.Neighbors))}
	for _, n := range at.Neighbors[:near.K] {
		near.Indices = append(near.Indices, int32(n.Sample))
		near.Squared = append(near.Squared, float32(n.Distance*n.Distance))
	}
	vote, err := neighbors.Vote(near, x.in.Labels)
	if err == nil {
		at.Label = x.in.Classes[vote[0]]
	}
	return at, err
}

// means serves the mean of each value over a thousand samples: what the page's form begins
// with.
func (s *Studio) means(r *http.Request) ([]byte, error) {
	const measured = 1000
	x, err := s.exhibit(r)
	if err != nil {
		return nil, err
	}
	values, err := x.some(measured)
	if err != nil {
		return nil, err
	}
	means := make([]float32, x.show.size)
	for j := range means {
		var sum float64
		for i := j; i < len(values.Data); i += len(means) {
			sum += float64(values.Data[i])
		}
		means[j] = float32(sum / float64(values.Len()))
	}
	return appendFloats(nil, means), nil
}
