// Package oip reads and writes the messages of the Open Inference Protocol,
// version 2, over HTTP
// (https://github.com/kserve/open-inference-protocol), which KServe, Triton and
// others speak, with the extension for binary tensors
// (https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/protocol/extension_binary_data.html).
//
// A request is a JSON object that names tensors, with their values in it, nested
// or flat, or behind it as little-endian bytes. Requests come from strangers. The
// parser takes memory in proportion to the bytes that are there, whatever they
// claim; it goes no deeper than MaxDepth, and every value of a tensor that it lets
// through is a finite number.
package oip

// Datatypes of tensors, as the protocol names them, that this package knows: the
// first three can be inputs.
const (
	FP32 = "FP32"
	FP64 = "FP64"
	FP16 = "FP16"
	Bool = "BOOL"
)

// HeaderLength is the HTTP header that says how many bytes of a body are JSON,
// where binary tensors follow.
const HeaderLength = "Inference-Header-Content-Length"

// Names of the parameters of the extension for binary tensors.
const (
	binaryDataSize   = "binary_data_size"
	binaryData       = "binary_data"
	binaryDataOutput = "binary_data_output"
)

// Limits of what is read.
const (
	MaxDepth   = 16 // arrays and objects in each other
	MaxTensors = 64 // inputs, and outputs, of a request
	MaxAxes    = 8  // of a tensor
	maxName    = 256
)

// ServerMetadata describes a server.
type ServerMetadata struct {
	Name       string   `json:"name"`
	Version    string   `json:"version"`
	Extensions []string `json:"extensions"`
}

// ModelMetadata describes a model.
type ModelMetadata struct {
	Name     string           `json:"name"`
	Versions []string         `json:"versions,omitempty"`
	Platform string           `json:"platform"`
	Inputs   []TensorMetadata `json:"inputs"`
	Outputs  []TensorMetadata `json:"outputs"`
}

// TensorMetadata describes a tensor; an axis of -1 has any length.
type TensorMetadata struct {
	Name     string  `json:"name"`
	Datatype string  `json:"datatype"`
	Shape    []int64 `json:"shape"`
}

// Error is the body of an answer that is none.
type Error struct {
	Error string `json:"error"`
}
