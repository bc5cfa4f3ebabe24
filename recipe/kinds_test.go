package recipe_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hourglass"
	"hourglass/internal/kernel"
	"hourglass/internal/race"
	"hourglass/recipe"
	"hourglass/run"
)

// cancelAt is a log that cancels a run once some words are told so many times.
type cancelAt struct {
	words  string
	times  int
	cancel context.CancelFunc
	text   bytes.Buffer
}

func (w *cancelAt) Write(p []byte) (int, error) {
	w.text.Write(p)
	if w.cancel != nil && strings.Count(w.text.String(), w.words) >= w.times {
		w.cancel()
	}
	return len(p), nil
}

// A run that is interrupted in a stage before its own training, or in that, goes on and ends with
// the bits of one that was not, and knows its stages.
func TestStagesResume(t *testing.T) {
	if kernel.SIMD() == "generic" || race.Enabled {
		t.Skip("trains several times")
	}
	digits := fewDigits(t)
	greedy, err := recipe.ByName("greedy")
	if err != nil {
		t.Fatal(err)
	}
	greedy.Validation = fewValidation
	whole := t.TempDir()
	if _, err := greedy.Run(context.Background(), quickOptions(greedy, digits, whole)); err != nil {
		t.Fatal(err)
	}
	want, err := hourglass.Load(filepath.Join(whole, run.ModelFile))
	if err != nil {
		t.Fatal(err)
	}
	for words, times := range map[string]int{"stage 2 of 2": 1, "Epoch 1/2": 3} {
		out := t.TempDir()
		ctx, cancel := context.WithCancel(context.Background())
		o := quickOptions(greedy, digits, out)
		o.Log = &cancelAt{words: words, times: times, cancel: cancel}
		var interrupted *run.Interrupted
		if _, err := greedy.Run(ctx, o); !errors.As(err, &interrupted) {
			t.Fatalf("%s: error %v, want an interruption", words, err)
		}
		o.Resume, o.Log = true, nil
		m, err := greedy.Run(context.Background(), o)
		if err != nil {
			t.Fatalf("%s: %v", words, err)
		}
		if len(m.Stages) != 2 || m.Stages[0].Layers != "784-100-784" || len(m.Stages[1].Validation) != 2 {
			t.Errorf("%s: stages %+v", words, m.Stages)
		}
		got, err := hourglass.Load(filepath.Join(out, run.ModelFile))
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range got.Network().Weights() {
			if w != want.Network().Weights()[i] {
				t.Fatalf("%s: weight %d is %v after a break, want %v", words, i, w, want.Network().Weights()[i])
			}
		}
	}
}

// The run of the paper reports its phases, also after a break, and takes other numbers of samples.
func TestPaperReportsPhases(t *testing.T) {
	if kernel.SIMD() == "generic" || race.Enabled {
		t.Skip("trains several times")
	}
	paper, err := recipe.ByName("iwae-paper")
	if err != nil {
		t.Fatal(err)
	}
	paper.Validation = fewValidation
	o := quickOptions(paper, fewDigits(t), t.TempDir())
	o.Epochs, o.Samples, o.Draws = 1, 3, 4
	m, err := paper.Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Phases) != 1 || m.Phases[0].Epoch != 1 || math.Abs(m.Phases[0].Likelihood.LogLikelihood-m.Likelihood.LogLikelihood) > 1e-9 {
		t.Errorf("phases %+v, at the end %+v", m.Phases, m.Likelihood)
	}
	if m.Epochs.Series("tightening")[0] >= 0 {
		t.Errorf("three samples are no tighter bound than one: %v", m.Epochs.Series("tightening"))
	}
	text, err := os.ReadFile(filepath.Join(o.Out, run.NotesFile))
	if err != nil || !strings.Contains(string(text), `"binarize": true`) || !strings.Contains(string(text), "phases:3:8:") {
		t.Errorf("the record has not all that decides the bits, %v", err)
	}
	o.Resume, o.Epochs = true, 4
	if m, err = paper.Run(context.Background(), o); err != nil {
		t.Fatal(err)
	}
	if len(m.Phases) != 2 || m.Phases[1].Epoch != 4 {
		t.Errorf("after going on, phases %+v", m.Phases)
	}
}

// Choices that a recipe does not have are refused.
func TestRecipeRefusesSamples(t *testing.T) {
	for name, o := range map[string]recipe.Options{"vae": {Samples: 2}, "stacked": {Draws: 5}, "iwae": {Samples: -1}} {
		r, err := recipe.ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		o.Dataset, o.Out = "digits", t.TempDir()
		if _, err := r.Run(context.Background(), o); err == nil || !strings.Contains(err.Error(), "recipe: ") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
