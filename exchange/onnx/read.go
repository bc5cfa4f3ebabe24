package onnx

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/proto"

	"hourglass"
	"hourglass/exchange/onnx/internal/schema"
)

// Bounds of what a file may ask for.
const (
	maxFile  = 2<<30 - 1 // bytes, which is also the most that the format allows
	maxNodes = 1 << 16
	maxArray = 1 << 28 // elements of an array that is computed of others
)

// Import says how a model is read. The zero value finds out by itself what it can.
type Import struct {
	// Decoder is the file that has the decoder, where the model itself is only the encoder.
	Decoder string
	// Code is the name of the tensor with the codes, where the encoder ends. Otherwise this is
	// where layers called decoder begin, or the first of the smallest tensors.
	Code string
	// Channels says where inputs have the channels of images: First, Last, or found out by
	// what is done with them.
	Channels Channels
}

// Channels is a place for the channels of images.
type Channels string

// The places; the empty one is to be found out.
const (
	First Channels = "first"
	Last  Channels = "last"
)

// ReadFile reads a model that has been written by any tool. Its weights may stand in files
// beside it.
//
// Samples are taken with their channels last, steps in front of features, and on a single
// axis where the model takes one, in the way of Keras; weights are put in order for that.
// What cannot be taken is an error that names the node, its operator, and what would do.
func ReadFile(path string, o Import) (*hourglass.Autoencoder, error) {
	ae, err := readFile(path, o)
	if err != nil {
		return nil, fmt.Errorf("onnx: read %s: %w", path, err)
	}
	return ae, nil
}

func readFile(path string, o Import) (*hourglass.Autoencoder, error) {
	encoder, err := parseFile(path)
	if err != nil {
		return nil, err
	}
	if o.Decoder == "" {
		return autoencoder(encoder, nil, o)
	}
	decoder, err := parseFile(o.Decoder)
	if err != nil {
		return nil, fmt.Errorf("decoder %s: %w", o.Decoder, err)
	}
	return autoencoder(encoder, decoder, o)
}

// Read reads a model whose weights are all in it.
func Read(r io.Reader, o Import) (*hourglass.Autoencoder, error) {
	if o.Decoder != "" {
		return nil, errors.New("onnx: read: a decoder in a file of its own needs ReadFile")
	}
	m, err := parse(r, nil)
	if err == nil {
		var ae *hourglass.Autoencoder
		if ae, err = autoencoder(m, nil, o); err == nil {
			return ae, nil
		}
	}
	return nil, fmt.Errorf("onnx: read: %w", err)
}

func parseFile(path string) (*model, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	beside, err := os.OpenRoot(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer beside.Close()
	return parse(f, beside)
}

// parse reads the graph of a model. Files with weights are looked for in beside, and
// nowhere else; it may be nil.
func parse(r io.Reader, beside *os.Root) (*model, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, err
	}
	if int64(len(raw)) > maxFile {
		return nil, fmt.Errorf("the file has more than %d bytes", maxFile)
	}
	var p schema.ModelProto
	if err := (proto.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: 100}).Unmarshal(raw, &p); err != nil {
		return nil, errors.New("not an ONNX model: it is no protocol buffer of one")
	}
	if p.Graph == nil || len(p.OpsetImport) == 0 {
		return nil, errors.New("not an ONNX model: it has no graph or no opset")
	}
	m := &model{metadata: map[string]string{}, values: map[string]*operand{}}
	for _, o := range p.OpsetImport {
		if o.GetDomain() == "" || o.GetDomain() == "ai.onnx" {
			m.opset = int(o.GetVersion())
		}
	}
	if m.opset < 9 || m.opset > MaxOpset {
		return nil, fmt.Errorf("opset %d, want 9 to %d; the tool that wrote it can write another (torch.onnx.export: opset_version)", m.opset, MaxOpset)
	}
	for _, e := range p.MetadataProps {
		m.metadata[e.GetKey()] = e.GetValue()
	}
	return m, m.load(p.Graph, beside)
}
