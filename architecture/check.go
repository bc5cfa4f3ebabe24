package architecture

import (
	"errors"
	"slices"
	"strings"

	"hourglass/internal/suggest"
	"hourglass/nn"
	"hourglass/tensor"
)

// probes are shapes of one to four axes with nothing in common.
var probes = []tensor.Shape{{7}, {5, 7}, {3, 5, 7}, {2, 3, 5, 7}}

// checkRange reports an argument that is out of range whatever the samples are: one
// of which the layer says the same for shapes that have nothing in common.
func (p *parser) checkRange(l placedLayer) error {
	var first error
	for _, shape := range probes {
		_, err := nn.OutputShape(shape, l.layer)
		var refused *nn.BindError
		if errors.As(err, &refused) {
			err = refused.Err
		}
		if err == nil || first != nil && err.Error() != first.Error() {
			return nil
		}
		first = err
	}
	// Without the name of an option it may be about the shape all the same.
	i := l.blamed(first)
	if i < 0 {
		return nil
	}
	return p.errorAt(l.place(i), "%s: %v", l.spec.name, first)
}

// blamed returns the field that an error of the layer begins with, or -1.
func (l placedLayer) blamed(err error) int {
	subject, _, ok := strings.Cut(err.Error(), " is ")
	if !ok || suggest.Fold(subject) == "" {
		return -1
	}
	if i := l.spec.index(subject); i >= 0 {
		return i
	}
	// "stride is 0" is about strides, "kernel is 0" about kernel_size.
	subject = suggest.Fold(subject)
	return slices.IndexFunc(l.spec.fields, func(f field) bool {
		return strings.HasPrefix(suggest.Fold(f.name), subject) || strings.HasPrefix(suggest.Fold(f.goName), subject)
	})
}

// place returns where field i is set, or the layer's name.
func (l placedLayer) place(i int) span {
	if at, ok := l.values[i]; ok {
		return at
	}
	return l.name
}

// bind binds all layers to samples of shape input, or of the shape that the text
// states, and puts that shape in front of the encoder.
func (p *parser) bind(input tensor.Shape) error {
	if err := input.Validate(); err != nil {
		return p.errorAt(span{}, "samples: %s", strings.TrimPrefix(err.Error(), "tensor: "))
	}
	stated, ok := p.encoder[0].layer.(nn.Input)
	if ok {
		at := p.encoder[0].place(0)
		if err := tensor.Shape(stated).Validate(); err != nil || len(stated) == 0 {
			return p.errorAt(at, "input is %v, want a shape such as 28x28 of positive numbers and reasonable size", tensor.Shape(stated))
		}
		if input != nil && !input.Equal(tensor.Shape(stated)) {
			return p.errorAt(at, "input is %v, but the samples are %v", tensor.Shape(stated), input)
		}
		input = tensor.Shape(stated)
	}
	if input == nil {
		return nil
	}
	if err := p.chain(input); err != nil {
		return err
	}
	if !ok {
		first := placedLayer{layer: nn.Input(input.Clone()), name: span{}}
		p.encoder = append(placedLayers{first}, p.encoder...)
	}
	return nil
}

// chain binds one layer after another to what the one before makes of samples of
// shape input.
func (p *parser) chain(input tensor.Shape) error {
	all := append(slices.Clone(p.encoder), p.decoder...)
	shape, err := nn.OutputShape(input, all.layers()...)
	var refused *nn.BindError
	switch {
	case errors.As(err, &refused):
		return p.misfit(all[refused.Layer], refused.Err)
	case err != nil:
		return p.errorAt(span{}, "samples: %v", err)
	}
	last := all[len(all)-1]
	if shape.Size() != input.Size() {
		return p.errorAt(last.name, "the decoder ends with %s in samples of shape %v, want %d values as in the input of shape %v",
			last.spec.name, shape, input.Size(), input)
	}
	return nil
}

// misfit reports a layer that cannot be bound.
func (p *parser) misfit(l placedLayer, err error) error {
	at := l.name
	if i := l.blamed(err); i >= 0 {
		at = l.place(i)
	} else if len(l.spec.fields) == 1 && l.spec.fields[0].value.kind != layerValue {
		at = l.place(0)
	}
	return p.errorAt(at, "%s: %s", l.spec.name, strings.TrimPrefix(err.Error(), "tensor: "))
}
