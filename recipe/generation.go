package recipe

import (
	"context"
	"errors"

	"hourglass/figure"
	"hourglass/generate"
	"hourglass/tensor"
)

// The figures of models that draw new samples.
const (
	samplesFigure   = "samples_plot.png"
	walksFigure     = "interpolation_plot.png"
	traversalFigure = "traversal_plot.png"
)

// judgedSamples is how many samples, and how many images, are compared; judgedNearest
// by how many neighbours, as in both papers.
const (
	judgedSamples = 2000
	judgedNearest = 5
)

// showGenerated draws samples of codes from N(0, 1), walks between validation images,
// and a walk along each number of a code; and judges samples by their codes.
func (s *Session) showGenerated(ctx context.Context) error {
	const columns, walks, steps = 8, 5, 10
	prior := generate.Normal{Codes: s.Model.Encoder().Output().Size()}
	codes, err := s.Model.Encode(s.Data.Validation.Tensor(0, 2*walks))
	if err != nil {
		return err
	}
	var between, along []tensor.Tensor
	for i := range walks {
		walk, err := generate.Spherical(codes.Row(2*i), codes.Row(2*i+1), steps)
		if err != nil {
			return err
		}
		between = append(between, walk)
	}
	values := make([]float32, steps)
	for i := range values {
		values[i] = -2.5 + 5*float32(i)/(steps-1)
	}
	for d := range prior.Codes {
		walk, err := generate.Traverse(make([]float32, prior.Codes), d, values)
		if err != nil {
			return err
		}
		along = append(along, walk)
	}
	return errors.Join(
		s.drawDecoded(samplesFigure, columns, prior.Sample(columns*columns, s.Options.Seed)),
		s.drawDecoded(walksFigure, steps, between...),
		s.drawDecoded(traversalFigure, steps, along...),
		s.judge(ctx, prior))
}

// drawDecoded draws what the model makes of codes, in rows of so many columns.
func (s *Session) drawDecoded(name string, columns int, codes ...tensor.Tensor) error {
	all := tensor.Tensor{Shape: tensor.Shape{0, codes[0].Sample().Size()}}
	for _, c := range codes {
		all.Shape[0] += c.Len()
		all.Data = append(all.Data, c.Data...)
	}
	images, err := s.Model.Decode(all)
	if err != nil {
		return err
	}
	images.Shape = append(tensor.Shape{all.Len()}, s.Data.Validation.Shape...)
	return s.Draw(name)(figure.Grid(images, columns, figure.GridOptions{Range: s.pixels()}))
}

// judge compares drawn samples with test images by their codes.
func (s *Session) judge(ctx context.Context, sampler generate.Sampler) error {
	count := min(judgedSamples, s.Data.Test.Len())
	if count <= judgedNearest {
		return nil
	}
	real, err := s.Model.Encode(s.Data.Test.Tensor(0, count))
	if err != nil {
		return err
	}
	images, err := s.Model.Decode(sampler.Sample(count, s.Options.Seed+1))
	if err != nil {
		return err
	}
	codes, err := s.Model.Encode(images)
	if err != nil {
		return err
	}
	for _, set := range []*tensor.Tensor{&real, &codes} {
		set.Shape = tensor.Shape{set.Len(), set.Sample().Size()}
	}
	q, err := generate.Judge(ctx, real, codes, judgedNearest)
	if err != nil {
		return err
	}
	s.Metrics.Generation = &q
	s.Logf("samples: precision %.3f, recall %.3f, density %.3f, coverage %.3f (by the codes of %d samples and images)\n",
		q.Precision, q.Recall, q.Density, q.Coverage, count)
	return nil
}

// countActive counts the numbers of the codes that say something about an image.
func (s *Session) countActive(ctx context.Context) error {
	codes, err := s.Model.EncodeAll(ctx, s.Data.Test)
	if err != nil {
		return err
	}
	active := generate.ActiveUnits(codes)
	s.Metrics.ActiveUnits = &active
	s.Logf("%s\n", generate.DescribeActive(active, codes.Sample().Size()))
	return nil
}
