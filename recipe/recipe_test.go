package recipe_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourglass/dataset"
	"hourglass/internal/kernel"
	"hourglass/internal/race"
	"hourglass/internal/realdata"
	"hourglass/nn"
	"hourglass/recipe"
	"hourglass/run"
)

// slow are the recipes with heavy layers, with a map of 5,000 codes, and with
// twenty draws of recognition; and all kinds beyond the lecture but three.
var slow = func() map[string]bool {
	names := map[string]bool{"convolutional": true, "recurrent": true, "stacked": true, "sigmoid": true}
	for _, r := range recipe.All()[len(recipe.Lecture()):] {
		names[r.Name] = r.Name != "sparse" && r.Name != "tied" && r.Name != "vae"
	}
	return names
}()

// The parts of the data set that the recipes are tried on.
const (
	fewTrain      = 256
	fewValidation = 500
	fewTest       = 500
)

// fewDigits writes some of the built-in digits as a data set of their own, small
// enough for maps and measurements to take no time.
func fewDigits(t *testing.T) string {
	t.Helper()
	split, err := dataset.Open(context.Background(), dataset.Digits, dataset.Options{TrainSize: fewTrain + fewValidation})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "few")
	if err := dataset.Save(dir, split.Train, split.Test.Slice(0, fewTest)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Every recipe must run to its end and leave what it promises.
func TestRecipesLeaveTheirFiles(t *testing.T) {
	digits := fewDigits(t)
	for _, r := range recipe.All() {
		if r.Validation > 0 {
			r.Validation = fewValidation
		}
		t.Run(r.Name, func(t *testing.T) {
			if slow[r.Name] && (kernel.SIMD() == "generic" || race.Enabled) {
				t.Skip("takes minutes in plain Go or under the race detector, which the layers' own tests do not")
			}
			out := t.TempDir()
			m, err := r.Run(context.Background(), quickOptions(r, digits, out))
			if err != nil {
				t.Fatal(err)
			}
			first, last := m.Epochs.Epochs[0].Train.Loss, m.Epochs.Last().Train.Loss
			if !(last < first) {
				t.Errorf("loss went from %v to %v", first, last)
			}
			shows := slices.Clone(r.Shows)
			for i, name := range shows {
				shows[i] = strings.Replace(name, "mnist_", "own_", 1) // maps are named for their data
			}
			for _, name := range append(shows, run.MetricsFile, run.ModelFile, run.NotesFile) {
				if info, err := os.Stat(filepath.Join(out, name)); err != nil || info.Size() == 0 {
					t.Errorf("%s: %v", name, err)
				}
			}
			files, err := os.ReadDir(out)
			if err != nil || len(files) != len(r.Shows)+4 {
				t.Errorf("got %v, want just model, metrics, notes, checkpoints and %v", files, r.Shows)
			}
		})
	}
}

// quickOptions trains on a few digits, or on the recipe's own data.
func quickOptions(r recipe.Recipe, digits, out string) recipe.Options {
	o := recipe.Options{Epochs: 2, Seed: 1, Options: run.Options{Out: out}}
	if r.Own == nil {
		o.Dataset, o.TrainSize = digits, fewTrain
		if r.Draws > 0 {
			o.Draws = 5
		}
	} else {
		o.Epochs = 20
	}
	return o
}

func TestParameterCounts(t *testing.T) {
	// Counted by hand from the lecture's layers: encoder and decoder.
	block := 128 + 4*(64*64+64) + 128 + 64*128 + 128 + 128*64 + 64 // of a transformer of 64 features
	want := map[string][2]int{
		"linear":          {3*2 + 2, 2*3 + 3},
		"convolutional":   {23296, 23233}, // as Keras prints them
		"recurrent":       {4*100*(28+100+1) + 4*30*(100+30+1), 4*100*(30+100+1) + 100*28 + 28},
		"stacked":         {784*100 + 100 + 100*30 + 30, 30*100 + 100 + 100*784 + 784},
		"denoising":       {81530, 82284},
		"dropout":         {81530, 82284},
		"sigmoid":         {784*256 + 256 + 256*128 + 128, 128*256 + 256 + 256*784 + 784},
		"relu":            {784*64 + 64 + 64*16 + 16, 16*64 + 64 + 64*784 + 784},
		"functional":      {51280, 52048},
		"sparse":          {784*100 + 100 + 100*300 + 300, 300*100 + 100 + 100*784 + 784},
		"sparse-kl":       {108800, 109284},
		"tied":            {784*100 + 100 + 100*30 + 30, 100 + 784},
		"hashing":         {784*100 + 100 + 100*16 + 16, 16*100 + 100 + 100*784 + 784},
		"masking":         {81530, 82284},
		"salt-pepper":     {81530, 82284},
		"unet":            {9*16 + 16 + 9*16*32 + 32 + 9*32*64 + 64, 4*64*32 + 32 + 9*64*32 + 32 + 4*32*16 + 16 + 9*32*16 + 16 + 16 + 1},
		"vae":             {784*150 + 150 + 150*100 + 100 + 2*(100*10+10), 10*100 + 100 + 100*150 + 150 + 150*784 + 784},
		"beta-vae":        {134870, 134634},
		"wae-mmd":         {133860, 134634},
		"adversarial":     {133860 + 10*100 + 100 + 100*100 + 100 + 100 + 1, 134634},
		"vq-vae":          {16*32 + 32 + 16*32*64 + 64 + 64*16 + 16 + 128*16 + 128, 9*16*64 + 64 + 16*64*32 + 32 + 16*32 + 1},
		"conditional-vae": {134870 + 10*150, 134634 + 10*100},
		"beta-tcvae":      {134870, 134634},
		"masked":          {16*64 + 64 + 49*64 + 3*block + 128, block + 128 + 64*16 + 16},
		"iwae":            {134870, 134634},
		"iwae-paper":      {784*200 + 200 + 200*200 + 200 + 2*(200*50+50), 50*200 + 200 + 200*200 + 200 + 200*784 + 784},
		"greedy":          {784*100 + 100 + 100*30 + 30, 30*100 + 100 + 100*784 + 784},
		"robust":          {784*100 + 100 + 100*30 + 30, 30*100 + 100 + 100*784 + 784},
		"contractive":     {784*300 + 300, 300*784 + 784},
	}
	for _, r := range recipe.All() {
		for i, layers := range []nn.Layers{r.Encoder, append(append(nn.Layers{}, r.Encoder...), r.Decoder...)} {
			got, err := nn.CountWeights(nil, layers...)
			expected := want[r.Name][0] + i*want[r.Name][1]
			if err != nil || got != expected {
				t.Errorf("%s: %d weights (%v), want %d", r.Name, got, err, expected)
			}
		}
	}
}

// PyTorch's validation losses with the recipes' own initialisation over four
// seeds, widened by nothing: bench/reference has the scripts.
func TestLossesOnMNISTAreThoseOfPyTorch(t *testing.T) {
	dir := realdata.Dir(t)
	if simd := kernel.SIMD(); simd == "generic" || simd == "neon" || race.Enabled {
		t.Skip("takes minutes where most kernels are plain Go, and under the race detector")
	}
	for _, c := range []struct {
		name     string
		low, top float64
	}{
		{"stacked", 0.092, 0.098},
		{"denoising", 0.105, 0.114},
	} {
		r, err := recipe.ByName(c.name)
		if err != nil {
			t.Fatal(err)
		}
		m, err := r.Run(context.Background(), recipe.Options{Dataset: "mnist", DataDir: dir, Seed: 42, Options: run.Options{Out: t.TempDir()}})
		if err != nil {
			t.Fatal(err)
		}
		if loss := m.Epochs.Last().Validation.Loss; math.IsNaN(loss) || loss < c.low || loss > c.top {
			t.Errorf("%s: validation loss %.4f after %d epochs, want %v to %v", c.name, loss, len(m.Epochs.Epochs), c.low, c.top)
		}
	}
}
