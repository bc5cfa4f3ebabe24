package run

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"hourglass/internal/atomicfile"
	"hourglass/train"
)

// Metrics are the numbers that every run comes to, the beginning of metrics.json.
type Metrics struct {
	Recipe     string         `json:"recipe"`
	Dataset    DatasetSize    `json:"dataset"`
	Seed       uint64         `json:"seed"`
	Threads    int            `json:"threads"`
	Ranks      int            `json:"ranks,omitempty"` // that trained it together, each with so many threads; 0 for one
	SIMD       string         `json:"simd"`
	Parameters int            `json:"parameters"`
	Loss       string         `json:"loss"`
	BatchSize  int            `json:"batch_size"`
	Rate       float64        `json:"learning_rate"`
	Epochs     *train.History `json:"epochs"`
	// Stages are the trainings that the model's starting weights are from, in their order.
	Stages []Stage `json:"stages,omitempty"`
	// BestEpoch is the epoch whose weights early stopping kept.
	BestEpoch int `json:"best_epoch,omitempty"`
	// Test is the loss on the samples for testing, after training.
	Test *float64 `json:"test_loss,omitempty"`
	// Baseline is what principal component analysis reaches with codes of the same size.
	Baseline *Baseline `json:"baseline,omitempty"`
	// FirstStep is how many seconds after its start the program had taken the first
	// step; 0 if there was none left to take.
	FirstStep float64 `json:"first_step_seconds,omitempty"`
	// Interrupted is set when the run was stopped before its last epoch.
	Interrupted bool `json:"interrupted,omitempty"`
}

// DatasetSize says which data a run used, and how many samples of it.
type DatasetSize struct {
	Name       string `json:"name"`
	Train      int    `json:"train"`
	Validation int    `json:"validation"`
	Test       int    `json:"test"`
	// Dir is the folder in which it was looked for, if one was given.
	Dir string `json:"dir,omitempty"`
}

// saveJSON writes a file that people may read, too.
func saveJSON(path string, v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		err = atomicfile.WriteFile(path, append(text, '\n'))
	}
	if err != nil {
		return fmt.Errorf("run: %s: %w", filepath.Base(path), err)
	}
	return nil
}
