package run

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"hourglass"
)

// Difference is where one run departs from another.
type Difference struct {
	Epoch     int    `json:"epoch"` // the first that differs, from 1; 0 for the model after the last
	What      string `json:"what"`  // "val_loss", or "weights"
	Was, Here string
}

// String says it in words.
func (d *Difference) String() string {
	where := fmt.Sprintf("epoch %d", d.Epoch)
	if d.Epoch == 0 {
		where = "the model"
	}
	return fmt.Sprintf("%s differs: %s was %.24s, now it is %.24s", where, d.What, d.Was, d.Here)
}

// Compare holds a run against another: the numbers of each epoch and the digests of
// the weights after it, and the weights of the model in the end. It returns the
// first difference, nil if there is none.
func Compare(dir, again string) (*Difference, error) {
	var notes [2]*Notes
	var epochs [2][]map[string]json.RawMessage
	for i, d := range []string{dir, again} {
		var err error
		if notes[i], err = ReadNotes(d); err != nil {
			return nil, err
		}
		if epochs[i], err = readEpochs(d); err != nil {
			return nil, err
		}
	}
	for i, was := range epochs[0] {
		if i >= len(epochs[1]) {
			return &Difference{i + 1, "the epoch", "there", "missing"}, nil
		}
		d := compareEpoch(was, epochs[1][i])
		if d == nil {
			d = compareDigests("weights", at(notes[0].EpochWeights, i), at(notes[1].EpochWeights, i))
		}
		if d != nil {
			d.Epoch = i + 1
			return d, nil
		}
	}
	if n := len(epochs[0]); len(epochs[1]) > n {
		return &Difference{n + 1, "the epoch", "missing", "there"}, nil
	}
	if d := compareDigests("weights", notes[0].Weights, notes[1].Weights); d != nil {
		return d, nil
	}
	model, err := hourglass.Load(filepath.Join(dir, ModelFile))
	if err != nil {
		return nil, err
	}
	return compareDigests("weights of "+ModelFile, digestOf(model.Network().Weights()), notes[1].Weights), nil
}

// at returns a digest, "" where there is none.
func at(digests []string, i int) string {
	if i < len(digests) {
		return digests[i]
	}
	return ""
}

// compareDigests compares what both runs know.
func compareDigests(what, was, here string) *Difference {
	if was == here || was == "" || here == "" {
		return nil
	}
	return &Difference{What: what, Was: was, Here: here}
}

// compareEpoch compares the numbers of an epoch but for the time it took.
func compareEpoch(was, here map[string]json.RawMessage) *Difference {
	names := slices.Sorted(maps.Keys(was))
	for name := range here {
		if _, ok := was[name]; !ok {
			names = append(names, name)
		}
	}
	for _, name := range names {
		if name != "seconds" && !bytes.Equal(was[name], here[name]) {
			return &Difference{What: name, Was: string(was[name]), Here: string(here[name])}
		}
	}
	return nil
}

// readEpochs reads the epochs in a run's metrics.json.
func readEpochs(dir string) ([]map[string]json.RawMessage, error) {
	path := filepath.Join(dir, MetricsFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	var m struct{ Epochs []map[string]json.RawMessage }
	if err := json.Unmarshal(text, &m); err != nil {
		return nil, fmt.Errorf("run: read %s: %w", path, err)
	}
	return m.Epochs, nil
}
