// Package onnx writes autoencoders as ONNX models, which most runtimes read, and reads those of
// other tools (https://onnx.ai, Open Neural Network Exchange).
//
//	err := onnx.WriteFile("model.onnx", ae, onnx.Options{})
//
// A written model takes samples as the autoencoder does, in the units of the data: its
// scaling is part of the graph. The first axis of inputs and outputs, "batch", may have any
// length. Images have their channels last, or first with Options.ChannelsFirst. The
// layers that act in training only, such as Dropout, leave no trace.
package onnx

import (
	"fmt"
	"slices"

	"hourglass/exchange"
)

// The versions of ONNX' operators that are written and read.
const (
	DefaultOpset = 17
	MinOpset     = 13 // that is written; 9 is the oldest that is read
	MaxOpset     = 21
)

// Options say how a model is written. The zero value writes the whole autoencoder with
// opset 17 and channels last.
type Options struct {
	Part          exchange.Part // Whole by default
	Opset         int           // 13 to 21; 17 by default
	ChannelsFirst bool          // images are channels×height×width, as in PyTorch
}

// normalise puts defaults in and reports what is out of range.
func (o Options) normalise() (Options, error) {
	if o.Part == "" {
		o.Part = exchange.Whole
	}
	if o.Opset == 0 {
		o.Opset = DefaultOpset
	}
	if !slices.Contains(exchange.Parts(), o.Part) {
		return o, fmt.Errorf("part %.40q, want one of %q", o.Part, exchange.Parts())
	}
	if o.Opset < MinOpset || o.Opset > MaxOpset {
		return o, fmt.Errorf("opset %d, want %d to %d", o.Opset, MinOpset, MaxOpset)
	}
	return o, nil
}

// irVersion returns the version of the file format that goes with an opset: 8, which
// opset 17 came with, or what a later one needs.
func irVersion(opset int) int64 {
	switch {
	case opset >= 21:
		return 10
	case opset >= 19:
		return 9
	}
	return 8
}
