package figure

import (
	"errors"
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
)

// NetworkLayer is a layer in a picture of a network.
type NetworkLayer struct {
	Name   string // such as "dense_1"
	Output string // the shape of what it makes: "28×28"
	Values int    // how many values that are
}

const (
	layerPitch  = 0.42 // inches from layer to layer
	layerWidth  = 0.26
	layersTall  = 2.2 // the tallest
	layersShort = 0.12
	layerNames  = 1.7 // room for names below
	layersTop   = 0.75
	layersSide  = 0.3
)

// Network draws an autoencoder as the hourglass it is: a bar for the samples and one for
// every layer, as tall as the logarithm of how many values it makes, with its name and
// shape. The codes are what the encoder's last layer makes.
func Network(input NetworkLayer, encoder, decoder []NetworkLayer) (*Figure, error) {
	if len(encoder) == 0 || len(decoder) == 0 {
		return nil, errors.New("figure: network: want at least one layer on each side")
	}
	layers := append(append([]NetworkLayer{input}, encoder...), decoder...)
	code := len(encoder)
	width := inches(2*layersSide + layerPitch*float64(len(layers)))
	c, err := newCanvas("network", width, inches(layersTop+layersTall+layerNames), color.White)
	if err != nil {
		return nil, err
	}
	least, most := math.Inf(1), math.Inf(-1)
	for _, l := range layers {
		if l.Values < 1 {
			return nil, fmt.Errorf("figure: network: layer %.40q makes %d values, want at least 1", l.Name, l.Values)
		}
		least, most = min(least, math.Log(float64(l.Values))), max(most, math.Log(float64(l.Values)))
	}
	small := face(sans, 7)
	ink := color.Gray{60}
	middle := vg.Length(layerNames+layersTall/2) * vg.Inch
	for i, l := range layers {
		share := 1.0
		if most > least {
			share = (math.Log(float64(l.Values)) - least) / (most - least)
		}
		height := vg.Length(layersShort+share*(layersTall-layersShort)) * vg.Inch
		x := vg.Length(layersSide+layerPitch*(float64(i)+0.5)) * vg.Inch
		c.bar(x, middle, vg.Length(layerWidth)*vg.Inch, height, layerColor(i, code))
		c.write(fmt.Sprint(l.Values), fittingFace(sans, fmt.Sprint(l.Values), 7, vg.Length(layerPitch)*vg.Inch), ink,
			vg.Point{X: x, Y: middle + height/2 + 7}, alignCentre)
		text := shorten(l.Name+"  "+l.Output, small, vg.Length(layerNames-0.2)*vg.Inch)
		c.writeUpwards(text, small, ink, vg.Point{X: x, Y: vg.Length(layerNames-0.1) * vg.Inch}, alignRight)
	}
	title := face(boldSans, 10)
	top := vg.Length(layersTop+layersTall+layerNames-0.3) * vg.Inch
	place := func(from, to int) vg.Length {
		return vg.Length(layersSide+layerPitch*float64(from+to+1)/2) * vg.Inch
	}
	c.write("encoder", title, layerColor(0, code), vg.Point{X: place(0, code), Y: top}, alignCentre)
	c.write("decoder", title, layerColor(code+1, code), vg.Point{X: place(code+1, len(layers)-1), Y: top}, alignCentre)
	return c.figure(), nil
}

// bar fills a rectangle around a point.
func (c *canvas) bar(x, y, width, height vg.Length, fill color.Color) {
	var p vg.Path
	p.Move(vg.Point{X: x - width/2, Y: y - height/2})
	p.Line(vg.Point{X: x + width/2, Y: y - height/2})
	p.Line(vg.Point{X: x + width/2, Y: y + height/2})
	p.Line(vg.Point{X: x - width/2, Y: y + height/2})
	p.Close()
	c.SetColor(fill)
	c.Fill(p)
}

// layerColor is blue for the encoder, red for the codes, which are layer code, and orange
// for the decoder.
func layerColor(i, code int) color.Color {
	switch {
	case i < code:
		return color.RGBA{0x44, 0x77, 0xaa, 0xff}
	case i == code:
		return color.RGBA{0xc0, 0x39, 0x4b, 0xff}
	}
	return color.RGBA{0xcc, 0x88, 0x33, 0xff}
}
