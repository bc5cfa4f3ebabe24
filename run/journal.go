package run

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"hourglass/train"
)

// JournalFile has the numbers of each epoch of a run that is not over, one in a line as
// metrics.json will have them, for who follows the run. With metrics.json it goes.
const JournalFile = "epochs.jsonl"

// journal is the observer that writes it. Nothing depends on it but what others see of
// the run, so that it is appended to and not replaced as a whole.
type journal struct{ path string }

// Observe writes the epochs that there are, and then each that ends.
func (j journal) Observe(e train.Event, r *train.Run) error {
	switch e {
	case train.Started:
		return j.write(os.O_TRUNC, r.History.Metrics, r.History.Epochs)
	case train.EpochEnded:
		return j.write(os.O_APPEND, r.History.Metrics, r.History.Epochs[len(r.History.Epochs)-1:])
	}
	return nil
}

func (j journal) write(how int, metrics []string, epochs []train.Epoch) error {
	var lines bytes.Buffer
	for _, e := range epochs {
		line, err := json.Marshal(&train.History{Metrics: metrics, Epochs: []train.Epoch{e}})
		if err != nil {
			return fmt.Errorf("run: %s: %w", JournalFile, err)
		}
		lines.Write(bytes.Trim(line, "[]")) // the list has one
		lines.WriteByte('\n')
	}
	f, err := os.OpenFile(j.path, os.O_WRONLY|os.O_CREATE|how, 0o666)
	if err != nil {
		return fmt.Errorf("run: %w", err)
	}
	if _, err = f.Write(lines.Bytes()); err != nil {
		err = fmt.Errorf("run: %w", err)
	}
	return errors.Join(err, f.Close())
}

// remove removes the journal of a run whose numbers are in metrics.json.
func (j journal) remove() error {
	if err := os.Remove(j.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("run: %w", err)
	}
	return nil
}

// ReadJournal returns the numbers of the epochs of a run that is not over, by their names.
// A line that is half written is left out; where there is no journal the error is
// [fs.ErrNotExist].
func ReadJournal(dir string) ([]map[string]float64, error) {
	text, err := os.ReadFile(filepath.Join(dir, JournalFile))
	if err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	var epochs []map[string]float64
	for lines := bufio.NewReader(bytes.NewReader(text)); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return epochs, nil
		}
		var values map[string]*float64
		if err := json.Unmarshal(line, &values); err != nil {
			return nil, fmt.Errorf("run: read %s: line %d: %w", filepath.Join(dir, JournalFile), len(epochs)+1, err)
		}
		epoch := map[string]float64{}
		for name, v := range values {
			if v != nil { // which is not finite
				epoch[name] = *v
			}
		}
		epochs = append(epochs, epoch)
	}
}
