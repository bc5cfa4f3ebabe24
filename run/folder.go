package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hourglass"
	"hourglass/internal/atomicfile"
	"hourglass/internal/filelock"
)

// The files of a run.
const (
	NotesFile   = "run.json"
	MetricsFile = "metrics.json"
	ModelFile   = "model.safetensors"
	ReportFile  = "report.html"

	CheckpointFolder = "checkpoints"

	// Figures; where the lecture saves one, the name is its own.
	CurvesFigure         = "curves.png"
	ReconstructionFigure = "reconstruction_plot.png"
	PlaneFigure          = "plane_plot.png"

	lockFile         = ".lock"
	checkpointPrefix = "checkpoint-"
	// oldMarker was in the folder of checkpoints before there was a run.json.
	oldMarker = "unfinished.txt"
)

// oldFigures are those of runs that are older than run.json, which lists them.
var oldFigures = []string{CurvesFigure, ReconstructionFigure, "codes_tsne_plot.png", "linear_autoencoder_pca_plot.png",
	"denoising_plot.png", "dropout_denoising_plot.png", "training_grid.png", "test_grid.png", "reconstructed_grid.png",
	"labelled_grid.png", "recognised_grid.png", "confusion.png", "lecture_labelled_grid.png", "lecture_recognised_grid.png",
	"mnist_visualization_plot.png", "fashion_mnist_visualization_plot.png", "digits_visualization_plot.png", "own_visualization_plot.png"}

// State is how far a run is.
type State string

// The states of a run.
const (
	Running  State = "running" // or killed, see StateOf
	Stopped  State = "interrupted"
	Failed   State = "failed"
	Trained  State = "trained" // and saved, but not all is drawn
	Finished State = "finished"

	// Killed is what a run is whose process has gone without a word. No run notes it.
	Killed State = "killed"
)

// Notes are the content of run.json.
type Notes struct {
	State   State   `json:"state"`
	Command Command `json:"command"`
	Record  Record  `json:"record"`
	Threads int     `json:"threads"`
	SIMD    string  `json:"simd"`

	EpochWeights []string `json:"epoch_weights,omitempty"` // digests of the weights after each epoch
	Weights      string   `json:"weights,omitempty"`       // and of those in the model
	Files        []string `json:"files,omitempty"`         // figures that it drew
}

// Command is the command line that makes a run. The values of flags are in the form
// in which they can be given again, whatever the working directory.
type Command struct {
	Name  string              `json:"name"` // "train"
	Args  []string            `json:"args,omitempty"`
	Flags map[string][]string `json:"flags,omitempty"`
}

// Folder is the folder of a run, locked.
type Folder struct {
	dir         string
	lock        *filelock.Lock
	made        []string // folders made for it, the innermost first
	fresh       bool     // what an earlier run left is to be removed
	notes       *Notes   // of the run there is; nil without
	checkpoints int      // how many the run there is has
}

// Open locks the folder that o names for a run, and checks that it can be written to,
// before time is spent on training. What an earlier run left there is removed only
// when the new one has nothing in its way any more. A folder with a run in it is
// refused, unless that goes on or is to be overwritten.
func Open(o *Options) (*Folder, error) {
	if o.Follows != "" {
		return follow(o)
	}
	f := &Folder{dir: o.Out, fresh: !o.Resume}
	if o.Resume {
		if info, err := os.Stat(f.dir); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("run: resume: there is no run in %s", f.dir)
		}
	}
	if err := f.acquire(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := f.look(o); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// acquire makes the folder if need be and locks it.
func (f *Folder) acquire() error {
	for dir := filepath.Clean(f.dir); ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			break
		}
		f.made = append(f.made, dir)
	}
	if err := os.MkdirAll(f.dir, 0o777); err != nil {
		return fmt.Errorf("run: output folder: %w", err)
	}
	var held *filelock.HeldError
	var err error
	switch f.lock, err = filelock.Acquire(filepath.Join(f.dir, lockFile), filelock.ThisProcess()); {
	case errors.As(err, &held):
		return fmt.Errorf("run: another run writes into %s: %w; wait for it, or choose another folder (--out)", f.dir, err)
	case err != nil:
		return fmt.Errorf("run: output folder %s: cannot write: %w", f.dir, err)
	}
	return nil
}

// look finds the run in the folder and decides whether it may be touched.
func (f *Folder) look(o *Options) error {
	var err error
	if f.notes, err = ReadNotes(f.dir); err != nil && !(errors.Is(err, fs.ErrNotExist) || o.Overwrite) {
		return err
	}
	entries, _ := os.ReadDir(filepath.Join(f.dir, CheckpointFolder)) // what is not there counts as empty
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), checkpointPrefix) {
			f.checkpoints++
		}
	}
	there := f.notes != nil || f.checkpoints > 0
	if o.Resume {
		if !there {
			return fmt.Errorf("run: resume: there is no run in %s", f.dir)
		}
		return nil
	}
	for _, name := range []string{MetricsFile, ModelFile} {
		if _, err := os.Lstat(filepath.Join(f.dir, name)); err == nil {
			there = true
		}
	}
	if there && !o.Overwrite {
		return f.refusal()
	}
	return nil
}

// refusal says that there is a run already, and what can be done.
func (f *Folder) refusal() error {
	const ways = "choose another folder (--out), or overwrite it (--overwrite)"
	switch {
	case f.notes == nil || f.notes.State == Finished:
		return fmt.Errorf("run: %s holds a run already; %s", f.dir, ways)
	case f.notes.State == Failed:
		return fmt.Errorf("run: %s holds a run that failed; %s", f.dir, ways)
	}
	return fmt.Errorf("run: %s holds a run that is not finished; go on with it (hourglass %s --resume %s), %s",
		f.dir, f.notes.Command.Name, f.dir, ways)
}

// ModelPath returns the path of a model file: path itself, or where that is the folder of a
// run, the model in it.
func ModelPath(path string) string {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return filepath.Join(path, ModelFile)
	}
	return path
}

// ReadNotes reads what a run noted of itself in its folder.
func ReadNotes(dir string) (*Notes, error) {
	path := filepath.Join(dir, NotesFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("run: %w", err)
	}
	n := &Notes{}
	if err := json.Unmarshal(text, n); err != nil {
		return nil, fmt.Errorf("run: read %s: %w", path, err)
	}
	return n, nil
}

// StateOf returns how far the run in a folder is: what it has noted, or Killed where that is
// Running and no process holds the folder. Where there are no locks that cannot be told, and
// what it has noted is believed.
func StateOf(dir string, n *Notes) State {
	if n.State != Running {
		return n.State
	}
	if held, err := filelock.Held(filepath.Join(dir, lockFile)); held || err != nil {
		return n.State
	}
	if now, err := ReadNotes(dir); err == nil && now.State != Running {
		return now.State // it has ended just now
	}
	return Killed
}

// LatestCheckpoint returns the path of the last checkpoint of the run in a folder and in which
// epoch, or at the end of which, it was written; an empty path where there is none.
func LatestCheckpoint(dir string) (path string, epoch int) {
	folder := filepath.Join(dir, CheckpointFolder)
	entries, _ := os.ReadDir(folder)             // what is not there counts as empty
	for _, e := range slices.Backward(entries) { // by their names, whose numbers have leading zeros
		var step int // of the epoch that comes next, which it is named for
		if n, _ := fmt.Sscanf(e.Name(), checkpointPrefix+"%d-%d", &epoch, &step); n != 2 || filepath.Ext(e.Name()) != filepath.Ext(ModelFile) {
			continue
		}
		if step == 0 {
			epoch--
		}
		return filepath.Join(folder, e.Name()), epoch
	}
	return "", 0
}

// follow opens a folder for a rank whose run is in another, and looks at that if it goes on.
func follow(o *Options) (*Folder, error) {
	f := &Folder{dir: o.Out, fresh: true}
	if err := f.acquire(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if o.Resume {
		there := &Folder{dir: o.Follows}
		if err := there.look(o); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		f.notes, f.checkpoints = there.notes, there.checkpoints
	}
	return f, nil
}

// Begin makes the folder that of a run: what an earlier one left is removed, unless
// it is this one that goes on, and so are halves of files.
func (f *Folder) Begin(n *Notes) error {
	old := f.notes
	if !f.fresh && old != nil {
		n.EpochWeights, n.Weights, n.Files = old.EpochWeights, old.Weights, old.Files
		if n.Record.Data == (Digests{}) {
			n.Record.Data = old.Record.Data
		}
	}
	if err := f.clean(old); err != nil {
		return fmt.Errorf("run: output folder: %w", err)
	}
	f.notes = n
	return f.Note(Running)
}

// clean removes what is not of the run that begins.
func (f *Folder) clean(old *Notes) error {
	ours := append([]string{NotesFile, MetricsFile, JournalFile, ModelFile, ReportFile}, oldFigures...)
	if old != nil {
		for _, name := range old.Files {
			if name == filepath.Base(name) && filepath.Ext(name) == ".png" {
				ours = append(ours, name)
			}
		}
	}
	entries, err := os.ReadDir(f.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		half := strings.HasSuffix(e.Name(), ".tmp") && slices.ContainsFunc(ours, func(name string) bool {
			return strings.HasPrefix(e.Name(), "."+name+".")
		})
		if half || f.fresh && e.Type().IsRegular() && slices.Contains(ours, e.Name()) {
			if err := os.Remove(filepath.Join(f.dir, e.Name())); err != nil {
				return err
			}
		}
	}
	err = os.Remove(filepath.Join(f.dir, CheckpointFolder, oldMarker))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if !f.fresh {
		return err
	}
	return errors.Join(err, f.removeCheckpoints())
}

// removeCheckpoints removes those of an earlier run, which would else be taken for
// this one's should it end before its first.
func (f *Folder) removeCheckpoints() error {
	dir := filepath.Join(f.dir, CheckpointFolder)
	entries, _ := os.ReadDir(dir) // what is not there counts as empty
	for _, e := range entries {
		if e.IsDir() && strings.HasPrefix(e.Name(), stagePrefix) {
			if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
		if strings.HasPrefix(e.Name(), checkpointPrefix) || e.Name() == hourglass.BestFile {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// Note writes how far the run is.
func (f *Folder) Note(state State) error {
	f.notes.State = state
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false) // an architecture has a ">" between its layers
	err := e.Encode(f.notes)
	if err == nil {
		err = atomicfile.WriteFile(filepath.Join(f.dir, NotesFile), b.Bytes())
	}
	if err != nil {
		return fmt.Errorf("run: %s: %w", NotesFile, err)
	}
	return nil
}

// Close unlocks the folder. One that was made for a run that did not begin is
// removed.
func (f *Folder) Close() error {
	var err error
	if f.lock != nil {
		err = f.lock.Release()
		f.lock = nil
	}
	for _, dir := range f.made {
		if os.Remove(dir) != nil {
			break // there is something in it
		}
	}
	return err
}
