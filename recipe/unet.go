package recipe

import (
	"context"

	"hourglass/loss"
	"hourglass/metric"
	"hourglass/nn"
	"hourglass/optim"
)

// unetFigure shows what becomes of corrupted images.
const unetFigure = "unet_denoising_plot.png"

// unet is a small U-Net (Ronneberger et al. 2015) as a denoiser: what the pooling on the
// way down loses, the skips hand to the way up.
var unet = Recipe{
	Name:  "unet",
	Title: "Denoising U-Net",
	About: "Convolutions with skips from the encoder to the decoder clean images of strong noise. " +
		"Look at the fine strokes, which a code alone would have to remember.",
	Shows: []string{CurvesFigure, unetFigure},

	Encoder: nn.Layers{
		nn.Input{28, 28},
		nn.Reshape{28, 28, 1},
		nn.GaussianNoise{Stddev: 0.4},
		nn.Conv2D{Filters: 16, Kernel: nn.Square(3), Padding: nn.Same, Activation: nn.ReLU},
		nn.Tap{Name: "fine"},
		nn.MaxPooling2D{},
		nn.Conv2D{Filters: 32, Kernel: nn.Square(3), Padding: nn.Same, Activation: nn.ReLU},
		nn.Tap{Name: "coarse"},
		nn.MaxPooling2D{},
		nn.Conv2D{Filters: 64, Kernel: nn.Square(3), Padding: nn.Same, Activation: nn.ReLU},
	},
	Decoder: nn.Layers{
		nn.Conv2DTranspose{Filters: 32, Kernel: nn.Square(2), Strides: nn.Square(2), Activation: nn.ReLU},
		nn.Join{Name: "coarse"},
		nn.Conv2D{Filters: 32, Kernel: nn.Square(3), Padding: nn.Same, Activation: nn.ReLU},
		nn.Conv2DTranspose{Filters: 16, Kernel: nn.Square(2), Strides: nn.Square(2), Activation: nn.ReLU},
		nn.Join{Name: "fine"},
		nn.Conv2D{Filters: 16, Kernel: nn.Square(3), Padding: nn.Same, Activation: nn.ReLU},
		nn.Conv2D{Filters: 1, Kernel: nn.Square(1), Activation: nn.Sigmoid},
		nn.Reshape{28, 28},
	},
	Loss:       loss.BinaryCrossEntropy{},
	Optimizer:  optim.Adam{LearningRate: 1e-3},
	Metrics:    []metric.Metric{metric.RoundedAccuracy{}},
	Epochs:     3,
	BatchSize:  128,
	Validation: 5000,

	After: func(_ context.Context, s *Session) error {
		return s.showDenoising(unetFigure, nn.GaussianNoise{Stddev: 0.4})
	},
}
