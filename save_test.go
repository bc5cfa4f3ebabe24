package hourglass_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"

	"hourglass"
	"hourglass/dataset"
)

// What a model is does not depend on where it is kept: bytes, a file system and a path
// give the same weights, scaling, threshold and record.
func TestModelsComeFromAnywhere(t *testing.T) {
	ctx, ae, data := context.Background(), newSmall(t), wave(50)
	scaler, err := dataset.FitScaler(ctx, dataset.MinMaxScaling, data, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(ae.SetScaler(scaler), ae.LearnScores(ctx, data), ae.SetRecord("how it was made")); err != nil {
		t.Fatal(err)
	}
	want, err := ae.Threshold(0.9)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.safetensors")
	var memory bytes.Buffer
	if err := errors.Join(ae.Save(path), ae.Write(&memory)); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, memory.Bytes()) {
		t.Error("Write and Save give other bytes")
	}
	files := fstest.MapFS{"models/a.safetensors": {Data: text}}
	for how, read := range map[string]func() (*hourglass.Autoencoder, error){
		"Load": func() (*hourglass.Autoencoder, error) { return hourglass.Load(path) },
		"Read": func() (*hourglass.Autoencoder, error) {
			return hourglass.Read(iotest.HalfReader(bytes.NewReader(text)))
		},
		"ReadFS": func() (*hourglass.Autoencoder, error) { return hourglass.ReadFS(files, "models/a.safetensors") },
	} {
		got, err := read()
		if err != nil {
			t.Fatalf("%s: %v", how, err)
		}
		threshold, err := got.Threshold(0.9)
		if err != nil || threshold != want || got.Scaler() == nil || string(got.Record()) != `"how it was made"` ||
			!slices.Equal(got.Network().Weights(), ae.Network().Weights()) {
			t.Errorf("%s: threshold %v, %v; record %s", how, threshold, err, got.Record())
		}
	}
	if _, err := hourglass.Read(bytes.NewReader(text[:len(text)-1])); err == nil || !strings.HasPrefix(err.Error(), "hourglass: read: ") {
		t.Errorf("a body cut short: error %v", err)
	}
	if _, err := hourglass.ReadFS(files, "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such file: error %v", err)
	}
	files["broken"] = &fstest.MapFile{Data: text[:100]}
	if _, err := hourglass.ReadFS(files, "broken"); err == nil || !strings.HasSuffix(err.Error(), "(in broken)") {
		t.Errorf("a broken file: error %v", err)
	}
	full := errors.New("the disk is full")
	if err := ae.Write(fails{full}); !errors.Is(err, full) || !strings.HasPrefix(err.Error(), "hourglass: write: ") {
		t.Errorf("Write: error %v", err)
	}
}

// fails is a writer that does.
type fails struct{ err error }

func (w fails) Write([]byte) (int, error) { return 0, w.err }
