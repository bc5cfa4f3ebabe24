package registry

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"hourglass"
	"hourglass/nn"
	"hourglass/serve/batch"
)

func TestParseSpec(t *testing.T) {
	for text, want := range map[string]Spec{
		"runs/stacked":                   {Name: "stacked", Path: "runs/stacked"},
		"runs/stacked/":                  {Name: "stacked", Path: "runs/stacked/"},
		"runs/stacked/model.safetensors": {Name: "stacked", Path: "runs/stacked/model.safetensors"},
		"sensors.safetensors":            {Name: "sensors", Path: "sensors.safetensors"},
		"a.b-1=x y/z=1.safetensors":      {Name: "a.b-1", Path: "x y/z=1.safetensors"},
	} {
		if got, err := ParseSpec(text); err != nil || got != want {
			t.Errorf("%q: %+v, %v, want %+v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"": "want letters", "=x": "want letters", "a b=x": "want letters", "../x=y": "want letters", ".x=y": "want letters",
		"a/b=x": "want letters", "m=": "has no file", "m.encode=x": "part of a model", "m.decode=x": "part of a model",
	} {
		if _, err := ParseSpec(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error with %q", text, err, want)
		}
	}
}

// save saves an autoencoder, with a skip around the code or without.
func save(t *testing.T, path string, skip bool) {
	t.Helper()
	encoder := nn.Layers{nn.Input{4}, nn.Dense{Units: 3}}
	decoder := nn.Layers{nn.Dense{Units: 3}, nn.Dense{Units: 4}}
	if skip {
		encoder = append(encoder, nn.Tap{Name: "a"}, nn.Dense{Units: 2})
		decoder = append(nn.Layers{nn.Dense{Units: 3}, nn.Join{Name: "a"}}, nn.Dense{Units: 4})
	}
	ae, err := hourglass.New(encoder, decoder)
	if err != nil {
		t.Fatal(err)
	}
	if err := ae.Save(path); err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, specs ...Spec) *Registry {
	t.Helper()
	r := New(Options{MaxBatch: 4})
	if err := r.Load(context.Background(), specs); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestFind(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	save(t, path, false)
	// A name may end as that of a part if it is not quite one.
	r := load(t, Spec{Name: "m", Path: path}, Spec{Name: "decode", Path: path})
	for name, want := range map[string]Part{"m": Whole, "m.encode": Encoder, "m.decode": Decoder, "decode": Whole, "decode.decode": Decoder} {
		view, entry, err := r.Find(name, "")
		if err != nil || view.Part != want || view.FullName() != name || entry == nil {
			t.Errorf("%q: part %q, %v", name, view.Part, err)
		}
	}
	for _, name := range []string{"", "n", "m.", ".decode", "m.encode.decode", "m.score"} {
		unknown := (*UnknownError)(nil)
		if _, _, err := r.Find(name, ""); !errors.As(err, &unknown) {
			t.Errorf("%q: %v, want that it is unknown", name, err)
		}
	}
}

// A decoder that joins what its encoder taps is no model of its own; all else is there.
func TestASkipIsNotDecodedAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	save(t, path, true)
	r := load(t, Spec{Name: "m", Path: path})
	if _, _, err := r.Find("m.decode", ""); err == nil || !strings.Contains(err.Error(), "joins") {
		t.Errorf("got %v, want that its decoder cannot run alone", err)
	}
	view, _, err := r.Find("m", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := view.Decode(context.Background(), make([]float32, 2), 1); err == nil {
		t.Error("a code alone was decoded")
	}
	x := []float32{1, 2, 3, 4}
	got, err := view.Run(context.Background(), slices.Clone(x), 1, Codes|Reconstruction|Scores, batch.Unannounced)
	if err != nil || len(got.Codes) != 2 || len(got.Reconstruction) != 4 || len(got.Scores) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhatHasNotChangedStays(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.safetensors")
	save(t, path, false)
	specs := []Spec{{Name: "m", Path: path}}
	r := load(t, specs...)
	first := r.Entries()[0].Versions[0]
	if err := r.Load(context.Background(), specs); err != nil || r.Entries()[0].Versions[0] != first {
		t.Errorf("a model that has not changed was read again (%v)", err)
	}
	save(t, path, false) // the same bytes, in another file
	if err := r.Load(context.Background(), specs); err != nil || r.Entries()[0].Versions[0] == first {
		t.Errorf("a file that was replaced was not read again (%v)", err)
	}
	if err := r.Load(context.Background(), nil); err != nil || r.Ready() || len(r.Entries()) != 0 {
		t.Errorf("a registry without models: ready %v, %v", r.Ready(), err)
	}
	for what, spec := range map[string]Spec{
		"no such file":     {Name: "m", Path: filepath.Join(dir, "none")},
		"has no model":     {Name: "m", Path: dir},
		"two models":       {Name: "m", Path: path},
		"references":       {Name: "n", Path: path, References: filepath.Join(dir, "none.csv")},
		"want letters":     {Name: "a b", Path: path},
		"is the name of a": {Name: "a.encode", Path: path},
	} {
		list := []Spec{spec}
		if what == "two models" {
			list = append(list, spec)
		}
		if err := r.Load(context.Background(), list); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the folder has %v, %v", entries, err)
	}
}
