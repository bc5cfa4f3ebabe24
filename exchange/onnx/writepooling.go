package onnx

import (
	"cmp"

	"hourglass/exchange"
	"hourglass/exchange/internal/relayout"
	"hourglass/exchange/onnx/internal/schema"
	"hourglass/nn"
)

// imagesFirst is how ONNX stores images: channels in front of rows and columns.
var imagesFirst = []int{0, 3, 1, 2}

func writePooling(g *graph, b exchange.Block, v value) (value, error) {
	var op string
	var w window
	var attributes []*schema.AttributeProto
	switch l := b.Layer.(type) {
	case nn.MaxPooling2D:
		op, w = "MaxPool", pooling(l.Pool, l.Strides, l.Padding)
	case nn.AveragePooling2D:
		op, w = "AveragePool", pooling(l.Pool, l.Strides, l.Padding)
		attributes = append(attributes, attrInt("count_include_pad", 0))
	}
	pads, err := w.pads(b.In)
	if err != nil {
		return v, b.Errorf("%w", err)
	}
	v = g.arrange(v, imagesFirst...)
	attributes = append(attributes, attrInts("kernel_shape", w.kernel...), attrInts("strides", w.strides...), attrInts("pads", pads...))
	return storedValue(g.node(op, []string{v.name}, attributes...), b.Out, imagesFirst...), nil
}

// pooling returns the windows of a pooling layer.
func pooling(pool, strides nn.Pair, padding nn.Padding) window {
	pool = cmp.Or(pool, nn.Square(2))
	strides = cmp.Or(strides, pool)
	return window{pool[:], strides[:], square(nn.Pair{}), padding}
}

func writeGlobalAverage(g *graph, b exchange.Block, v value) (value, error) {
	v = g.arrange(v, imagesFirst...)
	v = storedValue(g.node("GlobalAveragePool", []string{v.name}), []int{1, 1, b.Out[0]}, imagesFirst...)
	v.view, _ = v.view.Reshape(relayout.Samples(b.Out...))
	return v, nil
}

func writeUpSampling(g *graph, b exchange.Block, v value) (value, error) {
	l := b.Layer.(nn.UpSampling2D)
	size := cmp.Or(l.Size, nn.Square(2))
	v = g.arrange(v, imagesFirst...)
	scales := g.floats("scales", []float32{1, 1, float32(size[0]), float32(size[1])}, 4)
	how := []*schema.AttributeProto{attrString("mode", "nearest"),
		attrString("coordinate_transformation_mode", "asymmetric"), attrString("nearest_mode", "floor")}
	if l.Interpolation == nn.Bilinear {
		how = []*schema.AttributeProto{attrString("mode", "linear"), attrString("coordinate_transformation_mode", "half_pixel")}
	}
	return storedValue(g.node("Resize", []string{v.name, "", *scales.Name}, how...), b.Out, imagesFirst...), nil
}

// writePixelShuffle: the operator's default order of channels is that of the layer.
func writePixelShuffle(g *graph, b exchange.Block, v value) (value, error) {
	v = g.arrange(v, imagesFirst...)
	name := g.node("DepthToSpace", []string{v.name}, attrInt("blocksize", b.Layer.(nn.PixelShuffle).Factor))
	return storedValue(name, b.Out, imagesFirst...), nil
}

func writeZeroPadding(g *graph, b exchange.Block, v value) (value, error) {
	m := b.Layer.(nn.ZeroPadding2D).Padding
	v = g.arrange(v, imagesFirst...)
	pads := g.ints("pads", 0, 0, m.Top, m.Left, 0, 0, m.Bottom, m.Right)
	return storedValue(g.node("Pad", []string{v.name, pads}), b.Out, imagesFirst...), nil
}

func writeCropping(g *graph, b exchange.Block, v value) (value, error) {
	m := b.Layer.(nn.Cropping2D).Cropping
	v = g.arrange(v, imagesFirst...)
	name := g.node("Slice", []string{v.name, g.ints("starts", m.Top, m.Left),
		g.ints("ends", b.In[0]-m.Bottom, b.In[1]-m.Right), g.ints("axes", 2, 3)})
	return storedValue(name, b.Out, imagesFirst...), nil
}
