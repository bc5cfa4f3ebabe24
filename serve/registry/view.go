package registry

import (
	"fmt"

	"hourglass/serve/oip"
	"hourglass/tensor"
)

// Part is which of its networks a model answers with.
type Part string

const (
	Whole   Part = ""
	Encoder Part = "encode" // of the model NAME.encode
	Decoder Part = "decode" // of the model NAME.decode
)

// View is a model as a request names it: itself, or one of its parts.
type View struct {
	*Model
	Part Part
}

// Names of tensors.
const (
	InputName          = "input"
	CodesName          = "codes"
	ReconstructionName = "reconstruction"
	ScoreName          = "score"
	OutlierName        = "outlier"
)

// FullName is the name the view is asked for by.
func (v View) FullName() string {
	if v.Part == Whole {
		return v.Name
	}
	return v.Name + "." + string(v.Part)
}

// Metadata describes the view's tensors. Versions are all there are of the model.
func (v View) Metadata(versions []string) oip.ModelMetadata {
	describe := func(name, datatype string, sample tensor.Shape) oip.TensorMetadata {
		shape := []int64{-1}
		for _, n := range sample {
			shape = append(shape, int64(n))
		}
		return oip.TensorMetadata{Name: name, Datatype: datatype, Shape: shape}
	}
	in, code := v.Encoder().Input(), v.Encoder().Output()
	d := oip.ModelMetadata{Name: v.FullName(), Versions: versions, Platform: "hourglass"}
	if v.Part == Decoder {
		d.Inputs = []oip.TensorMetadata{describe(CodesName, oip.FP32, code)}
		d.Outputs = []oip.TensorMetadata{describe(ReconstructionName, oip.FP32, in)}
		return d
	}
	d.Inputs = []oip.TensorMetadata{describe(InputName, oip.FP32, in)}
	for _, name := range v.Outputs() {
		switch name {
		case CodesName:
			d.Outputs = append(d.Outputs, describe(name, oip.FP32, code))
		case ReconstructionName:
			d.Outputs = append(d.Outputs, describe(name, oip.FP32, in))
		case ScoreName:
			d.Outputs = append(d.Outputs, describe(name, oip.FP64, nil))
		case OutlierName:
			d.Outputs = append(d.Outputs, describe(name, oip.Bool, nil))
		}
	}
	return d
}

// Outputs lists the names of what can be asked for.
func (v View) Outputs() []string {
	switch v.Part {
	case Encoder:
		return []string{CodesName}
	case Decoder:
		return []string{ReconstructionName}
	}
	names := []string{CodesName, ReconstructionName, ScoreName}
	if _, err := v.Threshold(1); err == nil {
		names = append(names, OutlierName)
	}
	return names
}

// ErrOutput says why a view has no output of a name.
func (v View) ErrOutput(name string) error {
	if name == OutlierName && v.Part == Whole {
		return fmt.Errorf("model %q has no output %q: it has not learned the scores of its training data", v.FullName(), name)
	}
	return fmt.Errorf("model %q has no output %.40q, want some of %q", v.FullName(), name, v.Outputs())
}
