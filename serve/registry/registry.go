// Package registry holds the models of a server: read from files, several versions
// side by side, and read again while they are in use.
package registry

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"hourglass/workflow"
)

// Spec says where a model is: in a file, in the folder of a run, or in a folder of
// folders called 1, 2, … with a version each.
type Spec struct {
	Name       string `toml:"name"`
	Path       string `toml:"path"`
	References string `toml:"references"` // data for Nearest; "" without
}

// modelFile is what a model is called in the folder of a run.
const modelFile = "model.safetensors"

var validName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$`)

// ParseSpec reads a model as a command line names it: NAME=PATH, or a PATH whose
// last folder, or file, the model is named for.
func ParseSpec(text string) (Spec, error) {
	name, path, found := strings.Cut(text, "=")
	if !found {
		return Spec{Path: text}.Named()
	}
	s := Spec{Name: name, Path: path}
	return s, s.check()
}

// Named returns the model with a name, that of its folder or file if it has none.
func (s Spec) Named() (Spec, error) {
	if s.Name == "" && s.Path != "" {
		s.Name = strings.TrimSuffix(filepath.Base(filepath.Clean(s.Path)), ".safetensors")
		if s.Name == strings.TrimSuffix(modelFile, ".safetensors") {
			absolute, err := filepath.Abs(s.Path)
			if err != nil {
				return Spec{}, fmt.Errorf("registry: model %q: %w", s.Path, err)
			}
			s.Name = filepath.Base(filepath.Dir(absolute))
		}
	}
	return s, s.check()
}

// check refuses names that would not do in a URL, or that the parts of models have.
func (s Spec) check() error {
	if !validName.MatchString(s.Name) {
		return fmt.Errorf("registry: a model called %.40q, want letters, digits, _, - and . (NAME=FILE gives it a name)", s.Name)
	}
	for _, part := range []Part{Encoder, Decoder} {
		if strings.HasSuffix(s.Name, "."+string(part)) {
			return fmt.Errorf("registry: a model called %q, which is the name of a part of a model", s.Name)
		}
	}
	if s.Path == "" {
		return fmt.Errorf("registry: model %q has no file", s.Name)
	}
	return nil
}

// file is one version's model file.
type file struct {
	version string
	path    string
}

// files finds the model files of a spec, oldest version first.
func (s Spec) files() ([]file, error) {
	stat, err := os.Stat(s.Path)
	if err != nil {
		return nil, fmt.Errorf("registry: model %q: %w", s.Name, err)
	}
	if !stat.IsDir() {
		return []file{{"1", s.Path}}, nil
	}
	if path := filepath.Join(s.Path, modelFile); isFile(path) {
		return []file{{"1", path}}, nil
	}
	entries, err := os.ReadDir(s.Path)
	if err != nil {
		return nil, fmt.Errorf("registry: model %q: %w", s.Name, err)
	}
	var numbers []int
	for _, e := range entries {
		n, err := strconv.Atoi(e.Name())
		if err == nil && strconv.Itoa(n) == e.Name() && n > 0 && isFile(filepath.Join(s.Path, e.Name(), modelFile)) {
			numbers = append(numbers, n)
		}
	}
	if len(numbers) == 0 {
		return nil, fmt.Errorf("registry: model %q: %s has no %s, and no folders 1, 2, … with one", s.Name, s.Path, modelFile)
	}
	slices.Sort(numbers)
	var files []file
	for _, n := range numbers {
		version := strconv.Itoa(n)
		files = append(files, file{version, filepath.Join(s.Path, version, modelFile)})
	}
	return files, nil
}

func isFile(path string) bool {
	stat, err := os.Stat(path)
	return err == nil && stat.Mode().IsRegular()
}

// Registry is the models of a server. Requests see it as it was when they came, and
// a model that is replaced goes when the last of its requests is answered.
type Registry struct {
	options Options
	current atomic.Pointer[snapshot]

	mu sync.Mutex // held while models are read
}

// snapshot is the state of a registry. It does not change.
type snapshot struct {
	entries map[string]*Entry
	names   []string // of entries, in their order
}

// Entry is what is known of a model.
type Entry struct {
	Spec
	Versions []*Model               // oldest first; empty if none could be read
	Err      error                  // of the last reading, nil if all is well
	stamps   map[string]os.FileInfo // of the files, as they were when they were read
}

// stampOf returns what tells a file from what it was, nil if there is none.
func stampOf(path string) os.FileInfo {
	stat, err := os.Stat(path)
	if err != nil {
		return nil
	}
	return stat
}

// unchanged reports whether a file is what it was.
func unchanged(was, is os.FileInfo) bool {
	if was == nil || is == nil {
		return was == nil && is == nil
	}
	return os.SameFile(was, is) && was.ModTime().Equal(is.ModTime()) && was.Size() == is.Size()
}

// New returns a registry without models.
func New(o Options) *Registry {
	r := &Registry{options: o}
	r.current.Store(&snapshot{entries: map[string]*Entry{}})
	return r
}

// Load makes the models of the registry those of specs. What has not changed since
// it was read stays as it is. A model that cannot be read again stays in use as it
// was, and one that is new has an Entry with the error; either way the error is
// returned, and the other models are there.
func (r *Registry) Load(ctx context.Context, specs []Spec) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := r.current.Load()
	next := &snapshot{entries: map[string]*Entry{}}
	var failed []error
	for _, spec := range specs {
		if err := spec.check(); err != nil {
			failed = append(failed, err)
			continue
		}
		if next.entries[spec.Name] != nil {
			failed = append(failed, fmt.Errorf("registry: two models are called %q", spec.Name))
			continue
		}
		e := r.read(ctx, spec, old.entries[spec.Name])
		if e.Err != nil {
			failed = append(failed, e.Err)
		}
		next.entries[spec.Name] = e
		next.names = append(next.names, spec.Name)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	r.current.Store(next)
	return errors.Join(failed...)
}

// read reads the versions of a model, where old has not got them already.
func (r *Registry) read(ctx context.Context, spec Spec, old *Entry) *Entry {
	if old == nil || old.Spec != spec {
		old = &Entry{}
	}
	e := &Entry{Spec: spec, stamps: map[string]os.FileInfo{}}
	files, err := spec.files()
	if err != nil {
		e.Err, e.Versions, e.stamps = err, old.Versions, old.stamps
		return e
	}
	references := stampOf(spec.References)
	for _, f := range files {
		before := old.version(f.version)
		now := stampOf(f.path)
		if before != nil && unchanged(old.stamps[f.path], now) && unchanged(old.stamps[spec.References], references) {
			e.Versions = append(e.Versions, before)
			e.stamps[f.path] = now
			continue
		}
		m, err := r.open(ctx, spec, f)
		if err != nil {
			e.Err = errors.Join(e.Err, err)
			if m = before; m == nil {
				continue
			}
		} else {
			e.stamps[f.path] = now
		}
		e.Versions = append(e.Versions, m)
	}
	e.stamps[spec.References] = references
	return e
}

// open reads one version.
func (r *Registry) open(ctx context.Context, spec Spec, f file) (*Model, error) {
	m, err := workflow.OpenModel(f.path)
	if err != nil {
		return nil, fmt.Errorf("registry: model %q: %w", spec.Name, err)
	}
	model, err := newModel(spec.Name, f.version, m, &r.options)
	if err != nil {
		return nil, fmt.Errorf("registry: model %q: %w", spec.Name, err)
	}
	if spec.References != "" {
		if model.References, err = loadReferences(ctx, m, spec.References); err != nil {
			return nil, fmt.Errorf("registry: model %q: references: %w", spec.Name, err)
		}
	}
	return model, nil
}

// version returns a version of the model, the newest for "", or nil.
func (e *Entry) version(version string) *Model {
	if version == "" && len(e.Versions) > 0 {
		return e.Versions[len(e.Versions)-1]
	}
	for _, m := range e.Versions {
		if m.Version == version {
			return m
		}
	}
	return nil
}

// VersionNames lists the versions, oldest first.
func (e *Entry) VersionNames() []string {
	var names []string
	for _, m := range e.Versions {
		names = append(names, m.Version)
	}
	return names
}

// Entries lists the models in the order they were given in.
func (r *Registry) Entries() []*Entry {
	s := r.current.Load()
	var all []*Entry
	for _, name := range s.names {
		all = append(all, s.entries[name])
	}
	return all
}

// UnknownError says that there is no model of a name and version, and perhaps why.
type UnknownError struct {
	Name, Version string
	Why           error
}

func (e *UnknownError) Error() string {
	if e.Why != nil {
		return fmt.Sprintf("there is no model %.100q: %v", e.Name, e.Why)
	}
	if e.Version != "" {
		return fmt.Sprintf("there is no model %.100q of version %.40q", e.Name, e.Version)
	}
	return fmt.Sprintf("there is no model %.100q", e.Name)
}

// UnreadyError says that a model is known and could not be read yet.
type UnreadyError struct {
	Name string
	Err  error
}

func (e *UnreadyError) Error() string { return fmt.Sprintf("model %q is not ready", e.Name) }
func (e *UnreadyError) Unwrap() error { return e.Err }

// Find returns the model, or the part of one, of a name, in a version or the newest
// for "". Its error is an *UnknownError or an *UnreadyError.
func (r *Registry) Find(name, version string) (View, *Entry, error) {
	s := r.current.Load()
	part := Whole
	e := s.entries[name]
	for _, p := range []Part{Encoder, Decoder} {
		if base, ok := strings.CutSuffix(name, "."+string(p)); ok && e == nil {
			e, part = s.entries[base], p
		}
	}
	if e == nil {
		return View{}, nil, &UnknownError{Name: name}
	}
	m := e.version(version)
	switch {
	case m != nil && part == Decoder && m.Decoder().Complete() != nil:
		return View{}, e, &UnknownError{Name: name, Why: m.Decoder().Complete()}
	case m != nil:
		return View{m, part}, e, nil
	case len(e.Versions) == 0:
		return View{}, e, &UnreadyError{name, e.Err}
	}
	return View{}, e, &UnknownError{Name: name, Version: version}
}

// Ready reports whether there are models and all of them can be used.
func (r *Registry) Ready() bool {
	s := r.current.Load()
	for _, e := range s.entries {
		if len(e.Versions) == 0 {
			return false
		}
	}
	return len(s.entries) > 0
}

// Paths lists the folders in which a change can change a model.
func (r *Registry) Paths() []string {
	var dirs []string
	for _, e := range r.Entries() {
		for _, path := range []string{e.Path, e.References} {
			if path == "" {
				continue
			}
			dirs = append(dirs, filepath.Dir(path))
			if stat, err := os.Stat(path); err == nil && stat.IsDir() {
				dirs = append(dirs, path)
			}
		}
		if files, err := e.files(); err == nil {
			for _, f := range files {
				dirs = append(dirs, filepath.Dir(f.path))
			}
		}
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}
