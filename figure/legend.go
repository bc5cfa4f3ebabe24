package figure

import (
	"image/color"
	"slices"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// symbol is the kind of sample shown before a legend's text.
type symbol int

const (
	lineSymbol symbol = iota
	patchSymbol
	dotSymbol
)

// legendEntry explains one line, patch or dot of a figure.
type legendEntry struct {
	symbol symbol
	color  color.Color
	line   draw.LineStyle // of a lineSymbol
	text   string
	room   vg.Length // for the text; 0 means legendLongest
}

const (
	legendSize    vg.Length = 9  // of its type
	legendPitch   vg.Length = 14 // from line to line
	legendSample  vg.Length = 18 // width of a line or patch
	legendDot     vg.Length = 8  // width of a dot's sample
	legendGap     vg.Length = 5  // from sample to text
	legendSpacing vg.Length = 14 // from entry to entry
	legendLongest vg.Length = 144
	legendBelow   vg.Length = 8 // from a legend to the figure under it
)

func legendFace() *font.Face { return face(sans, legendSize) }

// sampleWidth returns the width of the entry's sample.
func (e legendEntry) sampleWidth() vg.Length {
	if e.symbol == dotSymbol {
		return legendDot
	}
	return legendSample
}

// label returns the entry's text as it is drawn.
func (e legendEntry) label() string {
	room := e.room
	if room == 0 {
		room = legendLongest
	}
	return shorten(e.text, legendFace(), room)
}

// width returns the width of sample and text.
func (e legendEntry) width() vg.Length {
	return e.sampleWidth() + legendGap + legendFace().Width(e.label())
}

// draw draws the entry, its left end at p, its text's middle at p's height.
func (e legendEntry) draw(c *canvas, p vg.Point) {
	width := e.sampleWidth()
	middle := vg.Point{X: p.X + width/2, Y: p.Y}
	switch e.symbol {
	case lineSymbol:
		c.StrokeLine2(e.line, p.X, p.Y, p.X+width, p.Y)
	case patchSymbol:
		c.FillPolygon(e.color, rectangle(p.X, p.Y-legendSize*0.4, p.X+width, p.Y+legendSize*0.4))
	case dotSymbol:
		c.DrawGlyph(draw.GlyphStyle{Color: e.color, Radius: 3.2, Shape: draw.CircleGlyph{}}, middle)
	}
	c.write(e.label(), legendFace(), ink, vg.Point{X: p.X + width + legendGap, Y: p.Y}, alignLeft)
}

// rectangle returns the corners of a rectangle.
func rectangle(left, bottom, right, top vg.Length) []vg.Point {
	return []vg.Point{{X: left, Y: bottom}, {X: right, Y: bottom}, {X: right, Y: top}, {X: left, Y: top}}
}

// wrap breaks entries into lines of at most the given width.
func wrap(entries []legendEntry, width vg.Length) [][]legendEntry {
	var lines [][]legendEntry
	var used vg.Length
	for _, e := range entries {
		if w := e.width(); len(lines) == 0 || used+w > width {
			lines = append(lines, nil)
			used = 0
		}
		last := len(lines) - 1
		lines[last] = append(lines[last], e)
		used += e.width() + legendSpacing
	}
	return lines
}

// drawLegendAbove draws entries in lines along the upper edge of area, from its
// left, and returns what is left of area below them. Entries without text are
// left out.
func drawLegendAbove(c *canvas, area vg.Rectangle, entries []legendEntry) vg.Rectangle {
	entries = slices.DeleteFunc(slices.Clone(entries), func(e legendEntry) bool { return e.text == "" })
	for _, line := range wrap(entries, area.Size().X) {
		x := area.Min.X
		for _, e := range line {
			e.draw(c, vg.Point{X: x, Y: area.Max.Y - legendPitch/2})
			x += e.width() + legendSpacing
		}
		area.Max.Y -= legendPitch
	}
	if len(entries) > 0 {
		area.Max.Y -= legendBelow
	}
	return area
}

// drawLegendBeside draws entries in columns along the right edge of area, in the
// middle of its height, and returns what is left of area beside them. The legend
// takes at most two fifths of the width; entries beyond become an ellipsis.
func drawLegendBeside(c *canvas, area vg.Rectangle, entries []legendEntry) vg.Rectangle {
	rows := max(1, int(area.Size().Y/legendPitch))
	limit := area.Size().X * 2 / 5
	for i := range entries {
		entries[i].room = min(legendLongest, limit-legendDot-legendGap)
	}
	columns, width := chooseColumns(entries, rows, limit)
	tallest := vg.Length(len(columns[0]))
	x := area.Max.X - width
	for _, column := range columns {
		y := (area.Min.Y+area.Max.Y)/2 + (tallest-1)/2*legendPitch
		for _, e := range column {
			e.draw(c, vg.Point{X: x, Y: y})
			y -= legendPitch
		}
		x += columnWidth(column) + legendSpacing
	}
	area.Max.X -= width + legendSpacing
	return area
}

// chooseColumns breaks entries into columns of at most the given number of rows
// that fit the width together, and returns their width. The first always stays.
func chooseColumns(entries []legendEntry, rows int, limit vg.Length) (columns [][]legendEntry, width vg.Length) {
	shown := 0
	for column := range slices.Chunk(entries, rows) {
		w := columnWidth(column)
		if len(columns) > 0 {
			w += legendSpacing
		}
		if len(columns) > 0 && width+w > limit {
			break
		}
		columns, width = append(columns, slices.Clone(column)), width+w
		shown += len(column)
	}
	if shown < len(entries) {
		last := columns[len(columns)-1]
		last[len(last)-1] = legendEntry{symbol: dotSymbol, color: color.Transparent, text: "…"}
	}
	return columns, width
}

// columnWidth returns the width of the widest entry.
func columnWidth(column []legendEntry) vg.Length {
	var width vg.Length
	for _, e := range column {
		width = max(width, e.width())
	}
	return width
}
