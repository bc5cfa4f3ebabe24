package npy

import (
	"archive/zip"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Archive is an open .npz file: arrays by name in a zip archive, stored or
// compressed.
type Archive struct {
	path   string
	closer io.Closer
	files  map[string]*zip.File
	names  []string
}

// OpenArchive opens the archive at path. It must be closed.
func OpenArchive(path string) (*Archive, error) {
	z, err := zip.OpenReader(path)
	if err != nil {
		return nil, fmt.Errorf("npy: read %s: %w", path, err)
	}
	a, err := newArchive(path, &z.Reader, z)
	if err != nil {
		z.Close()
		return nil, err
	}
	return a, nil
}

// NewArchive reads an archive of the given size from r. It is called name in
// errors, and need not be closed.
func NewArchive(name string, r io.ReaderAt, size int64) (*Archive, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("npy: read %s: %w", name, err)
	}
	return newArchive(name, z, nil)
}

func newArchive(path string, z *zip.Reader, closer io.Closer) (*Archive, error) {
	a := &Archive{path: path, closer: closer, files: map[string]*zip.File{}}
	for _, f := range z.File {
		name, isArray := strings.CutSuffix(f.Name, ".npy")
		if !isArray {
			continue
		}
		if a.files[name] != nil {
			return nil, fmt.Errorf("npy: read %s: holds two arrays called %.40q", path, name)
		}
		a.files[name] = f
		a.names = append(a.names, name)
	}
	slices.Sort(a.names)
	if len(a.names) == 0 {
		return nil, fmt.Errorf("npy: read %s: holds no arrays", path)
	}
	return a, nil
}

// Names lists the arrays, sorted.
func (a *Archive) Names() []string { return slices.Clone(a.names) }

// Close closes the file.
func (a *Archive) Close() error {
	if a.closer == nil {
		return nil
	}
	return a.closer.Close()
}

// Header returns the type and shape of an array.
func (a *Archive) Header(name string) (h Header, err error) {
	err = a.open(name, func(r io.Reader) error {
		h, _, err = readHeader(r)
		return err
	})
	return h, err
}

// Read reads an array as the function [Read] does.
func (a *Archive) Read(name string, limit int64) (array Array, err error) {
	err = a.open(name, func(r io.Reader) error {
		array, err = decode(r, -1, limit)
		return err
	})
	return array, err
}

// ReadInts reads an array as the function [ReadInts] does.
func (a *Archive) ReadInts(name string, limit int64) (v []int64, err error) {
	err = a.open(name, func(r io.Reader) error {
		v, err = decodeInts(r, -1, limit)
		return err
	})
	return v, err
}

// open hands the content of an array to read. Its size is not known: what the
// archive says of it is but a promise.
func (a *Archive) open(name string, read func(r io.Reader) error) error {
	f := a.files[name]
	if f == nil {
		return fmt.Errorf("npy: read %s: holds no array %.40q, only %.200s", a.path, name, quoted(a.names))
	}
	r, err := f.Open()
	if err == nil {
		defer r.Close()
		err = read(r)
	}
	if err != nil {
		return fmt.Errorf("npy: read %s: array %.40q: %w", a.path, name, err)
	}
	return nil
}

func quoted(names []string) string {
	list := make([]string, 0, 16)
	for _, name := range names[:min(len(names), 16)] {
		list = append(list, fmt.Sprintf("%q", name))
	}
	return strings.Join(list, ", ")
}
