package figure

import (
	"image/color"
	"math"
	"slices"
)

// tab10 is matplotlib's qualitative colour map of that name.
var tab10 = [10]color.RGBA{
	{31, 119, 180, 255}, {255, 127, 14, 255}, {44, 160, 44, 255}, {214, 39, 40, 255}, {148, 103, 189, 255},
	{140, 86, 75, 255}, {227, 119, 194, 255}, {127, 127, 127, 255}, {188, 189, 34, 255}, {23, 190, 207, 255},
}

// tab10Light holds the lighter partners of tab10's colours, as in matplotlib's tab20.
var tab10Light = [10]color.RGBA{
	{174, 199, 232, 255}, {255, 187, 120, 255}, {152, 223, 138, 255}, {255, 152, 150, 255}, {197, 176, 213, 255},
	{196, 156, 148, 255}, {247, 182, 210, 255}, {199, 199, 199, 255}, {219, 219, 141, 255}, {158, 218, 229, 255},
}

// unlabelled is the colour of negative labels.
var unlabelled = color.RGBA{200, 200, 200, 255}

var (
	ink      = color.RGBA{38, 38, 38, 255}    // titles, labels, numbers
	axisLine = color.RGBA{130, 130, 130, 255} // axes and ticks
	gridLine = color.RGBA{228, 228, 228, 255}
	failure  = color.RGBA{255, 77, 77, 255} // a wrong prediction, on black
)

// ClassColor returns the colour of a class: matplotlib's tab10 for classes 0 to
// 9, its lighter partners from tab20 for 10 to 19, after that hues a golden
// angle apart (as different from their neighbours as can be), and grey for
// negative labels.
func ClassColor(class int) color.RGBA {
	switch {
	case class < 0:
		return unlabelled
	case class < 10:
		return tab10[class]
	case class < 20:
		return tab10Light[class-10]
	}
	const goldenRatio = 0.6180339887498949
	_, turn := math.Modf(float64(class-20) * goldenRatio)
	return hue(turn)
}

// hue returns a saturated, not too bright colour of the colour circle, turn in [0, 1).
func hue(turn float64) color.RGBA {
	const low, high = 60.0, 205.0
	channel := func(offset float64) uint8 {
		// The HSV circle: each channel is a trapezoid, a third of a turn apart.
		_, t := math.Modf(turn + offset)
		rise := math.Abs(6*t-3) - 1
		return uint8(math.Round(low + (high-low)*min(max(rise, 0), 1)))
	}
	return color.RGBA{channel(0), channel(2.0 / 3), channel(1.0 / 3), 255}
}

// blues holds matplotlib's colour map of that name at 0, 0.1 … 1.
var blues = [11]color.RGBA{
	{247, 251, 255, 255}, {227, 238, 249, 255}, {208, 225, 242, 255}, {183, 212, 234, 255}, {148, 196, 223, 255},
	{106, 174, 214, 255}, {74, 152, 201, 255}, {46, 126, 188, 255}, {23, 100, 171, 255}, {8, 74, 145, 255},
	{8, 48, 107, 255},
}

// blueShade returns the colour of x in [0, 1], light to dark.
func blueShade(x float64) color.RGBA {
	position := min(max(x, 0), 1) * float64(len(blues)-1)
	i := min(int(position), len(blues)-2)
	t := position - float64(i)
	mix := func(a, b uint8) uint8 { return uint8(math.Round(float64(a) + t*(float64(b)-float64(a)))) }
	a, b := blues[i], blues[i+1]
	return color.RGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 255}
}

// translucent returns c at the given opacity in [0, 1].
func translucent(c color.RGBA, opacity float64) color.NRGBA {
	return color.NRGBA{c.R, c.G, c.B, uint8(math.Round(255 * opacity))}
}

// classes returns the different labels in ascending order.
func classes(labels []int) []int {
	c := slices.Clone(labels)
	slices.Sort(c)
	return slices.Compact(c)
}
