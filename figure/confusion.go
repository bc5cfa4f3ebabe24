package figure

import (
	"fmt"
	"image"
	"image/color"
	"strconv"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// ConfusionOptions are the choices of [Confusion].
type ConfusionOptions struct {
	// Title is written above the matrix, such as the accuracy.
	Title string
}

const (
	confusionCell    = 0.55 // inches, the usual side of a cell
	confusionSide    = 8.0  // inches, the widest matrix with smaller cells
	confusionNarrow  = 0.40 // inches, the smallest cell with two lines of text
	confusionBare    = 0.20 // inches, the smallest cell with a number
	confusionMute    = 0.06 // inches, the smallest cell with a name
	maxClasses       = 1000
	longestClassName = vg.Length(110)
)

// Confusion draws a confusion matrix: matrix[i][j] samples of class i were taken
// for class j. A cell says how many and what share of its row that is, and is the
// darker the larger that share. Class k is called names[k], or its number where
// names has none. As cells get smaller with more classes, first the shares are
// left out, then the numbers, then the names.
func Confusion(matrix [][]int, names []string, o ConfusionOptions) (*Figure, error) {
	if err := checkConfusion(matrix); err != nil {
		return nil, err
	}
	l := newConfusionLayout(len(matrix), names, o)
	c, err := newCanvas("confusion matrix", l.left+l.matrix()+l.right, l.top+l.matrix()+l.bottom, color.White)
	if err != nil {
		return nil, err
	}
	for i, row := range matrix {
		total := 0.0
		for _, count := range row {
			total += float64(count)
		}
		for j, count := range row {
			l.drawCell(c, i, j, count, total)
		}
	}
	l.drawNames(c, o)
	return c.figure(), nil
}

// checkConfusion reports a matrix that is not square or has negative counts.
func checkConfusion(matrix [][]int) error {
	if len(matrix) < 1 || len(matrix) > maxClasses {
		return fmt.Errorf("figure: confusion matrix: got %d classes, want 1 to %d", len(matrix), maxClasses)
	}
	for i, row := range matrix {
		if len(row) != len(matrix) {
			return fmt.Errorf("figure: confusion matrix: row %d has %d entries, want %d, one for each class", i, len(row), len(matrix))
		}
		for j, count := range row {
			if count < 0 {
				return fmt.Errorf("figure: confusion matrix: entry (%d, %d) is %d, want at least 0", i, j, count)
			}
		}
	}
	return nil
}

// confusionLayout says where the parts of a confusion matrix lie, in pixels.
type confusionLayout struct {
	classes                  int
	cell                     int
	left, right, top, bottom int
	names                    []string
	face                     *font.Face // of the class names
	upright                  bool       // the predicted classes' names are turned upwards
}

func newConfusionLayout(classes int, names []string, o ConfusionOptions) confusionLayout {
	side := max(2, inches(min(confusionCell, confusionSide/float64(classes))))
	l := confusionLayout{classes: classes, cell: side}
	l.face = face(sans, min(9, points(side)*0.8))
	var widest vg.Length
	if side >= inches(confusionMute) {
		for k := range classes {
			name := shorten(className(k, names), l.face, longestClassName)
			l.names = append(l.names, name)
			widest = max(widest, l.face.Width(name))
		}
	}
	l.upright = widest > points(side)-3
	axisNames := inches(0.42) // with the space around them
	l.left = axisNames + int(widest.Dots(DPI))
	l.bottom = axisNames + int(l.face.Font.Size.Dots(DPI))
	if l.upright {
		l.bottom = l.left
	}
	l.right, l.top = inches(0.15), inches(0.15)
	if o.Title != "" {
		l.top = inches(0.4)
	}
	return l
}

// matrix returns the side of the matrix.
func (l confusionLayout) matrix() int { return l.classes * l.cell }

// drawCell draws row i, column j.
func (l confusionLayout) drawCell(c *canvas, i, j, count int, total float64) {
	share := 0.0
	if total > 0 {
		share = float64(count) / total
	}
	gap := min(l.cell/20, 3) // a thin white line between cells
	x, y := l.left+j*l.cell, l.top+i*l.cell
	fill(c.pixels, image.Rect(x, y, x+l.cell-gap, y+l.cell-gap), blueShade(share))
	if l.cell < inches(confusionBare) {
		return
	}
	shade := color.Color(ink)
	switch {
	case share > 0.5:
		shade = color.White
	case count == 0:
		shade = color.RGBA{160, 170, 180, 255} // seen, but not read first
	}
	middle := vg.Point{X: points(2*x+l.cell-gap) / 2, Y: c.Max.Y - points(2*y+l.cell-gap)/2}
	number := fittingFace(sans, strconv.Itoa(count), min(10, points(l.cell)*0.3), points(l.cell)*0.9)
	if count == 0 || l.cell < inches(confusionNarrow) {
		c.write(strconv.Itoa(count), number, shade, middle, alignCentre)
		return
	}
	up := points(l.cell) * 0.14
	c.write(strconv.Itoa(count), number, shade, middle.Add(vg.Point{Y: up}), alignCentre)
	percent := strconv.FormatFloat(100*share, 'f', 1, 64) + "%"
	c.write(percent, fittingFace(sans, percent, points(l.cell)*0.18, points(l.cell)*0.9), shade, middle.Sub(vg.Point{Y: up * 1.4}), alignCentre)
}

// drawNames writes the names of classes and axes, and the title.
func (l confusionLayout) drawNames(c *canvas, o ConfusionOptions) {
	const space = vg.Length(5) // between names and matrix
	left, bottom := points(l.left), points(l.bottom)
	for k, name := range l.names {
		middle := points(l.cell*k + l.cell/2)
		c.write(name, l.face, ink, vg.Point{X: left - space, Y: c.Max.Y - points(l.top) - middle}, alignRight)
		below := vg.Point{X: left + middle, Y: bottom - space - l.face.Font.Size*capHeight/2}
		if l.upright {
			c.writeUpwards(name, l.face, ink, vg.Point{X: below.X, Y: bottom - space}, alignRight)
		} else {
			c.write(name, l.face, ink, below, alignCentre)
		}
	}
	axis, centre := face(sans, 10), points(l.matrix())/2
	c.write("predicted class", fittingFace(sans, "predicted class", 10, points(l.matrix())), ink, vg.Point{X: left + centre, Y: 12}, alignCentre)
	c.writeUpwards("true class", fittingFace(sans, "true class", 10, points(l.matrix())), ink, vg.Point{X: 12, Y: bottom + centre}, alignCentre)
	title := shorten(o.Title, axis, points(l.matrix()+l.right))
	c.write(title, axis, ink, vg.Point{X: left, Y: c.Max.Y - points(l.top)/2}, alignLeft)
}
