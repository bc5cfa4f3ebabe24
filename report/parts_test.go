package report

import (
	"math"
	"slices"
	"strings"
	"testing"

	"hourglass/nn"
	"hourglass/recipe"
	"hourglass/tensor"
)

func parsed(t *testing.T, text string) Object {
	t.Helper()
	o, err := parseObject([]byte(text))
	must(t, err)
	return o
}

func TestObjectKeepsOrderAndDigits(t *testing.T) {
	const text = `{"z": 1.50, "a": [true, null, {"y": "é", "b": 1e5}], "seed": 18446744073709551615}`
	if got := compact(parsed(t, text)); got != text {
		t.Errorf("got %s, want %s", got, text)
	}
}

func TestFormat(t *testing.T) {
	for _, c := range []struct{ group, key, json, want string }{
		{"", "n", "0", "0"}, {"", "n", "999", "999"}, {"", "n", "1000", "1,000"}, {"", "n", "-1234567", "-1,234,567"},
		{"", "loss", "0.093138179", "0.093138"}, {"", "n", "1.5", "1.5"}, {"", "n", "8.73e-15", "8.73·10⁻¹⁵"},
		{"", "n", "18446744073709551615", "18446744073709551615"}, {"", "seed", "4242", "4242"}, {"", "n", "1e999", "1e999"},
		{"pca", "principal_angles_degrees", "[0.1193, 8.7e-15]", "0.12°, 0.00°"},
		{"recognition", "accuracy", "0.756495", "75.6 %"}, {"tsne", "seconds", "2.913", "2.91"}, {"", "seconds", "123.4", "123"},
		{"", "loss", `"mse"`, "mean squared error"}, {"", "loss", `"own"`, "own"}, {"", "optimizer", `"adam"`, "Adam"},
		{"", "x", "true", "yes"}, {"", "x", "null", "null"}, {"", "x", `{"a":1}`, `{"a": 1}`},
	} {
		value := parsed(t, `{"v": `+c.json+`}`).Get("v")
		if got := format(c.group, c.key, value); got != c.want {
			t.Errorf("format(%s.%s, %s) = %q, want %q", c.group, c.key, c.json, got, c.want)
		}
	}
}

func TestFormatColumn(t *testing.T) {
	for _, c := range []struct {
		key    string
		values []float64
		want   string
	}{
		{"loss", []float64{0.17921, 0.09734, 0}, "0.17921 0.09734 0.00000"},
		{"count", []float64{1, 2000}, "1 2,000"},
		{"loss", []float64{1e-12, 1}, "1·10⁻¹² 1"},
		{"loss", []float64{123456.5}, "123456"}, // half to even
		{"seconds", []float64{0.0001, 12.34}, "0.0 12.3"},
	} {
		if got := strings.Join(formatColumn(c.key, c.values), " "); got != c.want {
			t.Errorf("%v: %q, want %q", c.values, got, c.want)
		}
	}
}

func TestCommand(t *testing.T) {
	for _, c := range []struct{ metrics, want string }{
		{`{"recipe": "linear", "dataset": {"name": "linear", "train": 60}, "seed": 1}`, "hourglass run linear --seed 1"},
		{`{"recipe": "stacked", "dataset": {"name": "fashion-mnist", "train": 1000}, "batch_size": 64, "learning_rate": 0.5, "baseline": {"components": 30}, "seed": 18446744073709551615}`,
			"hourglass run stacked --dataset fashion-mnist --train-size 1000 --batch-size 64 --learning-rate 0.5 --baseline pca --seed 18446744073709551615"},
		{`{"recipe": "sigmoid", "dataset": {"name": "mnist", "train": 60000}}`, "hourglass run sigmoid --dataset mnist"},
		{`{"recipe": "sigmoid", "dataset": {"name": "mnist", "train": 60000, "dir": "/my data"}}`, "hourglass run sigmoid --dataset mnist --data-dir '/my data'"},
		{`{"recipe": "relu", "dataset": {"name": "/my data/it's", "train": 5}}`, `hourglass run relu --dataset '/my data/it'\''s' --train-size 5`},
		{`{"recipe": "own"}`, ""},
		{`{"recipe": "own", "command": "hourglass train --model a.json"}`, "hourglass train --model a.json"},
	} {
		m := parsed(t, c.metrics)
		known, _ := recipe.ByName(m.text("recipe"))
		if got := command(m, history{epochs: make([]float64, known.Epochs)}); got != c.want {
			t.Errorf("%s: %q, want %q", c.metrics, got, c.want)
		}
	}
}

func TestDetail(t *testing.T) {
	for _, c := range []struct {
		layer nn.Layer
		want  string
	}{
		{nn.Dense{Units: 3, Activation: nn.SELU}, "selu"},
		{nn.Dropout{Rate: 0.5}, "rate 0.5"},
		{nn.GaussianNoise{Stddev: 0.2}, "deviation 0.2"},
		{nn.TimeDistributed{Layer: nn.Dense{Units: 28, Activation: nn.Sigmoid}}, "Dense sigmoid"},
		{nn.Bidirectional{Layer: nn.LSTM{Units: 2}}, "LSTM"},
		{nn.Flatten{}, ""},
		{nn.Reshape{28, 28}, ""},
		{nil, ""},
	} {
		if got := detail(c.layer); got != c.want {
			t.Errorf("%#v: %q, want %q", c.layer, got, c.want)
		}
	}
}

// TestDrawing checks the hourglass: the square roots of 784, 100 and 30 give the
// widths, and all bars share a centre.
func TestDrawing(t *testing.T) {
	layer := func(size int) Layer {
		return Layer{LayerInfo: nn.LayerInfo{Layer: "Dense", Output: tensor.Shape{size}, Parameters: 1}}
	}
	r := Run{Input: tensor.Shape{28, 28}, Encoder: []Layer{layer(100), layer(30)}, Decoder: []Layer{layer(784)}}
	d := r.draw()
	if d.Code != 30 || d.Inputs != 784 {
		t.Errorf("a code of %d numbers from %d, want 30 from 784", d.Code, d.Inputs)
	}
	var classes []string
	for i, size := range []float64{784, 100, 30, 784} {
		b := d.Bars[i]
		classes = append(classes, b.Class)
		if want := widestBar * math.Sqrt(size/784); math.Abs(float64(b.Width)-want) > 1e-9 {
			t.Errorf("bar %d is %v wide, want %v", i, b.Width, want)
		}
		if centre := b.X + b.Width/2; math.Abs(float64(centre)-barCentre) > 1e-9 {
			t.Errorf("bar %d is centred at %v, want %v", i, centre, barCentre)
		}
	}
	if want := []string{"input", "encoder", "code", "decoder"}; !slices.Equal(classes, want) {
		t.Errorf("classes %v, want %v", classes, want)
	}
	if !strings.Contains(d.Description, "784, 100, 30, 784") {
		t.Errorf("description %q", d.Description)
	}
	if d.Bars[0].Parameters != "" || d.Bars[1].Parameters != "1 parameter" {
		t.Errorf("parameters %q and %q", d.Bars[0].Parameters, d.Bars[1].Parameters)
	}
}

func TestAxisTicks(t *testing.T) {
	for _, c := range []struct {
		axis axis
		want string
	}{
		{epochAxis([]float64{1, 20}), "5 10 15 20"},
		{epochAxis([]float64{1, 2}), "1 2"},
		{epochAxis([]float64{1}), "0 1 2"},
		{epochAxis([]float64{1, 1000}), "200 400 600 800 1000"},
		{valueAxis([]float64{0.0946, 0.1792}), "0.1 0.12 0.14 0.16 0.18"},
		{valueAxis([]float64{0.006, 0.45}), "0.005 0.01 0.02 0.05 0.1 0.2 0.5"},
		{valueAxis([]float64{1e-9, 1}), "1e-08 1e-06 0.0001 0.01 1"},
		{valueAxis([]float64{0, 0}), "-1 -0.5 0 0.5 1"},
	} {
		var words []string
		for _, tick := range c.axis.ticks() {
			words = append(words, tick.Text)
		}
		if got := strings.Join(words, " "); got != c.want {
			t.Errorf("from %v to %v: %s, want %s", c.axis.low, c.axis.high, got, c.want)
		}
	}
}

// FuzzChart draws whatever values there may be: all that is drawn must lie within
// the picture.
func FuzzChart(f *testing.F) {
	f.Add(1.0, 2.0, 3.0)
	f.Add(0.0, -1e100, 1e100)
	f.Add(1e-320, 1.0, 1e100)
	f.Add(5.0, 5.0, math.Nextafter(5, 6))
	f.Fuzz(func(t *testing.T, a, b, c float64) {
		for _, x := range []float64{a, b, c} {
			if !(math.Abs(x) <= largestValue) {
				t.Skip()
			}
		}
		drawn := newChart("loss", []float64{a, b, c}, []line{{Name: "training", values: []float64{c, a, b}}})
		within := func(what string, x, low, high coordinate) {
			if !(x >= low-0.5 && x <= high+0.5) {
				t.Errorf("%s of %v, %v, %v at %v, want it from %v to %v", what, a, b, c, x, low, high)
			}
		}
		for _, d := range drawn.Lines[0].Dots {
			within("dot", d.X, plotLeft, plotRight)
			within("dot", d.Y, plotTop, plotBottom)
		}
		for _, ticks := range [][]tick{drawn.XTicks, drawn.YTicks} {
			if len(ticks) > 12 {
				t.Errorf("%v, %v, %v: %d ticks", a, b, c, len(ticks))
			}
		}
	})
}

// FuzzParseObject holds the parser to what it writes.
func FuzzParseObject(f *testing.F) {
	f.Add([]byte(stackedMetrics))
	f.Add([]byte(`{"a": [1, {"a": null}]}`))
	f.Add([]byte(`{"epochs": [{"epoch": 1, "loss": 2, "odd": null, "val_odd": 1}, {"epoch": 2, "loss": 1, "odd": 3, "val_odd": null}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		o, err := parseObject(text)
		if err != nil {
			return
		}
		r := Run{Name: "fuzz", Metrics: o}
		if _, err := parseHistory(o); err == nil {
			must(t, Page(&strings.Builder{}, r))
		}
	})
}
