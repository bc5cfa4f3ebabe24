package sweep

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"hourglass/internal/atomicfile"
	"hourglass/internal/filelock"
	"hourglass/run"
)

// The files of a sweep.
const (
	NotesFile    = "sweep.json"
	OutcomesFile = "sweep.jsonl"
	TableFile    = "sweep.csv"
	FigureFile   = "sweep.png"
	TrialFolder  = "trials"

	lockFile = ".lock"
)

// Notes are what a sweep was asked, the content of sweep.json.
type Notes struct {
	Command run.Command `json:"command"`
	Plan    Plan        `json:"plan"`
	Fixed   []string    `json:"fixed,omitempty"` // flags that all trials have: "--epochs=5"
	Data    string      `json:"data"`            // SHA-256 of the samples; see dataset.Digest
}

// Outcome is what a trial came to, a line of sweep.jsonl.
type Outcome struct {
	Task
	// Failed says why there is no model; the numbers below then mean nothing.
	Failed string `json:"failed,omitempty"`
	Over   bool   `json:"over"` // it will not go on: it has taken all epochs, has stopped early, or failed

	Score      float64            `json:"score"`   // of the epoch whose weights the model has
	Epoch      int                `json:"epoch"`   // that epoch
	Epochs     int                `json:"epochs"`  // that were taken
	Numbers    map[string]float64 `json:"numbers"` // all of that epoch
	Parameters int                `json:"parameters"`
	Seconds    float64            `json:"seconds"` // of all epochs
}

// Store is the folder of a sweep, locked. It keeps each outcome as soon as there is one, so
// that nothing but trials that are running is lost however the program ends.
type Store struct {
	dir      string
	lock     *filelock.Lock
	notes    *Notes
	outcomes map[int]map[int]Outcome // by trial and where it was to stop
	journal  *os.File
}

// Open locks the folder of a sweep, which it makes if need be.
func Open(dir string) (s *Store, err error) {
	s = &Store{dir: dir, outcomes: map[int]map[int]Outcome{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
			s = nil
		}
	}()
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return s, fmt.Errorf("sweep: %w", err)
	}
	var held *filelock.HeldError
	switch s.lock, err = filelock.Acquire(filepath.Join(dir, lockFile), filelock.ThisProcess()); {
	case errors.As(err, &held):
		return s, fmt.Errorf("sweep: another sweep writes into %s: %w", dir, err)
	case err != nil:
		return s, fmt.Errorf("sweep: %s: cannot write: %w", dir, err)
	}
	if s.notes, err = ReadNotes(dir); errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	return s, s.read()
}

// ReadNotes reads what the sweep in a folder was asked.
func ReadNotes(dir string) (*Notes, error) {
	path := filepath.Join(dir, NotesFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("sweep: %w", err)
	}
	n := &Notes{}
	if err := json.Unmarshal(text, n); err != nil {
		return nil, fmt.Errorf("sweep: read %s: %w", path, err)
	}
	return n, nil
}

// keep remembers an outcome.
func (s *Store) keep(o Outcome) {
	if s.outcomes[o.Trial] == nil {
		s.outcomes[o.Trial] = map[int]Outcome{}
	}
	s.outcomes[o.Trial][o.Stop] = o
}

// outcome returns what a trial came to: where it was to stop, or before, if it will not go on.
func (s *Store) outcome(t Task) (Outcome, bool) {
	if o, ok := s.outcomes[t.Trial][t.Stop]; ok {
		return o, true
	}
	for _, o := range s.outcomes[t.Trial] {
		if o.Over && (t.Stop == 0 || o.Stop > 0 && o.Stop < t.Stop) {
			return o, true
		}
	}
	return Outcome{}, false
}

// Files lists what the sweep has left in its folder for its user.
func (s *Store) Files() []string {
	return slices.DeleteFunc([]string{run.ModelFile, TableFile, FigureFile, TrialFolder}, func(name string) bool {
		_, err := os.Stat(s.Path(name))
		return err != nil
	})
}

// Notes returns what the sweep in the folder was asked; nil where there is none.
func (s *Store) Notes() *Notes { return s.notes }

// Path returns the path of a file of the sweep.
func (s *Store) Path(name string) string { return filepath.Join(s.dir, name) }

// Trial returns the folder of a trial.
func (s *Store) Trial(number int) string { return filepath.Join(s.dir, trialPath(number)) }

// trialPath returns the folder of a trial as it is called in that of the sweep.
func trialPath(number int) string { return filepath.Join(TrialFolder, fmt.Sprintf("%05d", number)) }

// read reads the outcomes so far. A line at the end that is half written is cut off.
func (s *Store) read() error {
	path := s.Path(OutcomesFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	whole := text[:bytes.LastIndexByte(text, '\n')+1]
	for number, line := range bytes.Split(bytes.TrimSuffix(whole, []byte("\n")), []byte("\n")) {
		if len(whole) == 0 {
			break
		}
		var o Outcome
		if err := json.Unmarshal(line, &o); err != nil {
			return fmt.Errorf("sweep: read %s: line %d: %w", path, number+1, err)
		}
		s.keep(o)
	}
	if len(whole) < len(text) {
		if err := os.Truncate(path, int64(len(whole))); err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
	}
	return nil
}

// Begin writes what is asked. A sweep that was there before is removed, unless it is this one
// that goes on.
func (s *Store) Begin(n Notes, goesOn bool) error {
	if !goesOn && s.notes != nil {
		for _, name := range []string{NotesFile, OutcomesFile, TableFile, FigureFile, run.ModelFile, TrialFolder} {
			if err := os.RemoveAll(s.Path(name)); err != nil {
				return fmt.Errorf("sweep: %w", err)
			}
		}
		s.outcomes = map[int]map[int]Outcome{}
	}
	text, err := json.MarshalIndent(n, "", "  ")
	if err == nil {
		err = atomicfile.WriteFile(s.Path(NotesFile), append(text, '\n'))
	}
	if err == nil {
		s.journal, err = os.OpenFile(s.Path(OutcomesFile), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	}
	if err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	s.notes = &n
	return nil
}

// Add keeps an outcome.
func (s *Store) Add(o Outcome) error {
	line, err := json.Marshal(o)
	if err == nil {
		_, err = s.journal.Write(append(line, '\n'))
	}
	if err == nil {
		err = s.journal.Sync()
	}
	if err != nil {
		return fmt.Errorf("sweep: %s: %w", OutcomesFile, err)
	}
	s.keep(o)
	return nil
}

// Close unlocks the folder. One in which no sweep has begun is removed, if it is empty.
func (s *Store) Close() error {
	var errs []error
	if s.journal != nil {
		errs = append(errs, s.journal.Close())
		s.journal = nil
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Release())
		s.lock = nil
	}
	if s.notes == nil {
		os.Remove(s.dir) // which fails if there is something in it
	}
	return errors.Join(errs...)
}
