package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hourglass"
	"hourglass/modelfile"
	"hourglass/nn"
	"hourglass/recipe"
	"hourglass/run"
	"hourglass/tensor"
)

// Run is what a page tells of one run.
type Run struct {
	Name  string // the folder's name
	Title string // "Stacked autoencoder"
	About string // what it is, in a sentence or two
	Guide string // what to look for; may be empty

	Metrics Object // the content of metrics.json
	Record  Object // how the model was trained, from its file; may be nil

	Input            tensor.Shape // of a sample; nil without a model
	Encoder, Decoder []Layer
	Figures          []Figure
}

// Layer is a line of a model's summary and what else is worth saying of the layer.
type Layer struct {
	nn.LayerInfo
	Detail string  // "selu", "rate 0.5"; may be empty
	Parts  []Layer // of a composite, in their order, those of parts behind them
}

// Figure is a picture of a run.
type Figure struct {
	Name    string // of its file
	Caption string // what it shows
	PNG     []byte
}

// Read returns what a run left in a folder: metrics.json, model.safetensors and
// the pictures.
//
// What is missing is left out (an interrupted run has no figures), but for
// metrics.json, without which there is nothing to tell. What is damaged is an
// error that names the file.
func Read(dir string) (Run, error) {
	r := Run{Name: baseName(dir)}
	for _, part := range []func(*Run, string) error{readMetrics, readModel, readFigures} {
		if err := part(&r, dir); err != nil {
			return Run{}, fmt.Errorf("report: %w", err)
		}
	}
	return r, nil
}

// baseName returns the folder's own name, also where it was given as ".".
func baseName(dir string) string {
	if absolute, err := filepath.Abs(dir); err == nil {
		dir = absolute
	}
	return filepath.Base(dir)
}

// readMetrics reads the numbers and finds words for the recipe they are of.
func readMetrics(r *Run, dir string) error {
	path := filepath.Join(dir, run.MetricsFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read %s: there is no such file, want the folder of a run", path)
	}
	if err != nil {
		return err
	}
	if r.Metrics, err = parseObject(data); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if _, err := parseHistory(r.Metrics); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	r.Title = r.Name
	if known, err := recipe.ByName(r.Metrics.text("recipe")); err == nil {
		r.Title, r.About, r.Guide = known.Title, known.About, guides[known.Name]
	}
	return nil
}

// readModel reads the architecture, and how the model came about.
func readModel(r *Run, dir string) error {
	path := filepath.Join(dir, run.ModelFile)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	model, err := hourglass.Load(path)
	if err != nil {
		return err
	}
	file, err := modelfile.ReadFile(path)
	if err != nil {
		return err
	}
	if file.Record != nil {
		if r.Record, err = parseObject(file.Record); err != nil {
			return fmt.Errorf("read %s: record of the training: %w", path, err)
		}
	}
	r.Input = model.Encoder().Input()
	r.Encoder, r.Decoder = layersOf(model.Encoder()), layersOf(model.Decoder())
	return nil
}

// layersOf returns a network's table with details.
func layersOf(n *nn.Network) []Layer {
	var layers []Layer
	for _, info := range n.Table() {
		l := Layer{LayerInfo: info, Detail: detail(info.Of)}
		if info.Depth == 0 {
			layers = append(layers, l)
		} else {
			whole := &layers[len(layers)-1]
			whole.Parts = append(whole.Parts, l)
		}
	}
	return layers
}

// detail says what a layer's name and output shape leave open, in the words of
// its stored form. A layer that cannot be stored has none.
func detail(l nn.Layer) string {
	var list []storedLayer
	text, err := json.Marshal(nn.Layers{l})
	if err != nil || json.Unmarshal(text, &list) != nil || len(list) != 1 {
		return ""
	}
	return list[0].detail()
}

// storedLayer is what there is to say of a layer in its stored form.
type storedLayer struct {
	Layer  string
	Config layerConfig
}

type layerConfig struct {
	Activation   string
	Rate, Stddev *float64
	Layer        *storedLayer // that another wraps
}

// UnmarshalJSON passes over a configuration that is a list, that of a shape.
func (c *layerConfig) UnmarshalJSON(text []byte) error {
	if !bytes.HasPrefix(text, []byte("{")) {
		return nil
	}
	type plain layerConfig // without this method
	return json.Unmarshal(text, (*plain)(c))
}

func (l storedLayer) detail() string {
	switch c := l.Config; {
	case c.Layer != nil:
		return strings.TrimSpace(c.Layer.Layer + " " + c.Layer.detail())
	case c.Rate != nil:
		return fmt.Sprintf("rate %v", *c.Rate)
	case c.Stddev != nil:
		return fmt.Sprintf("deviation %v", *c.Stddev)
	default:
		return c.Activation
	}
}

// readFigures reads the pictures, those of the recipe in its order and then the
// others by name.
func readFigures(r *Run, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var names []string
	for _, e := range entries {
		if filepath.Ext(e.Name()) == ".png" && isFile(filepath.Join(dir, e.Name())) {
			names = append(names, e.Name())
		}
	}
	order := figureOrder(r.Metrics.text("recipe"))
	slices.SortStableFunc(names, func(a, b string) int { return order(a) - order(b) })
	for _, name := range names {
		path := filepath.Join(dir, name)
		picture, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if _, err := png.DecodeConfig(bytes.NewReader(picture)); err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		r.Figures = append(r.Figures, Figure{name, caption(name), picture})
	}
	return nil
}

// isFile reports whether there is an ordinary file; reading a pipe would wait.
func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// figureOrder returns a function that places figures in the order in which the
// recipe lists them, and those it does not list behind.
func figureOrder(name string) func(string) int {
	known, err := recipe.ByName(name)
	if err != nil {
		return func(string) int { return 0 }
	}
	return func(figure string) int {
		if i := slices.Index(known.Shows, figure); i >= 0 {
			return i
		}
		return len(known.Shows)
	}
}
