package onnx

import (
	"google.golang.org/protobuf/proto"

	"hourglass"
)

// GraphBytes returns the graph that is written for an autoencoder, without what stands
// around it in a file.
func GraphBytes(ae *hourglass.Autoencoder, o Options) ([]byte, error) {
	o, err := o.normalise()
	if err != nil {
		return nil, err
	}
	m, err := build(ae, o)
	if err != nil {
		return nil, err
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(m.Graph)
}

// Metadata returns what a file says beside its graph.
func Metadata(ae *hourglass.Autoencoder, o Options) map[string]string {
	list := map[string]string{}
	for _, e := range metadata(ae, o) {
		list[e.GetKey()] = e.GetValue()
	}
	return list
}
