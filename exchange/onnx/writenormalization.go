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
		values := b.Param(name)
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
	gamma, beta := b.Param("gamma"), b.Param("beta")
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
