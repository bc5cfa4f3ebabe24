package workflow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourglass"
	"hourglass/dataset"
	"hourglass/figure"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/run"
	"hourglass/tensor"
	"hourglass/tsne"
)

func TestKindOf(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]Kind{
		"-": Table, "a.csv": Table, "a.CSV": Table, "a.npy": NPY, "dir": Images, "new.folder/": Images, dir: Images,
	} {
		if got, err := KindOf(path); err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", path, got, err, want)
		}
	}
	for _, path := range []string{"", "a.txt", "a.png", "new.folder"} {
		if got, err := KindOf(path); err == nil {
			t.Errorf("%q is taken for %v", path, got)
		}
	}
}

// Names come from tables that anybody may have written: none may lead out of the
// folder, nor one file take the place of another.
func TestFileNamesStayBelowTheFolder(t *testing.T) {
	f := fileNames{digits: 2, taken: map[string]bool{}}
	for i, c := range []struct{ name, want string }{
		{"cats/a.jpg", "cats/a.png"},
		{"cats/a.png", "cats/a-01.png"},
		{"", "02.png"},
		{"row 3", "03.png"},
		{"../../etc/x.png", "04.png"},
		{"/etc/x.png", "05.png"},
		{"a\nb.png", "06.png"},
		{"07.png", "07.png"},
		{"07.png", "07-08.png"},
		{".png", "09.png"},
	} {
		if got := f.next(i, filepath.FromSlash(c.name)); got != filepath.FromSlash(c.want) {
			t.Errorf("sample %d, %q: written to %q, want %q", i, c.name, got, c.want)
		}
	}
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "table.csv")
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadKnowsItsOwnTables(t *testing.T) {
	for _, c := range []struct {
		text     string
		options  dataset.LoadOptions
		features int
		name     string // of the second sample
		label    string
	}{
		{"code_1,code_2,sample,label\n1,2,\"a,\nb\",x\n3,4,c/d.png,y\n", dataset.LoadOptions{}, 2, "c/d.png", "y"},
		{"x,y,sample\r\n1,2,a\r\n3,4,b\r\n", dataset.LoadOptions{}, 2, "b", ""},
		{"a,b,label\n1,2,x\n3,4,y\n", dataset.LoadOptions{}, 2, "row 2", "y"},
		{"a,b,label\n1,2,5\n3,4,6\n", dataset.LoadOptions{Label: "a"}, 2, "row 2", "3"},
		{"a,sample,b\n1,2,5\n3,4,6\n", dataset.LoadOptions{}, 3, "row 2", ""},
		{"a,b,label\n1,2,5\n3,4,6\n", dataset.LoadOptions{CSV: dataset.CSVOptions{Ignore: []string{"label"}}}, 2, "row 2", ""},
		{"code_1,code_2,sample\n1,,a\n,2,b\n3,4,c\n5,6,d\n", dataset.LoadOptions{CSV: dataset.CSVOptions{Missing: dataset.MissingDrop}}, 2, "d", ""},
	} {
		for _, path := range []string{writeFile(t, c.text), "-"} {
			o := c.options
			o.Stdin = io.MultiReader(strings.NewReader(c.text[:5]), strings.NewReader(c.text[5:])) // as pipes come
			in, err := Load(context.Background(), path, o)
			if err != nil {
				t.Fatalf("%q: %v", c.text, err)
			}
			if in.Shape().Size() != c.features || in.SampleName(1) != c.name || in.Label(1) != c.label {
				t.Errorf("%q: %v features, the second sample is %q with label %q; want %d, %q, %q",
					c.text, in.Shape(), in.SampleName(1), in.Label(1), c.features, c.name, c.label)
			}
		}
	}
}

func TestColumnIfAny(t *testing.T) {
	path := writeFile(t, "a,kind\n1,x\n")
	for column, want := range map[string]string{"kind": "kind", "2": "2", "3": "", "sort": "", "": ""} {
		if got, err := ColumnIfAny(path, column); err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", column, got, err, want)
		}
	}
	if got, err := ColumnIfAny(t.TempDir(), "kind"); err != nil || got != "" {
		t.Errorf("a folder has the column %q, %v", got, err)
	}
}

// few yields n samples of two values, and then an error unless it is nil.
func few(n int, err error) iter.Seq2[[]float32, error] {
	return func(yield func([]float32, error) bool) {
		for i := range n {
			if !yield([]float32{float32(i), 0.5}, nil) {
				return
			}
		}
		if err != nil {
			yield(nil, err)
		}
	}
}

func TestOutputIsWholeOrNotThere(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	broken := errors.New("broken")
	for _, c := range []struct {
		ctx     context.Context
		samples iter.Seq2[[]float32, error]
		want    error
	}{{context.Background(), few(2, broken), broken}, {ctx, few(3, nil), context.Canceled}, {context.Background(), few(3, nil), nil}} {
		for _, name := range []string{"x.npy", "x.csv"} {
			path := filepath.Join(dir, name)
			o := Output{Path: path, Count: 3, Shape: tensor.Shape{2}, Columns: []string{"a", "b"}}
			if err := o.Write(c.ctx, c.samples); !errors.Is(err, c.want) {
				t.Errorf("%s: got %v, want %v", name, err, c.want)
			}
			if _, err := os.Stat(path); (err == nil) != (c.want == nil) {
				t.Errorf("%s after %v: %v", name, c.want, err)
			}
		}
	}
	var stdout bytes.Buffer
	o := Output{Path: "-", Stdout: &stdout, Count: 2, Columns: []string{"a", "b"}, Name: func(i int) string { return "s,1" }, Label: func(int) string { return "l" }}
	if err := o.Write(context.Background(), few(2, nil)); err != nil || stdout.String() != "a,b,sample,label\n0,0.5,\"s,1\",l\n1,0.5,\"s,1\",l\n" {
		t.Errorf("%v\n%s", err, &stdout)
	}
	pictures := Output{Path: filepath.Join(dir, "pictures"), Count: 2, Shape: tensor.Shape{2}}
	if err := pictures.Write(context.Background(), few(2, nil)); err == nil || !strings.Contains(err.Error(), "no images") {
		t.Errorf("got %v", err)
	}
}

func TestPictureLevels(t *testing.T) {
	o := Output{Shape: tensor.Shape{1, 5}, Range: figure.Range{Low: -1, High: 1}}
	img := o.picture([]float32{-2, -1, 0, 1, 2})
	for x, want := range []uint32{0, 0, 128, 255, 255} {
		if r, _, _, _ := img.At(x, 0).RGBA(); r>>8 != want {
			t.Errorf("pixel %d is %d, want %d", x, r>>8, want)
		}
	}
	o.Shape = tensor.Shape{1, 1, 3}
	if r, g, b, a := o.picture([]float32{1, -1, 0}).At(0, 0).RGBA(); r>>8 != 255 || g != 0 || b>>8 != 128 || a>>8 != 255 {
		t.Errorf("the coloured pixel is %d, %d, %d, %d", r>>8, g>>8, b>>8, a>>8)
	}
}

// A model that a program saved knows images as numbers from 0 to 1; its input must
// not become 0 to 255 because a file has bytes.
func TestModelsWithoutScalerTakeBytesAsShares(t *testing.T) {
	ae, err := hourglass.New(nn.Layers{nn.Input{2, 2}, nn.Flatten{}, nn.Dense{Units: 1}}, nn.Layers{nn.Dense{Units: 4}})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.safetensors")
	if err := ae.Save(path); err != nil {
		t.Fatal(err)
	}
	m, err := OpenModel(path)
	if err != nil {
		t.Fatal(err)
	}
	images := (&dataset.Images{Shape: tensor.Shape{2, 2}, Pixels: []byte{0, 51, 102, 255}}).Raw()
	in := &Input{Data: &dataset.Data{Samples: images, Largest: 255}}
	codes, err := m.Encode(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	want, err := ae.Encode(tensor.Tensor{Shape: tensor.Shape{1, 2, 2}, Data: []float32{0, 0.2, 0.4, 1}})
	if err != nil {
		t.Fatal(err)
	}
	for code, err := range codes {
		if err != nil || !slices.Equal(code, want.Data) {
			t.Errorf("got %v, %v, want %v", code, err, want.Data)
		}
	}
	if r := m.Range(); r != (figure.Range{Low: 0, High: 1}) {
		t.Errorf("range %v", r)
	}
	// A recipe with pixels from -1 to 1.
	m.Record.Recipe = "relu"
	if r := m.Range(); r != (figure.Range{Low: -1, High: 1}) {
		t.Errorf("range %v of the recipe relu, want -1 to 1", r)
	}
}

// A record is whatever a stranger wrote into a file: lists of another length than
// the samples say nothing, and break nothing.
func TestStrangeRecordsBreakNothing(t *testing.T) {
	ae, err := hourglass.New(nn.Layers{nn.Input{3}, nn.Dense{Units: 1}}, nn.Layers{nn.Dense{Units: 3}})
	if err != nil {
		t.Fatal(err)
	}
	table := writeFile(t, "a,b,c\n1,2,3\n4,,6\n")
	for _, record := range []string{`{"features":["a"]}`, `{"features":[]}`, `{"features":["a","b","c","d"]}`, `{"fill":[1]}`, `{"fill":[1,2,3,4]}`,
		`{"images":{"width":-1,"height":2}}`, `{"range":{"low":5,"high":-5}}`, `[1]`, `7`} {
		if err := ae.SetRecord(json.RawMessage(record)); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "model.safetensors")
		if err := ae.Save(path); err != nil {
			t.Fatal(err)
		}
		m, err := OpenModel(path)
		if err != nil {
			t.Fatal(err)
		}
		in, err := m.Load(context.Background(), table, dataset.LoadOptions{CSV: dataset.CSVOptions{Missing: dataset.MissingMean}})
		if err != nil {
			t.Errorf("%s: %v", record, err)
			continue
		}
		if got := len(m.Columns(in)); got != 3 {
			t.Errorf("%s: %d columns", record, got)
		}
		m.Range()
	}
}

func TestEmbedRefuses(t *testing.T) {
	for _, c := range []struct {
		codes  tensor.Tensor
		method Method
		want   string
	}{
		{tensor.New(1, 3), TSNE, "want at least 2"},
		{tensor.New(5, 1), PCA, "no two principal components"},
		{tensor.New(5, 3), "umap", `method "umap"`},
	} {
		if _, _, err := Embed(context.Background(), c.codes, c.method, tsne.Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	line := tensor.Tensor{Shape: tensor.Shape{3, 2}, Data: []float32{0, 0, 3, 4, 6, 8}}
	points, kl, err := Embed(context.Background(), line, PCA, tsne.Options{})
	if err != nil || !math.IsNaN(kl) || math.Abs(float64(points.Row(2)[0]-points.Row(0)[0])-10) > 1e-5 {
		t.Errorf("points %v, divergence %v, %v; want the ends 10 apart", points.Data, kl, err)
	}
}

func TestRecognizeKnowsClassesByName(t *testing.T) {
	vectors := func(v ...float32) tensor.Tensor { return tensor.Tensor{Shape: tensor.Shape{len(v), 1}, Data: v} }
	known := &Input{Data: &dataset.Data{Samples: dataset.Array{Tensor: vectors(0, 1, 10)}, Labels: []int{0, 0, 1}, Classes: []string{"low", "top"}}}
	unknown := &Input{Data: &dataset.Data{Samples: dataset.Array{Tensor: vectors(9, 2, 3)}, Labels: []int{2, 0, 1}, Classes: []string{"low", "new", "top"}}}
	r, err := Recognize(context.Background(), vectors(0, 1, 10), known, vectors(9, 2, 3), unknown, 1)
	if err != nil {
		t.Fatal(err)
	}
	if want := []int{1, 0, 0}; !slices.Equal(r.Predicted, want) || !slices.Equal(r.Truth, []int{1, 0, 2}) || math.Abs(r.Confusion.Accuracy()-2.0/3) > 1e-12 || r.Copies != 0 {
		t.Errorf("got %+v, want %v predicted and two of three right", r, want)
	}
	if r, err = Recognize(context.Background(), vectors(0, 1, 10), known, vectors(1, 2, 10), unknown, 2); err != nil || r.Copies != 2 {
		t.Errorf("got %+v, %v; want two samples that are among the labelled ones", r, err)
	}
}

// Whatever a pipe brings is data or an error.
func FuzzLoad(f *testing.F) {
	for _, text := range []string{"", "a,b\n1,2\n", "code_1,sample,label\n1,a,b\n", "code_1,\"x,y\",sample\n1,2,3\n", "x,y,sample\n1;2,3,4\n",
		"\ufeffcode_1,sample\n1,\"a\nb\"\n", "a_1,sample\n1,2,3\n", "code_1;sample\n1;2\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		in, err := Load(context.Background(), "-", dataset.LoadOptions{Stdin: strings.NewReader(text), Memory: 1 << 20})
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("an error of several lines: %q", err)
			}
			return
		}
		for i := range in.Len() {
			in.SampleName(i)
			in.Label(i)
		}
	})
}

// The threshold is learned from the samples that validate, so that as many of later ones are
// flagged as were asked for, however long the training was.
func TestThresholdIsLearnedFromHeldOutSamples(t *testing.T) {
	ctx := context.Background()
	const width = 8
	series := func(n int, seed uint64) *dataset.Data {
		x := tensor.New(n, width)
		rng := rand.New(rand.NewPCG(seed, 1))
		for i := range n {
			level, phase := rng.NormFloat64(), rng.Float64()
			for j := range x.Row(i) {
				x.Row(i)[j] = float32(level + math.Sin(2*math.Pi*(phase+float64(j)/width)) + 0.3*rng.NormFloat64())
			}
		}
		return &dataset.Data{Path: "series.npy", Format: dataset.FormatNPY, Samples: dataset.Array{Tensor: x}}
	}
	for _, validation := range []float64{0.5, 0} {
		var log strings.Builder
		out := t.TempDir()
		_, err := Train(ctx, series(400, 1), TrainOptions{Architecture: "dense 64 selu > dense 4 | dense 64 selu > dense 8", Epochs: 150,
			Optimizer: optim.Adam{LearningRate: 0.01}, Validation: validation, Seed: 1, Options: run.Options{Out: out, Log: &log}})
		if err != nil {
			t.Fatal(err)
		}
		m, err := OpenModel(filepath.Join(out, "model.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		threshold, err := m.Threshold(0.9)
		if err != nil {
			t.Fatal(err)
		}
		scores, err := m.ScoreAll(ctx, series(4000, 2).Samples)
		if err != nil {
			t.Fatal(err)
		}
		above := 0
		for _, s := range scores {
			if s > threshold {
				above++
			}
		}
		share := float64(above) / float64(len(scores))
		if validation == 0 {
			if m.ThresholdSamples() != 400 || !strings.Contains(log.String(), "learned from 400 training samples, for want of others") {
				t.Errorf("learned from %d samples\n%s", m.ThresholdSamples(), log.String())
			}
			continue
		}
		// Three standard deviations of a share of one in ten, of 200 samples and of 4,000.
		if math.Abs(share-0.1) > 3*math.Sqrt(0.1*0.9/200+0.1*0.9/4000) {
			t.Errorf("%.3f of later samples are above the threshold for 0.1", share)
		}
		if m.ThresholdSamples() != 200 || !strings.Contains(log.String(), "threshold for outliers learned from 200 validation samples\n") {
			t.Errorf("learned from %d samples\n%s", m.ThresholdSamples(), log.String())
		}
	}
}

// The seed of the weights may vary while the samples set aside stay the same, and some may be kept for testing.
func TestSamplesAreSetAsideByASeedOfTheirOwn(t *testing.T) {
	digests := func(o TrainOptions) run.Digests {
		t.Helper()
		o.Codes, o.Epochs, o.Validation, o.Out = 2, 1, 0.1, t.TempDir()
		m, err := Train(t.Context(), curved(100), o)
		if err != nil {
			t.Fatal(err)
		}
		if (m.Test != nil) != (o.Test > 0) || m.Dataset.Test != int(o.Test*100) {
			t.Errorf("%d samples for testing, loss %v", m.Dataset.Test, m.Test)
		}
		notes, err := run.ReadNotes(o.Out)
		if err != nil {
			t.Fatal(err)
		}
		return notes.Record.Data
	}
	split := uint64(5)
	five, one, two := digests(TrainOptions{Seed: 5}), digests(TrainOptions{Seed: 1, SplitSeed: &split}), digests(TrainOptions{Seed: 2})
	if one != five || two == five {
		t.Errorf("seed 5 gives %v, with that of the split another seed %v, and without %v", five, one, two)
	}
	if kept := digests(TrainOptions{Seed: 5, Test: 0.2}); kept.Test == "" {
		t.Error("nothing is kept for testing")
	}
}

// Each feature of a series has one scale, the same at all steps, and unlike another's.
func TestTrainScalesSeriesByFeature(t *testing.T) {
	x := tensor.New(40, 16, 2)
	for i := range x.Data {
		x.Data[i] = float32(math.Sin(float64(i/2))) * []float32{1, 1000}[i%2]
	}
	dir := t.TempDir()
	data := &dataset.Data{Path: "series.npy", Format: dataset.FormatNPY, Samples: dataset.Array{Tensor: x}}
	if _, err := Train(t.Context(), data, TrainOptions{Epochs: 1, Validation: 0.1, Options: run.Options{Out: dir}}); err != nil {
		t.Fatal(err)
	}
	m, err := OpenModel(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := m.Scaler()
	if s.Kind != dataset.StandardScaling || len(s.Scale) != 32 {
		t.Fatalf("scaling %s of %d values", s.Kind, len(s.Scale))
	}
	for i := range s.Scale {
		if s.Scale[i] != s.Scale[i%2] || s.Offset[i] != s.Offset[i%2] {
			t.Errorf("step %d of feature %d has another scale than the first", i/2, i%2)
		}
	}
	if ratio := s.Scale[1] / s.Scale[0]; math.Abs(float64(ratio)-1000) > 1 {
		t.Errorf("the scales differ by %v, want 1000", ratio)
	}
}
