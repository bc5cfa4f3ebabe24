// Package modelfile keeps an autoencoder in one file: a safetensors file
// (https://github.com/huggingface/safetensors), which other tools read too, with
// the architecture as JSON in its metadata.
//
// The file begins with the length of its header (8 bytes, little-endian), then
// comes the header, a JSON object that gives type, shape and place of every
// array, then the arrays' values. The metadata holds
//
//	format        "hourglass"
//	version       of the layout described here, "1"
//	architecture  {"encoder":[layers],"decoder":[layers]}
//	sha256        of the whole file, in hexadecimal, taken with 64 zeros in its own place
//	record        how the model was trained, an object the writer chose (optional, like the next two)
//	scaling       how the data is scaled before the encoder and after the decoder
//	scores        quantiles of the reconstruction error of the training data
//
// The same model gives the same bytes.
package modelfile

import (
	"encoding/json"
	"fmt"

	"hourglass/nn"
)

// Version is the layout that Write writes; Read knows all up to it.
const Version = 1

// Model is what a file holds.
type Model struct {
	Architecture
	Arrays []nn.Array // named "encoder.1.kernel": part, position of the layer, parameter

	// What may be nil: how the model was trained, how its data is scaled, and how
	// large its errors on the training data are. They are the writer's own JSON.
	Record, Scaling, Scores json.RawMessage
}

// extras are the places of the optional metadata, by key.
func (m *Model) extras() map[string]*json.RawMessage {
	return map[string]*json.RawMessage{recordKey: &m.Record, scalingKey: &m.Scaling, scoresKey: &m.Scores}
}

// Architecture are the layers of an autoencoder.
type Architecture struct {
	Encoder nn.Layers `json:"encoder"`
	Decoder nn.Layers `json:"decoder"`
}

// Layers returns encoder and decoder as one chain.
func (a Architecture) Layers() nn.Layers {
	return append(append(nn.Layers{}, a.Encoder...), a.Decoder...)
}

// Names returns the names of the arrays of a network made of Layers, in the
// order of its arena.
func (a Architecture) Names(n *nn.Network) []string {
	var names []string
	for _, p := range n.Arrays() {
		part, layer := "encoder", p.Layer
		if layer >= len(a.Encoder) {
			part, layer = "decoder", layer-len(a.Encoder)
		}
		names = append(names, fmt.Sprintf("%s.%d.%s", part, layer, p.Name))
	}
	return names
}
