package dataset

import "hourglass/tensor"

// Images is a set of equally shaped images, kept as bytes, with their labels.
//
// Image i is Pixels[i*Shape.Size():(i+1)*Shape.Size()] in row-major order. As a
// [Source] its values are byte/255, unless [Images.Normalize] says otherwise.
type Images struct {
	// Name says what this is in messages and figures: "mnist".
	Name string
	// Shape is that of one image, 28×28 for MNIST.
	Shape tensor.Shape
	// Pixels holds all images one after another.
	Pixels []byte
	// Labels holds one class number per image, or nothing.
	Labels []uint8
	// Classes names each class: Classes[Labels[i]] is what image i shows.
	Classes []string

	values *[256]float32 // what each byte is worth; nil for byte/255
}

var _ Faced = (*Images)(nil)

// unitValues maps bytes to [0, 1], each the float32 nearest to byte/255, as
// NumPy's X.astype(np.float32) / 255 and torchvision's ToTensor have it.
var unitValues = normalizedValues(0, 1)

// normalizedValues is the table of (byte/255 - mean) / std, each operation
// rounded to float32. With mean 0 and std 1 it is byte/255 exactly.
func normalizedValues(mean, std float32) *[256]float32 {
	return tabulate(func(b byte) float32 { return (float32(b)/255 - mean) / std })
}

// Len is the number of images.
func (d *Images) Len() int { return len(d.Pixels) / d.Shape.Size() }

// Sample is the shape of one image.
func (d *Images) Sample() tensor.Shape { return d.Shape }

// Read copies the images of the given indices into dst, one after another, as
// float32. It is safe for concurrent use and allocates nothing.
func (d *Images) Read(dst []float32, indices []int) error {
	values, n := d.values, d.Shape.Size()
	if values == nil {
		values = unitValues
	}
	for i, index := range indices {
		lookUp(dst[i*n:(i+1)*n], d.Pixels[index*n:(index+1)*n], values)
	}
	return nil
}

// Face returns the labels, if there are some, and no other face.
func (d *Images) Face(f Face) Source {
	if f != Labels || d.Labels == nil {
		return nil
	}
	return labelBytes(d.Labels)
}

// labelBytes are labels as a source.
type labelBytes []uint8

func (l labelBytes) Len() int             { return len(l) }
func (l labelBytes) Sample() tensor.Shape { return tensor.Shape{1} }

func (l labelBytes) Read(dst []float32, indices []int) error {
	for i, index := range indices {
		dst[i] = float32(l[index])
	}
	return nil
}

// lookUp sets dst[i] = values[src[i]]. The two are equally long.
func lookUp(dst []float32, src []byte, values *[256]float32) {
	// Four at a time through arrays spares the compiler's bounds checks.
	for len(src) >= 4 && len(dst) >= 4 {
		s, d := (*[4]byte)(src), (*[4]float32)(dst)
		d[0], d[1], d[2], d[3] = values[s[0]], values[s[1]], values[s[2]], values[s[3]]
		src, dst = src[4:], dst[4:]
	}
	for i, b := range src {
		dst[i] = values[b]
	}
}

// Normalize returns a view of the same images whose values are
// (byte/255 - mean) / std, bit for bit what torchvision's ToTensor followed by
// Normalize gives. Mean and std 0.5 map to [-1, 1]. It replaces an earlier
// normalisation; std must not be 0.
func (d *Images) Normalize(mean, std float32) *Images {
	return d.valued(normalizedValues(mean, std))
}

// Raw returns a view of the same images whose values are the bytes themselves, 0
// to 255. It is what a [Scaler] is fitted on and applied to.
func (d *Images) Raw() *Images { return d.valued(rawValues) }

// rawValues maps bytes to their numbers.
var rawValues = tabulate(func(b byte) float32 { return float32(b) })

func tabulate(value func(b byte) float32) *[256]float32 {
	var values [256]float32
	for b := range values {
		values[b] = value(byte(b))
	}
	return &values
}

// valued returns a view of the same images with other values of their bytes.
func (d *Images) valued(values *[256]float32) *Images {
	view := *d
	view.values = values
	return &view
}

// Slice returns images lo to hi (exclusive) as a view that shares memory. Like
// a slice expression it panics where the bounds are out of range.
func (d *Images) Slice(lo, hi int) *Images {
	n := d.Shape.Size()
	view := *d
	view.Pixels = d.Pixels[lo*n : hi*n : hi*n]
	if d.Labels != nil {
		view.Labels = d.Labels[lo:hi:hi]
	}
	return &view
}

// Tensor returns images lo to hi (exclusive) as one array, batch axis first.
func (d *Images) Tensor(lo, hi int) tensor.Tensor {
	part := d.Slice(lo, hi)
	values := d.values
	if values == nil {
		values = unitValues
	}
	t := tensor.Tensor{
		Shape: append(tensor.Shape{hi - lo}, d.Shape...),
		Data:  make([]float32, len(part.Pixels)),
	}
	lookUp(t.Data, part.Pixels, values)
	return t
}
