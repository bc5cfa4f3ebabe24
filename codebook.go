package hourglass

import (
	"hourglass/nn"
	"hourglass/tensor"
)

// Codebook returns the vectors, K×d, that codes are made of, of an autoencoder whose encoder ends in
// nn.VectorQuantizer; nothing of any other.
func (a *Autoencoder) Codebook() (codebook tensor.Tensor, ok bool) {
	last := len(a.encoderLayers) - 1
	if _, ok := unnamed(a.encoderLayers[last]).(nn.VectorQuantizer); !ok {
		return tensor.Tensor{}, false
	}
	for _, array := range a.encoder.Arrays() {
		if array.Layer == last && array.Name == "codebook" {
			return tensor.Tensor{Shape: array.Shape, Data: array.Values}, true
		}
	}
	return tensor.Tensor{}, false
}

// unnamed returns a layer without the name that it may have.
func unnamed(l nn.Layer) nn.Layer {
	if named, ok := l.(nn.Named); ok {
		return named.Layer
	}
	return l
}
