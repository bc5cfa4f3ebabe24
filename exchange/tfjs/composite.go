package tfjs

import (
	"fmt"
	"slices"
	"strings"

	"hourglass/exchange"
	"hourglass/internal/columns"
	"hourglass/nn"
)

// merges are the layers in which branches meet.
var merges = map[nn.Merge]string{nn.Concatenate: "Concatenate", nn.Add: "Add", nn.Multiply: "Multiply"}

// merge appends the layer in which the outputs of others meet.
func (s *sequence) merge(how nn.Merge, name string, from ...string) error {
	c := config{}
	if how == nn.Concatenate {
		c["axis"] = -1
	}
	s.at, s.branches = from, true
	return s.add(merges[how], name, c)
}

// branch writes layers on the output of a layer and returns that whose output comes of them.
func (s *sequence) branch(b exchange.Block, list string, layers []nn.Layer, from string) (string, error) {
	blocks, err := b.List(list, layers, b.In)
	if err != nil {
		return "", err
	}
	s.at = []string{from}
	for _, inner := range blocks {
		if err := s.layer(inner, strings.ReplaceAll(inner.Name, ".", "_")); err != nil {
			return "", err
		}
	}
	return s.at[0], nil
}

func (s *sequence) residual(b exchange.Block, l nn.Residual, name string) error {
	from := s.at[0]
	made, err := s.branch(b, "layers", l.Layers, from)
	if err != nil {
		return err
	}
	kept, err := s.branch(b, "projection", l.Projection, from)
	if err != nil {
		return err
	}
	if err := s.merge(nn.Add, name, kept, made); err != nil || l.Activation == nn.Linear {
		return err
	}
	if l.Activation == nn.LeakyReLU {
		return s.add("LeakyReLU", name+"_leaky", config{"alpha": 0.2})
	}
	return s.activated(b, "Activation", name+"_activation", l.Activation, config{})
}

func (s *sequence) parallel(b exchange.Block, l nn.Parallel, name string) error {
	from := s.at[0]
	var made []string
	for i, layers := range l.Branches {
		y, err := s.branch(b, fmt.Sprintf("branches.%d", i), layers, from)
		if err != nil {
			return err
		}
		made = append(made, y)
	}
	return s.merge(l.Merge, name, made...)
}

func (s *sequence) join(b exchange.Block, l nn.Join, name string) error {
	tapped, ok := s.taps[l.Name]
	if !ok {
		return b.Errorf("there is no tap %q in front of it", l.Name)
	}
	names := []string{s.at[0], tapped}
	if l.TappedFirst {
		slices.Reverse(names)
	}
	return s.merge(l.Merge, name, names...)
}

// means takes the first half of the last axis, the means of distributions.
func (s *sequence) means(b exchange.Block, name string) error {
	return s.some(b, name, 0, b.Out[len(b.Out)-1], "linear")
}

// some takes values lo to hi of the last axis, as a product, and applies a function to them.
func (s *sequence) some(b exchange.Block, name string, lo, hi int, activation string) error {
	in, out := b.In[len(b.In)-1], hi-lo
	kernel := make([]float32, in*out)
	for i := range out {
		kernel[(lo+i)*out+i] = 1
	}
	if err := s.add("Dense", name, config{"units": out, "use_bias": false, "activation": activation}); err != nil {
		return err
	}
	s.array(name+"/kernel", kernel, in, out)
	return nil
}

// columnActivation takes the groups of columns apart, applies to each what its kind wants, and puts
// them together again.
func (s *sequence) columnActivation(b exchange.Block, l nn.ColumnActivation, name string) error {
	groups, err := columns.Parse(l.Columns)
	if err != nil {
		return b.Errorf("%w", err)
	}
	from := s.at
	var made []string
	for i, g := range groups {
		s.at = from
		activation := map[columns.Kind]string{columns.Numbers: "linear", columns.Classes: "softmax", columns.Booleans: "sigmoid"}[g.Kind]
		if err := s.some(b, fmt.Sprintf("%s_%d", name, i), g.Lo, g.Hi, activation); err != nil {
			return err
		}
		made = append(made, s.at[0])
	}
	if len(made) == 1 {
		return nil
	}
	return s.merge(nn.Concatenate, name, made...)
}

// condition puts behind the values an embedding of the label, the same at every position. One-hot
// is one that is the identity.
func (s *sequence) condition(b exchange.Block, l nn.Condition, name string) error {
	table, width, from := b.Param("embeddings").Values, l.Embedding, s.at[0]
	if width == 0 {
		table, width = exchange.Identity(l.Classes), l.Classes
	}
	s.at = []string{labelsName}
	if err := s.add("Embedding", name+"_label", config{"input_dim": l.Classes, "output_dim": width, "input_length": 1, "trainable": l.Embedding > 0}); err != nil {
		return err
	}
	s.array(name+"_label/embeddings", table, l.Classes, width)
	shape := b.In.Clone()
	shape[len(shape)-1] = width
	for _, step := range []struct {
		class, suffix string
		options       config
	}{
		{"Flatten", "_flat", nil},
		{"RepeatVector", "_repeated", config{"n": shape.Size() / width}},
		{"Reshape", "_shape", config{"target_shape": shape}},
	} {
		if err := s.add(step.class, name+step.suffix, step.options); err != nil {
			return err
		}
	}
	return s.merge(nn.Concatenate, name, from, s.at[0])
}

// tied writes a Dense with a copy of the kernel, turned over: TensorFlow.js ties no weights.
func (s *sequence) tied(b exchange.Block, l nn.Tied, name string) error {
	kernel, err := b.Shared(l.To, "kernel")
	if err != nil {
		return err
	}
	in, units := kernel.Shape[1], kernel.Shape[0]
	turned := make([]float32, 0, in*units)
	for i := range in {
		for u := range units {
			turned = append(turned, kernel.Values[u*in+i])
		}
	}
	c := config{"units": units, "use_bias": !l.NoBias}
	leaky, err := function(b, l.Activation, c)
	if err != nil {
		return err
	}
	if err := s.add("Dense", name, c); err != nil {
		return err
	}
	s.array(name+"/kernel", turned, in, units)
	s.arrays(b, name, "bias")
	if leaky {
		return s.add("LeakyReLU", name+"_leaky", config{"alpha": 0.2})
	}
	return nil
}

// groupNormalization writes a layer normalisation of each group, on an axis of its own, and
// scales the channels behind it.
func (s *sequence) groupNormalization(b exchange.Block, l nn.GroupNormalization, name string) error {
	channels := b.In[len(b.In)-1]
	groups, epsilon := l.Groups, l.Epsilon
	if groups == 0 {
		groups = 32
	}
	if groups == -1 {
		groups = channels
	}
	if epsilon == 0 {
		epsilon = 1e-3
	}
	pixels, width := b.In.Size()/channels, channels/groups
	for _, step := range []struct {
		class, suffix string
		options       config
	}{
		{"Reshape", "_groups", config{"target_shape": []int{pixels, groups, width}}},
		{"Permute", "_first", config{"dims": []int{2, 1, 3}}},
		{"Reshape", "_rows", config{"target_shape": []int{groups, pixels * width}}},
		{"LayerNormalization", "_normal", config{"axis": -1, "epsilon": epsilon, "center": false, "scale": false}},
		{"Reshape", "_apart", config{"target_shape": []int{groups, pixels, width}}},
		{"Permute", "_last", config{"dims": []int{2, 1, 3}}},
		{"Reshape", "_shape", config{"target_shape": b.In}},
	} {
		if err := s.add(step.class, name+step.suffix, step.options); err != nil {
			return err
		}
	}
	return s.scaling(name, b.Param("gamma").Values, b.Param("beta").Values, make([]float32, channels))
}

// positions adds embeddings, learned ones or waves.
func (s *sequence) positions(b exchange.Block, l nn.PositionEmbedding, name string) error {
	values := b.Param("embeddings").Values
	if l.Sinusoidal {
		var err error
		if values, err = b.OfZeros(); err != nil {
			return err
		}
	}
	n := len(values)
	return s.affine(name, slices.Repeat([]float32{1}, n), values, make([]float32, n), b.In)
}

// pixelShuffle moves pixels out of channels by a change of axes.
func (s *sequence) pixelShuffle(b exchange.Block, l nn.PixelShuffle, name string) error {
	r := l.Factor
	if err := s.add("Reshape", name+"_apart", config{"target_shape": []int{b.In[0], b.In[1], r, r, b.Out[2]}}); err != nil {
		return err
	}
	if err := s.add("Permute", name+"_moved", config{"dims": []int{1, 3, 2, 4, 5}}); err != nil {
		return err
	}
	return s.add("Reshape", name, config{"target_shape": b.Out})
}

// depthwise writes depthwise and separable convolutions; of a sequence, as an image of one row.
func (s *sequence) depthwise(b exchange.Block, name string) error {
	c, fn := config{"data_format": "channels_last"}, nn.Linear
	class, row := "DepthwiseConv2D", false
	options := func(kernel, strides, dilation nn.Pair, padding nn.Padding, multiplier int, noBias bool, f nn.Func) {
		c["kernel_size"], c["strides"], c["dilation_rate"] = kernel, atLeast1(strides), atLeast1(dilation)
		c["padding"], c["depth_multiplier"], c["use_bias"], fn = padding.String(), max(multiplier, 1), !noBias, f
	}
	switch l := b.Layer.(type) {
	case nn.DepthwiseConv1D:
		row = true
		options(nn.Pair{1, l.Kernel}, nn.Square(l.Strides), nn.Square(l.Dilation), l.Padding, l.Multiplier, l.NoBias, l.Activation)
	case nn.DepthwiseConv2D:
		options(l.Kernel, l.Strides, l.Dilation, l.Padding, l.Multiplier, l.NoBias, l.Activation)
	case nn.SeparableConv1D:
		row, class, c["filters"] = true, "SeparableConv2D", l.Filters
		options(nn.Pair{1, l.Kernel}, nn.Square(l.Strides), nn.Square(l.Dilation), l.Padding, l.Multiplier, l.NoBias, l.Activation)
	case nn.SeparableConv2D:
		class, c["filters"] = "SeparableConv2D", l.Filters
		options(l.Kernel, l.Strides, l.Dilation, l.Padding, l.Multiplier, l.NoBias, l.Activation)
	}
	leaky, err := function(b, fn, c)
	if err != nil {
		return err
	}
	return s.asRow(b, row, name, func() error {
		if err := s.add(class, name, c); err != nil {
			return err
		}
		for _, param := range []string{"kernel", "depthwise_kernel", "pointwise_kernel", "bias"} {
			a := b.Param(param)
			if a.Values == nil {
				continue
			}
			shape := a.Shape.Clone()
			if row && param != "bias" {
				shape = append([]int{1}, shape...)
			}
			if param == "kernel" {
				param = "depthwise_kernel"
			}
			s.array(name+"/"+param, a.Values, shape...)
		}
		if leaky {
			return s.add("LeakyReLU", name+"_leaky", config{"alpha": 0.2})
		}
		return nil
	})
}

// atLeast1 returns a pair with 1 for 0.
func atLeast1(p nn.Pair) nn.Pair { return nn.Pair{max(p[0], 1), max(p[1], 1)} }

// asRow writes layers between the reshapes that make images of one row of sequences, if need be.
func (s *sequence) asRow(b exchange.Block, row bool, name string, layers func() error) error {
	if !row {
		return layers()
	}
	if err := s.add("Reshape", name+"_row", config{"target_shape": []int{1, b.In[0], b.In[1]}}); err != nil {
		return err
	}
	if err := layers(); err != nil {
		return err
	}
	return s.add("Reshape", name+"_steps", config{"target_shape": b.Out})
}

// transposedSequence writes a transposed convolution of a sequence as that of a row.
func (s *sequence) transposedSequence(b exchange.Block, l nn.Conv1DTranspose, name string) error {
	if l.OutputPadding != nil || l.Dilation > 1 {
		return b.Errorf("TensorFlow.js has neither output padding nor dilation here; export it to ONNX instead")
	}
	c := config{"filters": l.Filters, "kernel_size": []int{1, l.Kernel}, "strides": []int{1, max(l.Strides, 1)},
		"padding": l.Padding.String(), "use_bias": !l.NoBias, "data_format": "channels_last"}
	leaky, err := function(b, l.Activation, c)
	if err != nil {
		return err
	}
	return s.asRow(b, true, name, func() error {
		if err := s.add("Conv2DTranspose", name, c); err != nil {
			return err
		}
		kernel := b.Param("kernel")
		s.array(name+"/kernel", kernel.Values, append([]int{1}, kernel.Shape...)...)
		s.arrays(b, name, "bias")
		if leaky {
			return s.add("LeakyReLU", name+"_leaky", config{"alpha": 0.2})
		}
		return nil
	})
}
