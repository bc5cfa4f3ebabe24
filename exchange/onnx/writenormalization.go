package onnx

import (
	"cmp"

	"hourglass/exchange"
	"hourglass/nn"
)

// writeBatchNormalization normalises with the running statistics, as at any time but in
// training.
func writeBatchNormalization(g *graph, b exchange.Block, v value) (value, error) {
	l := b.Layer.(nn.BatchNormalization)
	var places []int
	if len(b.In) == 1 {
		v, places = g.flat(v)
	} else {
		order := channelsFirst(b.In)
		v = g.arrange(v, order...)
	}
	inputs := []string{v.name}
	for _, name := range []string{"gamma", "beta", "moving_mean", "moving_variance"} {
		values := b.Param(name).Values
		if places != nil {
			values = spread(values, places, 1)
		}
		inputs = append(inputs, *g.floats(name, values, len(values)).Name)
	}
	v.name = g.node("BatchNormalization", inputs, attrFloat("epsilon", float32(cmp.Or(l.Epsilon, defaultEpsilon))),
		attrFloat("momentum", float32(cmp.Or(l.Momentum, defaultMomentum))))
	v.made = nil
	return v, nil
}

// What Keras, and nn, add to a variance and keep of running statistics by default.
const (
	defaultEpsilon  = 1e-3
	defaultMomentum = 0.99
)

// writeLayerNormalization writes one operation, which there is from opset 17 on, or what
// that does step by step.
func writeLayerNormalization(g *graph, b exchange.Block, v value) (value, error) {
	epsilon := float32(cmp.Or(b.Layer.(nn.LayerNormalization).Epsilon, defaultEpsilon))
	gamma, beta := b.Param("gamma").Values, b.Param("beta").Values
	v = g.plain(v)
	scale, shift := *g.floats("gamma", gamma, len(gamma)).Name, *g.floats("beta", beta, len(beta)).Name
	if g.opset >= 17 {
		return plainValue(g.node("LayerNormalization", []string{v.name, scale, shift}, attrInt("axis", -1), attrFloat("epsilon", epsilon)), b.Out), nil
	}
	mean := func(of string) string {
		return g.node("ReduceMean", []string{of}, attrInts("axes", -1), attrInt("keepdims", 1))
	}
	centred := g.node("Sub", []string{v.name, mean(v.name)})
	variance := mean(g.node("Mul", []string{centred, centred}))
	deviation := g.node("Sqrt", []string{g.node("Add", []string{variance, g.scalar("epsilon", epsilon)})})
	normal := g.node("Div", []string{centred, deviation})
	return plainValue(g.node("Add", []string{g.node("Mul", []string{normal, scale}), shift}), b.Out), nil
}

// writeGroupNormalization normalises the groups as the channels of an array of which they
// are one axis, and scales the real channels behind that.
func writeGroupNormalization(g *graph, b exchange.Block, v value) (value, error) {
	l := b.Layer.(nn.GroupNormalization)
	channels := b.In[len(b.In)-1]
	groups := cmp.Or(l.Groups, defaultGroups)
	if groups == -1 {
		groups = channels
	}
	order := channelsFirst(b.In)
	v = g.arrange(v, order...)
	parts := g.node("Reshape", []string{v.name, g.ints("groups", 0, groups, -1)})
	one := make([]float32, groups)
	for i := range one {
		one[i] = 1
	}
	normal := g.node("InstanceNormalization", []string{parts, *g.floats("ones", one, groups).Name,
		*g.floats("zeros", make([]float32, groups), groups).Name}, attrFloat("epsilon", float32(cmp.Or(l.Epsilon, defaultEpsilon))))
	back := []int{0, channels}
	shape := []int{channels} // of a number for every channel
	for _, n := range b.In[:len(b.In)-1] {
		back, shape = append(back, n), append(shape, 1)
	}
	name := g.node("Reshape", []string{normal, g.ints("shape", back...)})
	name = g.node("Mul", []string{name, *g.floats("gamma", b.Param("gamma").Values, shape...).Name})
	name = g.node("Add", []string{name, *g.floats("beta", b.Param("beta").Values, shape...).Name})
	return storedValue(name, b.Out, order...), nil
}

// defaultGroups is how many groups a GroupNormalization has by default, as in Keras.
const defaultGroups = 32

func writePReLU(g *graph, b exchange.Block, v value) (value, error) {
	alpha := b.Param("alpha")
	v = g.plain(v)
	return plainValue(g.node("PRelu", []string{v.name, *g.floats("alpha", alpha.Values, alpha.Shape...).Name}), b.Out), nil
}

// writePositionEmbedding adds the embeddings, learned ones or waves.
func writePositionEmbedding(g *graph, b exchange.Block, v value) (value, error) {
	values := b.Param("embeddings").Values
	if b.Layer.(nn.PositionEmbedding).Sinusoidal {
		var err error
		if values, err = b.OfZeros(); err != nil {
			return v, err
		}
	}
	v = g.plain(v)
	return plainValue(g.node("Add", []string{v.name, *g.floats("embeddings", values, b.In...).Name}), b.Out), nil
}
