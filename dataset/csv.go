package dataset

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"hourglass/tensor"
)

// Header says whether the first row of a table names the columns.
type Header int

// The choices of [CSVOptions].
const (
	// HeaderAuto takes the first row for names if none of its cells is a number,
	// or if one of them is the name given for the labels or a column to ignore.
	HeaderAuto Header = iota
	HeaderYes
	HeaderNo
)

// Missing says what is done about empty cells, or those that say NA.
type Missing string

// The choices of [CSVOptions].
const (
	MissingRefuse Missing = ""     // an error that names the first
	MissingMean   Missing = "mean" // the mean of the column, or Fill, in their place
	MissingDrop   Missing = "drop" // the whole row is left out
)

// CSVOptions says how a table is read. The zero value is right for a table of
// numbers.
type CSVOptions struct {
	// Delimiter separates cells: comma, semicolon, tab or another character. 0
	// takes the one of those three that the first lines are best divided by.
	Delimiter rune
	Header    Header
	// Label is the column of labels, by name or by number from 1; empty for none.
	Label string
	// Ignore lists columns, by name or number, that are not read.
	Ignore  []string
	Missing Missing
	// Fill replaces missing cells, one number for each feature, with MissingMean:
	// the [Data.Fill] of the training data. Without it the means of this table do.
	Fill []float32
	// Memory bounds what the values may take, in bytes; 0 means [DefaultMemory].
	Memory int64
}

const (
	// maxRow bounds a row in bytes, so that an unmatched quote does not read
	// a file of any size into one cell.
	maxRow = 1 << 26
	// sniffed is how much of a table its delimiter is found out from.
	sniffed = 1 << 16
	// sniffedLines is how many lines of that are looked at.
	sniffedLines = 10
)

// ReadCSV reads a table of numbers, a row for each sample: comma-separated
// values as RFC 4180 has them, with any delimiter, line ending and number of
// empty lines, and quoted cells. Name is what errors call it.
//
// Every cell but those of labels and ignored columns must be a finite number;
// anything else is an error that names row (counted from 1, without the header),
// line and column.
func ReadCSV(r io.Reader, name string, o CSVOptions) (*Data, error) {
	t := &table{options: o, data: &Data{Path: name, Format: FormatCSV}}
	if err := t.read(r); err != nil {
		return nil, fmt.Errorf("dataset: read %s: %w", name, err)
	}
	return t.data, nil
}

// table is a table as it is read.
type table struct {
	options  CSVOptions
	data     *Data
	rows     *rowReader
	names    []string // of all columns, nil without a header
	columns  int
	label    int   // column of the labels or -1
	features []int // columns of the features

	values []float32
	labels []string
	kept   []int // number of each row in values, from 1
	gaps   []int // places in values that are missing
	row    int   // number of the current one, from 1
}

func (t *table) read(r io.Reader) error {
	if err := t.check(); err != nil {
		return err
	}
	first, err := t.open(r)
	if err != nil {
		return err
	}
	if err := t.setColumns(first); err != nil {
		return err
	}
	if t.names == nil {
		if err := t.add(first); err != nil {
			return err
		}
	}
	for {
		cells, err := t.rows.next()
		if errors.Is(err, io.EOF) {
			return t.finish()
		}
		if err != nil {
			return err
		}
		if err := t.add(cells); err != nil {
			return err
		}
	}
}

// check refuses options that nothing can be read with.
func (t *table) check() error {
	switch t.options.Missing {
	case MissingRefuse, MissingMean, MissingDrop:
	default:
		return fmt.Errorf("missing cells %.40q, want mean or drop", t.options.Missing)
	}
	if d := t.options.Delimiter; d == '"' || d == '\r' || d == '\n' || d == utf8.RuneError || !utf8.ValidRune(d) {
		return fmt.Errorf("delimiter %q, want a character such as ',', ';' or tab", d)
	}
	if slices.ContainsFunc(t.options.Fill, func(v float32) bool { return !finite(v) }) {
		return fmt.Errorf("missing cells are to be replaced by %.80s, want finite numbers", fmt.Sprint(t.options.Fill))
	}
	if t.options.Memory == 0 {
		t.options.Memory = DefaultMemory
	}
	return nil
}

// open finds the delimiter and returns the first row.
func (t *table) open(r io.Reader) ([]string, error) {
	buffered := bufio.NewReaderSize(r, sniffed)
	start, err := buffered.Peek(sniffed)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if bytes.HasPrefix(start, []byte("\xff\xfe")) || bytes.HasPrefix(start, []byte("\xfe\xff")) {
		return nil, errors.New("is UTF-16, want UTF-8")
	}
	const mark = "\ufeff" // of byte order, which some programs put before UTF-8
	if bytes.HasPrefix(start, []byte(mark)) {
		buffered.Discard(len(mark))
		start = start[len(mark):]
	}
	delimiter := t.options.Delimiter
	if delimiter == 0 {
		delimiter = sniffDelimiter(start)
	}
	t.rows = newRowReader(buffered, delimiter)
	first, err := t.rows.next()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("is empty, want a row for each sample")
	}
	return first, err
}

// sniffDelimiter returns the delimiter of which the first lines have equally
// many, or else the one the first line has most of. Numbers may have commas for
// points, so that a tab or semicolon decides before a comma.
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

// next returns the cells of the next row, which are valid until the next call.
func (r *rowReader) next() ([]string, error) {
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

// setColumns finds out from the first row what each column is.
func (t *table) setColumns(first []string) error {
	t.columns = len(first)
	if t.hasHeader(first) {
		t.names = make([]string, len(first))
		for i, cell := range first {
			t.names[i] = strings.Clone(strings.TrimSpace(cell))
		}
	}
	skip := make([]bool, t.columns)
	t.label = -1
	if t.options.Label != "" {
		column, err := t.column(t.options.Label)
		if err != nil {
			return fmt.Errorf("label %w", err)
		}
		t.label, skip[column] = column, true
	}
	for _, name := range t.options.Ignore {
		column, err := t.column(name)
		if err != nil {
			return fmt.Errorf("ignored %w", err)
		}
		if column == t.label {
			return fmt.Errorf("column %.40q is both the label and ignored", name)
		}
		skip[column] = true
	}
	for column, skipped := range skip {
		if !skipped {
			t.features = append(t.features, column)
		}
	}
	if len(t.features) == 0 {
		return fmt.Errorf("none of its %d columns is left to learn from", t.columns)
	}
	if t.names != nil {
		for _, column := range t.features {
			t.data.Features = append(t.data.Features, t.columnName(column))
		}
	}
	if fill := t.options.Fill; len(fill) > 0 && len(fill) != len(t.features) {
		return fmt.Errorf("has %d features, but there are %d numbers to replace missing cells", len(t.features), len(fill))
	}
	return nil
}

func (t *table) hasHeader(first []string) bool {
	switch t.options.Header {
	case HeaderYes:
		return true
	case HeaderNo:
		return false
	}
	trimmed := make([]string, len(first))
	for i, cell := range first {
		trimmed[i] = strings.TrimSpace(cell)
	}
	asked := slices.Concat([]string{t.options.Label}, t.options.Ignore)
	switch {
	case slices.ContainsFunc(trimmed, func(cell string) bool {
		return !isMissing(cell) && !isNumber(cell) && slices.Contains(asked, cell)
	}):
		return true
	case slices.ContainsFunc(trimmed, isNumber):
		return false
	}
	return slices.ContainsFunc(trimmed, func(cell string) bool { return !isMissing(cell) })
}

func isNumber(cell string) bool {
	_, err := strconv.ParseFloat(cell, 64)
	return err == nil || errors.Is(err, strconv.ErrRange)
}

func isMissing(cell string) bool { return cell == "" || cell == "NA" }

// column finds a column by name or, where none has that name, by number.
func (t *table) column(name string) (int, error) {
	if at := slices.Index(t.names, name); at >= 0 {
		if slices.Contains(t.names[at+1:], name) {
			return 0, fmt.Errorf("column %.40q is there twice, want its number", name)
		}
		return at, nil
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 1 && n <= t.columns {
		return n - 1, nil
	}
	if t.names == nil {
		return 0, fmt.Errorf("column %.40q is not there, want 1 to %d (the columns have no names)", name, t.columns)
	}
	return 0, fmt.Errorf("column %.40q is not there, want 1 to %d or one of %.200s", name, t.columns, quotedNames(t.names))
}

// quotedNames lists the first of many names.
func quotedNames(names []string) string {
	const most = 16
	list := make([]string, 0, most+1)
	for _, name := range names[:min(len(names), most)] {
		list = append(list, fmt.Sprintf("%.40q", name))
	}
	if len(names) > most {
		list = append(list, "…")
	}
	return strings.Join(list, ", ")
}

// columnName is what the data calls a column that may lack a name.
func (t *table) columnName(column int) string {
	if t.names != nil && t.names[column] != "" {
		return t.names[column]
	}
	return fmt.Sprint("column ", column+1)
}

// add appends a row of cells to the values.
func (t *table) add(cells []string) error {
	t.row++
	if len(cells) != t.columns {
		return fmt.Errorf("%s has %d cells, want %d as in the first", t.place(), len(cells), t.columns)
	}
	if t.options.Missing == MissingDrop && t.anyMissing(cells) {
		t.data.Dropped++
		return nil
	}
	if need := 4 * int64(len(t.values)+len(t.features)); need > t.options.Memory {
		return fmt.Errorf("%s: its values take more than the %d bytes of memory allowed; write them as .npy to read them in blocks", t.place(), t.options.Memory)
	}
	if t.label >= 0 {
		label := strings.TrimSpace(cells[t.label])
		if isMissing(label) {
			return t.errCell(t.label, "has no label")
		}
		t.labels = append(t.labels, strings.Clone(label))
	}
	for _, column := range t.features {
		v, err := t.number(strings.TrimSpace(cells[column]), column)
		if err != nil {
			return err
		}
		t.values = append(t.values, v)
	}
	t.kept = append(t.kept, t.row)
	return nil
}

func (t *table) anyMissing(cells []string) bool {
	if t.label >= 0 && isMissing(strings.TrimSpace(cells[t.label])) {
		return true
	}
	return slices.ContainsFunc(t.features, func(column int) bool { return isMissing(strings.TrimSpace(cells[column])) })
}

// number reads a cell. A missing one that is to be replaced is noted, and 0 for now.
func (t *table) number(cell string, column int) (float32, error) {
	if isMissing(cell) {
		if t.options.Missing == MissingMean {
			t.gaps = append(t.gaps, len(t.values))
			return 0, nil
		}
		return 0, t.errCell(column, "is missing, want a number (or that such cells be replaced by the mean, or such rows dropped)")
	}
	v, err := strconv.ParseFloat(cell, 32)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, t.errCell(column, fmt.Sprintf("is %.40q, a number beyond float32", cell))
	case err != nil:
		return 0, t.errCell(column, fmt.Sprintf("is %.40q, want a number%s", cell, t.hint(cell)))
	case !finite(float32(v)):
		return 0, t.errCell(column, fmt.Sprintf("is %.40q, want a finite number", cell))
	}
	return float32(v), nil
}

// hint guesses why a cell is not a number.
func (t *table) hint(cell string) string {
	switch {
	case isNumber(strings.Replace(cell, ",", ".", 1)):
		return " with a decimal point"
	case t.row == 1 && t.names == nil:
		return " (if the first row names the columns, say that it is a header)"
	}
	return ""
}

// place is the current row, for messages.
func (t *table) place() string { return fmt.Sprintf("row %d (line %d)", t.row, t.rows.line) }

func (t *table) errCell(column int, what string) error {
	name := ""
	if t.names != nil && t.names[column] != "" {
		name = fmt.Sprintf(" (%.40q)", t.names[column])
	}
	return fmt.Errorf("%s, column %d%s %s", t.place(), column+1, name, what)
}

// finish makes data of the rows read.
func (t *table) finish() error {
	switch {
	case t.row == 0:
		return errors.New("has a header but no rows, want a row for each sample")
	case len(t.kept) == 0:
		return fmt.Errorf("every one of its %d rows has a missing cell, so that none is left", t.row)
	}
	if err := t.fill(); err != nil {
		return err
	}
	samples, err := tensor.FromSlice(t.values, len(t.kept), len(t.features))
	if err != nil {
		return err
	}
	t.data.Samples = Array{samples}
	if t.label >= 0 {
		t.data.setLabels(t.labels)
	}
	if t.data.Dropped > 0 {
		t.data.rows = t.kept
	}
	return nil
}

// fill replaces missing cells.
func (t *table) fill() error {
	if t.options.Missing != MissingMean {
		return nil
	}
	t.data.Fill = slices.Clone(t.options.Fill)
	if len(t.data.Fill) == 0 {
		means, err := t.means()
		if err != nil {
			return err
		}
		t.data.Fill = means
	}
	for _, at := range t.gaps {
		t.values[at] = t.data.Fill[at%len(t.features)]
	}
	return nil
}

// means returns the mean of each feature over the rows that have it.
func (t *table) means() ([]float32, error) {
	n := len(t.features)
	sums, counts := make([]float64, n), make([]int, n)
	gaps := t.gaps
	for at, v := range t.values {
		if len(gaps) > 0 && gaps[0] == at {
			gaps = gaps[1:]
			continue
		}
		sums[at%n] += float64(v)
		counts[at%n]++
	}
	means := make([]float32, n)
	for i := range means {
		if counts[i] == 0 {
			return nil, fmt.Errorf("column %d has no number in any row, so that it has no mean", t.features[i]+1)
		}
		means[i] = float32(sums[i] / float64(counts[i]))
	}
	return means, nil
}
