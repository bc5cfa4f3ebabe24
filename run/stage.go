package run

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"hourglass"
	"hourglass/dataset"
	"hourglass/progress"
	"hourglass/train"
)

// stagePrefix begins the names of the folders, among the run's checkpoints, that those of
// its stages are in.
const stagePrefix = "stage-"

// Stage trains another model before the run's own, for [Plan].Before, which calls it for each in
// turn: the number tells them apart, and what it is called in messages. Settings that are the same
// for all of the run are not among the options. A run that was interrupted goes on in the stage
// that it was in.
func (s *Session) Stage(ctx context.Context, number int, name string, model *hourglass.Autoencoder, data, validation dataset.Source, options ...hourglass.FitOption) (*train.History, error) {
	s.stage = name
	s.Logf("%s\n", name)
	dir := filepath.Join(s.Path(CheckpointFolder), fmt.Sprint(stagePrefix, number))
	var c hourglass.Checkpoints
	if s.Checkpoints != nil {
		c = *s.Checkpoints
	}
	c.Dir = dir
	options = append(options, hourglass.Seed(s.Seed), hourglass.Threads(s.Threads), hourglass.Checkpoint(c),
		hourglass.Observe(observer(s.watch), &progress.Bar{Out: s.Log}))
	if validation != nil {
		options = append(options, hourglass.Validation(validation))
	}
	if entries, _ := os.ReadDir(dir); s.Resume && len(entries) > 0 { // what is not there counts as empty
		options = append(options, hourglass.Resume(dir))
	}
	history, err := model.Fit(ctx, data, options...)
	if err != nil {
		return history, fmt.Errorf("%s: %w", name, err)
	}
	s.stage = ""
	return history, nil
}
