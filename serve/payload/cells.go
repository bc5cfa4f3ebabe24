package payload

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"hourglass/dataset"
	"hourglass/dataset/schema"
)

// ParseCells reads the rows of a table as people write their cells: as CSV, or as a JSON
// array of objects by the names of the columns, or such an array as the "rows" of an object. A cell
// that is empty, null or not there is missing, and the samples have a mask
// ([dataset.Mask]) then. It takes at most limit bytes of memory for the values.
func ParseCells(kind Kind, body []byte, s *schema.Schema, limit int64) (dataset.Source, error) {
	if kind == JSON {
		var err error
		if body, err = asCSV(body, s, limit); err != nil {
			return nil, err
		}
	}
	data, err := dataset.ReadCSV(bytes.NewReader(body), "the table", dataset.CSVOptions{Schema: s, Missing: dataset.MissingMask, Memory: limit})
	if err != nil {
		return nil, err
	}
	return data.Samples, nil
}

// HasNames reports whether a body is JSON whose rows name their cells.
func HasNames(kind Kind, body []byte) bool {
	_, rest, found := bytes.Cut(body, []byte("["))
	rest = bytes.TrimLeft(rest, " \t\r\n")
	return kind == JSON && found && len(rest) > 0 && rest[0] == '{'
}

// cell is a JSON text, number, boolean or null as the cell of a table.
type cell string

func (c *cell) UnmarshalJSON(text []byte) error {
	switch text[0] {
	case '"':
		return json.Unmarshal(text, (*string)(c))
	case '{', '[':
		return fmt.Errorf("a cell is %.40s, want text, a number, true, false or null", text)
	case 'n':
		*c = ""
		return nil
	}
	*c = cell(text)
	return nil
}

// asCSV writes rows in JSON as a table, which may take so many bytes.
func asCSV(body []byte, s *schema.Schema, limit int64) ([]byte, error) {
	rows := json.RawMessage(body)
	if text := bytes.TrimLeft(body, " \t\r\n"); len(text) > 0 && text[0] == '{' {
		var doc struct {
			Rows json.RawMessage `json:"rows"`
		}
		if err := decodeObject(body, &doc); err != nil {
			return nil, err
		}
		rows = doc.Rows
	}
	titles := s.Titles()
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if s.Names() != nil {
		w.Write(titles) // memory takes everything
	}
	d := json.NewDecoder(bytes.NewReader(rows))
	if start, err := d.Token(); err != nil || start != json.Delim('[') {
		return nil, errors.New("JSON: want an array of rows")
	}
	line, row := make([]string, len(titles)), map[string]cell{}
	for n := 1; d.More(); n++ {
		clear(row)
		if err := d.Decode(&row); err != nil {
			return nil, fmt.Errorf("JSON: row %d: %w", n, err)
		}
		if err := fillLine(line, row, titles); err != nil {
			return nil, fmt.Errorf("JSON: row %d %w", n, err)
		}
		if w.Write(line); int64(b.Len()) > limit {
			return nil, fmt.Errorf("JSON: the rows take more than %d bytes", limit)
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("JSON: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("JSON: there is more behind the rows")
	}
	w.Flush()
	return b.Bytes(), nil
}

// fillLine writes a row in the order of the columns.
func fillLine(line []string, row map[string]cell, titles []string) error {
	for i := range line {
		line[i] = "NA" // missing in any column, and no empty line
	}
	for name, c := range row {
		at := slices.Index(titles, name)
		if at < 0 {
			return fmt.Errorf("has a column %.40q, want some of %.200q", name, titles)
		}
		if c != "" {
			line[at] = string(c)
		}
	}
	return nil
}

// AppendCells appends n rows of values to b as a JSON array of objects with the cells that
// they stand for by the names of their columns; numbers as such.
func AppendCells(b []byte, values []float32, n int, s *schema.Schema) ([]byte, error) {
	titles := s.Titles()
	b = append(b, '[')
	for i, size := 0, len(values)/n; i < n; i++ {
		if i > 0 {
			b = append(b, ',')
		}
		for j, c := range s.Decode(values[i*size : (i+1)*size]) {
			name, err := json.Marshal(titles[j])
			if err != nil {
				return nil, err
			}
			text := []byte(c)
			if s.Columns[j].Kind != schema.Number || !json.Valid(text) {
				if text, err = json.Marshal(c); err != nil {
					return nil, err
				}
			}
			b = append(append(append(append(b, "{,"[min(j, 1)]), name...), ':'), text...)
		}
		b = append(b, '}')
	}
	return append(b, ']'), nil
}
