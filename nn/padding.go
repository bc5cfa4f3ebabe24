package nn

import (
	"fmt"
	"slices"
)

// Padding says what happens at the borders of an image or a sequence.
type Padding uint8

const (
	// Valid uses only windows that lie inside the input.
	Valid Padding = iota
	// Same surrounds the input with zeros so that n positions become ⌈n/stride⌉, or
	// n·stride in a transposed convolution. The odd one goes behind.
	Same
	// Causal surrounds a sequence with zeros in front only, so that no step sees a later
	// one and n steps become ⌈n/stride⌉. It is for Conv1D and SeparableConv1D.
	Causal
)

var paddingNames = []string{"valid", "same", "causal"}

// String returns Keras' name of the padding.
func (p Padding) String() string {
	if int(p) >= len(paddingNames) {
		return fmt.Sprintf("Padding(%d)", p)
	}
	return paddingNames[p]
}

// MarshalText writes Keras' name of the padding.
func (p Padding) MarshalText() ([]byte, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	return []byte(p.String()), nil
}

// UnmarshalText reads Keras' name of a padding.
func (p *Padding) UnmarshalText(text []byte) error {
	i := slices.Index(paddingNames, string(text))
	if i < 0 {
		return fmt.Errorf("unknown padding %q, want one of %v", text, paddingNames)
	}
	*p = Padding(i)
	return nil
}

func (p Padding) validate() error {
	if int(p) >= len(paddingNames) {
		return fmt.Errorf("unknown padding %d, want one of %v", p, paddingNames)
	}
	return nil
}

// validateImage reports a padding that images cannot have.
func (p Padding) validateImage() error {
	if p == Causal {
		return fmt.Errorf("padding is causal, want valid or same: only Conv1D and SeparableConv1D know earlier and later")
	}
	return p.validate()
}
