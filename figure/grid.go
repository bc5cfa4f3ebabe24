package figure

import (
	"fmt"
	"image"
	"image/color"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"

	"hourglass/tensor"
)

// GridOptions are the choices of [Grid].
type GridOptions struct {
	// Padding is the space between and around the images in their own pixels;
	// 0 means 2, torchvision's default, and a negative value means none.
	Padding int

	// Scale is by how much every pixel is enlarged; 0 chooses the largest whole
	// factor up to 16 that keeps the figure within 4.8 inches (6 with labels).
	Scale int

	// Labels are written below the images: none, or one an image. A line break
	// makes a label of several lines.
	Labels []string

	// Wrong says which images are marked by a red label and frame: none, or one
	// an image. [Verdicts] makes labels and marks of true and predicted classes.
	Wrong []bool

	// Range is the range of pixel values.
	Range Range
}

const (
	defaultPadding = 2
	plainInches    = 4.8 // widest and highest grid without labels
	labelledInches = 6.0
	maxGridScale   = 16
)

// Grid draws images in rows of the given number of columns on black, value 0
// black and 1 white, as torchvision's make_grid lays them out: image k lies in
// row k / columns, its corner at padding + (size + padding)·index in each
// direction, and fewer images than columns make one shorter row. A label adds a
// strip for its text below every row. Images are N×H×W or N×H×W×C.
//
// One image alone gets its padding too, unlike in torchvision.
func Grid(images tensor.Tensor, columns int, o GridOptions) (*Figure, error) {
	b, err := newBatch("grid", images, o.Range, lightOnBlack)
	if err != nil {
		return nil, err
	}
	if err := checkGrid(b, columns, o); err != nil {
		return nil, err
	}
	l := newGridLayout(b, columns, o)
	c, err := newCanvas("grid", l.width(), l.height(), color.Black)
	if err != nil {
		return nil, err
	}
	for i := range b.n {
		r := l.cell(i)
		blit(c.pixels, b.image(i), r.Min.X, r.Min.Y, r.Dx(), r.Dy())
	}
	for i, label := range o.Labels {
		l.drawLabel(c, label, i, len(o.Wrong) > 0 && o.Wrong[i])
	}
	for i, wrong := range o.Wrong {
		if wrong {
			frame(c.pixels, l.cell(i), max(2, l.padding/3), failure)
		}
	}
	return c.figure(), nil
}

// checkGrid reports options that do not fit the images.
func checkGrid(b batch, columns int, o GridOptions) error {
	switch {
	case columns < 1:
		return fmt.Errorf("figure: grid: columns is %d, want at least 1", columns)
	case len(o.Labels) > 0 && len(o.Labels) != b.n:
		return fmt.Errorf("figure: grid: got %d labels for %d images, want none or one each", len(o.Labels), b.n)
	case len(o.Wrong) > 0 && len(o.Wrong) != b.n:
		return fmt.Errorf("figure: grid: got %d marks for %d images, want none or one each", len(o.Wrong), b.n)
	case o.Scale < 0 || o.Scale > 100:
		return fmt.Errorf("figure: grid: scale is %d, want 0 (automatic) to 100", o.Scale)
	case o.Padding > 1000:
		return fmt.Errorf("figure: grid: padding is %d, want at most 1000", o.Padding)
	}
	return nil
}

// gridLayout says where in the figure, in its pixels, a grid's parts lie.
type gridLayout struct {
	columns, rows           int
	cellWidth, cellHeight   int
	padding, labels, scale  int // labels is the height of the strip below each row
	labelFace, accentedFace *font.Face
}

func newGridLayout(b batch, columns int, o GridOptions) gridLayout {
	l := gridLayout{columns: min(columns, b.n), padding: o.Padding, scale: o.Scale}
	l.rows = (b.n + l.columns - 1) / l.columns
	switch {
	case o.Padding == 0:
		l.padding = defaultPadding
	case o.Padding < 0:
		l.padding = 0
	}
	if l.scale == 0 {
		l.scale = automaticScale(b, l, len(o.Labels) > 0)
	}
	l.cellWidth, l.cellHeight = b.width*l.scale, b.height*l.scale
	l.padding *= l.scale
	if len(o.Labels) > 0 {
		l.setFaces(o.Labels)
	}
	return l
}

// automaticScale returns the enlargement that fills the figure's usual size.
func automaticScale(b batch, l gridLayout, labelled bool) int {
	side := inches(plainInches)
	if labelled {
		side = inches(labelledInches)
	}
	unscaledWidth := l.columns*(b.width+l.padding) + l.padding
	unscaledHeight := l.rows*(b.height+l.padding) + l.padding
	return min(max(1, min(side/unscaledWidth, side/unscaledHeight)), maxGridScale)
}

// labelPitch is the distance from line to line of a label in sizes of its type.
const labelPitch = 1.2

// setFaces chooses the size of type: a fifth of the cell's width between 5 and
// 10 points, and smaller down to 4 where a label would not fit.
func (l *gridLayout) setFaces(labels []string) {
	size := min(max(points(l.cellWidth)*0.22, 5), 10)
	var longest string
	lines := 1
	widest := vg.Length(0)
	for _, label := range labels {
		parts := strings.Split(label, "\n")
		lines = max(lines, len(parts))
		for _, part := range parts {
			if w := face(boldSans, size).Width(oneLine(part)); w > widest {
				widest, longest = w, part
			}
		}
	}
	room := points(l.cellWidth + l.padding/2)
	size = max(4, fittingFace(boldSans, longest, size, room).Font.Size)
	l.labelFace, l.accentedFace = face(sans, size), face(boldSans, size)
	l.labels = int((size * labelPitch).Dots(DPI) * float64(lines))
}

func (l gridLayout) width() int { return l.columns*(l.cellWidth+l.padding) + l.padding }

func (l gridLayout) height() int { return l.rows*(l.cellHeight+l.labels+l.padding) + l.padding }

// cell returns the rectangle of image i.
func (l gridLayout) cell(i int) image.Rectangle {
	x := l.padding + i%l.columns*(l.cellWidth+l.padding)
	y := l.padding + i/l.columns*(l.cellHeight+l.labels+l.padding)
	return image.Rect(x, y, x+l.cellWidth, y+l.cellHeight)
}

// drawLabel writes the label of image i in the strip below it.
func (l gridLayout) drawLabel(c *canvas, label string, i int, wrong bool) {
	f, shade := l.labelFace, color.Color(color.White)
	if wrong {
		f, shade = l.accentedFace, failure
	}
	r := l.cell(i)
	pitch := labelPitch * f.Font.Size
	at := vg.Point{X: points(r.Min.X+r.Max.X) / 2, Y: c.Max.Y - points(r.Max.Y+l.padding/3) - pitch/2}
	for _, line := range strings.Split(label, "\n") {
		c.write(shorten(line, f, points(l.cellWidth+l.padding)), f, shade, at, alignCentre)
		at.Y -= pitch
	}
}

// Verdicts returns labels and marks for a [Grid] of recognised images: the true
// class where the prediction is right ("7"), both where it is wrong ("7 → 9", or
// on two lines where names are long). Class k is called names[k], or its number
// where names has none.
func Verdicts(truth, predicted []int, names []string) (labels []string, wrong []bool, err error) {
	if len(truth) != len(predicted) {
		return nil, nil, fmt.Errorf("figure: verdicts: got %d predictions for %d labels, want one each", len(predicted), len(truth))
	}
	labels, wrong = make([]string, len(truth)), make([]bool, len(truth))
	arrow := " → "
	if slices.ContainsFunc(names, func(name string) bool { return len(name) > 3 }) {
		arrow = "\n→ "
	}
	for i, class := range truth {
		labels[i] = className(class, names)
		if wrong[i] = predicted[i] != class; wrong[i] {
			labels[i] += arrow + className(predicted[i], names)
		}
	}
	return labels, wrong, nil
}

// className returns names[class], or the class' number where there is no such name.
func className(class int, names []string) string {
	if class >= 0 && class < len(names) {
		return names[class]
	}
	return strconv.Itoa(class)
}
