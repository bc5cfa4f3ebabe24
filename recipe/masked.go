package recipe

import (
	"context"
	"errors"

	"hourglass/nn"
	"hourglass/optim"
)

// maskedFigure shows what becomes of images of which a quarter is seen.
const maskedFigure = "masked_plot.png"

// maskedNoise hides three quarters of an image.
var maskedNoise = nn.PatchMasking{Size: nn.Square(patchSide), Rate: 0.75}

// Patches of the masked autoencoder: 4×4 pixels, 7×7 of them, each a vector of patchFeatures.
const (
	patchSide     = 4
	patchFeatures = 64
)

// masked is a small masked autoencoder (He et al. 2022) of patches and attention: a transformer
// of three blocks and one of one.
var masked = Recipe{
	Name:  "masked",
	Title: "Masked autoencoder, patches and attention",
	About: "Three quarters of an image are hidden, in patches of 4×4 pixels, and a small transformer is asked for the whole: every patch looks at all others. " +
		"Look at what it makes up where it saw nothing, and at the classes in its codes.",
	Shows: []string{CurvesFigure, maskedFigure},

	Encoder: append(append(nn.Layers{
		nn.Input{28, 28},
		maskedNoise,
		nn.Reshape{7, patchSide, 7, patchSide},
		nn.Permute{1, 3, 2, 4},
		nn.Reshape{49, patchSide * patchSide},
		nn.Dense{Units: patchFeatures},
		nn.PositionEmbedding{},
	}, transformer(3)...), nn.LayerNormalization{}),
	Decoder: append(append(nn.Layers{}, transformer(1)...),
		nn.LayerNormalization{},
		nn.Dense{Units: patchSide * patchSide, Activation: nn.Sigmoid},
		nn.Reshape{7, 7, patchSide, patchSide},
		nn.Permute{1, 3, 2, 4},
		nn.Reshape{28, 28},
	),
	Loss:       stacked.Loss,
	Optimizer:  optim.Adam{},
	Metrics:    stacked.Metrics,
	Epochs:     5,
	BatchSize:  64,
	Validation: 5000,

	After: func(ctx context.Context, s *Session) error {
		return errors.Join(s.showDenoising(maskedFigure, maskedNoise), s.judgeCodes(ctx))
	},
}

// transformer returns so many blocks of attention and two dense layers, each behind a
// normalisation and around it a residual connection (Xiong et al. 2020).
func transformer(blocks int) nn.Layers {
	var layers nn.Layers
	for range blocks {
		layers = append(layers,
			nn.Residual{Layers: nn.Layers{nn.LayerNormalization{}, nn.MultiHeadAttention{Heads: 4, KeyDim: patchFeatures / 4}}},
			nn.Residual{Layers: nn.Layers{nn.LayerNormalization{}, nn.Dense{Units: 2 * patchFeatures, Activation: nn.GELU}, nn.Dense{Units: patchFeatures}}})
	}
	return layers
}
