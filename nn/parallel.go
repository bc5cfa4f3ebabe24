package nn

import (
	"fmt"

	"hourglass/tensor"
)

// Parallel gives its input to several branches, lists of layers, and merges what
// they make. A branch without layers hands the input on, so that
//
//	nn.Parallel{Branches: []nn.Layers{{}, {down, …, up}}}
//
// is a skip around a stretch of layers, as in a U-Net. For one from the encoder to the
// decoder see [Tap]. The arrays of the first branch are called "branches.0.0.kernel".
type Parallel struct {
	Branches []Layers `json:"branches"`        // at least 2
	Merge    Merge    `json:"merge,omitempty"` // of what they make; Concatenate by default
}

var _ Composite = Parallel{}

// Bind refuses: a network expands the layer.
func (l Parallel) Bind(tensor.Shape) (Stage, error) { return RefuseBind(l) }

// Expand accepts what all branches accept.
func (l Parallel) Expand(b *Builder, in Value) (Value, error) {
	if len(l.Branches) < 2 {
		return 0, fmt.Errorf("branches is %d lists of layers, want at least 2", len(l.Branches))
	}
	made := make([]Value, len(l.Branches))
	for i, branch := range l.Branches {
		var err error
		if made[i], err = b.AddAll(fmt.Sprintf("branches.%d", i), branch, in); err != nil {
			return 0, err
		}
	}
	return b.Merge(l.Merge, made...)
}
