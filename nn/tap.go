package nn

import (
	"fmt"

	"hourglass/tensor"
)

// Tap remembers its input, which it hands on unchanged, under a name, for a [Join]
// further on. A Tap in the encoder and a Join in the decoder are a skip around the
// code (Ronneberger et al. 2015): such an autoencoder is trained, encodes and
// reconstructs, but its decoder alone is incomplete.
type Tap struct {
	Name string `json:"name"` // of its own in the network: a letter, then letters, digits, _ and -
}

// Join merges its input with what the [Tap] of a name in front of it remembers: the
// input first, or with TappedFirst behind it, which matters where they are concatenated
// (torch.cat([skip, x], 1)).
type Join struct {
	Name        string `json:"name"`            // of the Tap
	Merge       Merge  `json:"merge,omitempty"` // Concatenate by default
	TappedFirst bool   `json:"tapped_first,omitempty"`
}

var (
	_ Composite = Tap{}
	_ Composite = Join{}
)

// Bind refuses: only a network knows its taps.
func (l Tap) Bind(tensor.Shape) (Stage, error) { return RefuseBind(l) }

// Expand accepts every shape.
func (l Tap) Expand(b *Builder, in Value) (Value, error) { return in, b.Tap(l.Name, in) }

// Bind refuses: only a network knows its taps.
func (l Join) Bind(tensor.Shape) (Stage, error) { return RefuseBind(l) }

// Expand accepts shapes that the merge accepts beside the tapped one.
func (l Join) Expand(b *Builder, in Value) (Value, error) {
	if err := checkName(l.Name); err != nil {
		return 0, err
	}
	tapped, err := b.Tapped(l.Name)
	if err != nil {
		return 0, err
	}
	first, second := in, tapped
	if l.TappedFirst {
		first, second = tapped, in
	}
	out, err := b.Merge(l.Merge, first, second)
	if err != nil {
		return 0, fmt.Errorf("tap %q: %w", l.Name, err)
	}
	return out, nil
}
