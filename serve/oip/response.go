package oip

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Response is the answer to a request for inference.
type Response struct {
	Model, Version string
	ID             string // of the request; left out if empty
	Outputs        []Tensor
}

// Tensor is an output: one of the three slices has its values.
type Tensor struct {
	Name   string
	Shape  []int
	Binary bool

	Floats  []float32 // FP32
	Doubles []float64 // FP64
	Bools   []bool    // BOOL
}

// Datatype returns the name of the type of the values.
func (t *Tensor) Datatype() string {
	switch {
	case t.Doubles != nil:
		return FP64
	case t.Bools != nil:
		return Bool
	}
	return FP32
}

// Bytes returns how many bytes the values have.
func (t *Tensor) Bytes() int { return 4*len(t.Floats) + 8*len(t.Doubles) + len(t.Bools) }

// Append appends the JSON of the response to b. What follows it, the bytes of outputs
// that are binary, is returned as tails, nil if there are none; they may lie where the
// outputs do. A value that is not finite cannot be written as JSON and is an error.
func (r *Response) Append(b []byte) (text []byte, tails [][]byte, err error) {
	b = append(b, `{"model_name":`...)
	b = appendString(b, r.Model)
	b = append(b, `,"model_version":`...)
	b = appendString(b, r.Version)
	if r.ID != "" {
		b = append(b, `,"id":`...)
		b = appendString(b, r.ID)
	}
	b = append(b, `,"outputs":[`...)
	for i := range r.Outputs {
		out := &r.Outputs[i]
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = out.appendJSON(b); err != nil {
			return nil, nil, err
		}
		if out.Binary {
			tails = append(tails, out.raw())
		}
	}
	return append(b, `]}`...), tails, nil
}

// raw returns the values as little-endian bytes, where they lie if they can stay there.
func (t *Tensor) raw() []byte {
	if littleEndian && t.Doubles == nil && t.Bools == nil {
		return memory(t.Floats)
	}
	return t.AppendBytes(nil)
}

func (t *Tensor) appendJSON(b []byte) ([]byte, error) {
	b = append(b, `{"name":`...)
	b = appendString(b, t.Name)
	b = append(b, `,"datatype":"`...)
	b = append(b, t.Datatype()...)
	b = append(b, `","shape":[`...)
	for i, n := range t.Shape {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	if t.Binary {
		b = append(b, `],"parameters":{"binary_data_size":`...)
		b = strconv.AppendInt(b, int64(t.Bytes()), 10)
		return append(b, `}}`...), nil
	}
	b = append(b, `],"data":[`...)
	b, err := t.appendData(b)
	if err != nil {
		return nil, fmt.Errorf("output %q: %w; ask for it as binary data", t.Name, err)
	}
	return append(b, `]}`...), nil
}

// appendData appends the values as JSON, separated by commas.
func (t *Tensor) appendData(b []byte) (_ []byte, err error) {
	if b, err = AppendFloats(b, t.Floats); err != nil {
		return nil, err
	}
	for i, v := range t.Doubles {
		if v-v != 0 {
			return nil, fmt.Errorf("value %d is %v, which JSON has no number for", i, v)
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendFloat(b, v, 'g', -1, 64)
	}
	for i, v := range t.Bools {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendBool(b, v)
	}
	return b, nil
}

// AppendFloats appends values to b, separated by commas, each with the fewest digits
// that give it back. It reports one that is not finite.
func AppendFloats(b []byte, values []float32) ([]byte, error) {
	for i, v := range values {
		if v-v != 0 {
			return nil, fmt.Errorf("value %d is %v, which JSON has no number for", i, v)
		}
		if i > 0 {
			b = append(b, ',')
		}
		b = appendFloat32(b, v)
	}
	return b, nil
}

// AppendBytes appends the values to b as little-endian bytes.
func (t *Tensor) AppendBytes(b []byte) []byte {
	b = appendFloats(slices.Grow(b, t.Bytes()), t.Floats)
	for _, v := range t.Doubles {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	for _, v := range t.Bools {
		bit := byte(0)
		if v {
			bit = 1
		}
		b = append(b, bit)
	}
	return b
}

// appendString appends a string as JSON.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			text, _ := json.Marshal(s) // of a string, which cannot fail
			return append(b, text...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
