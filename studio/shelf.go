package studio

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"hourglass/recipe"
	"hourglass/run"
)

// entry is a run or a model that the page can show.
type entry struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Title string `json:"title"`
	Kind  string `json:"kind"` // "run" or "model"
	State string `json:"state,omitempty"`
	// Resume is the command that goes on with a run that was stopped or killed.
	Resume string `json:"resume,omitempty"`
	// Openable is set where there is a model to look at.
	Openable bool `json:"openable"`

	Recipe     string      `json:"recipe,omitempty"`
	Dataset    string      `json:"dataset,omitempty"`
	Parameters int         `json:"parameters,omitempty"`
	Loss       string      `json:"loss,omitempty"`
	Epochs     []epochLine `json:"epochs,omitempty"`
	Planned    int         `json:"planned,omitempty"` // epochs
	Changed    int64       `json:"changed"`           // milliseconds since 1970

	dir   string // of a run
	model string // file
}

// epochLine are the numbers of an epoch by their names, as metrics.json has them.
type epochLine map[string]float64

// identifier returns a name for a path that stays the same and tells nothing of it.
func identifier(path string) string {
	sum := sha256.Sum256([]byte(path))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:8]))
}

// shelf knows which runs and models there are.
type shelf struct {
	roots []string // absolute: runs, folders of runs, model files

	mu      sync.Mutex
	entries []entry
	open    exhibits
	seen    map[string]stamp // of the files that each folder was read from
}

// stamp tells whether files have changed.
type stamp struct {
	times [5]time.Time
	read  entry
}

func newShelf(paths []string) (*shelf, error) {
	s := &shelf{seen: map[string]stamp{}}
	for _, path := range paths {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("studio: %w", err)
		}
		absolute, err := filepath.Abs(path)
		if err != nil {
			return nil, fmt.Errorf("studio: %w", err)
		}
		s.roots = append(s.roots, absolute)
	}
	s.refresh()
	return s, nil
}

// place returns the folder for new runs: the first that holds runs, or beside the first
// run.
func (s *shelf) place() string {
	for _, root := range s.roots {
		if info, err := os.Stat(root); err != nil || !info.IsDir() {
			continue
		}
		if isRun(root) {
			return filepath.Dir(root)
		}
		return root
	}
	return "runs"
}

// isRun reports whether a folder is that of a run.
func isRun(dir string) bool {
	return exists(dir, run.NotesFile) || exists(dir, run.MetricsFile) || exists(dir, run.ModelFile)
}

// include adds a folder to those that are shown.
func (s *shelf) include(dir string) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return
	}
	s.mu.Lock()
	known := slices.Contains(s.roots, absolute) || slices.Contains(s.roots, filepath.Dir(absolute))
	if !known {
		s.roots = append(s.roots, absolute)
	}
	s.mu.Unlock()
	s.refresh()
}

// refresh looks what there is now, and reports whether that has changed.
func (s *shelf) refresh() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	var entries []entry
	for _, root := range s.roots {
		info, err := os.Stat(root)
		switch {
		case err != nil:
		case !info.IsDir():
			entries = append(entries, entry{ID: identifier(root), Name: strings.TrimSuffix(filepath.Base(root), filepath.Ext(root)),
				Title: filepath.Base(root), Kind: "model", Openable: true, Changed: info.ModTime().UnixMilli(), model: root})
		case isRun(root):
			entries = append(entries, s.readRun(root))
		default:
			inside, _ := os.ReadDir(root) // one that cannot be read shows nothing
			for _, e := range inside {
				if dir := filepath.Join(root, e.Name()); e.IsDir() && isRun(dir) {
					entries = append(entries, s.readRun(dir))
				}
			}
		}
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Compare(b.Changed, a.Changed) })
	entries = slices.CompactFunc(entries, func(a, b entry) bool { return a.ID == b.ID })
	if reflect.DeepEqual(entries, s.entries) {
		return false
	}
	s.entries = entries
	return true
}

// list returns what there is, the latest first.
func (s *shelf) list() []entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.entries)
}

// find returns the entry of that identifier.
func (s *shelf) find(id string) (entry, error) {
	for _, e := range s.list() {
		if e.ID == id {
			return e, nil
		}
	}
	return entry{}, notFound("there is no run or model %q; it may have been removed", id)
}

// readRun reads what a run's folder says, unless it says what it said before.
func (s *shelf) readRun(dir string) entry {
	var now [5]time.Time
	for i, name := range []string{run.NotesFile, run.MetricsFile, run.ModelFile, run.JournalFile, run.CheckpointFolder} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil {
			now[i] = info.ModTime()
		}
	}
	if old, known := s.seen[dir]; known && old.times == now {
		if old.read.State == string(run.Running) && run.StateOf(dir, &run.Notes{State: run.Running}) == run.Killed {
			old.read.State = string(run.Killed)
			s.seen[dir] = old
		}
		return old.read
	}
	e := entry{ID: identifier(dir), Name: filepath.Base(dir), Title: filepath.Base(dir), Kind: "run", dir: dir,
		model: filepath.Join(dir, run.ModelFile)}
	for _, t := range now {
		if !t.IsZero() {
			e.Changed = max(e.Changed, t.UnixMilli())
		}
	}
	if notes, err := run.ReadNotes(dir); err == nil {
		e.State, e.Dataset, e.Recipe, e.Planned, e.Loss = string(run.StateOf(dir, notes)), notes.Record.Dataset, notes.Record.Recipe, notes.Record.Epochs, notes.Record.Loss
		if notes.Command.Name != "" && (notes.State == run.Running || notes.State == run.Stopped) {
			e.Resume = fmt.Sprintf("hourglass %s --resume %s", notes.Command.Name, e.Name)
		}
	}
	e.Openable = exists(dir, run.ModelFile)
	readNumbers(dir, &e)
	if epochs, err := run.ReadJournal(dir); err == nil { // of a run that is not over
		e.Epochs = nil
		for _, line := range epochs {
			e.Epochs = append(e.Epochs, line)
		}
	}
	if r, err := recipe.ByName(e.Recipe); err == nil {
		e.Title = r.Title
	}
	s.seen[dir] = stamp{now, e}
	return e
}

// readNumbers reads metrics.json; one that is not there, or half, leaves the entry as it
// is.
func readNumbers(dir string, e *entry) {
	text, err := os.ReadFile(filepath.Join(dir, run.MetricsFile))
	if err != nil {
		return
	}
	var m struct {
		Recipe     string          `json:"recipe"`
		Dataset    run.DatasetSize `json:"dataset"`
		Parameters int             `json:"parameters"`
		Loss       string          `json:"loss"`
		Epochs     []epochLine     `json:"epochs"`
	}
	if json.Unmarshal(text, &m) != nil {
		return
	}
	e.Recipe, e.Parameters, e.Epochs = cmp.Or(m.Recipe, e.Recipe), m.Parameters, m.Epochs
	e.Dataset, e.Loss = cmp.Or(m.Dataset.Name, e.Dataset), cmp.Or(m.Loss, e.Loss)
}
