package figure

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"hourglass/tensor"
)

// Plane is a plane through Origin that U and V span.
type Plane struct {
	Name         string // in the legend
	Origin, U, V [3]float64
}

// PlanesOptions are the choices of [Planes].
type PlanesOptions struct {
	// Labels name the axes; empty means x₁, x₂, x₃.
	Labels [3]string

	// PointsName names the points in the legend; empty means "points".
	PointsName string

	// Azimuth and Elevation say from where one looks, in degrees; both 0 mean -62 and
	// 18. The third axis points upwards.
	Azimuth, Elevation float64
}

const (
	planesWidth  = 5.2 // inches
	planesHeight = 4.2
	// planeMargin is how far a plane reaches beyond the points, as a share of their extent.
	planeMargin = 0.12
)

// Planes draws N×3 points in space, translucent planes among them, and a thin line from
// each point to the nearest place on the last plane. All planes are cut out over the
// same rectangle, that of the points in the first of them. It is a parallel projection
// of a box that is as high as three quarters of its width.
func Planes(points tensor.Tensor, planes []Plane, o PlanesOptions) (*Figure, error) {
	if err := checkTensor("planes: points", points); err != nil {
		return nil, err
	}
	if s := points.Shape; len(s) != 2 || s[1] != 3 {
		return nil, fmt.Errorf("figure: planes: points have shape %v, want N×3", s)
	}
	o.setDefaults()
	bases := make([]basis, len(planes))
	for i, p := range planes {
		var err error
		if bases[i], err = p.basis(); err != nil {
			return nil, fmt.Errorf("figure: planes: %w", err)
		}
	}
	cloud := finitePoints(points)
	if len(cloud) == 0 {
		return nil, fmt.Errorf("figure: planes: none of %d points is finite", points.Len())
	}
	c, err := newCanvas("planes", inches(planesWidth), inches(planesHeight), color.White)
	if err != nil {
		return nil, err
	}
	entries := []legendEntry{{symbol: dotSymbol, color: pointColor, text: o.PointsName}}
	for i, p := range planes {
		entries = append(entries, legendEntry{symbol: patchSymbol, color: translucent(ClassColor(i), 0.55), text: p.Name})
	}
	area := drawLegendAbove(c, inset(c.Rectangle, pageMargin), entries)
	corners := cutOut(bases, cloud)
	s := newSpace(area, o, append(cloud, flat(corners)...))
	s.drawBox(c, o.Labels)
	s.drawPlanes(c, cloud, bases, corners)
	return c.figure(), nil
}

// pointColor is that of points in space.
var pointColor = color.RGBA{45, 45, 45, 255}

func (o *PlanesOptions) setDefaults() {
	for i := range o.Labels {
		if o.Labels[i] == "" {
			o.Labels[i] = "x" + string('₁'+rune(i))
		}
	}
	if o.PointsName == "" {
		o.PointsName = "points"
	}
	if o.Azimuth == 0 && o.Elevation == 0 {
		o.Azimuth, o.Elevation = -62, 18
	}
}

// vec is a point or a direction in space.
type vec [3]float64

func (a vec) plus(b vec, times float64) vec {
	return vec{a[0] + times*b[0], a[1] + times*b[1], a[2] + times*b[2]}
}

func (a vec) dot(b vec) float64 { return a[0]*b[0] + a[1]*b[1] + a[2]*b[2] }

func (a vec) cross(b vec) vec {
	return vec{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
}

// finitePoints returns the points that can be drawn.
func finitePoints(points tensor.Tensor) []vec {
	var cloud []vec
	for i := range points.Len() {
		row := points.Row(i)
		p := vec{float64(row[0]), float64(row[1]), float64(row[2])}
		if drawable(p[0]) && drawable(p[1]) && drawable(p[2]) {
			cloud = append(cloud, p)
		}
	}
	return cloud
}

// basis is a plane by a point and two directions of length 1 at a right angle.
type basis struct{ origin, u, v, normal vec }

func (p Plane) basis() (basis, error) {
	unit := func(a vec) (vec, bool) {
		length := math.Sqrt(a.dot(a))
		return vec{}.plus(a, 1/length), length > 0 && !math.IsInf(length, 0)
	}
	u, okU := unit(p.U)
	across, okV := unit(p.V)
	v, okW := unit(across.plus(u, -across.dot(u)))
	origin := vec(p.Origin)
	if !okU || !okV || !okW || math.Abs(across.dot(u)) > 1-1e-9 || !drawable(origin.dot(origin)) {
		return basis{}, fmt.Errorf("plane %.40q goes through %v along %v and %v, want finite numbers and two directions", p.Name, p.Origin, p.U, p.V)
	}
	return basis{origin, u, v, u.cross(v)}, nil
}

// foot is the place on the plane that is nearest to p.
func (b basis) foot(p vec) vec { return p.plus(b.normal, b.origin.plus(p, -1).dot(b.normal)) }

// cutOut returns the four corners of each plane: the feet of the rectangle that the
// points take in the first, and something around.
func cutOut(bases []basis, cloud []vec) [][]vec {
	if len(bases) == 0 {
		return nil
	}
	first, along, across := bases[0], emptySpan(), emptySpan()
	for _, p := range cloud {
		d := p.plus(first.origin, -1)
		along, across = along.include(d.dot(first.u)), across.include(d.dot(first.v))
	}
	along, across = along.padded(planeMargin), across.padded(planeMargin)
	corners := make([][]vec, len(bases))
	for i, b := range bases {
		for _, at := range [][2]float64{{along.min, across.min}, {along.max, across.min}, {along.max, across.max}, {along.min, across.max}} {
			corners[i] = append(corners[i], b.foot(first.origin.plus(first.u, at[0]).plus(first.v, at[1])))
		}
	}
	return corners
}

func flat(corners [][]vec) []vec {
	var all []vec
	for _, c := range corners {
		all = append(all, c...)
	}
	return all
}

// space maps a box in space to an area of the page.
type space struct {
	axes            [3]span
	right, up, view vec // of the page, in the box whose sides are near 1
	middle          vg.Point
	scale           vg.Length
}

// boxHeight is that of the box, whose other sides are 1.
const boxHeight = 0.75

// newSpace returns the projection that shows all points and fits the area.
func newSpace(area vg.Rectangle, o PlanesOptions, points []vec) *space {
	s := &space{middle: vg.Point{X: (area.Min.X + area.Max.X) / 2, Y: (area.Min.Y + area.Max.Y) / 2}}
	for i := range s.axes {
		s.axes[i] = emptySpan()
		for _, p := range points {
			s.axes[i] = s.axes[i].include(p[i])
		}
		s.axes[i] = s.axes[i].padded(0.04)
	}
	sinA, cosA := math.Sincos(o.Azimuth * math.Pi / 180)
	sinE, cosE := math.Sincos(o.Elevation * math.Pi / 180)
	s.right, s.up = vec{-sinA, cosA, 0}, vec{-sinE * cosA, -sinE * sinA, cosE}
	s.view = vec{cosE * cosA, cosE * sinA, sinE}
	// Labels need room around the box.
	const labels = 34
	var width, height float64
	for i := range 8 {
		corner := vec{float64(i&1) - 0.5, float64(i>>1&1) - 0.5, (float64(i>>2) - 0.5) * boxHeight}
		width = max(width, 2*math.Abs(corner.dot(s.right)))
		height = max(height, 2*math.Abs(corner.dot(s.up)))
	}
	size := area.Size()
	s.scale = min((size.X-1.5*labels)/vg.Length(width), (size.Y-1.5*labels)/vg.Length(height))
	s.middle.X += labels / 4
	s.middle.Y += labels / 3
	return s
}

// inBox returns where p is in the box, whose middle is 0.
func (s *space) inBox(p vec) vec {
	var q vec
	for i, v := range p {
		q[i] = (v-s.axes[i].min)/(s.axes[i].max-s.axes[i].min) - 0.5
	}
	q[2] *= boxHeight
	return q
}

// at returns the place of p on the page.
func (s *space) at(p vec) vg.Point {
	q := s.inBox(p)
	return vg.Point{X: s.middle.X + s.scale*vg.Length(q.dot(s.right)), Y: s.middle.Y + s.scale*vg.Length(q.dot(s.up))}
}

// side returns the end of an axis that is nearer to the viewer, or the farther one.
func (s *space) side(axis int, near bool) float64 {
	if (s.view[axis] > 0) == near {
		return s.axes[axis].max
	}
	return s.axes[axis].min
}

// spaceTicks are those of the axes in space.
var spaceTicks = ticks{count: 5}

// drawBox draws the three faces at the back with grid lines, and the axes' ticks and
// names along the edges in front.
func (s *space) drawBox(c *canvas, labels [3]string) {
	back := vec{s.side(0, false), s.side(1, false), s.side(2, false)}
	for axis := range 3 {
		a, b := (axis+1)%3, (axis+2)%3
		corner := func(onA, onB float64) vg.Point {
			p := back
			p[a], p[b] = onA, onB
			return s.at(p)
		}
		c.FillPolygon(pane, []vg.Point{corner(s.axes[a].min, s.axes[b].min), corner(s.axes[a].max, s.axes[b].min),
			corner(s.axes[a].max, s.axes[b].max), corner(s.axes[a].min, s.axes[b].max)})
		for _, lines := range [][2]int{{a, b}, {b, a}} {
			for _, tick := range spaceTicks.Ticks(s.axes[lines[0]].min, s.axes[lines[0]].max) {
				from, to := back, back
				from[lines[0]], to[lines[0]] = tick.Value, tick.Value
				from[lines[1]], to[lines[1]] = s.axes[lines[1]].min, s.axes[lines[1]].max
				c.StrokeLines(draw.LineStyle{Color: color.White, Width: 0.8}, []vg.Point{s.at(from), s.at(to)})
			}
		}
	}
	low := s.side(2, s.view[2] < 0)
	s.drawAxis(c, 0, vec{0, s.side(1, true), low}, vec{0, s.side(1, false), low}, labels[0])
	s.drawAxis(c, 1, vec{s.side(0, true), 0, low}, vec{s.side(0, false), 0, low}, labels[1])
	edge, other := vec{s.side(0, true), s.side(1, false), 0}, vec{s.side(0, false), s.side(1, true), 0}
	if s.at(edge).X > s.at(other).X {
		edge, other = other, edge
	}
	s.drawAxis(c, 2, edge, vec{other[0], edge[1], 0}, labels[2])
}

// pane is the colour of the box's faces.
var pane = color.RGBA{243, 244, 246, 255}

// drawAxis draws ticks along an edge of the box, pointing away from a parallel one, and
// the axis' name beside them.
func (s *space) drawAxis(c *canvas, axis int, edge, opposite vec, label string) {
	place := func(line vec, v float64) vg.Point {
		line[axis] = v
		return s.at(line)
	}
	ends := s.axes[axis]
	middle := (ends.min + ends.max) / 2
	out := place(edge, middle).Sub(place(opposite, middle))
	if length := vg.Length(math.Hypot(float64(out.X), float64(out.Y))); length > 0 {
		out = out.Scale(1 / length)
	}
	if axis == 2 {
		out = vg.Point{X: -1}
	}
	c.StrokeLines(axisStyle, []vg.Point{place(edge, ends.min), place(edge, ends.max)})
	font := face(sans, tickLabelSize)
	for _, tick := range spaceTicks.Ticks(ends.min, ends.max) {
		p := place(edge, tick.Value)
		c.StrokeLines(axisStyle, []vg.Point{p, p.Add(out.Scale(3))})
		c.write(tick.Label, font, ink, p.Add(out.Scale(7)), alignCentre-out.X/2)
	}
	name, beside := axisName(label), place(edge, middle).Add(out.Scale(34+8*max(out.X, 0)))
	if letter, subscript, ok := name.symbol(); ok {
		beside.X -= symbolWidth(letter, subscript) / 2
		writeSymbol(c, letter, subscript, beside)
		return
	}
	name.writeWords(c, beside, c.write)
}

// drawPlanes draws the planes, and the points before and behind the last of them.
func (s *space) drawPlanes(c *canvas, cloud []vec, bases []basis, corners [][]vec) {
	var last *basis
	if len(bases) > 0 {
		last = &bases[len(bases)-1]
	}
	behind := func(p vec) bool {
		return last != nil && s.inBox(p).plus(s.inBox(last.foot(p)), -1).dot(s.view) < 0
	}
	drawPoints := func(where bool) {
		for _, p := range cloud {
			if behind(p) != where {
				continue
			}
			if last != nil {
				c.StrokeLines(draw.LineStyle{Color: axisLine, Width: 0.6}, []vg.Point{s.at(p), s.at(last.foot(p))})
			}
			c.DrawGlyph(draw.GlyphStyle{Color: pointColor, Radius: 1.9, Shape: draw.CircleGlyph{}}, s.at(p))
		}
	}
	drawPoints(true)
	for i := range bases {
		var outline []vg.Point
		for _, corner := range corners[i] {
			outline = append(outline, s.at(corner))
		}
		c.FillPolygon(translucent(ClassColor(i), 0.3), outline)
		style := draw.LineStyle{Color: ClassColor(i), Width: 1.3}
		if i > 0 {
			style.Dashes = []vg.Length{5, 3}
		}
		c.StrokeLines(style, append(outline, outline[0]))
	}
	drawPoints(false)
}
