package workflow

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hourglass/recipe"
)

// folder is that of a run while it is not finished.
type folder struct{ marker string }

// markerFile is in the folder of checkpoints while a run is not finished. It holds
// the command that goes on with it.
const markerFile = "unfinished.txt"

// openFolder makes the folder of a run and marks it. A run that is not finished is
// not overwritten unless that is asked for, and one that was ended before its first
// checkpoint starts anew.
func openFolder(o *TrainOptions) (*folder, error) {
	checkpoints := filepath.Join(o.Out, recipe.CheckpointFolder)
	f := &folder{filepath.Join(checkpoints, markerFile)}
	entries, err := os.ReadDir(checkpoints)
	if err != nil && o.Resume {
		return nil, fmt.Errorf("workflow: resume: there is no run in %s: %w", o.Out, err)
	}
	begun := slices.ContainsFunc(entries, func(e os.DirEntry) bool { return strings.HasPrefix(e.Name(), "checkpoint-") })
	switch line, err := os.ReadFile(f.marker); {
	case o.Resume && !begun:
		fmt.Fprintf(o.Log, "no checkpoint in %s yet, starting at the beginning\n", o.Out)
		o.Resume = false
	case !o.Resume && !o.Overwrite && err == nil && begun:
		return nil, fmt.Errorf("workflow: %s holds a run that is not finished; go on with it (%s), choose another folder, or overwrite it (--overwrite)",
			o.Out, strings.TrimSpace(string(line)))
	}
	if err := recipe.PrepareFolder(o.Out); err != nil {
		return nil, err
	}
	if err := removeHalves(o.Out); err != nil {
		return nil, fmt.Errorf("workflow: output folder: %w", err)
	}
	if err := os.MkdirAll(checkpoints, 0o777); err != nil {
		return nil, fmt.Errorf("workflow: output folder: %w", err)
	}
	if err := os.WriteFile(f.marker, []byte(o.ResumeLine+"\n"), 0o666); err != nil {
		return nil, fmt.Errorf("workflow: output folder: %w", err)
	}
	return f, nil
}

// removeHalves removes halves of a run's files, which a killed process leaves behind.
func removeHalves(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		half := func(name string) bool {
			return strings.HasPrefix(e.Name(), "."+name+".") && strings.HasSuffix(e.Name(), ".tmp")
		}
		if slices.ContainsFunc([]string{recipe.ModelFile, recipe.MetricsFile, recipe.CurvesFigure, recipe.ReconstructionFigure}, half) {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// close says that the run is finished.
func (f *folder) close() error {
	if err := os.Remove(f.marker); err != nil {
		return fmt.Errorf("workflow: output folder: %w", err)
	}
	return nil
}
