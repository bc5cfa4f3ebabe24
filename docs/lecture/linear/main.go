package main

import (
	"context"
	"fmt"
	"log"
	"math"

	"hourglass"
	"hourglass/dataset"
	"hourglass/figure"
	"hourglass/loss"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/pca"
	"hourglass/tensor"
)

func main() {
	ctx := context.Background()
	points := dataset.Curve3D(60).Array()
	ae := must(hourglass.New(
		nn.Layers{nn.Input{3}, nn.Dense{Units: 2}},
		nn.Layers{nn.Dense{Units: 3}},
	))
	must(ae.Fit(ctx, points, hourglass.Epochs(20), hourglass.Loss(loss.MeanSquaredError{}),
		hourglass.Optimizer(optim.SGD{LearningRate: 1.5})))

	principal := must(pca.Fit(points.Tensor, 2))
	plane := ae.Decoder().Arrays()[0] // the decoder's 2×3 kernel spans the learned plane
	angles := must(pca.PrincipalAngles(must(tensor.FromSlice(plane.Values, 2, 3)), principal.Components))
	fmt.Printf("the angle between the planes is %.1f°\n", angles[0]*180/math.Pi)

	in := func(x []float32) [3]float64 { return [3]float64{float64(x[0]), float64(x[1]), float64(x[2])} }
	picture := must(figure.Planes(points.Tensor, []figure.Plane{
		{Name: "principal components", Origin: in(principal.Mean), U: in(principal.Components.Row(0)), V: in(principal.Components.Row(1))},
		{Name: "autoencoder", Origin: in(ae.Decoder().Arrays()[1].Values), U: in(plane.Values[:3]), V: in(plane.Values[3:])},
	}, figure.PlanesOptions{}))
	check(figure.Save("linear_autoencoder_planes.png", picture))
}

// must returns a value, or ends the program with the error.
func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
