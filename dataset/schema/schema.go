// Package schema understands the columns of a table as people have them: numbers in any
// common notation and with units, booleans in words, categories, dates and times. It
// turns each cell into one or several numbers that a network learns from, its values,
// and these back into cells.
//
// [Infer] finds out from the cells of a table what its columns are. A [Schema] can be
// kept as JSON, so that later tables are read alike, and what does not fit is refused.
package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Kind is a kind of columns.
type Kind string

// The kinds.
const (
	Number   Kind = "number"   // one value
	Boolean  Kind = "boolean"  // one value, 0 or 1
	Category Kind = "category" // a value for each class, and one for what is none of them (one-hot)
	Time     Kind = "time"     // elapsed time, and sine and cosine of its place in days, weeks and years
	Text     Kind = "text"     // free text, which nothing is learned from
)

// Kinds lists the kinds that a column can have in a schema.
func Kinds() []Kind { return []Kind{Number, Boolean, Category, Time} }

// Other is what a category is written as that is none of the classes.
const Other = "other"

// Column says how the cells of a column are read. Missing cells are those that are empty
// or say NA, NaN, null, ? and the like.
type Column struct {
	Name string `json:"name,omitempty"` // empty in a table whose columns have no names
	Kind Kind   `json:"kind"`

	Notation *Notation `json:"notation,omitempty"` // of numbers
	Words    []string  `json:"words,omitempty"`    // of a boolean: those for 0 and for 1
	Classes  []string  `json:"classes,omitempty"`  // of a category
	Layout   string    `json:"layout,omitempty"`   // of times, as package time has them
	Cycles   []string  `json:"cycles,omitempty"`   // of times: day, week, year

	// Low and High are the least and the largest number, or time in seconds since 1970,
	// that the schema was inferred from.
	Low  float64 `json:"low,omitempty"`
	High float64 `json:"high,omitempty"`
	// Fill stands for a missing number or elapsed time: the mean.
	Fill float32 `json:"fill,omitempty"`
	// Weight is what the loss of each value counts, so that all columns count alike: see
	// [Schema.Groups].
	Weight float64 `json:"weight"`
	// Missing is how many cells were missing.
	Missing int `json:"missing,omitempty"`
	// Rare is how many cells are none of the classes, which are the most frequent ones.
	Rare int `json:"rare,omitempty"`
}

// Schema says how the rows of a table are read. It is not changed once it is in use.
type Schema struct {
	Columns []Column `json:"columns"`
}

// Width is how many values a cell becomes.
func (c *Column) Width() int {
	switch c.Kind {
	case Category:
		return len(c.Classes) + 1
	case Time:
		n := 2 * len(c.Cycles)
		if hasDate(c.Layout) {
			n++
		}
		return n
	}
	return 1
}

// ValueNames names the values that a cell becomes: "colour=red", "date (week, sine)". One
// that is all there is of a column has its name.
func (c *Column) ValueNames(name string) []string {
	switch c.Kind {
	case Category:
		names := make([]string, 0, c.Width())
		for _, class := range c.Classes {
			names = append(names, name+"="+class)
		}
		return append(names, name+" ("+Other+")")
	case Time:
		var names []string
		if hasDate(c.Layout) {
			names = append(names, name)
		}
		for _, cycle := range c.Cycles {
			names = append(names, name+" ("+cycle+", sine)", name+" ("+cycle+", cosine)")
		}
		return names
	}
	return []string{name}
}

// Title is the column's name, or "column 3" of the column with the number 2 from 0.
func (c *Column) Title(i int) string {
	if c.Name != "" {
		return c.Name
	}
	return fmt.Sprint("column ", i+1)
}

// Encode writes to dst the values that a cell becomes, as many as the column's width. If
// the cell is missing they are what stands for it, and missing is true.
func (c *Column) Encode(dst []float32, cell string) (missing bool, err error) {
	cell = strings.TrimSpace(cell)
	if c.IsMissing(cell) {
		c.encodeMissing(dst)
		return true, nil
	}
	switch c.Kind {
	case Number:
		var v float64
		if v, err = c.Notation.Parse(cell); err == nil {
			dst[0], err = toFloat32(v)
		}
	case Boolean:
		i := slices.IndexFunc(c.Words, func(word string) bool { return strings.EqualFold(word, cell) })
		if dst[0] = float32(i); i < 0 {
			err = fmt.Errorf("want %s or %s", c.Words[0], c.Words[1])
		}
	case Category:
		clear(dst)
		if i, known := slices.BinarySearch(c.Classes, cell); known {
			dst[i] = 1
		} else {
			dst[len(c.Classes)] = 1
		}
	default:
		err = c.encodeTime(dst, cell)
	}
	return false, err
}

// encodeMissing writes what stands for a missing cell: the mean, none of the classes, or
// half of a boolean.
func (c *Column) encodeMissing(dst []float32) {
	clear(dst)
	switch {
	case c.Kind == Boolean:
		dst[0] = 0.5
	case c.Kind == Number, hasDate(c.Layout):
		dst[0] = c.Fill
	}
}

// Decode returns the cell that values stand for, those of a network too: the most likely
// class or boolean, a number rounded as those in the table are.
func (c *Column) Decode(values []float32) string {
	switch c.Kind {
	case Number:
		return c.Notation.Format(float64(values[0]))
	case Boolean:
		if values[0] > 0.5 {
			return c.Words[1]
		}
		return c.Words[0]
	case Category:
		best := 0
		for i, v := range values {
			if v > values[best] {
				best = i
			}
		}
		if best == len(c.Classes) {
			return Other
		}
		return c.Classes[best]
	}
	return c.decodeTime(values)
}

// Missing markers: the first are missing in any column, the others in those that are not
// categories, which may have such classes.
var (
	missing     = []string{"", "NA", "N/A", "n/a", "<NA>", "NaN", "nan", "NAN", "null", "NULL", "Null", "?", "#N/A", "#NV"}
	weakMissing = []string{"-", "--", "–", "—", ".", "na", "None", "none", "k.A.", "k. A."}
)

// IsMissing reports whether a cell, without spaces around it, is missing in any column.
func IsMissing(cell string) bool { return slices.Contains(missing, cell) }

// IsMissing reports whether a cell, without spaces around it, is missing in the column.
func (c *Column) IsMissing(cell string) bool {
	return IsMissing(cell) || c.Kind != Category && slices.Contains(weakMissing, cell)
}

// Width is how many values a row becomes.
func (s *Schema) Width() int {
	width := 0
	for i := range s.Columns {
		width += s.Columns[i].Width()
	}
	return width
}

// ValueNames names the values of a row.
func (s *Schema) ValueNames() []string {
	var names []string
	for i := range s.Columns {
		names = append(names, s.Columns[i].ValueNames(s.Columns[i].Title(i))...)
	}
	return names
}

// Names are those of the columns, nil in a table without.
func (s *Schema) Names() []string {
	names := make([]string, len(s.Columns))
	for i, c := range s.Columns {
		if c.Name == "" {
			return nil
		}
		names[i] = c.Name
	}
	return names
}

// Titles are the names of the columns, or their numbers.
func (s *Schema) Titles() []string {
	titles := make([]string, len(s.Columns))
	for i := range s.Columns {
		titles[i] = s.Columns[i].Title(i)
	}
	return titles
}

// Each calls do with the number of each column, and the first of its values and the one behind the last.
func (s *Schema) Each(do func(i, lo, hi int)) {
	at := 0
	for i := range s.Columns {
		width := s.Columns[i].Width()
		do(i, at, at+width)
		at += width
	}
}

// Decode returns the cells that the values of a row stand for.
func (s *Schema) Decode(values []float32) []string {
	cells := make([]string, len(s.Columns))
	s.Each(func(i, lo, hi int) { cells[i] = s.Columns[i].Decode(values[lo:hi]) })
	return cells
}

// Scales says of each value whether it is one to be scaled: a number or an elapsed time.
// Others are from -1 to 1 and stay what they are.
func (s *Schema) Scales() []bool {
	scales := make([]bool, s.Width())
	s.Each(func(i, lo, _ int) {
		c := &s.Columns[i]
		scales[lo] = c.Kind == Number || c.Kind == Time && hasDate(c.Layout)
	})
	return scales
}

// IsNumbers reports whether every column is a number.
func (s *Schema) IsNumbers() bool {
	return !slices.ContainsFunc(s.Columns, func(c Column) bool { return c.Kind != Number })
}

// Groups says what kinds of values stand side by side, as nn.ColumnActivation and
// loss.Mixed want it: "numbers:2,classes:4*0.5,booleans:1*1.4427".
//
// Behind the asterisk, if weighted, is what each value counts. A prediction that knows nothing of a row
// but how often what occurs in a column costs about 1 for each column then: for a
// standardised number its variance, for classes and booleans their entropy, or 1/4 nat
// if it is less, and for a time the mean of its parts.
func (s *Schema) Groups(weighted bool) string {
	type group struct {
		kind   string
		weight float64
		count  int
	}
	var groups []group
	for i := range s.Columns {
		c := &s.Columns[i]
		g := group{"numbers", 1, c.Width()}
		if weighted {
			g.weight = c.Weight
		}
		switch c.Kind {
		case Boolean:
			g.kind = "booleans"
		case Category:
			g.kind = "classes"
		}
		if last := len(groups) - 1; last >= 0 && g.kind != "classes" && groups[last].kind == g.kind && groups[last].weight == g.weight {
			groups[last].count += g.count
			continue
		}
		groups = append(groups, g)
	}
	texts := make([]string, len(groups))
	for i, g := range groups {
		if texts[i] = fmt.Sprint(g.kind, ":", g.count); g.weight != 1 {
			texts[i] += "*" + strconv.FormatFloat(g.weight, 'g', -1, 64)
		}
	}
	return strings.Join(texts, ",")
}

// mostValues bounds how many values a row becomes.
const mostValues = 1 << 20

// Validate reports a schema that no table can be read by.
func (s *Schema) Validate() error {
	if len(s.Columns) == 0 {
		return errors.New("schema: has no columns")
	}
	for i := range s.Columns {
		c := &s.Columns[i]
		if err := c.validate(); err != nil {
			return fmt.Errorf("schema: %.40q: %w", c.Title(i), err)
		}
	}
	if width := s.Width(); width > mostValues {
		return fmt.Errorf("schema: rows become %d values, want at most %d", width, mostValues)
	}
	return nil
}

func (c *Column) validate() error {
	if !(c.Weight > 0 && c.Weight <= 1/leastEntropy) || !isFinite(c.Low) || !isFinite(c.High) || !isFinite(float64(c.Fill)) || c.Low > c.High {
		return fmt.Errorf("is from %v to %v, filled by %v, with the weight %v", c.Low, c.High, c.Fill, c.Weight)
	}
	switch c.Kind {
	case Number:
		if c.Notation == nil {
			return errors.New("is a number without a notation")
		}
		return c.Notation.validate()
	case Boolean:
		if len(c.Words) != 2 || strings.EqualFold(c.Words[0], c.Words[1]) {
			return fmt.Errorf("is a boolean of the words %.80q, want two", c.Words)
		}
	case Category:
		if !slices.IsSorted(c.Classes) || len(slices.Compact(slices.Clone(c.Classes))) != len(c.Classes) || len(c.Classes) == 0 {
			return errors.New("is a category, but its classes are not sorted")
		}
	case Time:
		return c.validateTime()
	default:
		return fmt.Errorf("is of the kind %.40q, want one of %q", c.Kind, Kinds())
	}
	return nil
}

// UnmarshalJSON reads a schema and refuses one that is not valid.
func (s *Schema) UnmarshalJSON(text []byte) error {
	type plain Schema // without this method
	var read plain
	if err := json.Unmarshal(text, &read); err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	if err := (*Schema)(&read).Validate(); err != nil {
		return err
	}
	*s = Schema(read)
	return nil
}

func isFinite(v float64) bool { return v-v == 0 }

// toFloat32 refuses numbers beyond float32.
func toFloat32(v float64) (float32, error) {
	f := float32(v)
	if f-f != 0 {
		return 0, errors.New("want a number within float32")
	}
	return f, nil
}
