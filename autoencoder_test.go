package hourglass

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"hourglass/dataset"
	"hourglass/internal/golden"
	"hourglass/loss"
	"hourglass/metric"
	"hourglass/modelfile"
	"hourglass/nn"
	"hourglass/optim"
	"hourglass/tensor"
	"hourglass/train"
)

// images are n pictures of 5×4.
func images(n int) tensor.Tensor {
	x := tensor.New(n, 5, 4)
	copy(x.Data, golden.Values(1, len(x.Data), 0, 1))
	return x
}

// stacked returns a small autoencoder of such pictures with a code of 3.
func stacked(t testing.TB) *Autoencoder {
	t.Helper()
	a, err := New(
		nn.Layers{nn.Input{5, 4}, nn.Flatten{}, nn.GaussianNoise{Stddev: 0.1}, nn.Dense{Units: 9, Activation: nn.SELU}, nn.Dense{Units: 3, Activation: nn.SELU}},
		nn.Layers{nn.Dense{Units: 9, Activation: nn.SELU}, nn.Dropout{Rate: 0.1}, nn.Dense{Units: 20, Activation: nn.Sigmoid}, nn.Reshape{5, 4}})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// must returns a value that cannot be had with an error.
func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func TestNewErrors(t *testing.T) {
	in, dense := nn.Input{5, 4}, nn.Dense{Units: 3}
	for _, c := range []struct {
		encoder, decoder nn.Layers
		want             string
	}{
		{nil, nn.Layers{dense}, "encoder has 0 layers and decoder 1, want at least 1 each"},
		{nn.Layers{in}, nil, "encoder has 1 layers and decoder 0"},
		{nn.Layers{dense}, nn.Layers{dense}, "nn: no input shape: the first layer must be Input"},
		{nn.Layers{in, dense}, nn.Layers{dense}, "the decoder gives samples of shape 5×3, want that of the input, 5×4"},
		{nn.Layers{in, nn.Flatten{}}, nn.Layers{nil}, "nn: layer 2 (nil)"},
		{nn.Layers{in}, nn.Layers{in, nn.Reshape{3, 3}}, "nn: layer 2 (Reshape) on input 5×4: cannot reshape 5×4 (20 elements) to 3×3"},
	} {
		_, err := New(c.encoder, c.decoder)
		if err == nil || !strings.HasPrefix(err.Error(), "hourglass: new autoencoder: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

// What is changed in the caller's lists later does not change the autoencoder.
func TestNewCopiesLayers(t *testing.T) {
	encoder, decoder := nn.Layers{nn.Input{2}, nn.Dense{Units: 1}}, nn.Layers{nn.Dense{Units: 2}}
	a := must[*Autoencoder](t)(New(encoder, decoder))
	encoder[1], decoder[0] = nn.Dense{Units: 7}, nn.Dense{Units: 7}
	path := filepath.Join(t.TempDir(), "model")
	if err := a.Save(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(path); err != nil {
		t.Error(err)
	}
}

// Encoding and decoding is reconstructing; a sample's result does not depend on
// the samples beside it, however many there are.
func TestInference(t *testing.T) {
	a, tt := stacked(t), must[tensor.Tensor](t)
	const n = 3*inferenceBatch + 7
	x := images(n)
	codes := tt(a.Encode(x))
	decoded := tt(a.Decode(codes))
	y := tt(a.Reconstruct(x))
	if !codes.Shape.Equal(tensor.Shape{n, 3}) || !y.Shape.Equal(x.Shape) {
		t.Errorf("codes of shape %v, reconstructions of shape %v", codes.Shape, y.Shape)
	}
	if !slices.Equal(decoded.Data, y.Data) {
		t.Error("Decode of Encode is not Reconstruct")
	}
	if all := tt(a.EncodeAll(context.Background(), dataset.Array{Tensor: x})); !slices.Equal(all.Data, codes.Data) || !all.Shape.Equal(codes.Shape) {
		t.Error("EncodeAll is not Encode")
	}
	for _, i := range []int{0, 1, inferenceBatch, n - 1} {
		if !slices.Equal(tt(a.Reconstruct(x.Slice(i, i+1))).Data, y.Row(i)) {
			t.Errorf("sample %d alone has another reconstruction", i)
		}
	}
	scores, err := a.Score(x)
	if err != nil || len(scores) != n {
		t.Fatalf("%d scores, %v", len(scores), err)
	}
	for i, s := range scores {
		sum := 0.0
		for j, v := range x.Row(i) {
			sum += math.Pow(float64(v)-float64(y.Row(i)[j]), 2)
		}
		if math.Abs(s/(sum/20)-1) > 1e-5 {
			t.Errorf("score %d is %v, want %v", i, s, sum/20)
		}
	}
	// Samples of as many values under another shape are as good.
	flat := tensor.Tensor{Shape: tensor.Shape{n, 20}, Data: x.Data}
	if !slices.Equal(tt(a.Encode(flat)).Data, codes.Data) {
		t.Error("flat samples have other codes")
	}
}

func TestInferenceErrors(t *testing.T) {
	a := stacked(t)
	for what, x := range map[string]tensor.Tensor{
		"nothing":         {},
		"no samples":      {Shape: tensor.Shape{0, 5, 4}},
		"one sample":      {Shape: tensor.Shape{20}, Data: make([]float32, 20)},
		"wrong samples":   tensor.New(2, 5, 5),
		"too few values":  {Shape: tensor.Shape{2, 5, 4}, Data: make([]float32, 39)},
		"negative axes":   {Shape: tensor.Shape{2, -5, -4}, Data: make([]float32, 40)},
		"negative length": {Shape: tensor.Shape{-2, 5, 4}},
		"overflow":        {Shape: tensor.Shape{math.MaxInt/5 + 1, 5, 4}},
	} {
		_, encodeErr := a.Encode(x)
		_, reconstructErr := a.Reconstruct(x)
		_, scoreErr := a.Score(x)
		_, decodeErr := a.Decode(x)
		for verb, err := range map[string]error{"encode": encodeErr, "reconstruct": reconstructErr, "score": scoreErr, "decode": decodeErr} {
			if err == nil || !strings.HasPrefix(err.Error(), "hourglass: "+verb+": got an array of shape ") {
				t.Errorf("%s: %s: error %v", what, verb, err)
			}
		}
	}
	// A code of one value may stand for more than an array can hold.
	wide := must[*Autoencoder](t)(New(nn.Layers{nn.Input{1 << 19}, nn.Dense{Units: 1}}, nn.Layers{nn.Dense{Units: 1 << 19}}))
	if _, err := wide.Decode(tensor.New(1<<11, 1)); err == nil || !strings.Contains(err.Error(), "hourglass: decode: the result is too large") {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := a.EncodeAll(ctx, dataset.Array{Tensor: images(3)}); !errors.Is(err, context.Canceled) {
		t.Errorf("EncodeAll: error %v", err)
	}
	if _, err := a.EncodeAll(context.Background(), dataset.Array{Tensor: tensor.New(3, 7)}); err == nil || !strings.Contains(err.Error(), "want at least 1 sample of shape 5×4, got 3 of shape 7") {
		t.Errorf("EncodeAll: error %v", err)
	}
}

// Any number of goroutines get the bits that one does.
func TestConcurrentInference(t *testing.T) {
	a, tt := stacked(t), must[tensor.Tensor](t)
	x := images(inferenceBatch + 9)
	codes, y := tt(a.Encode(x)), tt(a.Reconstruct(x))
	var running sync.WaitGroup
	for g := range 8 {
		running.Go(func() {
			for i := range 10 {
				lo := (7*g + i) % 40
				part := x.Slice(lo, x.Len()-i)
				c, err := a.Encode(part)
				if err != nil || !slices.Equal(c.Data, codes.Slice(lo, x.Len()-i).Data) {
					t.Errorf("other codes, %v", err)
				}
				r, err := a.Reconstruct(part)
				if err != nil || !slices.Equal(r.Data, y.Slice(lo, x.Len()-i).Data) {
					t.Errorf("other reconstructions, %v", err)
				}
				if _, err := a.Decode(c); err != nil {
					t.Error(err)
				}
				if err := a.Save(filepath.Join(t.TempDir(), "model")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	running.Wait()
}

func TestFit(t *testing.T) {
	a := stacked(t)
	data := dataset.Array{Tensor: images(40)}
	steps := 0
	history, err := a.Fit(context.Background(), data.Slice(0, 30), Epochs(30), BatchSize(7), Loss(loss.MeanSquaredError{}),
		Optimizer(optim.Adam{LearningRate: 0.01}), Metrics(metric.RoundedAccuracy{}), Validation(data.Slice(30, 40)), Seed(3), Threads(2),
		Observe(stepCounter{&steps}))
	if err != nil {
		t.Fatal(err)
	}
	if len(history.Epochs) != 30 || steps != 30*5 {
		t.Errorf("%d epochs of %d steps, want 30 of 150", len(history.Epochs), steps)
	}
	first, last := history.Epochs[0], history.Last()
	if last.Train.Loss > 0.8*first.Train.Loss || last.Validation == nil || len(last.Train.Metrics) != 1 {
		t.Errorf("the loss goes from %v to %v, validation %v", first.Train.Loss, last.Train.Loss, last.Validation)
	}
	scores, err := a.Evaluate(context.Background(), data.Slice(30, 40), loss.MeanSquaredError{}, metric.RoundedAccuracy{})
	if err != nil || math.Abs(scores.Loss/last.Validation.Loss-1) > 1e-6 || scores.Metrics[0] != last.Validation.Metrics[0] {
		t.Errorf("Evaluate = %v, %v; the last validation was %v", scores, err, *last.Validation)
	}
	// Inference sees the trained weights.
	all, err := a.Score(data.Slice(30, 40).Tensor)
	if err != nil {
		t.Fatal(err)
	}
	mean := 0.0
	for _, s := range all {
		mean += s / 10
	}
	if math.Abs(mean/scores.Loss-1) > 1e-5 {
		t.Errorf("the mean score is %v, want %v", mean, scores.Loss)
	}
}

type stepCounter struct{ steps *int }

func (c stepCounter) Observe(e train.Event, _ *train.Run) error {
	if e == train.Stepped {
		*c.steps++
	}
	return nil
}

// What is not set is what the documentation says: ten epochs of batches of 32,
// Adam, the seed 42, and a loss that follows from the last layer.
func TestFitDefaults(t *testing.T) {
	data := dataset.Array{Tensor: images(50)}
	linear := func() *Autoencoder {
		return must[*Autoencoder](t)(New(nn.Layers{nn.Input{5, 4}, nn.Flatten{}, nn.Dense{Units: 2}}, nn.Layers{nn.Dense{Units: 20}}))
	}
	for name, c := range map[string]struct {
		a, b *Autoencoder
		loss loss.Loss
	}{
		"sigmoid": {stacked(t), stacked(t), loss.BinaryCrossEntropy{}},
		"linear":  {linear(), linear(), loss.MeanSquaredError{}},
	} {
		if _, err := c.a.Fit(context.Background(), data); err != nil {
			t.Fatal(err)
		}
		if _, err := c.b.Fit(context.Background(), data, Epochs(10), BatchSize(32), Optimizer(optim.Adam{}), Seed(42), Loss(c.loss), Threads(1)); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(c.a.Network().Weights(), c.b.Network().Weights()) {
			t.Errorf("%s: the defaults are others than documented", name)
		}
	}
	fresh, drawn := stacked(t), stacked(t)
	drawn.Init(DefaultSeed)
	if DefaultSeed != 42 || !slices.Equal(fresh.Network().Weights(), drawn.Network().Weights()) {
		t.Error("New does not draw from DefaultSeed")
	}
	drawn.Init(1)
	if slices.Equal(fresh.Network().Weights(), drawn.Network().Weights()) {
		t.Error("Init(1) draws the weights of DefaultSeed")
	}
}

func TestFitErrors(t *testing.T) {
	a, data := stacked(t), dataset.Array{Tensor: images(3)}
	for want, options := range map[string][]FitOption{
		"train: epochs is 0, want at least 1":      {Epochs(0)},
		"train: batch size is -1, want at least 1": {BatchSize(-1)},
		"train: no loss is set":                    {Loss(nil)},
		"train: no optimizer is set":               {Optimizer(nil)},
		"train: threads is -4, want at least 1":    {Threads(-4)},
	} {
		if _, err := a.Fit(context.Background(), data, options...); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if _, err := a.Evaluate(context.Background(), data, nil); err == nil || err.Error() != "train: no loss is set" {
		t.Errorf("Evaluate: error %v", err)
	}
}

// A file is the same bytes for any number of threads, and what is loaded from it
// reconstructs bit for bit what was saved.
func TestSaveAndLoad(t *testing.T) {
	dir := t.TempDir()
	var first []byte
	for _, threads := range []int{1, 2, 3, 8, 1} {
		a := stacked(t)
		if _, err := a.Fit(context.Background(), dataset.Array{Tensor: images(33)}, Epochs(2), BatchSize(10), Threads(threads)); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "model.safetensors")
		if err := a.SaveRecord(path, map[string]any{"seed": 42, "recipe": "tiny"}); err != nil {
			t.Fatal(err)
		}
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = file
		}
		if !slices.Equal(file, first) {
			t.Errorf("%d threads give another file", threads)
		}
		b := must[*Autoencoder](t)(Load(path))
		x, tt := images(70), must[tensor.Tensor](t)
		if !slices.Equal(tt(a.Reconstruct(x)).Data, tt(b.Reconstruct(x)).Data) || !slices.Equal(tt(a.Encode(x)).Data, tt(b.Encode(x)).Data) {
			t.Error("the loaded autoencoder is another one")
		}
		if a.Summary() != b.Summary() {
			t.Errorf("summary\n%s\nwant\n%s", b.Summary(), a.Summary())
		}
		m := must[*modelfile.Model](t)(modelfile.ReadFile(path))
		if string(m.Record) != `{"recipe":"tiny","seed":42}` {
			t.Errorf("record %s", m.Record)
		}
	}
}

func TestSaveErrors(t *testing.T) {
	a, dir := stacked(t), t.TempDir()
	type Unknown struct{ nn.Flatten }
	strange := must[*Autoencoder](t)(New(nn.Layers{nn.Input{2}, Unknown{}}, nn.Layers{nn.Dense{Units: 2}}))
	for _, c := range []struct {
		err  error
		want string
	}{
		{a.Save(filepath.Join(dir, "no", "folder", "model")), filepath.Join(dir, "no", "folder", "model")},
		{a.Save(dir), "is a folder, want a file"},
		{a.SaveRecord(filepath.Join(dir, "m"), func() {}), "json: unsupported type"},
		{strange.Save(filepath.Join(dir, "m")), `unknown layer "Unknown"`},
	} {
		if c.err == nil || !strings.HasPrefix(c.err.Error(), "hourglass: s") || !strings.Contains(c.err.Error(), c.want) || strings.Contains(c.err.Error(), "\n") {
			t.Errorf("error %v, want %q", c.err, c.want)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%v are left behind, %v", left, err)
	}
}

// A sound file whose parts do not fit together is refused before memory is taken
// for what its architecture claims.
func TestLoadErrors(t *testing.T) {
	array := func(name string, shape ...int) nn.Array {
		return nn.Array{Name: name, Shape: shape, Values: make([]float32, tensor.Shape(shape).Size())}
	}
	in, dense := nn.Input{2}, nn.Dense{Units: 2}
	kernels := []nn.Array{array("encoder.1.kernel", 2, 2), array("encoder.1.bias", 2), array("decoder.0.kernel", 2, 2), array("decoder.0.bias", 2)}
	with := func(i int, a nn.Array) []nn.Array {
		list := slices.Clone(kernels)
		list[i] = a
		return list
	}
	path := filepath.Join(t.TempDir(), "model")
	load := func(encoder, decoder nn.Layers, arrays []nn.Array) error {
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		m := &modelfile.Model{Architecture: modelfile.Architecture{Encoder: encoder, Decoder: decoder}, Arrays: arrays}
		if err := modelfile.Write(f, m); err != nil {
			t.Fatal(err)
		}
		_, err = Load(path)
		return err
	}
	if err := load(nn.Layers{in, dense}, nn.Layers{dense}, kernels); err != nil {
		t.Fatalf("the sound file: %v", err)
	}
	for _, c := range []struct {
		encoder, decoder nn.Layers
		arrays           []nn.Array
		want             string
	}{
		{nn.Layers{in, nn.Dense{Units: 100_000_000}}, nn.Layers{dense}, kernels, "the file has 12 weights, want 500000002 for its architecture"},
		{nn.Layers{in, nn.Dense{Units: 1_000_000_000}}, nn.Layers{dense}, kernels, "more than"},
		{nn.Layers{in, dense}, nn.Layers{dense}, []nn.Array{array("encoder.1.kernel", 12)}, "the file has 1 arrays"},
		{nn.Layers{in, dense}, nn.Layers{dense}, nil, "the file has 0 weights, want 12"},
		{nn.Layers{in, dense}, nn.Layers{dense}, with(0, array("encoder.1.kernel", 4)), `array "encoder.1.kernel" has shape 4, want 2×2`},
		{nn.Layers{in, dense}, nn.Layers{dense}, with(3, array("decoder.1.bias", 2)), `the file has no array "decoder.0.bias"`},
		{nn.Layers{in, dense, dense}, nil, kernels, "encoder has 3 layers and decoder 0"},
		{nil, nn.Layers{in, dense, dense}, kernels, "encoder has 0 layers and decoder 3"},
		{nil, nil, nil, "no input shape"},
		{nn.Layers{in, dense}, nn.Layers{nn.Dense{Units: 2, Activation: nn.SELU}, nn.Reshape{3}}, kernels, "cannot reshape"},
		{nn.Layers{in, dense}, nn.Layers{nn.Dense{Units: 1}}, []nn.Array{array("a", 9)}, "the decoder gives samples of shape 1, want that of the input, 2"},
	} {
		err := load(c.encoder, c.decoder, c.arrays)
		if err == nil || !strings.HasPrefix(err.Error(), "hourglass: load "+path+": ") || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
	if err := os.WriteFile(path, []byte("not a model"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{path, filepath.Join(t.TempDir(), "absent")} {
		if _, err := Load(p); err == nil || strings.Count(err.Error(), p) != 1 || !strings.HasPrefix(err.Error(), "hourglass: load: modelfile: ") {
			t.Errorf("error %v", err)
		}
	}
}

func TestParts(t *testing.T) {
	a := stacked(t)
	if !a.Encoder().Output().Equal(a.Decoder().Input()) || len(a.Encoder().Weights())+len(a.Decoder().Weights()) != len(a.Network().Weights()) {
		t.Error("encoder and decoder are not parts of the network")
	}
	summary := a.Summary()
	for _, want := range []string{`Model: "encoder"`, `Model: "decoder"`, " gaussian_noise (GaussianNo  (None, 20)                0\n ise)\n", "(None, 5, 4)", "Total params: 219 ", "Total params: 236 "} {
		if !strings.Contains(summary, want) {
			t.Errorf("the summary lacks %s:\n%s", want, summary)
		}
	}
}

// The values are those of numpy.quantile(range(1, 11), q, method="weibull").
func TestQuantiles(t *testing.T) {
	got := quantiles([]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
	for q, want := range map[float64]float64{0: 1, 0.05: 1, 0.1: 1.1, 0.25: 2.75, 0.5: 5.5, 0.9: 9.9, 0.95: 10, 1: 10} {
		if x := got[int(q*quantileSteps)]; math.Abs(x-want) > 1e-12 {
			t.Errorf("quantile %v is %v, want %v", q, x, want)
		}
	}
	if one := quantiles([]float64{3}); one[0] != 3 || one[500] != 3 || one[1000] != 3 {
		t.Errorf("the quantiles of one value are %v", one[:3])
	}
}

// As many of later samples as were asked for are above a threshold, on average.
func TestQuantilesAreNotBiased(t *testing.T) {
	const n, trials = 150, 4000
	rng := rand.New(rand.NewPCG(1, 2))
	for _, q := range []float64{0.5, 0.9, 0.99} {
		var above float64
		for range trials {
			scores := make([]float64, n)
			for i := range scores {
				scores[i] = rng.Float64()
			}
			slices.Sort(scores)
			above += (1 - quantiles(scores)[int(math.Round(q*quantileSteps))]) / trials
		}
		// Five standard errors of the mean of the trials.
		if tolerance := 5 * math.Sqrt(q*(1-q)/n/trials); math.Abs(above-(1-q)) > tolerance {
			t.Errorf("above the threshold for %v are %v of later samples, want %v ± %v", q, above, 1-q, tolerance)
		}
	}
}
