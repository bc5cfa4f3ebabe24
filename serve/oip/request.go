package oip

import (
	"errors"
	"fmt"
	"math"
	"strconv"
)

// Request is a request for inference. Its memory can be used for another one, by
// ParseRequest.
type Request struct {
	ID      string
	Inputs  []Input
	Outputs []Output // nil where the request names none, which asks for all
	// Binary asks for all outputs as bytes that do not say otherwise.
	Binary bool
	// Parameters are those of the request that the protocol leaves to the model:
	// string, int64, float64 or bool.
	Parameters map[string]any
}

// Input is an input tensor.
type Input struct {
	Name, Datatype string
	Shape          []int64
	Data           []float32 // the values of all samples, one after another

	binarySize int64 // bytes behind the JSON, -1 if Data was in it
	axes       []int // of nested values
}

// Output asks for an output tensor.
type Output struct {
	Name   string
	Binary bool

	said bool // whether the request says it of this output
}

// ParseRequest reads a request into r, whose memory it uses again. HeaderLength is
// the value of the HTTP header of that name, "" without one: how many bytes of body
// are JSON. A HeaderLength of 0 makes the whole body the bytes of one input without
// name, datatype or shape, and asks for binary outputs.
func ParseRequest(r *Request, body []byte, headerLength string) error {
	r.reset()
	text, tail := body, []byte(nil)
	if headerLength != "" {
		n, err := strconv.Atoi(headerLength)
		if err != nil || n < 0 || n > len(body) {
			return fmt.Errorf("%s is %.40q, want 0 to the %d bytes of the body", HeaderLength, headerLength, len(body))
		}
		text, tail = body[:n], body[n:]
	}
	if headerLength != "" && len(text) == 0 {
		return r.parseRaw(tail)
	}
	s := &scanner{text: text}
	if err := r.parse(s); err != nil {
		return err
	}
	if err := s.end(); err != nil {
		return err
	}
	return r.finish(tail)
}

// reset empties the request but keeps its memory.
func (r *Request) reset() {
	*r = Request{Inputs: r.Inputs[:0]}
}

// parseRaw reads a body that is one tensor of FP32 and nothing else.
func (r *Request) parseRaw(tail []byte) error {
	in := r.nextInput()
	in.Datatype, in.binarySize = FP32, int64(len(tail))
	r.Binary = true
	return in.decode(tail)
}

// nextInput returns an empty input at the end of the list, with the memory of an
// earlier request.
func (r *Request) nextInput() *Input {
	n := len(r.Inputs)
	if n < cap(r.Inputs) {
		r.Inputs = r.Inputs[:n+1]
	} else {
		r.Inputs = append(r.Inputs, Input{})
	}
	in := &r.Inputs[n]
	*in = Input{Shape: in.Shape[:0], Data: in.Data[:0], axes: in.axes[:0], binarySize: -1}
	return in
}

// parse reads the JSON object.
func (r *Request) parse(s *scanner) error {
	return s.object(func(key string) (err error) {
		switch key {
		case "id":
			r.ID, err = s.name()
		case "inputs":
			r.Inputs = r.Inputs[:0]
			err = s.array(func() error { return r.parseInput(s) })
		case "outputs":
			r.Outputs = []Output{}
			err = s.array(func() error { return r.parseOutput(s) })
		case "parameters":
			err = r.parseParameters(s)
		default:
			err = s.skip()
		}
		return err
	})
}

func (r *Request) parseInput(s *scanner) error {
	if len(r.Inputs) == MaxTensors {
		return s.errorf("more than %d inputs", MaxTensors)
	}
	in, hasData := r.nextInput(), false
	err := s.object(func(key string) (err error) {
		switch key {
		case "name":
			in.Name, err = s.name()
		case "datatype":
			in.Datatype, err = s.name()
		case "shape":
			in.Shape = in.Shape[:0]
			err = s.array(func() error { return in.parseAxis(s) })
		case "data":
			in.Data, in.axes, hasData = in.Data[:0], in.axes[:0], true
			err = in.parseData(s, 0)
		case "parameters":
			err = in.parseParameters(s)
		default:
			err = s.skip()
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case hasData && in.binarySize >= 0:
		return fmt.Errorf("input %q has data and binary_data_size, want one of them", in.Name)
	case !hasData && in.binarySize < 0:
		return fmt.Errorf("input %q has no data", in.Name)
	}
	return nil
}

func (in *Input) parseAxis(s *scanner) error {
	n, err := s.integer()
	switch {
	case err != nil:
		return err
	case len(in.Shape) == MaxAxes:
		return s.errorf("a shape of more than %d axes", MaxAxes)
	case n < 1:
		return s.errorf("a shape with an axis of %d, want at least 1", n)
	}
	in.Shape = append(in.Shape, n)
	return nil
}

// parseData reads the values of an array at some depth; they may be arrays again,
// all alike. It is array() written out.
func (in *Input) parseData(s *scanner, depth int) error {
	if !s.take('[') {
		return s.unexpected("an array")
	}
	if depth >= MaxDepth {
		return s.errorf("arrays lie more than %d deep in each other", MaxDepth)
	}
	count := 0
	for more := !s.take(']'); more; {
		if s.peek() == '[' {
			if err := in.parseData(s, depth+1); err != nil {
				return err
			}
			count++
		} else {
			before := len(in.Data)
			if err := in.parseNumbers(s); err != nil {
				return err
			}
			count += len(in.Data) - before
		}
		switch {
		case s.take(','):
		case s.take(']'):
			more = false
		default:
			return s.unexpected("a comma or the end of an array")
		}
	}
	return in.noteAxis(s, depth, count)
}

// parseNumbers reads a number, and those behind it as long as only commas, or a comma
// and a space, stand between them.
func (in *Input) parseNumbers(s *scanner) (err error) {
	values := in.Data
	for more := true; more && err == nil; {
		v, end := quickFloat32(s.text, s.at)
		if end > 0 {
			s.at = end
		} else if v, err = s.anyFloat32(); err != nil {
			break
		}
		values = append(values, v)
		s.at, more = nextNumber(s.text, s.at)
	}
	in.Data = values
	return err
}

// nextNumber returns where the next number begins, if one follows behind a comma.
func nextNumber(text []byte, at int) (int, bool) {
	if len(text)-at < 3 || text[at] != ',' {
		return at, false
	}
	next := at + 1
	if text[next] == ' ' {
		next++
	}
	if c := text[next]; isDigit(c) || c == '-' {
		return next, true
	}
	return at, false
}

// ParseValues reads JSON that is an array of numbers, or of arrays of them, as the
// data of tensors is. Axes are how long the arrays at each depth are.
func ParseValues(text []byte) (values []float32, axes []int, err error) {
	s, in := &scanner{text: text}, &Input{}
	if err := in.parseData(s, 0); err != nil {
		return nil, nil, err
	}
	if err := s.end(); err != nil {
		return nil, nil, err
	}
	nested := 1
	for _, n := range in.axes {
		nested *= n // of at most as many as there are bytes
	}
	if nested != len(in.Data) {
		return nil, nil, errMixed
	}
	return in.Data, in.axes, nil
}

// noteAxis notes how long an array at some depth is; all must be of one length.
func (in *Input) noteAxis(s *scanner, depth, count int) error {
	for len(in.axes) <= depth {
		in.axes = append(in.axes, -1)
	}
	if in.axes[depth] < 0 {
		in.axes[depth] = count
	}
	if in.axes[depth] != count {
		return s.errorf("nested data: an array of %d values beside one of %d", count, in.axes[depth])
	}
	return nil
}

// parseParameters reads the parameters of an input.
func (in *Input) parseParameters(s *scanner) error {
	return s.object(func(key string) (err error) {
		if key != binaryDataSize {
			return s.skip()
		}
		if in.binarySize, err = s.integer(); err == nil && in.binarySize < 0 {
			err = s.errorf("binary_data_size is %d, want at least 0", in.binarySize)
		}
		return err
	})
}

func (r *Request) parseOutput(s *scanner) error {
	if len(r.Outputs) == MaxTensors {
		return s.errorf("more than %d outputs", MaxTensors)
	}
	var out Output
	err := s.object(func(key string) (err error) {
		switch key {
		case "name":
			out.Name, err = s.name()
		case "parameters":
			err = s.object(func(key string) (err error) {
				if key != binaryData {
					return s.skip()
				}
				out.said = true
				out.Binary, err = s.bool()
				return err
			})
		default:
			err = s.skip()
		}
		return err
	})
	r.Outputs = append(r.Outputs, out)
	return err
}

// parseParameters reads the parameters of the request.
func (r *Request) parseParameters(s *scanner) error {
	return s.object(func(key string) (err error) {
		var value any
		switch c := s.peek(); {
		case key == binaryDataOutput:
			r.Binary, err = s.bool()
			return err
		case c == '"':
			value, err = s.name()
		case c == 't' || c == 'f':
			value, err = s.bool()
		case c == '{' || c == '[' || c == 'n':
			return s.skip()
		default:
			value, err = s.anyNumber()
		}
		if err != nil {
			return err
		}
		if len(r.Parameters) == MaxTensors {
			return s.errorf("more than %d parameters", MaxTensors)
		}
		if r.Parameters == nil {
			r.Parameters = map[string]any{}
		}
		r.Parameters[key] = value
		return nil
	})
}

// anyNumber reads a number as int64 if it is whole, and else as float64.
func (s *scanner) anyNumber() (any, error) {
	token, err := s.number()
	if err != nil {
		return nil, err
	}
	if n, err := strconv.ParseInt(string(token), 10, 64); err == nil {
		return n, nil
	}
	f, err := strconv.ParseFloat(string(token), 64)
	if err != nil {
		return nil, s.errorf("%.40s is beyond float64", token)
	}
	return f, nil
}

// finish reads the bytes behind the JSON and checks every input.
func (r *Request) finish(tail []byte) error {
	if len(r.Inputs) == 0 {
		return errors.New("the request has no inputs")
	}
	for i := range r.Outputs {
		if out := &r.Outputs[i]; !out.said {
			out.Binary = r.Binary
		}
	}
	for i := range r.Inputs {
		in := &r.Inputs[i]
		size, err := in.check()
		if err != nil {
			return fmt.Errorf("input %q: %w", in.Name, err)
		}
		if in.binarySize < 0 {
			continue
		}
		if in.binarySize > int64(len(tail)) {
			return fmt.Errorf("input %q: binary_data_size is %d, but %d bytes are left of the body", in.Name, in.binarySize, len(tail))
		}
		if err := in.decode(tail[:in.binarySize]); err != nil {
			return fmt.Errorf("input %q: %w", in.Name, err)
		}
		tail = tail[in.binarySize:]
		if int64(len(in.Data)) != size {
			return fmt.Errorf("input %q: binary_data_size is %d, want %d for %d values of %s", in.Name, in.binarySize,
				size*elementSize(in.Datatype), size, in.Datatype)
		}
	}
	if len(tail) > 0 {
		return fmt.Errorf("%d bytes are left of the body behind the last tensor", len(tail))
	}
	return nil
}

// SetBytes makes little-endian bytes the data of an input that has datatype and
// shape. It refuses what does not go together.
func (in *Input) SetBytes(raw []byte) error {
	if elementSize(in.Datatype) == 0 {
		return errDatatype(in.Datatype)
	}
	if err := in.decode(raw); err != nil {
		return err
	}
	return in.Check()
}

// Check refuses a shape that does not go with the data, a datatype that no input
// can have, and data that is not finite.
func (in *Input) Check() error {
	in.binarySize, in.axes = -1, append(in.axes[:0], len(in.Data))
	if len(in.Shape) > MaxAxes {
		return fmt.Errorf("a shape of %d axes, want at most %d", len(in.Shape), MaxAxes)
	}
	for _, n := range in.Shape {
		if n < 1 {
			return fmt.Errorf("a shape with an axis of %d, want at least 1", n)
		}
	}
	if _, err := in.check(); err != nil {
		return err
	}
	return CheckFinite(in.Data)
}

var errMixed = errors.New("data mixes numbers and arrays")

func errDatatype(got string) error {
	return fmt.Errorf("datatype is %q, want FP32, FP64 or FP16", got)
}

// check refuses shapes that do not go with the data, and returns how many values
// the shape has.
func (in *Input) check() (size int64, err error) {
	if elementSize(in.Datatype) == 0 {
		return 0, errDatatype(in.Datatype)
	}
	if len(in.Shape) == 0 {
		return 0, errors.New("it has no shape")
	}
	size = 1
	for _, n := range in.Shape {
		if n > math.MaxInt32/size {
			return 0, fmt.Errorf("shape %v has more than %d values", in.Shape, math.MaxInt32)
		}
		size *= n
	}
	if in.binarySize >= 0 {
		return size, nil
	}
	if int64(len(in.Data)) != size {
		return 0, fmt.Errorf("data has %d values, want %d for shape %v", len(in.Data), size, in.Shape)
	}
	nested := int64(1)
	for _, n := range in.axes {
		nested *= int64(n)
	}
	if nested != size {
		return 0, errMixed
	}
	return size, nil
}
