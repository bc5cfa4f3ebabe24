package onnx

import (
	"fmt"
	"math"
	"slices"

	"hourglass/exchange"
	"hourglass/nn"
	"hourglass/tensor"
)

// unfold puts the layers of residual blocks around the smallest values into the list itself, where it
// can be cut between them: what goes into the block is tapped, and added behind its last layer.
func (s *stream) unfold() error {
	for !slices.ContainsFunc(s.items, func(it item) bool { return named(it, "dec") }) { // where names tell, they do
		_, i, err := smallest(s.items, s.input)
		if i < 0 || err != nil {
			return err
		}
		s.m.skips++
		name, it := fmt.Sprintf("skip%d", s.m.skips), s.items[i]
		list := slices.Concat([]item{{layer: nn.Tap{Name: name}, node: it.node}}, it.inside,
			[]item{{layer: nn.Join{Name: name, Merge: nn.Add}, node: it.node}})
		if fn := it.layer.(nn.Residual).Activation; fn != nn.Linear {
			list = append(list, item{layer: nn.Activation{Func: fn}, node: it.node})
		}
		s.items = slices.Concat(s.items[:i], list, s.items[i+1:])
	}
	return nil
}

// smallest returns the least number of values that stand between two layers of a list, or of a block
// in it, which is the one at the index; -1 where it is the list itself.
func smallest(items []item, shape tensor.Shape) (least, at int, err error) {
	least, at = math.MaxInt, -1
	scope := &exchange.Scope{}
	for i, it := range items {
		if within, _, err := smallest(it.inside, shape); err != nil {
			return 0, -1, err
		} else if within < least {
			least, at = within, i
		}
		if shape, err = scope.Output(it.layer, shape); err != nil {
			return 0, -1, err
		}
		if i < len(items)-1 && shape.Size() <= least {
			least, at = shape.Size(), -1
		}
	}
	return least, at, nil
}
