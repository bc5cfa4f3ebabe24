package studio

import (
	"encoding/base64"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"

	"hourglass"
	"hourglass/figure"
	"hourglass/nn"
	"hourglass/tensor"
	"hourglass/workflow"
)

// preview is what the page shows of a network that learns. Arrays are bytes in base64.
type preview struct {
	Epoch int `json:"epoch"`
	Done  int `json:"done"` // steps

	viewer
	Originals       string   `json:"originals"` // bytes or floats, see viewer
	Reconstructions string   `json:"reconstructions"`
	Points          string   `json:"points"` // x, y of each sample's code, as floats
	Labels          []int    `json:"labels"`
	Colors          []string `json:"colors"`
	Classes         []string `json:"classes"`

	Filters    string      `json:"filters,omitempty"` // weights of the first layer as pictures, grey for 0
	FilterSize [2]int      `json:"filterSize"`        // width, height
	Layers     []layerView `json:"layers"`
}

// layerView says what the units of a layer do on the samples.
type layerView struct {
	Name    string  `json:"name"`
	Units   int     `json:"units"`
	Dead    int     `json:"dead"` // units with one value for all samples
	Low     float32 `json:"low"`  // the range of the bins
	High    float32 `json:"high"`
	Bins    []int   `json:"bins"`    // of activations
	Weights []int   `json:"weights"` // of its weights, within ±WeightMax
	Max     float32 `json:"max"`     // the largest weight by its size

	Gradients   []int   `json:"gradients"` // within ±MaxGradient; none before the first step
	MaxGradient float32 `json:"maxGradient"`
}

const (
	previewed  = 10  // samples are shown with their reconstructions
	previewMap = 400 // samples are on the map
	filters    = 32  // units of the first layer are shown
	bins       = 24
)

// looker makes previews: always of the same samples, by a network of its own.
type looker struct {
	in      *workflow.Input
	ae      *hourglass.Autoencoder
	slopes  *hourglass.Autoencoder // the same with gradients where weights are
	show    viewer
	samples tensor.Tensor
	chosen  []int
	last    []float32 // the points of the preview before
	axes    axes      // of the codes
}

// newLooker returns who looks at the weights of a model on some samples of data.
func newLooker(in *workflow.Input, m *workflow.Model) (l *looker, err error) {
	l = &looker{in: in, show: newViewer(in, m.Range())}
	for _, ae := range []**hourglass.Autoencoder{&l.ae, &l.slopes} {
		if *ae, err = hourglass.New(m.Encoder().Layers(), m.Decoder().Layers()); err != nil {
			return nil, err
		}
	}
	l.ae.SetThreads(1)
	if err := l.ae.SetScaler(m.Scaler()); err != nil {
		return nil, err
	}
	n := min(previewMap, in.Len())
	for i := range n {
		l.chosen = append(l.chosen, i*in.Len()/n)
	}
	l.samples = tensor.New(append(tensor.Shape{n}, l.ae.Encoder().Input()...)...)
	return l, in.Samples.Read(l.samples.Data, l.chosen)
}

// look makes a preview.
func (l *looker) look(c copied) (*preview, error) {
	copy(l.ae.Network().Weights(), c.weights)
	copy(l.slopes.Network().Weights(), c.gradients)
	shown := l.samples.Slice(0, min(previewed, l.samples.Len()))
	after, err := l.ae.Reconstruct(shown)
	if err != nil {
		return nil, err
	}
	codes, err := l.ae.Encode(l.samples)
	if err != nil {
		return nil, err
	}
	p := &preview{Epoch: c.epoch, Done: c.done, viewer: l.show, Labels: []int{}, Classes: l.in.Classes,
		Originals: base64.StdEncoding.EncodeToString(l.show.bytes(nil, shown.Data)), Reconstructions: base64.StdEncoding.EncodeToString(l.show.bytes(nil, after.Data))}
	if l.in.Labels != nil {
		for _, i := range l.chosen {
			p.Labels = append(p.Labels, l.in.Labels[i])
		}
	}
	for class := range l.in.Classes {
		p.Colors = append(p.Colors, cssColor(figure.ClassColor(class)))
	}
	points, err := l.place(codes)
	if err != nil {
		return nil, err
	}
	p.Points = base64.StdEncoding.EncodeToString(appendFloats(nil, points))
	p.Filters, p.FilterSize = l.filters()
	p.Layers = l.layers(len(c.gradients) > 0)
	return p, nil
}

// place lays the codes out in the plane: two numbers as they are, more by their principal
// components, turned so that the points are as near as can be to where they were.
func (l *looker) place(codes tensor.Tensor) ([]float32, error) {
	n := codes.Len()
	flat := tensor.Tensor{Shape: tensor.Shape{n, len(codes.Data) / n}, Data: codes.Data}
	switch k := flat.Shape[1]; {
	case k == 2:
		return flat.Data, nil
	case k == 1 || n < 3:
		points := make([]float32, 2*n)
		for i := range n {
			points[2*i] = flat.Data[i*k]
		}
		return points, nil
	}
	points := l.axes.project(flat)
	if l.last != nil {
		turn(points, l.last)
	}
	l.last = points
	return points, nil
}

// axes are two directions, those in which codes vary most: found by subspace iteration from
// where they were in the preview before, which is a small part of the work of a whole
// principal component analysis.
type axes [2][]float64

// project returns the places of samples along the axes, which it turns to them.
func (a *axes) project(samples tensor.Tensor) []float32 {
	const first, again = 30, 4 // iterations
	n, k := samples.Len(), samples.Sample().Size()
	mean, iterations := make([]float64, k), again
	for i, v := range samples.Data {
		mean[i%k] += float64(v) / float64(n)
	}
	if a[0] == nil {
		iterations = first
		random := rand.New(rand.NewPCG(1, 1))
		for axis := range a {
			a[axis] = make([]float64, k)
			for j := range a[axis] {
				a[axis][j] = random.NormFloat64()
			}
		}
	}
	a.orthonormalize()
	points, row := make([]float32, 2*n), make([]float64, k)
	for range iterations {
		next := axes{make([]float64, k), make([]float64, k)}
		for i := range n {
			for j, v := range samples.Row(i) {
				row[j] = float64(v) - mean[j]
			}
			for axis := range a {
				along := floats.Dot(row, a[axis])
				floats.AddScaled(next[axis], along, row)
				points[2*i+axis] = float32(along)
			}
		}
		*a = next
		a.orthonormalize()
	}
	return points
}

// orthonormalize makes the axes of length 1 and at right angles.
func (a *axes) orthonormalize() {
	for axis, v := range a {
		if axis > 0 {
			floats.AddScaled(v, -floats.Dot(v, a[0]), a[0])
		}
		if size := floats.Norm(v, 2); size > 0 {
			floats.Scale(1/size, v)
		}
	}
}

// turn rotates points about the origin, mirrored if that is better, as near as can be to
// others: the orthogonal Procrustes problem in the plane.
func turn(points, others []float32) {
	best := math.Inf(-1)
	var c, s, m float64
	for _, mirror := range []float64{1, -1} {
		var along, across float64
		for i := 0; i < len(points); i += 2 {
			x, y := float64(points[i]), mirror*float64(points[i+1])
			u, v := float64(others[i]), float64(others[i+1])
			along += x*u + y*v
			across += x*v - y*u
		}
		if size := math.Hypot(along, across); size > best && size > 0 {
			best, c, s, m = size, along/size, across/size, mirror
		}
	}
	if math.IsInf(best, -1) {
		return
	}
	for i := 0; i < len(points); i += 2 {
		x, y := float64(points[i]), m*float64(points[i+1])
		points[i], points[i+1] = float32(c*x-s*y), float32(s*x+c*y)
	}
}

// filters returns the weights of the first layer, unit by unit, as pictures: those of a
// dense layer behind pictures of one channel, or of a convolution of such.
func (l *looker) filters() (string, [2]int) {
	arrays := l.ae.Encoder().Arrays()
	if len(arrays) == 0 || !l.show.isImage() || l.show.Channels != 1 {
		return "", [2]int{}
	}
	a := arrays[0]
	units := a.Shape[len(a.Shape)-1]
	size := [2]int{l.show.Width, l.show.Height}
	switch {
	case len(a.Shape) == 2 && a.Shape[0] == l.show.size:
	case len(a.Shape) == 4 && a.Shape[2] == 1:
		size = [2]int{a.Shape[1], a.Shape[0]}
	default:
		return "", [2]int{}
	}
	var pixels []byte
	for u := range min(units, filters) {
		var largest float32
		for i := u; i < len(a.Values); i += units {
			largest = max(largest, abs(a.Values[i]))
		}
		for i := u; i < len(a.Values); i += units {
			pixels = append(pixels, byte(127.5+127.5*a.Values[i]/max(largest, math.SmallestNonzeroFloat32)))
		}
	}
	return base64.StdEncoding.EncodeToString(pixels), size
}

func abs(x float32) float32 { return max(x, -x) }

// layers looks at what each layer that learns makes of some samples, at its weights and,
// where there are any, their gradients.
func (l *looker) layers(gradients bool) []layerView {
	const most = 64 // samples
	network := l.ae.Network()
	x := l.scaled(min(most, l.samples.Len()))
	n := x.Len()
	y, done := x.Data, 0 // what comes out of so many layers
	var views []layerView
	for i, layer := range network.Layers() {
		next := network.Slice(done, i+1)
		weights := weightsOf(network, i)
		if len(weights) == 0 || next.Complete() != nil {
			continue
		}
		y, done = next.NewPass(n).Forward(y, n), i+1
		view := layerView{Name: nn.Kind(layer), Units: len(y) / n}
		view.Low, view.High = slices.Min(y), slices.Max(y)
		view.Bins = histogram(y, view.Low, view.High)
		view.Weights, view.Max = evenHistogram(weights)
		if gradients {
			view.Gradients, view.MaxGradient = evenHistogram(weightsOf(l.slopes.Network(), i))
		}
		for u := range view.Units {
			dead := true
			for s := 1; s < n && dead; s++ {
				dead = y[s*view.Units+u] == y[u]
			}
			if dead && n > 1 {
				view.Dead++
			}
		}
		views = append(views, view)
	}
	return views
}

// scaled returns the first samples as the network takes them.
func (l *looker) scaled(n int) tensor.Tensor {
	x := tensor.Tensor{Shape: l.samples.Slice(0, n).Shape, Data: slices.Clone(l.samples.Slice(0, n).Data)}
	if s := l.ae.Scaler(); s != nil {
		s.Apply(x.Data)
	}
	return x
}

// weightsOf returns all weights of a layer.
func weightsOf(n *nn.Network, layer int) []float32 {
	var all []float32
	for _, a := range n.Arrays() {
		if a.Layer == layer {
			all = append(all, a.Values...)
		}
	}
	return all
}

// evenHistogram counts values in bins around 0, up to the largest by its size.
func evenHistogram(values []float32) (counts []int, largest float32) {
	for _, v := range values {
		largest = max(largest, abs(v))
	}
	return histogram(values, -largest, largest), largest
}

// histogram counts values in bins of one width.
func histogram(values []float32, low, high float32) []int {
	counts := make([]int, bins)
	width := (high - low) / bins
	for _, v := range values {
		if i := int((v - low) / width); width > 0 && i >= 0 {
			counts[min(i, bins-1)]++
		}
	}
	return counts
}
