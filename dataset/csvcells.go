package dataset

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"hourglass/dataset/schema"
)

// ColumnsError tells of columns of a table that have cells which are not what the
// column must hold, as a rule numbers.
type ColumnsError struct {
	// Names are those of the columns, or their numbers from 1 where they have none.
	Names []string
	Text  bool // all of them are free text
	// Missing says that all these cells are missing, and none is anything else.
	Missing bool
	text    string
}

func (e *ColumnsError) Error() string { return e.text }

// badCell is a cell that cannot be used.
type badCell struct {
	what    string // is wrong with it: `is "x"`
	want    string // what would be right
	missing bool
	text    bool   // the column is free text
	place   string // "row 3 (line 4)"
	// everywhere is what no single cell is to blame for.
	everywhere bool
}

// refuse notes a bad cell of the current row, the first of its column.
func (t *table) refuse(column int, c badCell) {
	if _, known := t.bad[column]; known {
		return
	}
	if t.bad == nil {
		t.bad = map[int]badCell{}
	}
	if c.place == "" && !c.everywhere {
		c.place = t.place()
	}
	t.bad[column] = c
}

// columnsError tells of all bad columns, and of the error that reading ended with.
func (t *table) columnsError(end error) error {
	const most = 16
	columns := slices.Sorted(maps.Keys(t.bad))
	e := &ColumnsError{}
	want := "columns are not all numbers: "
	advice := "; want columns of text left out or named as label"
	if t.options.typed {
		want, advice = "columns cannot be used: ", ""
	}
	var texts []string
	missing := false
	e.Text, e.Missing = true, end == nil
	for i, column := range columns {
		c := t.bad[column]
		e.Text, e.Missing = e.Text && c.text, e.Missing && c.missing
		missing = missing || c.missing
		e.Names = append(e.Names, t.reference(column))
		if i < most {
			text := fmt.Sprintf("column %d%s %s", column+1, t.quotedName(column), c.what)
			if c.place != "" {
				text += " in " + c.place
			}
			texts = append(texts, text)
		}
	}
	if len(columns) > most {
		texts = append(texts, fmt.Sprintf("and %d more", len(columns)-most))
	}
	if len(columns) == 1 {
		c := t.bad[columns[0]]
		e.text = fmt.Sprintf("column %d%s %s", columns[0]+1, t.quotedName(columns[0]), c.what)
		if c.place != "" {
			e.text = c.place + ", " + e.text
		}
		if c.want != "" {
			e.text += ", want " + c.want
		}
	} else {
		e.text = fmt.Sprintf("%d %s%s%s", len(columns), want, strings.Join(texts, ", "), advice)
		if missing && !t.options.typed {
			e.text += ", and missing cells replaced by the mean or their rows dropped"
		}
	}
	if end != nil {
		e.text += "; and " + end.Error()
	}
	return e
}

// reference is how options can name a column.
func (t *table) reference(column int) string {
	if t.header != nil && t.header[column] != "" {
		name := t.header[column]
		if at, err := t.column(name); err == nil && at == column {
			return name
		}
	}
	return strconv.Itoa(column + 1)
}

// quotedName is the name of a column for messages; nothing if it has none.
func (t *table) quotedName(column int) string {
	if t.header == nil || t.header[column] == "" {
		return ""
	}
	return fmt.Sprintf(" (%.40q)", t.header[column])
}

// place is the current row, for messages.
func (t *table) place() string { return t.rows.placeAt(t.row, t.rows.mark()) }

func isNumber(cell string) bool {
	_, err := strconv.ParseFloat(cell, 64)
	return err == nil || errors.Is(err, strconv.ErrRange)
}

func isMissing(cell string) bool { return cell == "" || cell == "NA" }

func (t *table) anyMissing(cells []string) bool {
	missing := isMissing
	if t.options.typed {
		missing = schema.IsMissing
	}
	if t.label >= 0 && isMissing(strings.TrimSpace(cells[t.label])) {
		return true
	}
	return slices.ContainsFunc(t.features, func(column int) bool { return missing(strings.TrimSpace(cells[column])) })
}

// number reads a cell; 0 for one that is refused, and for now for a missing one that
// is to be replaced.
func (t *table) number(cell string, column int) float32 {
	if isMissing(cell) {
		if t.options.Missing == MissingMean {
			t.gaps = append(t.gaps, len(t.values))
		} else {
			t.refuse(column, badCell{missing: true, what: "is missing", want: "a number (or that such cells be replaced by the mean, or such rows dropped)"})
		}
		return 0
	}
	v, err := strconv.ParseFloat(cell, 32)
	switch {
	case errors.Is(err, strconv.ErrRange):
		t.refuse(column, badCell{what: fmt.Sprintf("is %.40q, a number beyond float32", cell)})
	case err != nil:
		t.refuse(column, badCell{what: fmt.Sprintf("is %.40q", cell), want: "a number" + t.hint(cell)})
	case !finite(float32(v)):
		t.refuse(column, badCell{what: fmt.Sprintf("is %.40q", cell), want: "a finite number"})
	default:
		return float32(v)
	}
	return 0
}

// hint guesses why a cell is not a number.
func (t *table) hint(cell string) string {
	switch {
	case isNumber(strings.Replace(cell, ",", ".", 1)):
		return " with a decimal point"
	case t.row == 1 && t.header == nil:
		return " (if the first row names the columns, say that it is a header)"
	}
	return ""
}
