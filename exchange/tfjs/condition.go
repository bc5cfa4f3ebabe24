package tfjs

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"hourglass/exchange"
	"hourglass/nn"
	"hourglass/tensor"
)

// condition reads a layer that joins to the samples what is computed of labels.
func (r *reader) condition(join *vertex) error {
	if join.layer.Class != "Concatenate" {
		return errors.New("samples and labels meet here, want Concatenate")
	}
	if err := lastAxis(join.layer, len(r.shape)); err != nil {
		return err
	}
	table, classes, shape, err := r.tableOfLabels(join.from[1])
	if err != nil {
		return err
	}
	width := shape[len(shape)-1]
	want := r.shape.Clone()
	want[len(want)-1] = width
	if !shape.Equal(want) {
		return fmt.Errorf("joins values of shape %v, computed of labels, to samples of %v, want the same axes", shape, r.shape)
	}
	if slices.Equal(table, exchange.Identity(classes)) {
		return r.add(nn.Condition{Classes: classes}, join.path)
	}
	return r.add(nn.Condition{Classes: classes, Embedding: width}, join.path, table)
}

// tableOfLabels returns the embeddings that v is computed of, and its shape: an embedding at every
// position. Between an Embedding and v there may be layers that repeat it or change the axes.
func (r *reader) tableOfLabels(v *vertex) (table []float32, classes int, shape tensor.Shape, err error) {
	var ways []*vertex // from v back to the labels
	for n := v; len(n.from) > 0; n = n.from[0] {
		ways = append(ways, n)
		if len(n.from) > 1 {
			return nil, 0, nil, n.errorf("joins what is computed of labels, want one Embedding")
		}
	}
	slices.Reverse(ways)
	for i, n := range ways {
		var o options
		if err := json.Unmarshal(n.layer.Config, &o); err != nil {
			return nil, 0, nil, n.errorf("%w", err)
		}
		switch class := n.layer.Class; {
		case class == "Embedding" && i == 0:
			if table, err = r.param(n.name, "embeddings"); err != nil {
				return nil, 0, nil, n.errorf("%w", err)
			}
			classes, shape = o.InputDim, tensor.Shape{1, o.OutputDim}
		case class == "Flatten" && i > 0:
			shape = tensor.Shape{shape.Size()}
		case class == "RepeatVector" && i > 0:
			shape = append(tensor.Shape{o.Times}, shape...)
		case class == "Reshape" && i > 0:
			if tensor.Shape(o.Target).Size() != shape.Size() {
				return nil, 0, nil, n.errorf("target_shape is %v, want %d values", o.Target, shape.Size())
			}
			shape = tensor.Shape(o.Target)
		default:
			return nil, 0, nil, n.errorf("it is computed of labels, want an Embedding, and behind it Flatten, RepeatVector or Reshape")
		}
		if err := shape.Validate(); err != nil {
			return nil, 0, nil, n.errorf("%w", err)
		}
	}
	if len(shape) == 0 || classes < 1 || len(table)%classes != 0 || len(table)/classes != shape[len(shape)-1] {
		return nil, 0, nil, errors.New("what it joins of labels is not an embedding of one at every position")
	}
	return table, classes, shape, nil
}
