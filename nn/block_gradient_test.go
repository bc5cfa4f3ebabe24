package nn

import (
	"math"
	"testing"

	"hourglass/tensor"
)

// at returns the element of x at these indices of an array of this shape, and 0 outside of it.
func at(x []float64, shape, index []int) float64 {
	place := 0
	for axis, i := range index {
		if i < 0 || i >= shape[axis] {
			return 0
		}
		place = place*shape[axis] + i
	}
	return x[place]
}

// refDepthwise is a depthwise convolution of images without padding, and with bias.
func refDepthwise(in []int, kernel, stride, multiplier int, bias bool) refLayer {
	c, weights := in[2], kernel*kernel*in[2]*multiplier
	shape := []int{kernel, kernel, c, multiplier}
	total := weights
	if bias {
		total += c * multiplier
	}
	return refLayer{total, func(w, x []float64) (y []float64) {
		for i := 0; i+kernel <= in[0]; i += stride {
			for j := 0; j+kernel <= in[1]; j += stride {
				for o := range c * multiplier {
					sum := 0.0
					if bias {
						sum = w[weights+o]
					}
					for k := range kernel {
						for l := range kernel {
							sum += at(x, in, []int{i + k, j + l, o / multiplier}) * at(w[:weights], shape, []int{k, l, o / multiplier, o % multiplier})
						}
					}
					y = append(y, sum)
				}
			}
		}
		return y
	}}
}

// refCausal is a causal convolution of a sequence.
func refCausal(steps, channels, filters, kernel, stride, dilation int) refLayer {
	weights := kernel * channels * filters
	return refLayer{weights + filters, func(w, x []float64) (y []float64) {
		for t := 0; t < steps; t += stride {
			for f := range filters {
				sum := w[weights+f]
				for k := range kernel {
					for c := range channels {
						sum += at(x, []int{steps, channels}, []int{t - (kernel-1-k)*dilation, c}) * w[(k*channels+c)*filters+f]
					}
				}
				y = append(y, sum)
			}
		}
		return y
	}}
}

// refGroupNorm normalises groups of channels.
func refGroupNorm(channels, groups int) refLayer {
	return refLayer{2 * channels, func(w, x []float64) []float64 {
		y, width := make([]float64, len(x)), channels/groups
		for g := range groups {
			var members []int
			for i := range x {
				if i%channels/width == g {
					members = append(members, i)
				}
			}
			mean, variance := 0.0, 0.0
			for _, i := range members {
				mean += x[i] / float64(len(members))
			}
			for _, i := range members {
				variance += (x[i] - mean) * (x[i] - mean) / float64(len(members))
			}
			for _, i := range members {
				y[i] = w[i%channels]*(x[i]-mean)/math.Sqrt(variance+1e-3) + w[channels+i%channels]
			}
		}
		return y
	}}
}

// refPReLU has a slope a value of the last axis.
func refPReLU(channels int) refLayer {
	return refLayer{channels, func(w, x []float64) []float64 {
		y := make([]float64, len(x))
		for i, v := range x {
			if y[i] = v; v <= 0 {
				y[i] = w[i%channels] * v
			}
		}
		return y
	}}
}

// refBilinear interpolates between centres of pixels.
func refBilinear(in []int, size [2]int) refLayer {
	return refLayer{0, func(_, x []float64) (y []float64) {
		place := func(o, factor, n int) (a, b int, part float64) {
			p := min(max((float64(o)+0.5)/float64(factor)-0.5, 0), float64(n-1))
			a = int(p)
			return a, min(a+1, n-1), p - float64(a)
		}
		for i := range in[0] * size[0] {
			for j := range in[1] * size[1] {
				for c := range in[2] {
					top, bottom, v := place(i, size[0], in[0])
					left, right, u := place(j, size[1], in[1])
					pixel := func(i, j int) float64 { return at(x, in, []int{i, j, c}) }
					y = append(y, (1-v)*((1-u)*pixel(top, left)+u*pixel(top, right))+v*((1-u)*pixel(bottom, left)+u*pixel(bottom, right)))
				}
			}
		}
		return y
	}}
}

// refShuffle makes pixels of channels.
func refShuffle(in []int, r int) refLayer {
	return refLayer{0, func(_, x []float64) (y []float64) {
		channels := in[2] / (r * r)
		for i := range in[0] * r {
			for j := range in[1] * r {
				for c := range channels {
					y = append(y, at(x, in, []int{i / r, j / r, (i%r*r+j%r)*channels + c}))
				}
			}
		}
		return y
	}}
}

// refPositions adds its weights.
func refPositions(n int) refLayer {
	return refLayer{n, func(w, x []float64) []float64 {
		y := make([]float64, n)
		for i := range y {
			y[i] = x[i] + w[i]
		}
		return y
	}}
}

// refAttention is that of several heads, without the bias of the output.
func refAttention(steps, features, heads, key, value int, causal bool) refLayer {
	return refLayer{heads * (2*(features+1)*key + (features+1)*value + value*features), func(w, x []float64) []float64 {
		take := func(n int) []float64 {
			part := w[:n]
			w = w[n:]
			return part
		}
		project := func(dim int) []float64 { // (step, head, dim)
			kernel, bias := take(features*heads*dim), take(heads*dim)
			out := make([]float64, steps*heads*dim)
			for i := range out {
				t, hd := i/(heads*dim), i%(heads*dim)
				out[i] = bias[hd]
				for f := range features {
					out[i] += x[t*features+f] * kernel[f*heads*dim+hd]
				}
			}
			return out
		}
		q, k, v := project(key), project(key), project(value)
		output := take(heads * value * features)
		y := make([]float64, steps*features)
		for h := range heads {
			for t := range steps {
				last := steps - 1
				if causal {
					last = t
				}
				parts, sum := make([]float64, last+1), 0.0
				for s := range parts {
					dot := 0.0
					for d := range key {
						dot += q[(t*heads+h)*key+d] * k[(s*heads+h)*key+d]
					}
					parts[s] = math.Exp(dot / math.Sqrt(float64(key)))
					sum += parts[s]
				}
				for d := range value {
					mean := 0.0
					for s, p := range parts {
						mean += p / sum * v[(s*heads+h)*value+d]
					}
					for f := range features {
						y[t*features+f] += mean * output[(h*value+d)*features+f]
					}
				}
			}
		}
		return y
	}}
}

// refGRU is the one whose reset gate acts before the product; it gives all states.
func refGRU(steps, features, units int) refLayer {
	width := 3 * units
	return refLayer{(features + units + 1) * width, func(w, x []float64) (y []float64) {
		kernel, recurrent, bias := w[:features*width], w[features*width:(features+units)*width], w[(features+units)*width:]
		h := make([]float64, units)
		for t := range steps {
			gate := func(j int, state []float64) float64 {
				z := bias[j]
				for f := range features {
					z += x[t*features+f] * kernel[f*width+j]
				}
				for u := range units {
					z += state[u] * recurrent[u*width+j]
				}
				return z
			}
			sigmoid, reset, next := refFuncs[Sigmoid], make([]float64, units), make([]float64, units)
			for u := range units {
				reset[u] = sigmoid(gate(units+u, h)) * h[u]
			}
			for u := range units {
				z := sigmoid(gate(u, h))
				next[u] = z*h[u] + (1-z)*math.Tanh(gate(2*units+u, reset))
			}
			h = next
			y = append(y, h...)
		}
		return y
	}}
}

// TestBlockGradients compares layers with finite differences of their definitions in float64. A
// dense layer in front proves the gradient with respect to the input.
func TestBlockGradients(t *testing.T) {
	outputBias := refLayer{4, func(w, x []float64) []float64 {
		y := make([]float64, len(x))
		for i := range x {
			y[i] = x[i] + w[i%4]
		}
		return y
	}}
	for name, c := range map[string]struct {
		input  tensor.Shape
		layers Layers
		ref    []refLayer
	}{
		"depthwise": {tensor.Shape{5, 6, 2}, Layers{Dense{Units: 3}, DepthwiseConv2D{Kernel: Square(2), Strides: Square(2), Multiplier: 2}},
			[]refLayer{refDense(2, 3, Linear, true), refDepthwise([]int{5, 6, 3}, 2, 2, 2, true)}},
		"separable": {tensor.Shape{4, 5, 2}, Layers{Dense{Units: 3}, SeparableConv2D{Filters: 4, Kernel: Square(3), Multiplier: 2}},
			[]refLayer{refDense(2, 3, Linear, true), refDepthwise([]int{4, 5, 3}, 3, 1, 2, false), refDense(6, 4, Linear, true)}},
		"causal": {tensor.Shape{7, 2}, Layers{Dense{Units: 3}, Conv1D{Filters: 2, Kernel: 3, Strides: 2, Dilation: 2, Padding: Causal}},
			[]refLayer{refDense(2, 3, Linear, true), refCausal(7, 3, 2, 3, 2, 2)}},
		"group normalisation": {tensor.Shape{2, 3, 2}, Layers{Dense{Units: 6}, GroupNormalization{Groups: 3}},
			[]refLayer{refDense(2, 6, Linear, true), refGroupNorm(6, 3)}},
		"prelu": {tensor.Shape{2, 3, 2}, Layers{Dense{Units: 5}, PReLU{SharedAxes: []int{1, 2}}},
			[]refLayer{refDense(2, 5, Linear, true), refPReLU(5)}},
		"bilinear": {tensor.Shape{3, 2, 2}, Layers{Dense{Units: 3}, UpSampling2D{Size: Pair{2, 3}, Interpolation: Bilinear}},
			[]refLayer{refDense(2, 3, Linear, true), refBilinear([]int{3, 2, 3}, [2]int{2, 3})}},
		"pixel shuffle": {tensor.Shape{2, 3, 2}, Layers{Dense{Units: 8}, PixelShuffle{Factor: 2}},
			[]refLayer{refDense(2, 8, Linear, true), refShuffle([]int{2, 3, 8}, 2)}},
		"positions": {tensor.Shape{4, 2}, Layers{Dense{Units: 3}, PositionEmbedding{}},
			[]refLayer{refDense(2, 3, Linear, true), refPositions(12)}},
		"attention": {tensor.Shape{5, 3}, Layers{Dense{Units: 4, Activation: Tanh}, MultiHeadAttention{Heads: 2, KeyDim: 3, ValueDim: 2}},
			[]refLayer{refDense(3, 4, Tanh, true), refAttention(5, 4, 2, 3, 2, false), outputBias}},
		"causal attention": {tensor.Shape{4, 3}, Layers{Dense{Units: 4}, MultiHeadAttention{Heads: 3, KeyDim: 2, Causal: true}},
			[]refLayer{refDense(3, 4, Linear, true), refAttention(4, 4, 3, 2, 2, true), outputBias}},
		"gru reset before": {tensor.Shape{4, 2}, Layers{Dense{Units: 3}, GRU{Units: 4, ResetBefore: true, ReturnSequences: true}},
			[]refLayer{refDense(2, 3, Linear, true), refGRU(4, 3, 4)}},
	} {
		t.Run(name, func(t *testing.T) { checkReference(t, c.input, c.layers, c.ref) })
	}
}
