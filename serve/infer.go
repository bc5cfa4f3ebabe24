package serve

import (
	"context"
	"fmt"

	"hourglass/serve/batch"
	"hourglass/serve/oip"
	"hourglass/serve/registry"
)

// outlierQuantile is the share of the training data that is no outlier, where a
// request has no parameter "quantile".
const outlierQuantile = 0.99

// task is a request that was found to fit its model.
type task struct {
	view     registry.View
	samples  int
	want     registry.Want
	quantile float64

	results registry.Results // once it has run; the answer lies in their memory
}

// plan checks a request against the model it is for.
func plan(view registry.View, r *oip.Request) (*task, error) {
	p := &task{view: view, quantile: outlierQuantile}
	if len(r.Inputs) != 1 {
		return nil, fmt.Errorf("the request has %d inputs, want 1", len(r.Inputs))
	}
	in := &r.Inputs[0]
	name, sample := registry.InputName, view.Encoder().Input()
	if view.Part == registry.Decoder {
		name, sample = registry.CodesName, view.Decoder().Input()
	}
	if in.Name == "" && len(in.Shape) == 0 && len(in.Data)%sample.Size() == 0 && len(in.Data) > 0 { // bytes and nothing else
		in.Name, in.Shape = name, []int64{int64(len(in.Data) / sample.Size()), int64(sample.Size())}
	}
	if in.Name != name {
		return nil, fmt.Errorf("the input is called %.40q, want %q", in.Name, name)
	}
	p.samples = int(in.Shape[0])
	if len(in.Shape) < 2 || p.samples*sample.Size() != len(in.Data) {
		return nil, fmt.Errorf("input %q has shape %v, want N samples of %v", name, in.Shape, sample)
	}
	for key, value := range r.Parameters {
		if key != "quantile" {
			continue // left to others who may understand it
		}
		if p.quantile = number(value); !(p.quantile >= 0 && p.quantile <= 1) {
			return nil, fmt.Errorf("parameter quantile is %v, want a number from 0 to 1", value)
		}
	}
	if len(r.Outputs) == 0 {
		for _, name := range view.Outputs() {
			r.Outputs = append(r.Outputs, oip.Output{Name: name, Binary: r.Binary})
		}
	}
	for _, out := range r.Outputs {
		want, err := p.wanted(out.Name)
		if err != nil {
			return nil, err
		}
		p.want |= want
	}
	return p, nil
}

// number returns a parameter as a number, -1 if it is none.
func number(value any) float64 {
	switch v := value.(type) {
	case int64:
		return float64(v)
	case float64:
		return v
	}
	return -1
}

// wanted returns what has to be computed for an output.
func (p *task) wanted(name string) (registry.Want, error) {
	for _, known := range p.view.Outputs() {
		if name != known {
			continue
		}
		switch name {
		case registry.CodesName:
			return registry.Codes, nil
		case registry.ReconstructionName:
			return registry.Reconstruction, nil
		default:
			return registry.Scores, nil
		}
	}
	return 0, p.view.ErrOutput(name)
}

// bytes returns how much memory the results take.
func (p *task) bytes() int64 {
	each := 0
	if p.want&registry.Codes != 0 {
		each += 4 * p.view.Encoder().Output().Size()
	}
	if p.want&registry.Reconstruction != 0 {
		each += 4 * p.view.Encoder().Input().Size()
	}
	if p.want&registry.Scores != 0 {
		each += 8
	}
	return int64(each) * int64(p.samples)
}

// run computes the answer to a request, which may be used until the results are
// recycled.
func (p *task) run(ctx context.Context, r *oip.Request, how batch.Admission) (*oip.Response, error) {
	var err error
	if p.view.Part == registry.Decoder {
		p.results, err = p.view.Decode(ctx, r.Inputs[0].Data, p.samples)
	} else {
		p.results, err = p.view.Run(ctx, r.Inputs[0].Data, p.samples, p.want, how)
	}
	if err != nil {
		return nil, err
	}
	answer := &oip.Response{Model: p.view.FullName(), Version: p.view.Version, ID: r.ID}
	for _, out := range r.Outputs {
		t, err := p.tensor(out.Name)
		if err != nil {
			return nil, err
		}
		t.Binary = out.Binary
		answer.Outputs = append(answer.Outputs, t)
	}
	return answer, nil
}

// tensor returns results as an output.
func (p *task) tensor(name string) (oip.Tensor, error) {
	r := &p.results
	t := oip.Tensor{Name: name, Shape: []int{p.samples}}
	switch name {
	case registry.CodesName:
		t.Shape, t.Floats = append(t.Shape, p.view.Encoder().Output()...), r.Codes
	case registry.ReconstructionName:
		t.Shape, t.Floats = append(t.Shape, p.view.Encoder().Input()...), r.Reconstruction
	case registry.ScoreName:
		t.Doubles = r.Scores
	case registry.OutlierName:
		threshold, err := p.view.Threshold(p.quantile)
		if err != nil {
			return t, err
		}
		t.Bools = make([]bool, len(r.Scores))
		for i, score := range r.Scores {
			t.Bools[i] = score > threshold
		}
	}
	return t, nil
}
