package onnx

import (
	"fmt"

	"hourglass/exchange"
	"hourglass/nn"
	"hourglass/tensor"
)

// list writes layers, one after another, and stores what comes out as the layers see it.
func (g *graph) list(b exchange.Block, name string, layers []nn.Layer, v value) (value, error) {
	blocks, err := b.List(name, layers, b.In)
	if err != nil {
		return v, err
	}
	for _, inner := range blocks {
		if v, err = g.layer(inner, v); err != nil {
			return v, err
		}
	}
	return v, nil
}

// fork returns a value that is read more than once: images with their channels first, which
// most layers want, so that it is not done for each reader.
func (g *graph) fork(b exchange.Block, v value) value {
	if v.made = nil; len(b.In) == 3 {
		v = g.arrange(v, imagesFirst...)
	}
	return v
}

// join writes a sum, product or concatenation of values that show samples of a shape.
func (g *graph) join(merge nn.Merge, out tensor.Shape, values ...value) value {
	order := channelsFirst(out)
	if len(out) != 3 {
		order = nil // as they are; only images are usually stored otherwise
		for i := range len(out) + 1 {
			order = append(order, i)
		}
	}
	names := make([]string, len(values))
	for i, v := range values {
		v.made = nil // its order is that of the others
		names[i] = g.arrange(v, order...).name
	}
	if merge == nn.Concatenate {
		axis := 0
		for i, a := range order {
			if a == len(out) {
				axis = i
			}
		}
		return storedValue(g.node("Concat", names, attrInt("axis", axis)), out, order...)
	}
	name := names[0]
	for _, other := range names[1:] {
		name = g.node(map[nn.Merge]string{nn.Add: "Add", nn.Multiply: "Mul"}[merge], []string{name, other})
	}
	return storedValue(name, out, order...)
}

func writeResidual(g *graph, b exchange.Block, v value) (value, error) {
	l := b.Layer.(nn.Residual)
	v = g.fork(b, v)
	made, err := g.list(b, "layers", l.Layers, v)
	if err != nil {
		return v, err
	}
	kept, err := g.list(b, "projection", l.Projection, v)
	if err != nil {
		return v, err
	}
	return g.function(g.join(nn.Add, b.Out, kept, made), b, l.Activation)
}

func writeParallel(g *graph, b exchange.Block, v value) (value, error) {
	l := b.Layer.(nn.Parallel)
	v = g.fork(b, v)
	var made []value
	for i, branch := range l.Branches {
		y, err := g.list(b, fmt.Sprintf("branches.%d", i), branch, v)
		if err != nil {
			return v, err
		}
		made = append(made, y)
	}
	return g.join(l.Merge, b.Out, made...), nil
}

func writeTap(g *graph, b exchange.Block, v value) (value, error) {
	v = g.fork(b, v)
	g.taps[b.Layer.(nn.Tap).Name] = v
	return v, nil
}

func writeJoin(g *graph, b exchange.Block, v value) (value, error) {
	l := b.Layer.(nn.Join)
	tapped, ok := g.taps[l.Name]
	if !ok {
		return v, b.Errorf("there is no tap %q in what is written", l.Name)
	}
	if l.TappedFirst {
		v, tapped = tapped, v
	}
	return g.join(l.Merge, b.Out, v, tapped), nil
}

func writeNamed(g *graph, b exchange.Block, v value) (value, error) {
	inner, err := b.Named(b.Layer.(nn.Named))
	if err != nil {
		return v, err
	}
	return g.layer(inner, v)
}

func writeFrozen(g *graph, b exchange.Block, v value) (value, error) {
	inner, err := b.Inner(b.Layer.(nn.Frozen).Layer, b.In, "")
	if err != nil {
		return v, err
	}
	return g.layer(inner, v)
}

// writeContractive writes the layers, which is all that it is but in training.
func writeContractive(g *graph, b exchange.Block, v value) (value, error) {
	return g.list(b, "layers", b.Layer.(nn.Contractive).Layers, v)
}

func writeRegularized(g *graph, b exchange.Block, v value) (value, error) {
	inner, err := b.Inner(b.Layer.(nn.Regularized).Layer, b.In, "")
	if err != nil {
		return v, err
	}
	return g.layer(inner, v)
}
