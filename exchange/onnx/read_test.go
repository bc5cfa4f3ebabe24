package onnx_test

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass"
	"hourglass/architecture"
	"hourglass/exchange/internal/models"
	"hourglass/exchange/onnx"
	"hourglass/recipe"
	"hourglass/tensor"
)

// written returns what is read of what is written.
func again(t testing.TB, ae *hourglass.Autoencoder, o onnx.Options) (*hourglass.Autoencoder, error) {
	t.Helper()
	var file bytes.Buffer
	if err := onnx.Write(&file, ae, o); err != nil {
		t.Fatal(err)
	}
	return onnx.Read(&file, onnx.Import{})
}

// line says an architecture.
func line(ae *hourglass.Autoencoder) string {
	return architecture.Format(ae.Encoder().Layers(), ae.Decoder().Layers())
}

// Models that are written and read again give the same bits, with channels last and first.
func TestRoundTrip(t *testing.T) {
	changed := 0
	for _, m := range all(t) {
		for _, first := range []bool{false, true} {
			if strings.Contains(line(m.AE), "bidirectional (conv") || strings.Contains(line(m.AE), "time_distributed (conv") || strings.Contains(line(m.AE), "column_activation") {
				continue // graphs that no tool but this one writes
			}
			got, err := again(t, m.AE, onnx.Options{ChannelsFirst: first})
			if err != nil {
				t.Errorf("%s: %v\n%s", m.Name, err, line(m.AE))
				continue
			}
			x := samples(t, m.AE.Encoder().Input())
			labels := models.Labels(m.AE, batch)
			want, err := m.AE.Given(labels...).Reconstruct(x)
			if err != nil {
				t.Fatal(err)
			}
			x.Shape = append(slices.Clone(x.Shape[:1]), got.Encoder().Input()...)
			y, err := got.Given(labels...).Reconstruct(x)
			if err != nil {
				t.Errorf("%s: %v", m.Name, err)
				continue
			}
			same := len(y.Data) == len(want.Data)
			for i := range y.Data {
				same = same && math.Float32bits(y.Data[i]) == math.Float32bits(want.Data[i])
			}
			kept := line(got) == line(m.AE)
			if !kept && recipeName(m.Name) && !strings.Contains(line(m.AE), "adversary") { // whose discriminator a graph does not have
				t.Errorf("%s: read as\n%s\nwant\n%s", m.Name, line(got), line(m.AE))
			}
			if !kept { // as a Permute that went into the weights
				changed++
				t.Logf("%s: read as\n%s\nwritten\n%s", m.Name, line(got), line(m.AE))
				compare(t, m.Name, tensor.Tensor{Shape: want.Shape, Data: y.Data}, want)
			} else if !same {
				t.Errorf("%s (channels first: %v): other numbers come out, from %v, want %v\n got %s\nwant %s", m.Name, first, y.Data[:3], want.Data[:3], line(got), line(m.AE))
			}
		}
	}
	if changed > 10 { // a Permute, discriminators that only training needs, convolutions that share their kernels
		t.Errorf("%d architectures were read otherwise than written", changed)
	}
}

func recipeName(name string) bool { return slices.Contains(recipe.Names(), name) }
