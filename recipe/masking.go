package recipe

import (
	"context"

	"hourglass/nn"
)

// maskingFigure and saltPepperFigure show what becomes of corrupted images.
const (
	maskingFigure    = "masking_plot.png"
	saltPepperFigure = "salt_pepper_plot.png"
)

// masking is the denoising autoencoder of Vincent et al. 2008 in the lecture's shape:
// its noise sets pixels to zero.
var masking = denoiser("masking", "Denoising autoencoder, masking noise",
	"Half of the pixels are set to zero, and the whole image is asked for. Look at the strokes that it completes.",
	nn.MaskingNoise{Rate: 0.5}, maskingFigure)

// saltPepper is the same with the noise of Vincent et al. 2010.
var saltPepper = denoiser("salt-pepper", "Denoising autoencoder, salt and pepper noise",
	"A quarter of the pixels are set to black or white, and the clean image is asked for. Look at how little of the noise is left.",
	nn.SaltAndPepperNoise{Rate: 0.25}, saltPepperFigure)

// denoiser is the lecture's denoising autoencoder with a noise of its own.
func denoiser(name, title, about string, noise nn.Layer, figure string) Recipe {
	r := denoising
	r.Name, r.Title, r.About, r.Shows = name, title, about, []string{CurvesFigure, figure}
	r.Encoder = append(nn.Layers{nn.Input{28, 28}, nn.Flatten{}, noise}, stacked.Encoder[2:]...)
	r.After = func(_ context.Context, s *Session) error { return s.showDenoising(figure, noise) }
	return r
}
