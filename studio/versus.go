package studio

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"sync"

	"hourglass"
	"hourglass/neighbors"
	"hourglass/tensor"
	"hourglass/workflow"
)

func (s *Studio) versusRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/models/{id}/against/{other}", answer(s.against))
	mux.HandleFunc("GET /api/models/{id}/against/{other}/errors", answerBytes(arrayType, s.bothErrors))
	mux.HandleFunc("GET /api/models/{id}/against/{other}/reconstructions", answerBytes(arrayType, s.otherReconstructions))
}

// versus is a model beside another, on the samples of the first.
type versus struct {
	other *exhibit
	// errors are the mean squared errors of the samples, by the first model and by the other, in
	// units that are the same for both: see units.
	errors [2][]float32
}

// opponents keeps the last comparisons of an exhibit, which the page asks for many times.
type opponents struct {
	mu    sync.Mutex
	known []*versus // the one asked for last at the end
}

// mostOpponents is how many models the page compares one with.
const mostOpponents = 5

// side is what the page is told of a model in a comparison.
type side struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	Parameters int      `json:"parameters"`
	Codes      int      `json:"codes"`
	Mean       float64  `json:"mean"` // of the errors
	Median     float64  `json:"median"`
	Better     int      `json:"better"`   // samples that it reconstructs better
	Accuracy   *float64 `json:"accuracy"` // of recognition; null without labels
}

// comparison is what the page is told of both.
type comparison struct {
	Sides [2]side `json:"sides"`
	Unit  string  `json:"unit"` // of the errors, in words
}

// against compares a model with another.
func (s *Studio) against(r *http.Request) (comparison, error) {
	x, v, err := s.versus(r)
	if err != nil {
		return comparison{}, err
	}
	c := comparison{Unit: "the standard deviation of each value: 1 is as bad as the mean of all samples"}
	if x.show.isImage() {
		c.Unit = "the distance from black to white"
	}
	for i, e := range []*exhibit{x, v.other} {
		sorted := slices.Sorted(slices.Values(v.errors[i]))
		c.Sides[i] = side{ID: e.entry.ID, Name: e.entry.Name, Parameters: len(e.model.Network().Weights()), Codes: e.codes.Sample().Size(),
			Median: float64(sorted[len(sorted)/2])}
		for n, own := range v.errors[i] {
			c.Sides[i].Mean += float64(own) / float64(len(sorted))
			if own < v.errors[1-i][n] {
				c.Sides[i].Better++
			}
		}
		if x.in.Labels == nil {
			continue
		}
		near, err := e.near()
		if err != nil {
			return c, err
		}
		predicted, err := neighbors.Vote(near, x.in.Labels)
		if err != nil {
			return c, err
		}
		right := 0
		for n, p := range predicted {
			if p == x.in.Labels[n] {
				right++
			}
		}
		share := float64(right) / float64(len(predicted))
		c.Sides[i].Accuracy = &share
	}
	return c, nil
}

// bothErrors serves the errors of all samples by one model, then by the other.
func (s *Studio) bothErrors(r *http.Request) ([]byte, error) {
	_, v, err := s.versus(r)
	if err != nil {
		return nil, err
	}
	return appendFloats(appendFloats(nil, v.errors[0]), v.errors[1]), nil
}

// otherReconstructions serves what the other model makes of samples, ?samples=3,1,4.
func (s *Studio) otherReconstructions(r *http.Request) ([]byte, error) {
	_, v, err := s.versus(r)
	if err != nil {
		return nil, err
	}
	indices, err := numbers(r.URL.Query().Get("samples"), v.other.source.Len(), mostPairs)
	if err != nil {
		return nil, err
	}
	_, after, err := v.other.reconstructed(r.Context(), indices)
	return v.other.show.bytes(nil, after), err
}

// reconstructed returns samples and what the model makes of them.
func (x *exhibit) reconstructed(ctx context.Context, indices []int) (before tensor.Tensor, after []float32, err error) {
	before = tensor.New(append(tensor.Shape{len(indices)}, x.model.Encoder().Input()...)...)
	if err := x.source.Read(before.Data, indices); err != nil {
		return before, nil, err
	}
	after = make([]float32, len(before.Data))
	return before, after, x.model.RunInto(ctx, hourglass.Output{Reconstructions: after}, before)
}

// versus returns the model that a request is about beside the other one.
func (s *Studio) versus(r *http.Request) (*exhibit, *versus, error) {
	x, err := s.exhibit(r)
	if err != nil {
		return nil, nil, err
	}
	e, err := s.shelf.find(r.PathValue("other"))
	if err != nil {
		return nil, nil, err
	}
	if !e.Openable {
		return nil, nil, &statusError{http.StatusConflict, e.Name + " has no model yet; it will when its training ends"}
	}
	x.opponents.mu.Lock()
	defer x.opponents.mu.Unlock()
	v := x.opponents.with(e)
	if v == nil {
		if v, err = x.meet(r.Context(), e); err != nil {
			return nil, nil, err
		}
	}
	x.opponents.keep(v)
	return x, v, nil
}

// with returns the comparison with a model as it is now; nil if it is not known.
func (o *opponents) with(e entry) *versus {
	for _, v := range o.known {
		if v.other.entry.ID == e.ID && v.other.entry.Changed == e.Changed {
			return v
		}
	}
	return nil
}

// keep notes that a comparison was asked for, and lets go of those that were not for longest.
func (o *opponents) keep(v *versus) {
	o.known = slices.DeleteFunc(o.known, func(known *versus) bool { return known.other.entry.ID == v.other.entry.ID })
	o.known = append(o.known, v)
	o.known = slices.Delete(o.known, 0, max(0, len(o.known)-mostOpponents))
}

// meet runs another model on the exhibit's samples.
func (x *exhibit) meet(ctx context.Context, e entry) (*versus, error) {
	m, err := workflow.OpenModel(e.model)
	if err != nil {
		return nil, err
	}
	refused := func(err error) error {
		return &statusError{http.StatusConflict, fmt.Sprintf("%s cannot take the samples of %s: %v", e.Name, x.entry.Name, err)}
	}
	if m.Encoder().Input().Size() != x.show.size {
		return nil, refused(fmt.Errorf("it wants %v, and they are %v", m.Encoder().Input(), x.model.Encoder().Input()))
	}
	y := &exhibit{entry: e, model: m, in: x.in, part: x.part}
	if err := y.prepare(ctx); err != nil {
		return nil, refused(err)
	}
	v := &versus{other: y}
	units, err := x.units()
	if err != nil {
		return nil, err
	}
	for i, e := range []*exhibit{x, y} {
		if e.show.isImage() {
			units = make([]float64, e.show.size)
			for j := range units {
				units[j] = float64(e.show.scale) / 255
			}
		}
		if v.errors[i], err = e.squaredErrors(ctx, units); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// units returns what differences of each value are multiplied by, so that values of all
// kinds count alike: the inverse of the standard deviation over a thousand samples, and 0
// where a value never varies.
func (x *exhibit) units() ([]float64, error) {
	const measured = 1000
	samples, err := x.some(measured)
	if err != nil {
		return nil, err
	}
	units, n := make([]float64, x.show.size), float64(samples.Len())
	for j := range units {
		var sum, squares float64
		for i := j; i < len(samples.Data); i += len(units) {
			sum += float64(samples.Data[i])
		}
		for i := j; i < len(samples.Data); i += len(units) {
			d := float64(samples.Data[i]) - sum/n
			squares += d * d
		}
		if squares > 0 {
			units[j] = 1 / math.Sqrt(squares/n)
		}
	}
	return units, nil
}

// squaredErrors returns the mean squared error of each sample.
func (x *exhibit) squaredErrors(ctx context.Context, units []float64) ([]float32, error) {
	const block = 1 << 10
	errors := make([]float32, 0, x.source.Len())
	for at := 0; at < x.source.Len(); at += block {
		before, after, err := x.reconstructed(ctx, sequence(at, min(at+block, x.source.Len())))
		if err != nil {
			return nil, err
		}
		for i := 0; i < len(after); i += len(units) {
			var sum float64
			for j, unit := range units {
				d := float64(after[i+j]-before.Data[i+j]) * unit
				sum += d * d
			}
			errors = append(errors, float32(sum/float64(len(units))))
		}
	}
	return errors, nil
}
