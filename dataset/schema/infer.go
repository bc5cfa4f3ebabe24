package schema

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"hourglass/internal/portable"
)

// Plain is the schema of plain numbers, with what stands for those that are missing.
func Plain(names []string, fill []float32) *Schema {
	s := &Schema{Columns: make([]Column, len(fill))}
	for i, v := range fill {
		s.Columns[i] = Column{Kind: Number, Notation: &Notation{Decimal: ".", Digits: -1}, Fill: v, Weight: 1}
		if len(names) == len(fill) {
			s.Columns[i].Name = names[i]
		}
	}
	return s
}

// Cells are the cells of a column, without spaces around them: the distinct ones in the order
// in which they first appear, and how many there are of each.
type Cells struct {
	Name   string
	Values []string
	Counts []int
}

// Choices say what is known of columns beforehand, by the names of the columns or their numbers from 1.
type Choices map[string]Choice

// Choice is what a column is: a kind, and of times whether days or months come first
// in dates such as 1/2/2006.
type Choice struct {
	Kind     Kind
	DayFirst bool
	MonthDay bool
}

// ParseChoice reads a choice: a kind, or dmy or mdy for dates.
func ParseChoice(text string) (Choice, error) {
	switch {
	case text == "dmy":
		return Choice{Kind: Time, DayFirst: true}, nil
	case text == "mdy":
		return Choice{Kind: Time, MonthDay: true}, nil
	case slices.Contains(Kinds(), Kind(text)):
		return Choice{Kind: Kind(text)}, nil
	}
	return Choice{}, fmt.Errorf("schema: a column is %.40q, want number, boolean, category, time, dmy or mdy", text)
}

// ColumnError tells of a column that cannot be learned from as it is.
type ColumnError struct {
	Column int    // its number, from 0
	Value  string // the cell that is to blame; empty if it is none alone
	Text   bool   // it is free text
	what   string
}

func (e *ColumnError) Error() string { return e.what }

// Infer finds out what columns are:
//
//   - a number if all cells are such in one notation, with the same unit: 69,15 or 1.234,5 or
//     1,234.5 or 12 % or € 5. Numbers with a decimal comma that could be nothing else anywhere in the
//     table decide what 1.234 is;
//   - a boolean if cells are yes and no, true and false, ja and nein, and the like; 0 and 1 are numbers;
//   - a time if all cells are dates, clocks or both in one layout;
//   - a category if its values come back: of n cells there are at most n/2 different ones, and above 20
//     at most n/10. The [MostClasses] most frequent ones are its classes;
//   - otherwise free text, a *ColumnError, as are columns without a cell, columns of which most cells are numbers
//     but not all, and dates whose day may be the month.
//
// All errors, of which there is one a column at most, come together with a schema that lacks these columns,
// and columns says which are in it.
func Infer(table []Cells, choices Choices) (s *Schema, columns []int, errs []*ColumnError) {
	s = &Schema{}
	comma := slices.ContainsFunc(table, hasDecimalComma)
	for i, cells := range table {
		choice := choices[cells.Name]
		if choice.Kind == "" {
			choice = choices[fmt.Sprint(i+1)]
		}
		c, err := infer(cells, choice, comma)
		if err != nil {
			err.Column = i
			errs = append(errs, err)
			continue
		}
		s.Columns, columns = append(s.Columns, *c), append(columns, i)
	}
	return s, columns, errs
}

// present returns the cells that are not missing in a column of some kind.
func (c Cells) present(kind Kind) Cells {
	of := Column{Kind: kind}
	there := Cells{Name: c.Name}
	for i, value := range c.Values {
		if !of.IsMissing(value) {
			there.Values, there.Counts = append(there.Values, value), append(there.Counts, c.Counts[i])
		}
	}
	return there
}

func (c Cells) count() int {
	n := 0
	for _, count := range c.Counts {
		n += count
	}
	return n
}

// hasDecimalComma reports whether cells are numbers that only a decimal comma explains.
func hasDecimalComma(c Cells) bool {
	fit := fitting(c.present(Number).Values, pointFirst)
	return len(fit) > 0 && !slices.ContainsFunc(fit, func(n Notation) bool { return n.Decimal == "." })
}

// infer finds out what one column is.
func infer(cells Cells, choice Choice, comma bool) (*Column, *ColumnError) {
	if len(cells.present(Category).Values) == 0 {
		return nil, &ColumnError{what: "has no cell that is not missing"}
	}
	for _, try := range []struct {
		kind Kind
		make func(Cells) (*Column, *ColumnError)
	}{
		{Number, func(c Cells) (*Column, *ColumnError) { return inferNumber(c, comma), nil }},
		{Boolean, func(c Cells) (*Column, *ColumnError) { return inferBoolean(c), nil }},
		{Time, func(c Cells) (*Column, *ColumnError) { return inferTime(c, choice, comma) }},
		{Category, func(c Cells) (*Column, *ColumnError) { return inferCategory(c, choice.Kind == Category), nil }},
	} {
		if choice.Kind != "" && choice.Kind != try.kind {
			continue
		}
		there := cells.present(try.kind)
		c, err := try.make(there)
		if err != nil {
			return nil, err
		}
		if c != nil {
			c.Name, c.Missing = cells.Name, cells.count()-there.count()
			return c, nil
		}
		if try.kind == Time && choice.Kind == "" {
			if err := nearly(cells, comma); err != nil {
				return nil, err
			}
		}
	}
	return nil, refusal(cells, choice)
}

// refusal says of a column why it is nothing that can be learned from.
func refusal(cells Cells, choice Choice) *ColumnError {
	there := cells.present(Category)
	if choice.Kind != "" {
		return &ColumnError{Value: firstMisfit(cells, choice.Kind), what: fmt.Sprintf("is to be a %s, which it is not", choice.Kind)}
	}
	return &ColumnError{Value: there.Values[0], Text: true,
		what: fmt.Sprintf("is free text (%d different values in %d cells)", len(there.Values), there.count())}
}

// IsValue reports whether a cell is a number in some notation or a time.
func IsValue(cell string) bool { return isNumberInSome(cell) || isTimeInSome(cell) }

func isNumberInSome(cell string) bool { return len(fitting([]string{cell}, pointFirst)) > 0 }

func isTimeInSome(cell string) bool { return layoutOf([]string{cell}, allLayouts) != "" }

// firstMisfit returns the first cell that makes a column other than of a kind.
func firstMisfit(cells Cells, kind Kind) string {
	there := cells.present(kind).Values
	for n := range there {
		one := Cells{Values: there[:n+1], Counts: make([]int, n+1)}
		if kind == Number && inferNumber(one, false) == nil && inferNumber(one, true) == nil || kind == Time && layoutOf(there[:n+1], allLayouts) == "" || kind == Boolean && n > 1 {
			return there[n]
		}
	}
	return ""
}

var allLayouts = slices.Concat(plainLayouts, dayFirstLayouts, monthLeadLayouts)

// nearly refuses a column of which nine in ten different cells are numbers, or times, and
// some are not: it would become a category, or text, by a slip of the pen.
func nearly(cells Cells, comma bool) *ColumnError {
	const share = 0.9
	there := cells.present(Number)
	for _, kind := range []struct {
		name string
		fits func(cell string) bool
	}{
		{"numbers", isNumberInSome},
		{"times", isTimeInSome},
	} {
		fit, odd := 0, ""
		for _, value := range there.Values {
			if kind.fits(value) {
				fit++
			} else if odd == "" {
				odd = value
			}
		}
		if odd != "" && float64(fit) >= share*float64(len(there.Values)) {
			return &ColumnError{Value: odd, what: fmt.Sprintf("has %d different %s, but not only such", fit, kind.name)}
		}
	}
	return nil
}

// inferNumber returns a column of numbers; nil if it is none.
func inferNumber(cells Cells, comma bool) *Column {
	list := pointFirst
	if comma {
		list = commaFirst
	}
	fit := fitting(cells.Values, list)
	if len(fit) == 0 {
		return nil
	}
	c := &Column{Kind: Number, Notation: &fit[0], Low: math.Inf(1), High: math.Inf(-1), Weight: 1}
	var sum float64
	for i, cell := range cells.Values {
		v, err := c.Notation.Parse(cell)
		if err == nil {
			_, err = toFloat32(v)
		}
		if err != nil {
			return nil
		}
		c.include(v)
		sum += float64(v * float64(cells.Counts[i]))
	}
	c.Fill = float32(sum / float64(max(cells.count(), 1)))
	return c
}

func (c *Column) include(v float64) { c.Low, c.High = min(c.Low, v), max(c.High, v) }

// pairs are the words for no and yes, in lower case.
var pairs = [][2]string{{"false", "true"}, {"no", "yes"}, {"nein", "ja"}, {"non", "oui"}, {"falsch", "wahr"}, {"off", "on"}, {"aus", "an"},
	{"n", "y"}, {"n", "j"}, {"f", "t"}}

// inferBoolean returns a column of booleans; nil if it is none. Single letters must both
// be there to be one.
func inferBoolean(cells Cells) *Column {
	for _, pair := range pairs {
		var counts [2]int
		words := []string{"", ""}
		ok := true
		for i, cell := range cells.Values {
			at := slices.Index(pair[:], strings.ToLower(cell))
			if at < 0 {
				ok = false
				break
			}
			if counts[at] += cells.Counts[i]; words[at] == "" {
				words[at] = cell
			}
		}
		if !ok || len(pair[0]) == 1 && (counts[0] == 0 || counts[1] == 0) {
			continue
		}
		for at := range words {
			words[at] = cmp.Or(words[at], spelledLike(pair[at], words[1-at]))
		}
		return &Column{Kind: Boolean, Words: words, High: 1, Weight: weightOf(counts[:])}
	}
	return nil
}

// spelledLike writes a word in the case of another.
func spelledLike(word, other string) string {
	switch {
	case other == strings.ToUpper(other):
		return strings.ToUpper(word)
	case other != strings.ToLower(other):
		return strings.ToUpper(word[:1]) + word[1:]
	}
	return word
}

// inferTime returns a column of times; nil if it is none.
func inferTime(cells Cells, choice Choice, comma bool) (*Column, *ColumnError) {
	layout := layoutOf(cells.Values, plainLayouts)
	if layout == "" {
		days, months := layoutOf(cells.Values, dayFirstLayouts), layoutOf(cells.Values, monthLeadLayouts)
		switch {
		case days == "" && months == "":
			return nil, nil
		case choice.DayFirst || months == "" || days != "" && comma && !choice.MonthDay:
			layout = days
		case choice.MonthDay || days == "":
			layout = months
		default:
			return nil, &ColumnError{Value: cells.Values[0], what: "has dates that may begin with the day or with the month, want one of dmy and mdy"}
		}
		if layout == "" {
			return nil, nil
		}
	}
	c := &Column{Kind: Time, Low: math.Inf(1), High: math.Inf(-1)}
	seconds := make([]float64, len(cells.Values))
	for i, cell := range cells.Values {
		v, err := parseTime(layout, cell)
		if err != nil {
			return nil, nil
		}
		seconds[i] = v
		c.include(v)
	}
	c.setTime(layout)
	var sum float64
	for i, v := range seconds {
		sum += float64(float64(c.share(v)) * float64(cells.Counts[i]))
	}
	if hasDate(layout) {
		c.Fill = float32(sum / float64(max(cells.count(), 1)))
	}
	return c, nil
}

// MostClasses is how many classes a category has at most.
const MostClasses = 128

// inferCategory returns a category; nil of values that hardly come back, unless it is to be one.
func inferCategory(cells Cells, anyway bool) *Column {
	const few = 20
	distinct, n := len(cells.Values), cells.count()
	if distinct > max(2, min(n/2, max(few, n/10))) && !anyway {
		return nil
	}
	counts := map[string]int{}
	for i, value := range cells.Values {
		counts[value] = cells.Counts[i]
	}
	// The most frequent; of equals the first by name.
	classes := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b))
	})
	c := &Column{Kind: Category, Classes: classes}
	if len(classes) > MostClasses {
		for _, class := range classes[MostClasses:] {
			c.Rare += counts[class]
		}
		c.Classes = classes[:MostClasses]
	}
	slices.Sort(c.Classes)
	all := []int{c.Rare}
	for _, class := range c.Classes {
		all = append(all, counts[class])
	}
	c.Weight = weightOf(all)
	return c
}

// leastEntropy is that by which the loss of a column is divided at least, in nats.
const leastEntropy = 0.25

// weightOf returns what the loss of classes counts that occur so often: 1 by their entropy.
func weightOf(counts []int) float64 {
	total := 0
	for _, n := range counts {
		total += n
	}
	entropy := 0.0
	for _, n := range counts {
		if n > 0 {
			share := float64(n) / float64(total)
			entropy -= float64(share * portable.Log(share))
		}
	}
	return rounded(1 / max(entropy, leastEntropy))
}

// rounded keeps three digits, which are enough and can be read.
func rounded(v float64) float64 { return math.Round(v*1000) / 1000 }
