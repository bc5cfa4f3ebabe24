package loss

import (
	"cmp"
	"fmt"
	"math"

	"hourglass/internal/portable"
	"hourglass/tensor"
)

// SSIM is 1 minus the structural similarity of two images (Wang et al. 2004), the mean over
// all windows that lie within the image, and over channels, of
//
//	(2·μp·μt + C₁)·(2·σpt + C₂) / ((μp² + μt² + C₁)·(σp² + σt² + C₂))
//
// where means μ, variances σ² and covariance σpt are weighted by a Gaussian, C₁ = (0.01·Range)² and
// C₂ = (0.03·Range)². As tf.image.ssim. Samples are images of height×width or
// height×width×channels, which must not be smaller than the window. It is 0 for equal images and
// counts for all entries of its sample.
type SSIM struct {
	Window int     // rows and columns of a window; 11 by default
	Sigma  float64 // of the Gaussian, in pixels; 1.5 by default
	Range  float64 // from black to white; 1 by default
}

var (
	_ Binder    = SSIM{}
	_ Validator = SSIM{}
)

// Resolved returns the loss with its defaults spelled out.
func (l SSIM) Resolved() Loss {
	return SSIM{cmp.Or(l.Window, 11), cmp.Or(l.Sigma, 1.5), cmp.Or(l.Range, 1)}
}

// Name returns "ssim".
func (SSIM) Name() string { return "ssim" }

// Validate reports a setting out of range.
func (l SSIM) Validate() error {
	positive := func(x float64) bool { return x >= 0 && x <= math.MaxFloat32 }
	switch {
	case l.Window < 0:
		return fmt.Errorf("loss: ssim: window is %d, want at least 1, or 0 for 11", l.Window)
	case !positive(l.Sigma):
		return fmt.Errorf("loss: ssim: sigma is %v, want a finite number above 0, or 0 for 1.5", l.Sigma)
	case !positive(l.Range):
		return fmt.Errorf("loss: ssim: range is %v, want a finite number above 0, or 0 for 1", l.Range)
	}
	return nil
}

// Eval returns NaN: only Bind makes a loss that knows where a row of an image ends.
func (l SSIM) Eval(grad, _, _ []float32, _ float32) float64 { return unbound(grad) }

// Bind returns the loss of images.
func (l SSIM) Bind(sample tensor.Shape) (Loss, error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	l = l.Resolved().(SSIM)
	if len(sample) != 2 && len(sample) != 3 {
		return nil, fmt.Errorf("got samples of shape %v, want images of height×width or height×width×channels", sample)
	}
	b := &boundSSIM{SSIM: l, height: sample[0], width: sample[1], channels: sample.Size() / (sample[0] * sample[1])}
	b.rows, b.columns = b.height-l.Window+1, b.width-l.Window+1
	if b.rows < 1 || b.columns < 1 {
		return nil, fmt.Errorf("got images of %d×%d, want at least %d×%d, a window", b.height, b.width, l.Window, l.Window)
	}
	b.prepare()
	return b, nil
}

// boundSSIM is the loss of images of a size. Its memory is of one channel of one image.
type boundSSIM struct {
	SSIM
	height, width, channels int
	rows, columns           int // of windows
	weights                 []float64
	p, t, product           []float64              // values of the image
	between                 []float64              // filtered along rows only
	moments                 [momentCount][]float64 // of the windows
	slopes                  [slopeCount][]float64  // of the similarity with respect to moments of p
	spread                  [slopeCount][]float64  // the same, back at the image's pixels
}

// The moments of a window: means of p, t, p², t² and p·t.
const (
	meanP = iota
	meanT
	squareP
	squareT
	productPT
	momentCount
)

// The moments that depend on p, in the order of boundSSIM.slopes.
const (
	slopeMean = iota
	slopeSquare
	slopeProduct
	slopeCount
)

func (b *boundSSIM) prepare() {
	var sum float64
	for i := range b.Window {
		d := float64(i) - float64(float64(b.Window-1)/2)
		b.weights = append(b.weights, portable.Exp(-d*d/(2*b.Sigma*b.Sigma)))
		sum += b.weights[i]
	}
	for i := range b.weights {
		b.weights[i] /= sum
	}
	pixels, windows := b.height*b.width, b.rows*b.columns
	b.p, b.t, b.product = make([]float64, pixels), make([]float64, pixels), make([]float64, pixels)
	b.between = make([]float64, b.height*b.columns)
	for i := range b.moments {
		b.moments[i] = make([]float64, windows)
	}
	for i := range b.slopes {
		b.slopes[i], b.spread[i] = make([]float64, windows), make([]float64, pixels)
	}
}

// Eval returns 1 - the mean similarity, times the number of entries.
func (b *boundSSIM) Eval(grad, pred, target []float32, scale float32) float64 {
	var sum float64
	for c := range b.channels {
		for i := range b.p {
			b.p[i], b.t[i] = float64(pred[i*b.channels+c]), float64(target[i*b.channels+c])
		}
		b.measure()
		sum += b.compare()
		if grad != nil {
			b.differentiate(grad, c, scale)
		}
	}
	return float64(len(pred)) * (1 - sum/float64(b.channels*b.rows*b.columns))
}

// measure computes the moments of all windows.
func (b *boundSSIM) measure() {
	b.filter(b.moments[meanP], b.p)
	b.filter(b.moments[meanT], b.t)
	for _, m := range []struct {
		moment int
		x, y   []float64
	}{{squareP, b.p, b.p}, {squareT, b.t, b.t}, {productPT, b.p, b.t}} {
		for i, x := range m.x {
			b.product[i] = x * m.y[i]
		}
		b.filter(b.moments[m.moment], b.product)
	}
}

// filter takes weighted means, along rows and then along columns.
func (b *boundSSIM) filter(windows, image []float64) {
	for y := range b.height {
		for x := range b.columns {
			var sum float64
			for i, w := range b.weights {
				sum += float64(w * image[y*b.width+x+i])
			}
			b.between[y*b.columns+x] = sum
		}
	}
	for y := range b.rows {
		for x := range b.columns {
			var sum float64
			for i, w := range b.weights {
				sum += float64(w * b.between[(y+i)*b.columns+x])
			}
			windows[y*b.columns+x] = sum
		}
	}
}

// compare returns the sum of the windows' similarities, and finds their slopes.
func (b *boundSSIM) compare() (sum float64) {
	c1, c2 := float64(0.01*b.Range*0.01*b.Range), float64(0.03*b.Range*0.03*b.Range)
	for i := range b.moments[meanP] {
		mp, mt := b.moments[meanP][i], b.moments[meanT][i]
		means := float64(mp * mt)
		a1, a2 := float64(2*means)+c1, float64(2*(b.moments[productPT][i]-means))+c2
		squares := float64(mp*mp) + float64(mt*mt)
		b1, b2 := squares+c1, b.moments[squareP][i]+b.moments[squareT][i]-squares+c2
		similarity := a1 * a2 / (b1 * b2)
		sum += similarity
		b.slopes[slopeMean][i] = float64(2*mt*(a2-a1)/(b1*b2)) - float64(2*mp*similarity*(1/b1-1/b2))
		b.slopes[slopeSquare][i] = -similarity / b2
		b.slopes[slopeProduct][i] = 2 * a1 / (b1 * b2)
	}
	return sum
}

// differentiate writes the gradient of a channel.
func (b *boundSSIM) differentiate(grad []float32, channel int, scale float32) {
	for s := range b.slopes {
		b.unfilter(b.spread[s], b.slopes[s])
	}
	entries := float64(b.height * b.width * b.channels)
	factor := -float64(scale) * entries / float64(b.channels*b.rows*b.columns)
	for i, p := range b.p {
		slope := b.spread[slopeMean][i] + float64(2*p*b.spread[slopeSquare][i]) + float64(b.t[i]*b.spread[slopeProduct][i])
		grad[i*b.channels+channel] = float32(factor * slope)
	}
}

// unfilter is the transpose of filter.
func (b *boundSSIM) unfilter(image, windows []float64) {
	clear(b.between)
	for y := range b.rows {
		for i, w := range b.weights {
			for x := range b.columns {
				b.between[(y+i)*b.columns+x] += float64(w * windows[y*b.columns+x])
			}
		}
	}
	clear(image)
	for y := range b.height {
		for x := range b.columns {
			for i, w := range b.weights {
				image[y*b.width+x+i] += float64(w * b.between[y*b.columns+x])
			}
		}
	}
}
