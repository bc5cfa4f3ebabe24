package dataset

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"hourglass/dataset/schema"
)

// setColumns finds out from the first row what each column is.
func (t *table) setColumns(first []string) error {
	t.columns = len(first)
	if t.hasHeader(first) {
		t.header = make([]string, len(first))
		for i, cell := range first {
			t.header[i] = strings.Clone(strings.TrimSpace(cell))
		}
	}
	rest, err := t.setAside()
	if err != nil {
		return err
	}
	if t.features = rest; t.header != nil && len(t.options.Columns) > 0 {
		if err := t.match(rest); err != nil {
			return err
		}
	}
	if len(t.features) == 0 {
		return fmt.Errorf("none of its %d columns is left to learn from", t.columns)
	}
	if t.options.typed {
		return t.setCells()
	}
	if t.header != nil {
		for _, column := range t.features {
			t.data.Features = append(t.data.Features, t.columnName(column))
		}
	}
	if fill := t.options.Fill; len(fill) > 0 && len(fill) != len(t.features) {
		return fmt.Errorf("has %d features, but there are %d numbers to replace missing cells", len(t.features), len(fill))
	}
	return nil
}

// setAside finds the columns that are no features and returns the others.
func (t *table) setAside() (rest []int, err error) {
	skip := make([]bool, t.columns)
	t.label, t.names = -1, -1
	for _, special := range []struct {
		what, name string
		place      *int
	}{{"label", t.options.Label, &t.label}, {"name", t.options.Names, &t.names}} {
		if special.name == "" {
			continue
		}
		column, err := t.column(special.name)
		if err != nil {
			return nil, fmt.Errorf("%s %w", special.what, err)
		}
		*special.place, skip[column] = column, true
	}
	for _, name := range t.options.Aside {
		column, err := t.column(name)
		if err != nil {
			return nil, err
		}
		t.aside, skip[column] = append(t.aside, column), true
	}
	t.data.aside = make([][]string, len(t.aside))
	for _, name := range t.options.Ignore {
		column, err := t.column(name)
		if err != nil {
			return nil, fmt.Errorf("ignored %w", err)
		}
		if column == t.label {
			return nil, fmt.Errorf("column %.40q is both the label and ignored", name)
		}
		skip[column] = true
	}
	for column, skipped := range skip {
		if !skipped {
			rest = append(rest, column)
		}
	}
	return rest, nil
}

// match takes the wanted columns out of all there are.
func (t *table) match(rest []int) error {
	taken := make([]bool, t.columns)
	var lacking []string
	t.features = nil
	for _, name := range t.options.Columns {
		// Of several that are called alike the first stands for the first.
		at := slices.IndexFunc(rest, func(column int) bool { return !taken[column] && t.columnName(column) == name })
		if at < 0 {
			lacking = append(lacking, name)
			continue
		}
		taken[rest[at]] = true
		t.features = append(t.features, rest[at])
	}
	if len(lacking) > 0 {
		return fmt.Errorf("lacks %d of the %d columns wanted: %s; it has %.200s", len(lacking), len(t.options.Columns), quotedNames(lacking), quotedNames(t.header))
	}
	for _, column := range rest {
		if !taken[column] {
			t.data.Extra = append(t.data.Extra, t.columnName(column))
		}
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
	asked := slices.Concat([]string{t.options.Label, t.options.Names}, t.options.Aside, t.options.Ignore)
	here := func(name string) bool { return slices.Contains(trimmed, name) }
	switch {
	case slices.ContainsFunc(trimmed, func(cell string) bool {
		return !isMissing(cell) && !isNumber(cell) && slices.Contains(asked, cell)
	}):
		return true
	case len(t.options.Columns) > 0 && !slices.ContainsFunc(t.options.Columns, func(name string) bool { return !here(name) }):
		return true
	case slices.ContainsFunc(trimmed, t.isValue):
		return false
	}
	return slices.ContainsFunc(trimmed, func(cell string) bool { return !isMissing(cell) })
}

// isValue reports a cell that is hardly a name.
func (t *table) isValue(cell string) bool {
	return isNumber(cell) || t.options.typed && schema.IsValue(cell)
}

// column finds a column by name or, where none has that name, by number.
func (t *table) column(name string) (int, error) {
	if at := slices.Index(t.header, name); at >= 0 {
		if slices.Contains(t.header[at+1:], name) {
			return 0, fmt.Errorf("column %.40q is there twice, want its number", name)
		}
		return at, nil
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 1 && n <= t.columns {
		return n - 1, nil
	}
	if t.header == nil {
		return 0, fmt.Errorf("column %.40q is not there, want 1 to %d (the columns have no names)", name, t.columns)
	}
	return 0, fmt.Errorf("column %.40q is not there, want 1 to %d or one of %.200s", name, t.columns, quotedNames(t.header))
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
	if t.header != nil && t.header[column] != "" {
		return t.header[column]
	}
	return fmt.Sprint("column ", column+1)
}
