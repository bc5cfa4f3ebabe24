package dataset

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// IsPattern reports whether a path is a pattern for the names of several files, as
// [filepath.Match] has it.
func IsPattern(path string) bool { return strings.ContainsAny(path, "*?[") }

// Matches returns the files whose names match a pattern, in the order of their names. There are none
// if it is no pattern.
func Matches(pattern string) []string {
	if !IsPattern(pattern) {
		return nil
	}
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return nil
	}
	slices.Sort(paths)
	return slices.DeleteFunc(paths, func(path string) bool {
		stat, err := os.Stat(path)
		return err == nil && stat.IsDir()
	})
}

// loadTables loads several tables as one.
func loadTables(pattern string, o LoadOptions) (*Data, error) {
	paths := Matches(pattern)
	if len(paths) == 0 {
		return nil, fmt.Errorf("dataset: load %q: no file has such a name", pattern)
	}
	files := &tableFiles{}
	defer func() { files.close() }()
	return readTable(func(t *table) ([]string, error) {
		files.close()
		files = &tableFiles{table: t, paths: paths}
		t.rows = files
		return files.open()
	}, pattern, o.CSV)
}

// tableFiles are the rows of several files, one below the other.
type tableFiles struct {
	table   *table
	paths   []string
	current int // of the paths
	file    *os.File
	rows    *rowReader
}

func (f *tableFiles) close() {
	if f.file != nil {
		f.file.Close()
		f.file = nil
	}
}

// open opens the current file and returns its first row.
func (f *tableFiles) open() ([]string, error) {
	path := f.paths[f.current]
	first, err := f.openFile(path)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: is empty, want a row for each sample", path)
	}
	return first, nil
}

func (f *tableFiles) openFile(path string) (first []string, err error) {
	f.close()
	if f.file, err = os.Open(path); err != nil {
		return nil, err
	}
	plain, _, err := decompressed(f.file)
	if err != nil {
		return nil, err
	}
	r := bufio.NewReaderSize(plain, sniffed)
	start, err := r.Peek(magicSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch format, err := fileFormat(unpackedName(path), start); {
	case err != nil:
		return nil, err
	case format != FormatCSV:
		return nil, errors.New("is no table, as several files must be")
	}
	if f.rows, err = f.table.openText(r); err != nil {
		return nil, err
	}
	return f.rows.next()
}

// next returns the cells of the next row, in whichever file it is. The first row of each file names
// the same columns, or is a sample where that of the first is.
func (f *tableFiles) next() ([]string, error) {
	for {
		cells, err := f.rows.next()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s: %w", f.paths[f.current], err)
		}
		if err == nil || f.current == len(f.paths)-1 {
			return cells, err
		}
		f.current++
		first, err := f.open()
		if err != nil || f.table.header == nil {
			return first, err
		}
		if err := f.checkHeader(first); err != nil {
			return nil, err
		}
	}
}

// checkHeader refuses a file whose columns are not those of the first.
func (f *tableFiles) checkHeader(first []string) error {
	same := func(a, b string) bool { return strings.TrimSpace(a) == b }
	if slices.EqualFunc(first, f.table.header, same) {
		return nil
	}
	return fmt.Errorf("%s: has the columns %s, want %s as in %s", f.paths[f.current], quotedNames(first), quotedNames(f.table.header), f.paths[0])
}

// A mark is the number of the file above 32 bits and the line below.
const lineBits = 32

func (f *tableFiles) mark() int64 { return int64(f.current)<<lineBits | f.rows.mark() }

func (f *tableFiles) placeAt(i int, mark int64) string {
	return fmt.Sprintf("row %d (line %d of %s)", i, mark&(1<<lineBits-1), f.paths[mark>>lineBits])
}
