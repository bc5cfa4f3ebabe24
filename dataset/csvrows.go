package dataset

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

const (
	// maxRow bounds a row in bytes, so that an unmatched quote does not read
	// a file of any size into one cell.
	maxRow = 1 << 26
	// sniffed is how much of a table its delimiter is found out from.
	sniffed = 1 << 16
	// sniffedLines is how many lines of that are looked at.
	sniffedLines = 10
)

// sniffDelimiter returns the delimiter of which the first lines have equally
// many, or else the one the first line has most of. Numbers may have commas for
// points, so that a tab or semicolon decides before a comma. Where there is none of
// them, it is a space if that gives all lines equally many cells.
func sniffDelimiter(start []byte) rune {
	var lines []string
	for line := range strings.Lines(string(start)) {
		if strings.TrimSpace(line) != "" {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return ','
	}
	if len(lines) > 1 && len(start) == sniffed {
		lines = lines[:len(lines)-1] // which is cut off
	}
	lines = lines[:min(len(lines), sniffedLines)]
	best, most := ',', 0
	for _, d := range []rune{'\t', ';', ','} {
		count := countOutsideQuotes(lines[0], d)
		if count > most {
			best, most = d, count
		}
		different := func(line string) bool { return countOutsideQuotes(line, d) != count }
		if count > 0 && !slices.ContainsFunc(lines, different) {
			return d
		}
	}
	cells := len(strings.Fields(lines[0]))
	different := func(line string) bool { return len(strings.Fields(line)) != cells }
	if most == 0 && cells > 1 && !slices.ContainsFunc(lines, different) {
		return ' '
	}
	return best
}

func countOutsideQuotes(line string, d rune) int {
	count, quoted := 0, false
	for _, c := range line {
		switch {
		case c == '"':
			quoted = !quoted
		case c == d && !quoted:
			count++
		}
	}
	return count
}

// rowReader reads rows of bounded size.
type rowReader struct {
	csv      *csv.Reader
	line     int // of the last row's first cell
	consumed int64
	rowStart int64
	source   io.Reader
}

func newRowReader(r io.Reader, delimiter rune) *rowReader {
	rows := &rowReader{source: r}
	rows.csv = csv.NewReader(rows)
	rows.csv.Comma = delimiter
	rows.csv.FieldsPerRecord = -1
	rows.csv.ReuseRecord = true
	return rows
}

func (r *rowReader) mark() int64 { return int64(r.line) }

func (r *rowReader) placeAt(i int, mark int64) string {
	return fmt.Sprintf("row %d (line %d)", i, mark)
}

var errLongRow = fmt.Errorf("is longer than %d bytes; is a closing quote missing?", maxRow)

// Read passes on what the CSV reader asks for, until a row gets too long.
func (r *rowReader) Read(p []byte) (int, error) {
	if r.consumed-r.rowStart > maxRow {
		return 0, errLongRow
	}
	n, err := r.source.Read(p)
	r.consumed += int64(n)
	return n, err
}

// next returns the cells of the next row, which are valid until the next call. Between
// them there may be any number of spaces if they are delimited by such.
func (r *rowReader) next() ([]string, error) {
	for {
		cells, err := r.nextLine()
		if r.csv.Comma == ' ' {
			cells = slices.DeleteFunc(cells, func(cell string) bool { return strings.TrimSpace(cell) == "" })
		}
		if err != nil || len(cells) > 0 {
			return cells, err
		}
	}
}

func (r *rowReader) nextLine() ([]string, error) {
	r.rowStart = r.csv.InputOffset()
	cells, err := r.csv.Read()
	var syntax *csv.ParseError
	switch {
	case errors.As(err, &syntax):
		return nil, fmt.Errorf("row that starts in line %d: %w", syntax.StartLine, syntax.Err)
	case errors.Is(err, errLongRow):
		return nil, fmt.Errorf("the row after line %d %w", r.line, err)
	case err != nil:
		return nil, err
	}
	r.line, _ = r.csv.FieldPos(0)
	return cells, nil
}
