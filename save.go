package hourglass

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"hourglass/dataset"
	"hourglass/internal/atomicfile"
	"hourglass/modelfile"
	"hourglass/nn"
)

// Save writes the autoencoder to a file: architecture, weights, scaling, learned
// scores and record in one safetensors file, whole or not at all. The same model
// gives the same bytes.
func (a *Autoencoder) Save(path string) error {
	if err := atomicfile.Write(path, a.write); err != nil {
		return fmt.Errorf("hourglass: save: %w", err)
	}
	return nil
}

// Write writes what Save writes, to w. A reader of less than all of it will know.
func (a *Autoencoder) Write(w io.Writer) error {
	if err := a.write(w); err != nil {
		return fmt.Errorf("hourglass: write: %w", err)
	}
	return nil
}

func (a *Autoencoder) write(w io.Writer) error {
	m, err := a.model()
	if err != nil {
		return err
	}
	return modelfile.Write(w, m)
}

// SaveRecord is SetRecord and Save.
func (a *Autoencoder) SaveRecord(path string, record any) error {
	if err := a.SetRecord(record); err != nil {
		return err
	}
	return a.Save(path)
}

// SetRecord sets what is recorded about how the model was trained, any value that
// can be written as JSON; nil for nothing. Every file that the model is written to
// has it, checkpoints included.
func (a *Autoencoder) SetRecord(record any) error {
	if record == nil {
		a.record = nil
		return nil
	}
	text, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("hourglass: set record: %w", err)
	}
	a.record = text
	return nil
}

func (a *Autoencoder) architecture() modelfile.Architecture {
	return modelfile.Architecture{Encoder: a.encoderLayers, Decoder: a.decoderLayers}
}

// model returns what a model file keeps of the autoencoder.
func (a *Autoencoder) model() (*modelfile.Model, error) {
	m := &modelfile.Model{
		Architecture: a.architecture(),
		Arrays:       a.whole.Arrays(),
		Record:       a.record,
		Detector:     a.detector.State,
	}
	for i, name := range m.Names(a.whole) {
		m.Arrays[i].Name = name
	}
	for _, array := range a.detector.Arrays {
		array.Name = detectorPrefix + array.Name
		m.Arrays = append(m.Arrays, array)
	}
	var err error
	marshal := func(place *json.RawMessage, present bool, value any) {
		if present && err == nil {
			*place, err = json.Marshal(value)
		}
	}
	marshal(&m.Scaling, a.scaler != nil, a.scaler)
	marshal(&m.Scores, a.normal != nil, a.normal)
	return m, err
}

// Load reads an autoencoder from a file that Save wrote. A file that is damaged,
// or whose weights do not fit its architecture, is refused. One without a checksum,
// which another program may have written, is read; see Unverified.
func Load(path string) (*Autoencoder, error) {
	m, err := modelfile.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("hourglass: load: %w", err)
	}
	a, err := fromModel(m)
	if err != nil {
		return nil, fmt.Errorf("hourglass: load %s: %w", path, err)
	}
	return a, nil
}

// Read reads what Save or Write wrote, from wherever it comes: an HTTP body, memory.
// As Load it refuses what is damaged. It reads no further than the model goes, give or
// take a buffer.
func Read(r io.Reader) (*Autoencoder, error) {
	m, err := modelfile.Read(r)
	if err != nil {
		return nil, fmt.Errorf("hourglass: read: %w", err)
	}
	a, err := fromModel(m)
	if err != nil {
		return nil, fmt.Errorf("hourglass: read: %w", err)
	}
	return a, nil
}

// ReadFS is Load for a file of a file system, such as one embedded in the program:
//
//	//go:embed model.safetensors
//	var files embed.FS
//	…
//	ae, err := hourglass.ReadFS(files, "model.safetensors")
func ReadFS(files fs.FS, name string) (*Autoencoder, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, fmt.Errorf("hourglass: read: %w", err)
	}
	defer f.Close()
	a, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%w (in %s)", err, name)
	}
	return a, nil
}

// detectorPrefix is what the names of a detector's arrays begin with in a file.
const detectorPrefix = "detector."

// modelArrays returns the arrays of the model itself, beside which a checkpoint has
// those of its training and some models those of a detector.
func modelArrays(m *modelfile.Model) []nn.Array {
	return slices.DeleteFunc(slices.Clone(m.Arrays), func(a nn.Array) bool {
		return strings.HasPrefix(a.Name, trainingPrefix) || strings.HasPrefix(a.Name, detectorPrefix)
	})
}

// fromModel makes an autoencoder of what a file holds.
func fromModel(m *modelfile.Model) (*Autoencoder, error) {
	// Weights are counted before there is memory for them: an architecture can
	// claim far more than the file has.
	stored, size := modelArrays(m), 0
	for _, array := range stored {
		size += len(array.Values)
	}
	want, err := nn.CountWeights(nil, m.Layers()...)
	if err != nil {
		return nil, err
	}
	if want != size {
		return nil, fmt.Errorf("the file has %d weights, want %d for its architecture", size, want)
	}
	a, err := New(m.Encoder, m.Decoder)
	if err != nil {
		return nil, err
	}
	arrays := a.whole.Arrays()
	if len(stored) != len(arrays) {
		return nil, fmt.Errorf("the file has %d arrays, want %d for its architecture", len(stored), len(arrays))
	}
	byName := map[string]nn.Array{} // another program may have put them in another order
	for _, array := range stored {
		byName[array.Name] = array
	}
	for i, name := range m.Names(a.whole) {
		got, ok := byName[name]
		if !ok {
			return nil, fmt.Errorf("the file has no array %q", name)
		}
		if !got.Shape.Equal(arrays[i].Shape) {
			return nil, fmt.Errorf("array %q has shape %v, want %v", name, got.Shape, arrays[i].Shape)
		}
		copy(arrays[i].Values, got.Values)
	}
	return a, a.restore(m)
}

// restore puts back what a model file has beside the weights.
func (a *Autoencoder) restore(m *modelfile.Model) error {
	a.record, a.unverified = m.Record, m.Unverified
	detector := Detector{State: m.Detector}
	for _, array := range m.Arrays {
		if name, ok := strings.CutPrefix(array.Name, detectorPrefix); ok && m.Detector != nil {
			array.Name = name
			detector.Arrays = append(detector.Arrays, array)
		}
	}
	defer func() { a.detector = detector }()
	if m.Scaling != nil {
		scaler := new(dataset.Scaler)
		if err := json.Unmarshal(m.Scaling, scaler); err != nil {
			return fmt.Errorf("scaling: %w", err)
		}
		if err := a.SetScaler(scaler); err != nil {
			return err
		}
	}
	if m.Scores != nil {
		if err := json.Unmarshal(m.Scores, &a.normal); err != nil {
			return fmt.Errorf("scores: %w", err)
		}
	}
	return nil
}
