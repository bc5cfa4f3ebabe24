package figure

import (
	"strings"
	"testing"
)

// The bars of a network of 784, 30 and 784 values are in the colours of their sides, the
// tall ones taller than that of the codes.
func TestNetwork(t *testing.T) {
	big, small := NetworkLayer{"dense", "784", 784}, NetworkLayer{"dense_1", "30", 30}
	f, err := Network(big, []NetworkLayer{small}, []NetworkLayer{big})
	if err != nil {
		t.Fatal(err)
	}
	again, err := Network(big, []NetworkLayer{small}, []NetworkLayer{big})
	if err != nil || string(again.Image.Pix) != string(f.Image.Pix) {
		t.Errorf("the same network was drawn differently (error %v)", err)
	}
	y := inches(layersTop + layersTall/2)
	counts := [3]int{}
	for i := range counts {
		x := inches(layersSide + layerPitch*(float64(i)+0.5))
		if got, want := f.Image.At(x, y), layerColor(i, 1); got != want {
			t.Errorf("bar %d has the colour %v, want %v", i, got, want)
		}
		for row := range f.Image.Rect.Dy() {
			if f.Image.At(x, row) == layerColor(i, 1) {
				counts[i]++
			}
		}
	}
	if counts[0] < inches(layersTall)-20 || counts[1] > inches(layersShort)+60 || counts[0] != counts[2] && counts[0]-counts[2] > 60 {
		t.Errorf("bars are %v pixels tall", counts)
	}
}

func TestNetworkRefuses(t *testing.T) {
	l := NetworkLayer{"dense", "3", 3}
	for want, err := range map[string]error{
		"at least one layer on each side": second(Network(l, nil, []NetworkLayer{l})),
		`layer "a" makes 0 values`:        second(Network(l, []NetworkLayer{{"a", "", 0}}, []NetworkLayer{l})),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %q", err, want)
		}
	}
}

func second(_ *Figure, err error) error { return err }
