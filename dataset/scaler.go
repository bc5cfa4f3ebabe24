package dataset

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"hourglass/tensor"
)

// Scaling is how values are brought into the range that networks learn in.
type Scaling string

// The kinds of scaling.
const (
	// NoScaling leaves values as they are.
	NoScaling Scaling = "none"
	// UnitScaling divides every value by the same number, so that values become -1
	// to 1, and those of images 0 to 1: by the largest that the elements' type can
	// hold where that is a byte or an unsigned integer of 16 bits and the training
	// data reach above half of it, as photographs do; otherwise by the largest
	// absolute value in the training data. See [UnitDivisor].
	UnitScaling Scaling = "unit"
	// StandardScaling brings each element of a sample to mean 0 and standard
	// deviation 1 (over n, not n-1) in the training data.
	StandardScaling Scaling = "standard"
	// MinMaxScaling brings each element of a sample to 0 to 1 in the training data.
	MinMaxScaling Scaling = "minmax"
)

// Scalings lists the kinds of scaling.
func Scalings() []Scaling {
	return []Scaling{UnitScaling, StandardScaling, MinMaxScaling, NoScaling}
}

// Scaler scales samples, (x - offset) / scale for each element, and undoes it,
// x·scale + offset. [FitScaler] learns offset and scale from training data; both
// are kept with a model, as JSON, so that all data later is treated alike.
//
// Statistics are computed in float64, values in float32. An element that is
// constant in the training data becomes 0, its scale being 1. Data other than
// the training data may leave the range.
type Scaler struct {
	Kind Scaling `json:"kind"`
	// Offset and Scale have a number for each element of a sample; but there is
	// one Scale for all and no Offset for UnitScaling, and none for NoScaling.
	Offset []float32 `json:"offset,omitempty"`
	Scale  []float32 `json:"scale,omitempty"`
}

// UnitDivisor is what [UnitScaling] divides by: the largest value of the elements'
// type ([Data.Largest], 0 for a type without one) if the largest observed is above
// half of it, and else the observed. So bytes are divided by 255 if one is above 127,
// but digits drawn in 17 shades by 16, masks of 0 and 1 by 1, and 12 bits in
// unsigned integers of 16 by up to 4095.
func UnitDivisor(typeLargest, observed float32) float32 {
	if observed > typeLargest/2 && typeLargest > 0 {
		return typeLargest
	}
	return observed
}

// FitScaler learns scaling of that kind from all samples of source. Largest is
// that of the elements' type, for [UnitScaling]; 0 if it has none.
//
// It reads source once, whatever the kind unless all values come from bytes, and
// refuses NaN and infinity by sample and element, and elements whose range is
// beyond float32. The error wraps ctx's where ctx ended.
func FitScaler(ctx context.Context, kind Scaling, source Source, largest float32) (*Scaler, error) {
	return fitScaler(ctx, kind, source, largest, source.Sample().Size())
}

// FitStepScaler is FitScaler for series, samples of steps×features: what is learned of a
// feature is learned from all steps, and the same for all of them.
func FitStepScaler(ctx context.Context, kind Scaling, source Source, largest float32) (*Scaler, error) {
	shape := source.Sample()
	if len(shape) != 2 {
		return nil, fmt.Errorf("dataset: scale %s: samples of shape %v, want steps×features", kind, shape)
	}
	s, err := fitScaler(ctx, kind, source, largest, shape[1])
	if err == nil && len(s.Offset) > 0 {
		s.Offset, s.Scale = slices.Repeat(s.Offset, shape[0]), slices.Repeat(s.Scale, shape[0])
	}
	return s, err
}

// fitScaler learns from samples as rows of so many values.
func fitScaler(ctx context.Context, kind Scaling, source Source, largest float32, row int) (*Scaler, error) {
	if !slices.Contains(Scalings(), kind) {
		return nil, fmt.Errorf("dataset: scale: kind %q, want one of %q", kind, Scalings())
	}
	if source.Len() < 1 {
		return nil, fmt.Errorf("dataset: scale %s: no samples to learn it from", kind)
	}
	if !finite(largest) || largest < 0 {
		return nil, fmt.Errorf("dataset: scale %s: a largest value of %v, want a finite number from 0", kind, largest)
	}
	if ofBytes(source) && (kind == NoScaling || kind == UnitScaling && aboveHalf(source, largest)) {
		return &Scaler{Kind: kind, Scale: unitScale(kind, largest)}, nil // no more to learn, nothing to refuse
	}
	stats, err := measure(ctx, source, row)
	if err != nil {
		return nil, fmt.Errorf("dataset: scale %s: %w", kind, err)
	}
	return stats.scaler(kind, largest), nil
}

// ofBytes reports whether samples come from bytes, so that all are finite.
func ofBytes(source Source) bool {
	switch s := source.(type) {
	case *Images:
		return true
	case *subset:
		return ofBytes(s.source)
	}
	return false
}

// aboveHalf reports whether a byte of images is above half of the largest, which as a
// rule the first image shows.
func aboveHalf(source Source, largest float32) bool {
	if largest == 0 {
		return false
	}
	x, index := make([]float32, source.Sample().Size()), make([]int, 1)
	for index[0] = range source.Len() {
		if err := source.Read(x, index); err == nil && slices.Max(x) > largest/2 {
			return true
		}
	}
	return false
}

// unitScale is the one scale of UnitScaling; none of NoScaling.
func unitScale(kind Scaling, by float32) []float32 {
	if kind == NoScaling {
		return nil
	}
	return []float32{divisor(float64(by))}
}

// scaler returns the scaling of that kind for data of these statistics.
func (s *statistics) scaler(kind Scaling, largest float32) *Scaler {
	out := &Scaler{Kind: kind}
	switch kind {
	case UnitScaling:
		out.Scale = unitScale(kind, UnitDivisor(largest, s.largest()))
	case StandardScaling, MinMaxScaling:
		out.Offset, out.Scale = make([]float32, len(s.mean)), make([]float32, len(s.mean))
		for i := range s.mean {
			out.Offset[i], out.Scale[i] = s.factors(kind, i)
		}
	}
	return out
}

// factors returns offset and scale of element i.
func (s *statistics) factors(kind Scaling, i int) (offset, scale float32) {
	switch {
	case s.low[i] == s.high[i]: // rounding would give it a deviation
		return s.low[i], 1
	case kind == StandardScaling:
		return float32(s.mean[i]), divisor(s.deviation(i))
	}
	return s.low[i], divisor(float64(s.high[i]) - float64(s.low[i]))
}

// divisor rounds a scale to float32; what becomes 0 is replaced by 1.
func divisor(scale float64) float32 {
	if v := float32(scale); v != 0 {
		return v
	}
	return 1
}

func finite(v float32) bool { return v-v == 0 }

// Validate reports a scaler that does not fit samples of so many elements, or
// that no FitScaler made.
func (s *Scaler) Validate(elements int) error {
	if err := s.validate(); err != nil {
		return fmt.Errorf("dataset: %w", err)
	}
	if len(s.Offset) > 0 && len(s.Offset) != elements {
		return fmt.Errorf("dataset: scaler %s: for samples of %d elements, want %d", s.Kind, len(s.Offset), elements)
	}
	return nil
}

func (s *Scaler) validate() error {
	wrong := false
	switch s.Kind {
	case NoScaling:
		wrong = len(s.Offset)+len(s.Scale) > 0
	case UnitScaling:
		wrong = len(s.Offset) != 0 || len(s.Scale) != 1
	case StandardScaling, MinMaxScaling:
		wrong = len(s.Offset) == 0 || len(s.Scale) != len(s.Offset)
	default:
		return fmt.Errorf("scaler: kind %.40q, want one of %q", s.Kind, Scalings())
	}
	if wrong {
		return fmt.Errorf("scaler %s: %d offsets and %d scales do not make one", s.Kind, len(s.Offset), len(s.Scale))
	}
	for i, v := range s.Scale {
		if !finite(v) || v <= 0 {
			return fmt.Errorf("scaler %s: scale %d is %v, want a finite number above 0", s.Kind, i, v)
		}
	}
	for i, v := range s.Offset {
		if !finite(v) {
			return fmt.Errorf("scaler %s: offset %d is %v, want a finite number", s.Kind, i, v)
		}
	}
	return nil
}

// UnmarshalJSON reads a scaler and refuses one that is not valid.
func (s *Scaler) UnmarshalJSON(text []byte) error {
	type plain Scaler // without this method
	var read plain
	if err := json.Unmarshal(text, &read); err != nil {
		return fmt.Errorf("dataset: scaler: %w", err)
	}
	if err := (*Scaler)(&read).validate(); err != nil {
		return fmt.Errorf("dataset: %w", err)
	}
	*s = Scaler(read)
	return nil
}

// Apply scales samples, one or several one after another, in place.
func (s *Scaler) Apply(rows []float32) {
	s.each(rows, func(row, offset, scale []float32) {
		for i, v := range row {
			row[i] = (v - offset[i]) / scale[i]
		}
	}, func(row []float32, scale float32) {
		for i, v := range row {
			row[i] = v / scale
		}
	})
}

// Undo brings scaled samples, one or several one after another, back in place.
func (s *Scaler) Undo(rows []float32) {
	s.each(rows, func(row, offset, scale []float32) {
		for i, v := range row {
			row[i] = float32(v*scale[i]) + offset[i]
		}
	}, func(row []float32, scale float32) {
		for i, v := range row {
			row[i] = v * scale
		}
	})
}

// each calls one of two functions: vectors for each sample, with offset and scale
// of each element, or single for all values at once where they share a scale.
func (s *Scaler) each(rows []float32, vectors func(row, offset, scale []float32), single func(row []float32, scale float32)) {
	switch {
	case len(s.Scale) == 0:
	case len(s.Offset) == 0:
		single(rows, s.Scale[0])
	default:
		for n := len(s.Offset); len(rows) > 0; rows = rows[min(n, len(rows)):] {
			vectors(rows[:min(n, len(rows))], s.Offset, s.Scale)
		}
	}
}

// Scaled returns the samples of source scaled, as a [Source] that is safe for
// concurrent use and allocates nothing as it reads. Bytes of images keep their
// quick way through a table where one scale serves all. The scaler must not be
// changed afterwards; one that does not fit the samples is an error.
func Scaled(source Source, s *Scaler) (Source, error) {
	if err := s.Validate(source.Sample().Size()); err != nil {
		return nil, err
	}
	if s.Kind == NoScaling {
		return source, nil
	}
	switch source := source.(type) {
	case *Images:
		if s.Kind == UnitScaling {
			return source.scaled(s), nil
		}
	case *withFace:
		return source.scaled(s)
	case *augmented:
		return source.scaled(s)
	case *subset:
		inner, err := Scaled(source.source, s)
		return &subset{inner, source.indices}, err
	}
	return &scaled{source, s}, nil
}

// scaled applies a scaler to what the bytes of images are worth.
func (d *Images) scaled(s *Scaler) *Images {
	values := d.values
	if values == nil {
		values = unitValues
	}
	scaled := *values
	s.Apply(scaled[:])
	return d.valued(&scaled)
}

type scaled struct {
	source Source
	scaler *Scaler
}

func (s *scaled) Len() int             { return s.source.Len() }
func (s *scaled) Sample() tensor.Shape { return s.source.Sample() }

func (s *scaled) Read(dst []float32, indices []int) error {
	if err := s.source.Read(dst, indices); err != nil {
		return err
	}
	s.scaler.Apply(dst[:len(indices)*s.Sample().Size()])
	return nil
}

// ReadEpoch scales as Read does.
func (s *scaled) ReadEpoch(dst []float32, indices []int, e Epoch) error {
	if err := ReadEpoch(s.source, dst, indices, e); err != nil {
		return err
	}
	s.scaler.Apply(dst[:len(indices)*s.Sample().Size()])
	return nil
}

func (s *scaled) Variation() string { return VariationOf(s.source) }

// Face returns that of the samples. Targets are samples too, and scaled like them.
func (s *scaled) Face(f Face) Source {
	face := FaceOf(s.source, f)
	if f == Targets && face != nil && face.Sample().Size() == s.Sample().Size() {
		return &scaled{face, s.scaler}
	}
	return face
}

func (s *scaled) Window() (buffer, block int) { return windowOf(s.source) }
