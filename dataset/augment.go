package dataset

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"

	"hourglass/internal/kernel"
	"hourglass/internal/portable"
	"hourglass/tensor"
)

// Augmentation says how the samples of training data vary from epoch to epoch, as
// [Augment] makes them. The zero value is not at all.
type Augmentation struct {
	Shift  int     // images move by up to so many pixels in each direction
	Rotate float64 // and turn by up to so many degrees either way
	Flip   bool    // every other one is mirrored left to right
	Noise  float64 // deviation of the normal noise added to each value
}

// String writes it as ParseAugmentation reads it: "shift=2,rotate=10,flip,noise=0.1".
func (a Augmentation) String() string {
	var words []string
	if a.Shift != 0 {
		words = append(words, fmt.Sprintf("shift=%d", a.Shift))
	}
	if a.Rotate != 0 {
		words = append(words, fmt.Sprintf("rotate=%v", a.Rotate))
	}
	if a.Flip {
		words = append(words, "flip")
	}
	if a.Noise != 0 {
		words = append(words, fmt.Sprintf("noise=%v", a.Noise))
	}
	return strings.Join(words, ",")
}

// ParseAugmentation reads what String writes, in any order.
func ParseAugmentation(text string) (a Augmentation, err error) {
	seen := map[string]bool{}
	for word := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(word), "=")
		switch name {
		case "shift":
			a.Shift, err = strconv.Atoi(value)
		case "rotate":
			a.Rotate, err = strconv.ParseFloat(value, 64)
		case "noise":
			a.Noise, err = strconv.ParseFloat(value, 64)
		case "flip":
			a.Flip = value == ""
		}
		if err != nil || seen[name] || !a.has(name) {
			return Augmentation{}, fmt.Errorf("dataset: augmentation %q, want some of shift=PIXELS, rotate=DEGREES, flip and noise=DEVIATION, once each, separated by commas", text)
		}
		seen[name] = true
	}
	return a, a.validate()
}

// has reports whether something of that name is asked for.
func (a Augmentation) has(name string) bool {
	switch name {
	case "shift":
		return a.Shift != 0
	case "rotate":
		return a.Rotate != 0
	case "flip":
		return a.Flip
	case "noise":
		return a.Noise != 0
	}
	return false
}

func (a Augmentation) validate() error {
	switch {
	case a.Shift < 0 || a.Shift > 1<<15:
		return fmt.Errorf("dataset: augment: shift is %d pixels, want 0 to %d", a.Shift, 1<<15)
	case !(a.Rotate >= 0 && a.Rotate <= 180):
		return fmt.Errorf("dataset: augment: rotation is %v degrees, want 0 to 180", a.Rotate)
	case !(a.Noise >= 0 && a.Noise <= math.MaxFloat32):
		return fmt.Errorf("dataset: augment: noise has the deviation %v, want a finite number of at least 0", a.Noise)
	}
	return nil
}

// moves reports whether pixels move.
func (a Augmentation) moves() bool { return a.Shift > 0 || a.Rotate > 0 || a.Flip }

// Varied is a source whose samples are others in every epoch of a training. What a sample is
// in an epoch is a function of the run's seed, of the epoch and of the sample's number alone, so that
// steps can be taken again and runs go on. A source made of another hands both methods on:
//
//	func (s *halved) ReadEpoch(dst []float32, indices []int, e dataset.Epoch) error {
//		err := dataset.ReadEpoch(s.source, dst, indices, e)
//		…
//	}
//	func (s *halved) Variation() string { return dataset.VariationOf(s.source) }
//
// Read gives what samples are otherwise: in digests, and wherever nothing is trained.
type Varied interface {
	Source
	// ReadEpoch is Read for an epoch.
	ReadEpoch(dst []float32, indices []int, e Epoch) error
	// Variation says with all settings how samples vary; "" for not at all. A run that goes
	// on must have the same.
	Variation() string
}

// Epoch is an epoch of a training run.
type Epoch struct {
	Seed   uint64 // of the run
	Number uint64 // from 1
}

// ReadEpoch reads samples as they are in an epoch, which for most sources are the same
// in all.
func ReadEpoch(source Source, dst []float32, indices []int, e Epoch) error {
	if v, ok := source.(Varied); ok {
		return v.ReadEpoch(dst, indices, e)
	}
	return source.Read(dst, indices)
}

// VariationOf says how the samples of a source vary; "" for not at all.
func VariationOf(source Source) string {
	if v, ok := source.(Varied); ok {
		return v.Variation()
	}
	return ""
}

// Augment returns source with samples that vary from epoch to epoch (see [Varied]): each is
// mirrored, turned around its centre and moved by amounts drawn for it, all at once, between pixels
// in a straight line from one to the next (bilinear) and beyond the edge as at the edge. Noise is added to what a
// network is given, not to what is to become of it: with it the samples without noise are the
// targets. Targets that the source has go the same way as its samples; a source with a mask is
// refused, as are samples that are no images (height×width, or height×width×channels) where pixels
// are to move.
//
// A [Scaled] view of it varies the scaled samples, so Noise is in the units that a network
// works in. The numbers are drawn from Philox streams of (seed, epoch, sample).
func Augment(source Source, a Augmentation) (Source, error) {
	if err := a.validate(); err != nil {
		return nil, err
	}
	if a == (Augmentation{}) {
		return source, nil
	}
	shape := source.Sample()
	switch {
	case a.moves() && len(shape) != 2 && len(shape) != 3:
		return nil, fmt.Errorf("dataset: augment: samples have shape %v, want images of height×width or height×width×channels for %v", shape, a)
	case FaceOf(source, Mask) != nil:
		return nil, fmt.Errorf("dataset: augment: the samples have a mask, which does not go with %v", a)
	}
	return newAugmented(source, a), nil
}

func newAugmented(source Source, a Augmentation) *augmented {
	size := source.Sample().Size()
	return &augmented{source, a, &sync.Pool{New: func() any { s := make([]float32, size); return &s }}}
}

// augmented is a source that varies.
type augmented struct {
	source Source
	Augmentation
	scratch *sync.Pool // of *[]float32, a sample each
}

var (
	_ Varied   = (*augmented)(nil)
	_ Faced    = (*augmented)(nil)
	_ Windowed = (*augmented)(nil)
)

func (s *augmented) Len() int                    { return s.source.Len() }
func (s *augmented) Sample() tensor.Shape        { return s.source.Sample() }
func (s *augmented) Window() (buffer, block int) { return windowOf(s.source) }

// Read gives the samples as they are.
func (s *augmented) Read(dst []float32, indices []int) error { return s.source.Read(dst, indices) }

// Variation writes the settings, and those of the source below.
func (s *augmented) Variation() string {
	return strings.Trim(VariationOf(s.source)+" "+s.String(), " ")
}

// Face returns that of the samples. What is to become of them goes the same way, without
// noise.
func (s *augmented) Face(f Face) Source {
	face := FaceOf(s.source, f)
	if f != Targets {
		return face
	}
	if face == nil {
		if s.Noise == 0 {
			return nil
		}
		face = s.source
	}
	still := s.Augmentation
	still.Noise = 0
	if still == (Augmentation{}) || !face.Sample().Equal(s.Sample()) {
		return face
	}
	return newAugmented(face, still)
}

// scaled scales the samples in front of what varies them.
func (s *augmented) scaled(by *Scaler) (Source, error) {
	inner, err := Scaled(s.source, by)
	if err != nil {
		return nil, err
	}
	return newAugmented(inner, s.Augmentation), nil
}

// The Philox streams of a sample: key is the seed, word 3 of the counter says what for.
const (
	streamMoves = 0xA065 << 16
	streamNoise = 0xA06F << 16
)

// ReadEpoch reads samples and varies each.
func (s *augmented) ReadEpoch(dst []float32, indices []int, e Epoch) error {
	if err := ReadEpoch(s.source, dst, indices, e); err != nil {
		return err
	}
	size := s.Sample().Size()
	key := kernel.Key{uint32(e.Seed), uint32(e.Seed >> 32)}
	scratch := s.scratch.Get().(*[]float32)
	defer s.scratch.Put(scratch)
	for i, index := range indices {
		x := dst[i*size : (i+1)*size]
		counter := kernel.Counter{0, uint32(index), uint32(e.Number), streamMoves}
		if s.moves() {
			s.move(x, *scratch, key, counter)
		}
		if s.Noise > 0 {
			counter[3] = streamNoise
			kernel.AddNormal(x, x, float32(s.Noise), key, counter)
		}
	}
	return nil
}

// move mirrors, turns and shifts an image by amounts drawn from a stream.
func (s *augmented) move(x, scratch []float32, key kernel.Key, counter kernel.Counter) {
	drawn := scratch[:min(4, len(scratch))]
	kernel.Uniform(drawn, key, counter)
	var u [4]float64 // of images of fewer than four values the rest is 0
	for i, v := range drawn {
		u[i] = float64(v)
	}
	m := imageMove{flip: s.Flip && u[0] >= 0.5,
		down: math.Floor(u[1]*float64(2*s.Shift+1)) - float64(s.Shift), right: math.Floor(u[2]*float64(2*s.Shift+1)) - float64(s.Shift)}
	m.cos = 1
	if s.Rotate > 0 {
		angle := (float64(2*u[3]) - 1) * s.Rotate * math.Pi / 180
		m.cos, m.sin = portable.Cos(math.Abs(angle)), math.Copysign(portable.Cos(math.Abs(math.Abs(angle)-math.Pi/2)), angle)
	}
	copy(scratch, x)
	shape := s.Sample()
	m.apply(x, scratch, shape[0], shape[1], len(x)/(shape[0]*shape[1]))
}

// imageMove is where the pixels of an image come from.
type imageMove struct {
	flip        bool
	down, right float64 // whole pixels
	cos, sin    float64 // of the angle
}

// apply sets the pixels of an image to what is at the place that they come from.
func (m *imageMove) apply(dst, src []float32, height, width, channels int) {
	cy, cx := float64(float64(height-1)/2), float64(float64(width-1)/2)
	for y := range height {
		for x := range width {
			dy, dx := float64(y)-cy-m.down, float64(x)-cx-m.right
			fromY := cy + float64(m.cos*dy) - float64(m.sin*dx)
			fromX := cx + float64(m.sin*dy) + float64(m.cos*dx)
			if m.flip {
				fromX = float64(width-1) - fromX
			}
			between(dst[(y*width+x)*channels:][:channels], src, fromY, fromX, height, width)
		}
	}
}

// between sets a pixel to what is at a place between pixels.
func between(dst, src []float32, y, x float64, height, width int) {
	y, x = min(max(y, 0), float64(height-1)), min(max(x, 0), float64(width-1))
	top, left := int(y), int(x)
	bottom, right := min(top+1, height-1), min(left+1, width-1)
	v, h := float32(y-float64(top)), float32(x-float64(left))
	channels := len(dst)
	for c := range dst {
		at := func(row, column int) float32 { return src[(row*width+column)*channels+c] }
		upper := at(top, left) + float32(h*(at(top, right)-at(top, left)))
		lower := at(bottom, left) + float32(h*(at(bottom, right)-at(bottom, left)))
		dst[c] = upper + float32(v*(lower-upper))
	}
}
