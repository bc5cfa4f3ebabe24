// Package schema is the file format of ONNX, generated from onnx.proto.
package schema

//go:generate protoc --go_out=. --go_opt=paths=source_relative onnx.proto
