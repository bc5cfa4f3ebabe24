// Package modelfile keeps an autoencoder in one file: a safetensors file
// (https://github.com/huggingface/safetensors), which other tools read too, with
// the architecture as JSON in its metadata.
//
// The file begins with the length of its header (8 bytes, little-endian), then
// comes the header, a JSON object that gives type, shape and place of every
// array, then the arrays' values. The metadata holds
//
//	format        "hourglass"
//	version       of the layout described here, "2", or "3" if there is a detector
//	architecture  {"encoder":[layers],"decoder":[layers]}
//	sha256        of what the file holds, in hexadecimal, see below
//	record        how the model was trained, an object the writer chose (optional, like the next four)
//	scaling       how the data is scaled before the encoder and after the decoder
//	scores        quantiles of the reconstruction error of normal samples, and of how many
//	detector      what was learned of normal samples, whose arrays are called detector.…
//	training      the state of a run that can go on, in a checkpoint
//
// The checksum is that of a list of lines, first one for each array and then one
// for each of the keys above that the file has, but for the checksum itself, both
// in the order of their names' bytes:
//
//	array SHA-256(name) F32 2x3 SHA-256(values as they lie in the file)
//	metadata key SHA-256(value)
//
// So it says nothing of where in the file an array or a key stands, or of what
// others add to the metadata: a file that another program has read and written
// again is as good as the first. A file without a checksum can be read, too, and
// is [Model.Unverified]. In version 1 it was that of the whole file, taken with 64
// zeros in its own place; such files are read and verified as ever.
//
// The same model gives the same bytes.
package modelfile

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strconv"

	"hourglass/nn"
)

// Version is the newest layout; Read knows all up to it. Write writes the oldest that has
// room for what there is, so that programs from before it read what they can.
const Version = 3

// plainVersion is the layout without a detector.
const plainVersion = 2

// Model is what a file holds.
type Model struct {
	Architecture
	Arrays []nn.Array // named "encoder.1.kernel": part, position of the layer or its own name, parameter

	// What may be nil: how the model was trained, how its data is scaled, how large
	// its errors on the training data are, what was learned of normal samples, and how
	// its training goes on. They are the writer's own JSON.
	Record, Scaling, Scores, Detector, Training json.RawMessage

	// Unverified is set by Read where the file has no checksum: nobody can tell
	// whether its numbers are those that were written.
	Unverified bool
}

// extras are the places of the optional metadata, by key.
func (m *Model) extras() map[string]*json.RawMessage {
	return map[string]*json.RawMessage{recordKey: &m.Record, scalingKey: &m.Scaling, scoresKey: &m.Scores, detectorKey: &m.Detector, trainingKey: &m.Training}
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
		names = append(names, fmt.Sprintf("%s.%s.%s", part, cmp.Or(p.LayerName, strconv.Itoa(layer)), p.Name))
	}
	return names
}
