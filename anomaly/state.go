package anomaly

import (
	"encoding/json"
	"fmt"
	"slices"

	"hourglass/nn"
	"hourglass/tensor"
)

// state is what of a detector is no array.
type state struct {
	Values int `json:"values"` // of a sample
	Codes  int `json:"codes"`  // numbers in a code
	// Masked and Mixtures count the members of the ensembles.
	Masked   int `json:"masked,omitempty"`
	Mixtures int `json:"mixtures"`
	// Dependence is that of [Options]; older files have none.
	Dependence float64 `json:"dependence,omitempty"`
	Seen       bool    `json:"seen,omitempty"`
	// Local says that there is what [Local] needs; older files have nothing of it.
	Local bool `json:"local,omitempty"`
}

// The names of a detector's arrays.
const (
	centerName      = "center"
	deviationName   = "deviation"
	whiteningMean   = "whitening.mean"
	whiteningVar    = "whitening.variance"
	whiteningMatrix = "whitening.matrix"
	maskedWeights   = "masked.%d"
	maskedSpread    = "masked.spread"
	mixtureName     = "mixture.%d"
	neighborsName   = "neighbors"
	spacingName     = "neighbors.spacing"
	surpriseName    = "surprise.%s"
	heldOutName     = "held_out.%s"
)

// State returns what there is to keep of a detector, for [FromState]: JSON, and arrays
// that share its memory.
func (d *Detector) State() (json.RawMessage, []nn.Array, error) {
	text, err := json.Marshal(state{d.values, d.codes, len(d.masked), len(d.mixtures), d.dependence, d.seen, d.nearest.spacing != nil})
	if err != nil {
		return nil, nil, err
	}
	vector := func(name string, values []float32) nn.Array {
		return nn.Array{Name: name, Shape: tensor.Shape{len(values)}, Values: values}
	}
	arrays := []nn.Array{vector(centerName, d.center), vector(deviationName, d.deviation), vector(whiteningMean, d.whitening.mean), vector(whiteningVar, d.whitening.variance),
		{Name: whiteningMatrix, Shape: d.whitening.matrix.Shape, Values: d.whitening.matrix.Data},
		{Name: neighborsName, Shape: d.nearest.references.Shape, Values: d.nearest.references.Data}}
	if d.nearest.spacing != nil {
		arrays = append(arrays, vector(spacingName, d.nearest.spacing))
	}
	for i, net := range d.masked {
		arrays = append(arrays, vector(fmt.Sprintf(maskedWeights, i), net.network.Weights()))
	}
	if d.masked != nil {
		arrays = append(arrays, vector(maskedSpread, d.spread))
	}
	for i, m := range d.mixtures {
		arrays = append(arrays, mixtureArray(fmt.Sprintf(mixtureName, i), m))
	}
	for _, m := range d.parts() {
		arrays = append(arrays, vector(fmt.Sprintf(surpriseName, m), narrow(d.surprises[m].sorted)))
	}
	for _, m := range d.Methods() {
		arrays = append(arrays, vector(fmt.Sprintf(heldOutName, m), narrow(d.heldOut[m])))
	}
	return text, arrays, nil
}

// FromState returns the detector that [Detector.State] was of. What is no detector's is
// refused.
func FromState(text json.RawMessage, arrays []nn.Array) (*Detector, error) {
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return nil, fmt.Errorf("anomaly: read a detector: %w", err)
	}
	d, err := s.detector(arrays)
	if err != nil {
		return nil, fmt.Errorf("anomaly: read a detector: %w", err)
	}
	return d, nil
}

// stored are the arrays of a file.
type stored []nn.Array

// get returns an array of a shape, of which 0 stands for any length.
func (s stored) get(name string, shape ...int) (nn.Array, error) {
	i := slices.IndexFunc(s, func(a nn.Array) bool { return a.Name == name })
	if i < 0 {
		return nn.Array{}, fmt.Errorf("there is no array %q", name)
	}
	a := s[i]
	fits := len(a.Shape) == len(shape) && a.Shape.Validate() == nil && a.Shape.Size() == len(a.Values)
	for axis := range shape {
		fits = fits && (shape[axis] == 0 || a.Shape[axis] == shape[axis])
	}
	if !fits {
		return a, fmt.Errorf("array %q has shape %v, want %v (0 for any length)", name, a.Shape, tensor.Shape(shape))
	}
	for _, v := range a.Values {
		if v-v != 0 {
			return a, fmt.Errorf("array %q holds %v, want finite numbers", name, v)
		}
	}
	return a, nil
}

// positive is get for numbers above 0.
func (s stored) positive(name string, shape ...int) (nn.Array, error) {
	a, err := s.get(name, shape...)
	if err != nil {
		return a, err
	}
	if least := slices.Min(a.Values); !(least > 0) {
		return a, fmt.Errorf("array %q holds %v, want numbers above 0", name, least)
	}
	return a, nil
}

func (s state) detector(arrays stored) (*Detector, error) {
	if s.Values < 1 || s.Codes < 1 || !(s.Dependence >= 0 && s.Dependence < 1<<32) || s.Masked < 0 || s.Masked > members || s.Mixtures < 1 || s.Mixtures > members || s.Masked > 0 && s.Values > directValues {
		return nil, fmt.Errorf("a state of %+v makes none", s)
	}
	d := &Detector{dependence: max(s.Dependence, 1), seen: s.Seen, values: s.Values, codes: s.Codes, surprises: map[Method]*surprise{}, heldOut: map[Method][]float64{}}
	for _, read := range []func(state, stored) error{d.readWhitening, d.readMasked, d.readSpace, d.readScores} {
		if err := read(s, arrays); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *Detector) readWhitening(_ state, arrays stored) error {
	mean, err := arrays.get(whiteningMean, d.values)
	if err != nil {
		return err
	}
	variance, err := arrays.positive(whiteningVar, d.values)
	if err != nil {
		return err
	}
	matrix, err := arrays.get(whiteningMatrix, 0, d.values)
	if err != nil {
		return err
	}
	if rows := matrix.Shape[0]; rows != 1 && rows != d.values {
		return fmt.Errorf("array %q has %d rows, want 1 or %d", whiteningMatrix, rows, d.values)
	}
	d.whitening = &whitening{mean.Values, variance.Values, tensor.Tensor{Shape: matrix.Shape, Data: matrix.Values}}
	return nil
}

func (d *Detector) readMasked(s state, arrays stored) error {
	for i := range s.Masked {
		net, err := newMaskedNet(d.values)
		if err != nil {
			return err
		}
		weights, err := arrays.get(fmt.Sprintf(maskedWeights, i), len(net.network.Weights()))
		if err != nil {
			return err
		}
		copy(net.network.Weights(), weights.Values)
		d.masked = append(d.masked, net)
	}
	if s.Masked == 0 {
		return nil
	}
	spread, err := arrays.positive(maskedSpread, d.values)
	if err != nil {
		return err
	}
	d.spread = spread.Values
	return nil
}

func (d *Detector) readSpace(s state, arrays stored) error {
	size := d.codes
	if d.values <= directValues {
		size = d.values
	}
	center, err := arrays.get(centerName, size)
	if err != nil {
		return err
	}
	deviation, err := arrays.positive(deviationName, size)
	if err != nil {
		return err
	}
	d.center, d.deviation = center.Values, deviation.Values
	references, err := arrays.get(neighborsName, 0, size)
	if err != nil {
		return err
	}
	if d.nearest, err = newNearest(tensor.Tensor{Shape: references.Shape, Data: references.Values}, 0); err != nil {
		return err
	}
	if s.Local {
		spacing, err := arrays.positive(spacingName, references.Shape[0])
		if err != nil {
			return err
		}
		d.nearest.spacing = spacing.Values
	}
	for i := range s.Mixtures {
		array, err := arrays.get(fmt.Sprintf(mixtureName, i), 0, mixtureSize(size))
		if err != nil {
			return err
		}
		m, err := mixtureOf(array, size)
		if err != nil {
			return err
		}
		d.mixtures = append(d.mixtures, m)
	}
	return nil
}

func (d *Detector) readScores(_ state, arrays stored) error {
	sorted := func(name string) ([]float64, error) {
		a, err := arrays.get(name, 0)
		if err == nil && !slices.IsSorted(a.Values) {
			err = fmt.Errorf("array %q is not in ascending order", name)
		}
		return widen(a.Values), err
	}
	for _, m := range d.parts() {
		scores, err := sorted(fmt.Sprintf(surpriseName, m))
		if err != nil {
			return err
		}
		d.surprises[m] = newSurprise(scores)
	}
	for _, m := range d.Methods() {
		var err error
		if d.heldOut[m], err = sorted(fmt.Sprintf(heldOutName, m)); err != nil {
			return err
		}
	}
	return nil
}

func narrow(values []float64) []float32 {
	list := make([]float32, len(values))
	for i, v := range values {
		list[i] = float32(v)
	}
	return list
}

func widen(values []float32) []float64 {
	list := make([]float64, len(values))
	for i, v := range values {
		list[i] = float64(v)
	}
	return list
}

// kept sorts scores and rounds them as a file does.
func kept(scores []float64) []float64 { return slices.Sorted(slices.Values(widen(narrow(scores)))) }
