package dataset

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// readParquetFile reads a Parquet file.
func readParquetFile(f *os.File, path string, o CSVOptions) (*Data, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("dataset: read %s: %w", path, err)
	}
	return ReadParquet(f, info.Size(), path, o)
}

// ReadParquet reads a Parquet file of that size as a table: the columns' names are its
// header, nulls its missing cells. Numbers and truth values (0 and 1) can be features;
// text, dates and times are text, as labels or names. A column that is a list, or has
// columns within, is an error. Name is what errors call the file.
func ReadParquet(r io.ReaderAt, size int64, name string, o CSVOptions) (data *Data, err error) {
	// The module checks less of what a file says than one from a stranger needs.
	defer func() {
		if p := recover(); p != nil {
			data, err = nil, fmt.Errorf("dataset: read %s: is damaged: %.200s", name, strings.ReplaceAll(fmt.Sprint(p), "\n", " "))
		}
	}()
	o.Header = HeaderYes
	t := &table{options: o, data: &Data{Path: name, Format: FormatParquet}}
	rows := &parquetRows{}
	defer rows.close()
	err = t.read(func() ([]string, error) {
		t.rows = rows
		return rows.open(r, size)
	})
	if err != nil {
		return nil, fmt.Errorf("dataset: read %s: %w", name, err)
	}
	return t.data, nil
}

// parquetRows are the rows of a Parquet file as cells of text, which [table] knows how to
// treat.
type parquetRows struct {
	columns []parquetColumn
	groups  []parquet.RowGroup // still to be read
	rows    parquet.Rows       // of the current group; nil before
	buffer  []parquet.Row
	read    []parquet.Row // of the buffer, still to be returned
	cells   []string
}

// parquetColumn is a column and how its values are written.
type parquetColumn struct {
	name string
	text func(v parquet.Value) string
}

// open reads the schema and returns the names of the columns.
func (p *parquetRows) open(r io.ReaderAt, size int64) ([]string, error) {
	file, err := parquet.OpenFile(r, size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return nil, fmt.Errorf("is damaged or no Parquet file: %.200s", strings.ReplaceAll(err.Error(), "\n", " "))
	}
	var names []string
	for _, field := range file.Schema().Fields() {
		if !field.Leaf() || field.Repeated() {
			return nil, fmt.Errorf("column %.40q is a list or has columns within, want one value a row", field.Name())
		}
		names = append(names, field.Name())
		p.columns = append(p.columns, parquetColumn{field.Name(), parquetText(field.Type())})
	}
	if len(names) == 0 {
		return nil, errors.New("has no columns")
	}
	const atATime = 256
	p.groups, p.buffer, p.cells = file.RowGroups(), make([]parquet.Row, atATime), make([]string, len(names))
	return names, nil
}

// next returns the cells of the next row.
func (p *parquetRows) next() ([]string, error) {
	for len(p.read) == 0 {
		if p.rows == nil {
			if len(p.groups) == 0 {
				return nil, io.EOF
			}
			p.rows, p.groups = p.groups[0].Rows(), p.groups[1:]
		}
		n, err := p.rows.ReadRows(p.buffer)
		p.read = p.buffer[:n]
		switch {
		case errors.Is(err, io.EOF):
			p.close()
		case err != nil:
			return nil, fmt.Errorf("is damaged: %.200s", strings.ReplaceAll(err.Error(), "\n", " "))
		case n == 0:
			return nil, errors.New("is damaged: it has less rows than it says")
		}
	}
	row := p.read[0]
	p.read = p.read[1:]
	if len(row) != len(p.columns) {
		return nil, fmt.Errorf("is damaged: a row has %d values, want %d", len(row), len(p.columns))
	}
	for _, v := range row {
		column := v.Column()
		if column < 0 || column >= len(p.columns) {
			return nil, fmt.Errorf("is damaged: a value is of column %d of %d", column, len(p.columns))
		}
		p.cells[column] = ""
		if !v.IsNull() {
			p.cells[column] = p.columns[column].text(v)
		}
	}
	return p.cells, nil
}

// close ends the reading of a group.
func (p *parquetRows) close() {
	if p.rows != nil {
		p.rows.Close()
		p.rows = nil
	}
}

func (p *parquetRows) place(i int) string { return fmt.Sprint("row ", i) }

// parquetText returns how the values of a type are written.
func parquetText(t parquet.Type) func(v parquet.Value) string {
	var logical format.LogicalTypeValue
	if l := t.LogicalType(); l != nil {
		logical = l.Value
	}
	switch l := logical.(type) {
	case *format.DecimalType:
		return func(v parquet.Value) string { return decimalText(v, int(l.Scale)) }
	case *format.DateType:
		return func(v parquet.Value) string {
			return time.Unix(int64(v.Int32())*86400, 0).UTC().Format(time.DateOnly)
		}
	case *format.TimestampType:
		unit := time.Nanosecond
		if l.Unit.Value != nil {
			unit = l.Unit.Value.Duration()
		}
		return func(v parquet.Value) string {
			perSecond := int64(time.Second / unit)
			return time.Unix(v.Int64()/perSecond, v.Int64()%perSecond*int64(unit)).UTC().Format("2006-01-02 15:04:05.999999999")
		}
	case *format.TimeType:
		return func(v parquet.Value) string { return "time " + v.String() }
	case *format.IntType:
		if !l.IsSigned && t.Kind() == parquet.Int32 {
			return func(v parquet.Value) string { return strconv.FormatUint(uint64(v.Uint32()), 10) }
		}
		if !l.IsSigned {
			return func(v parquet.Value) string { return strconv.FormatUint(v.Uint64(), 10) }
		}
	}
	switch t.Kind() {
	case parquet.Boolean:
		return func(v parquet.Value) string { return []string{"0", "1"}[truthOf(v.Boolean())] }
	case parquet.Int32:
		return func(v parquet.Value) string { return strconv.FormatInt(int64(v.Int32()), 10) }
	case parquet.Int64:
		return func(v parquet.Value) string { return strconv.FormatInt(v.Int64(), 10) }
	case parquet.Float:
		return func(v parquet.Value) string { return strconv.FormatFloat(float64(v.Float()), 'g', -1, 32) }
	case parquet.Double:
		return func(v parquet.Value) string { return doubleText(v.Double()) }
	case parquet.Int96:
		return func(v parquet.Value) string { return "time " + v.String() }
	}
	return func(v parquet.Value) string { return strings.ToValidUTF8(string(v.ByteArray()), "\ufffd") }
}

func truthOf(b bool) int {
	if b {
		return 1
	}
	return 0
}

// doubleText writes a number so that it is rounded to float32 once.
func doubleText(v float64) string {
	if f := float32(v); !math.IsInf(float64(f), 0) {
		return strconv.FormatFloat(float64(f), 'g', -1, 32)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// decimalText writes a whole number of so many decimal places.
func decimalText(v parquet.Value, scale int) string {
	whole := new(big.Int)
	switch v.Kind() {
	case parquet.Int32:
		whole.SetInt64(int64(v.Int32()))
	case parquet.Int64:
		whole.SetInt64(v.Int64())
	default: // two's complement, the highest byte first
		raw := v.ByteArray()
		if whole.SetBytes(raw); len(raw) > 0 && raw[0] >= 0x80 {
			whole.Sub(whole, new(big.Int).Lsh(big.NewInt(1), uint(8*len(raw))))
		}
	}
	return fmt.Sprintf("%de%d", whole, -scale)
}
