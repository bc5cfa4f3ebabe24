package recipe

import (
	"context"
	"errors"
	"math"

	"hourglass/dataset"
	"hourglass/figure"
	"hourglass/loss"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/pca"
	"hourglass/tensor"
)

// curvePoints is how many points the lecture draws.
const curvePoints = 60

// linear is the lecture's "Linear Autoencoders". The listing leaves out the fit;
// it is here.
var linear = Recipe{
	Name:  "linear",
	Title: "Linear autoencoder",
	About: "Without activation functions and with squared errors, an autoencoder finds the plane that principal component analysis finds. " +
		"Look at the angles between the two planes and at both reconstruction errors.",
	Shows: []string{CurvesFigure, linearFigure, planesFigure},

	Encoder:   nn.Layers{nn.Input{3}, nn.Dense{Units: 2}},
	Decoder:   nn.Layers{nn.Dense{Units: 3}},
	Loss:      loss.MeanSquaredError{},
	Optimizer: optim.SGD{LearningRate: 1.5},
	Epochs:    20,
	BatchSize: 32,
	Own:       func() dataset.Array { return dataset.Curve3D(curvePoints).Array() },

	After: func(ctx context.Context, s *Session) error {
		points := s.Recipe.Own().Tensor
		codes, err := s.Model.Encode(points)
		if err != nil {
			return err
		}
		return errors.Join(
			s.comparePlanes(points),
			s.showPlanes(points),
			s.Draw(linearFigure)(figure.Scatter(codes, nil, figure.ScatterOptions{
				Axes: true, XLabel: "z₁", YLabel: "z₂", Width: 4, Height: 3})))
	},
}

// showPlanes draws the points in space with the learned plane and that of the first two
// principal components.
func (s *Session) showPlanes(points tensor.Tensor) error {
	model, err := pca.Fit(points, 2)
	if err != nil {
		return err
	}
	decoder := s.Model.Decoder().Arrays() // kernel 2×3 and bias: the plane of codes·kernel + bias
	kernel, bias := decoder[0].Values, decoder[1].Values
	return s.Draw(planesFigure)(figure.Planes(points, []figure.Plane{
		{Name: "principal components", Origin: space(model.Mean), U: space(model.Components.Row(0)), V: space(model.Components.Row(1))},
		{Name: "autoencoder", Origin: space(bias), U: space(kernel[:3]), V: space(kernel[3:])},
	}, figure.PlanesOptions{}))
}

// space makes a point of three numbers.
func space[T float32 | float64](x []T) (p [3]float64) {
	for i := range p {
		p[i] = float64(x[i])
	}
	return p
}

// PlaneComparison holds the plane a linear autoencoder learned against that of
// the exact principal component analysis.
type PlaneComparison struct {
	AnglesDegrees  []float64 `json:"principal_angles_degrees"` // largest first; 0 where the planes agree
	AutoencoderMSE float64   `json:"autoencoder_mse"`
	PCAMSE         float64   `json:"pca_mse"` // the least that any plane can have
}

// comparePlanes measures the decoder's plane against the first two principal
// components of the points.
func (s *Session) comparePlanes(points tensor.Tensor) error {
	model, err := pca.Fit(points, 2)
	if err != nil {
		return err
	}
	kernel := s.Model.Decoder().Arrays()[0]
	plane, err := tensor.FromSlice(kernel.Values, kernel.Shape...)
	if err != nil {
		return err
	}
	angles, err := pca.PrincipalAngles(plane, model.Components)
	if err != nil {
		return err
	}
	for i, a := range angles {
		angles[i] = a * 180 / math.Pi
	}
	least, err := model.ReconstructionError(points, 2)
	if err != nil {
		return err
	}
	c := PlaneComparison{angles, *s.Metrics.Test, least}
	s.Logf("principal angles between the learned plane and that of PCA: %.2f° and %.2f°\n", angles[0], angles[1])
	s.Logf("mean squared reconstruction error: autoencoder %.6f, PCA %.6f\n", c.AutoencoderMSE, c.PCAMSE)
	s.Metrics.PCA = &c
	return nil
}
