package report

import (
	"fmt"
	"math"
	"strings"
)

// The drawing of an architecture: bars one below the other, as wide as their
// layer's output is large, which stands an autoencoder upright like an hourglass.
// Units are about pixels on a phone.
const (
	drawingWidth = 360.0
	barCentre    = 66.0
	widestBar    = 126.0
	slimmestBar  = 3.0
	barHeight    = 20.0
	rowHeight    = 44.0
	drawingTop   = 12.0
)

// drawing is an autoencoder as a picture.
type drawing struct {
	Width, Height coordinate
	Description   string // the drawing in words
	Bars          []bar
	Layers        table
	Code          int // numbers a sample is encoded in
	Inputs        int // numbers a sample has
}

// bar is one layer of a drawing, or the input.
type bar struct {
	Class             string     // "input", "encoder", "code" or "decoder"
	X, Y, Width       coordinate // of the bar
	Waist             string     // the corners of what joins it to the bar above; empty for the first
	Name, Detail      string     // "Dense", "selu"
	Output            string     // "28×28"
	Parameters        string     // "78,500 parameters"; empty for none
	NameLine, SubLine coordinate // where the two lines of text stand
}

// draw makes a picture of a run's model, or nil where it has none.
func (r Run) draw() *drawing {
	if len(r.Encoder) == 0 || len(r.Decoder) == 0 {
		return nil
	}
	code := r.Encoder[len(r.Encoder)-1].Output
	d := &drawing{Width: drawingWidth, Inputs: r.Input.Size(), Code: code.Size()}
	scale := widestBar / math.Sqrt(float64(r.largest()))
	d.add(scale, "input", Layer{Detail: "input"}, r.Input.Size(), formatShape(r.Input))
	for i, l := range r.Encoder {
		class := "encoder"
		if i == len(r.Encoder)-1 {
			class = "code"
		}
		d.add(scale, class, l, l.Output.Size(), formatShape(l.Output))
	}
	for _, l := range r.Decoder {
		d.add(scale, "decoder", l, l.Output.Size(), formatShape(l.Output))
	}
	d.Height = coordinate(drawingTop + rowHeight*float64(len(d.Bars)))
	d.describe(r)
	d.Layers = r.layerTable()
	return d
}

// largest returns the size of the largest output.
func (r Run) largest() int {
	most := r.Input.Size()
	for _, layers := range [][]Layer{r.Encoder, r.Decoder} {
		for _, l := range layers {
			most = max(most, l.Output.Size())
		}
	}
	return most
}

// add draws a layer below those there are.
func (d *drawing) add(scale float64, class string, l Layer, size int, output string) {
	top := drawingTop + rowHeight*float64(len(d.Bars))
	width := max(slimmestBar, scale*math.Sqrt(float64(size)))
	b := bar{
		Class: class, X: coordinate(barCentre - width/2), Y: coordinate(top), Width: coordinate(width),
		Name: l.LayerInfo.Layer, Detail: l.Detail, Output: output,
		NameLine: coordinate(top + 8), SubLine: coordinate(top + 24),
	}
	if l.Parameters > 0 {
		b.Parameters = count(l.Parameters, "parameter")
	}
	if len(d.Bars) > 0 {
		above := d.Bars[len(d.Bars)-1]
		b.Waist = fmt.Sprintf("%v,%v %v,%v %v,%v %v,%v",
			above.X, above.Y+barHeight, above.X+above.Width, above.Y+barHeight, b.X+b.Width, b.Y, b.X, b.Y)
	}
	d.Bars = append(d.Bars, b)
}

// describe tells the sizes in their order.
func (d *drawing) describe(r Run) {
	sizes := []string{formatInt(d.Inputs)}
	for _, layers := range [][]Layer{r.Encoder, r.Decoder} {
		for _, l := range layers {
			if size := formatInt(l.Output.Size()); size != sizes[len(sizes)-1] {
				sizes = append(sizes, size)
			}
		}
	}
	d.Description = fmt.Sprintf("The network from top to bottom, as the number of values after each layer: %s. The code has %s.",
		strings.Join(sizes, ", "), count(d.Code, "number"))
}

// layerTable lists the layers as a summary does, composites in front of their parts.
func (r Run) layerTable() table {
	t := table{Caption: "Layers", Summary: "The layers as a table", Long: true,
		Head: []string{"Layer", "Part", "Output", "Parameters"}}
	total := 0
	part := func(name string, layers []Layer) {
		for _, l := range layers {
			for _, row := range append([]Layer{l}, l.Parts...) {
				label := strings.Repeat("· ", row.Depth) + strings.TrimSpace(row.LayerInfo.Layer+" "+row.Detail)
				t.Rows = append(t.Rows, []string{label, name, formatShape(row.Output), formatInt(row.Parameters)})
			}
			total += l.Parameters
		}
	}
	part("encoder", r.Encoder)
	part("decoder", r.Decoder)
	t.Rows = append(t.Rows, []string{"all", "", "", formatInt(total)})
	return t
}

// count writes "1 epoch" and "1,000 epochs".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return formatInt(n) + " " + thing + "s"
}
