// Package hourglass trains autoencoders and uses them.
//
// An autoencoder is a pair of neural networks: the encoder turns a sample, an
// image for instance, into a short code, and the decoder turns the code back
// into the sample. Trained together to reproduce their input they find codes that
// keep what matters, which serve to compress, to denoise, to recognise and to
// find what does not fit.
//
//	ae, err := hourglass.New(
//		nn.Layers{nn.Input{28, 28}, nn.Flatten{}, nn.Dense{Units: 30, Activation: nn.SELU}},
//		nn.Layers{nn.Dense{Units: 784, Activation: nn.Sigmoid}, nn.Reshape{28, 28}},
//	)
//	history, err := ae.Fit(ctx, images, hourglass.Epochs(10))
//	codes, err := ae.Encode(batch)
//
// The packages below do the parts: nn the layers and networks, train the loop,
// loss, optim and metric its choices, dataset the data, figure the pictures.
package hourglass

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"hourglass/dataset"
	"hourglass/nn"
	"hourglass/tensor"
)

// DefaultSeed is the seed of weights, data order and noise where none is given.
const DefaultSeed = 42

// Autoencoder is an encoder and a decoder with shared training. Once trained it
// may be used by any number of goroutines at once. What changes it, which is Fit, Init,
// SetScaler, SetThreads, SetRecord, SetDetector, LearnScores and writing to the weights of its networks, must not run at the
// same time as anything else.
type Autoencoder struct {
	encoderLayers, decoderLayers nn.Layers

	whole            *nn.Network
	encoder, decoder *nn.Network // parts of whole, with the same weights

	reconstructing, encoding, decoding lender
	scratches                          sync.Pool // of *scratch
	threads                            int       // of a call, see SetThreads; 0 for all cores

	scaler *dataset.Scaler // nil for data taken as it is
	normal *normal         // see LearnScores; nil if it has not been called for these weights
	record json.RawMessage // how it was trained, or nil

	detector Detector // see SetDetector; zero if there is none for these weights

	unverified bool // read from a file without a checksum
}

// New returns an untrained autoencoder. The first encoder layer must be nn.Input
// or a shape follows from nothing; the decoder takes the encoder's output and must
// end in samples of as many elements as the input. Weights start as the layers'
// initialisers say, from DefaultSeed; Init draws others.
func New(encoder, decoder nn.Layers) (*Autoencoder, error) {
	if len(encoder) == 0 || len(decoder) == 0 {
		return nil, fmt.Errorf("hourglass: new autoencoder: encoder has %d layers and decoder %d, want at least 1 each",
			len(encoder), len(decoder))
	}
	layers := slices.Concat(encoder, decoder)
	whole, err := nn.NewNetwork(nil, layers...)
	if err != nil {
		return nil, fmt.Errorf("hourglass: new autoencoder: %w", err)
	}
	if whole.Output().Size() != whole.Input().Size() {
		return nil, fmt.Errorf("hourglass: new autoencoder: the decoder gives samples of shape %v, want that of the input, %v",
			whole.Output(), whole.Input())
	}
	a := &Autoencoder{encoderLayers: layers[:len(encoder)], decoderLayers: layers[len(encoder):], whole: whole,
		encoder: whole.Slice(0, len(encoder)), decoder: whole.Slice(len(encoder), len(layers))}
	a.reconstructing.network, a.encoding.network, a.decoding.network = a.whole, a.encoder, a.decoder
	a.Init(DefaultSeed)
	return a, nil
}

// Init draws all weights anew.
func (a *Autoencoder) Init(seed uint64) {
	a.whole.Init(seed)
	a.normal, a.detector = nil, Detector{}
}

// Network returns encoder and decoder as one network.
func (a *Autoencoder) Network() *nn.Network { return a.whole }

// Encoder returns the encoder, which shares its weights with the autoencoder.
func (a *Autoencoder) Encoder() *nn.Network { return a.encoder }

// Decoder returns the decoder, which shares its weights with the autoencoder.
func (a *Autoencoder) Decoder() *nn.Network { return a.decoder }

// SetScaler makes the autoencoder scale all data it is given, Fit's included, and
// undo that in what it decodes. It is kept in the model file; nil ends it. What
// LearnScores learned is forgotten.
func (a *Autoencoder) SetScaler(s *dataset.Scaler) error {
	if s != nil {
		if err := s.Validate(a.whole.Input().Size()); err != nil {
			return fmt.Errorf("hourglass: set scaler: %w", err)
		}
	}
	a.scaler, a.normal, a.detector = s, nil, Detector{}
	return nil
}

// Scaler returns how data is scaled, nil if it is not.
func (a *Autoencoder) Scaler() *dataset.Scaler { return a.scaler }

// Record returns what is recorded about the training, as JSON: what SetRecord was
// given, or what was in the model file that the autoencoder was read from. It is
// nil if nothing was.
func (a *Autoencoder) Record() json.RawMessage { return a.record }

// Unverified reports whether the file that the autoencoder was read from had no
// checksum, so that nobody can tell whether its weights are those that were written.
func (a *Autoencoder) Unverified() bool { return a.unverified }

// Detector is what a model file keeps, beside the model, of something that has learned what
// normal samples are like, as package anomaly has: a state in JSON, and arrays.
type Detector struct {
	State  json.RawMessage // nil for no detector
	Arrays []nn.Array
}

// SetDetector makes every file that the model is written to have a detector; the zero value
// ends it. It belongs to the weights and the scaler: Fit, Init and SetScaler forget it.
func (a *Autoencoder) SetDetector(d Detector) { a.detector = d }

// Detector returns what SetDetector was given, or what was in the model file that the
// autoencoder was read from; the zero value if there was none.
func (a *Autoencoder) Detector() Detector { return a.detector }

// Summary lists the layers of encoder and decoder, their output shapes and
// numbers of parameters, as Keras' summary does.
func (a *Autoencoder) Summary() string {
	return a.encoder.Summary("encoder") + a.decoder.Summary("decoder")
}

// Encode returns the codes of n samples: x has shape n×(input), the result
// n×(code).
func (a *Autoencoder) Encode(x tensor.Tensor) (tensor.Tensor, error) {
	return a.Given().Encode(x)
}

// EncodeAll returns the codes of all samples of a source, of shape n×(code),
// without holding the samples in memory. It ends early with ctx's error.
func (a *Autoencoder) EncodeAll(ctx context.Context, data dataset.Source) (tensor.Tensor, error) {
	if err := checkSource("encode", data, a.encoder.Input()); err != nil {
		return tensor.Tensor{}, err
	}
	return a.encode(ctx, call{verb: "encode", source: data}, data.Len())
}

// encode makes room for the codes of a call's n samples and computes them.
func (a *Autoencoder) encode(ctx context.Context, c call, n int) (tensor.Tensor, error) {
	codes, err := room(c.verb, n, a.encoder)
	if err != nil {
		return tensor.Tensor{}, err
	}
	c.Codes = codes.Data
	if err := a.infer(ctx, c, n); err != nil {
		return tensor.Tensor{}, err
	}
	return codes, nil
}

// reconstruct makes room for the reconstructions of a call's n samples, or for what its
// codes stand for, and computes them.
func (a *Autoencoder) reconstruct(ctx context.Context, c call, n int) (tensor.Tensor, error) {
	y, err := room(c.verb, n, a.whole)
	if err != nil {
		return tensor.Tensor{}, err
	}
	c.Reconstructions = y.Data
	if err := a.infer(ctx, c, n); err != nil {
		return tensor.Tensor{}, err
	}
	return y, nil
}

// Decode returns the samples that codes stand for: codes has shape n×(code), the
// result n×(output). With skips from encoder to decoder (nn.Tap) a code alone stands for
// no sample, and that is the error.
func (a *Autoencoder) Decode(codes tensor.Tensor) (tensor.Tensor, error) {
	return a.Given().Decode(codes)
}

// Reconstruct encodes and decodes: x has shape n×(input), the result n×(output).
func (a *Autoencoder) Reconstruct(x tensor.Tensor) (tensor.Tensor, error) {
	return a.Given().Reconstruct(x)
}
