package schema

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// String is a table of what is understood of each column: its name, its kind, its range or
// classes, and how many cells are missing.
func (s *Schema) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "column\tkind\trange or classes\tmissing")
	for i := range s.Columns {
		c := &s.Columns[i]
		fmt.Fprintf(w, "%.40s\t%s\t%s\t%d\n", c.Title(i), c.Kind, c.describe(), c.Missing)
	}
	w.Flush()
	return b.String()
}

// describe says what cells of the column are like.
func (c *Column) describe() string {
	switch c.Kind {
	case Number:
		return c.Notation.Format(c.Low) + " to " + c.Notation.Format(c.High)
	case Boolean:
		return c.Words[0] + ", " + c.Words[1]
	case Category:
		return c.describeClasses()
	}
	text := formatTime(c.Layout, c.Low) + " to " + formatTime(c.Layout, c.High)
	if order := dayOrder(c.Layout); order != "" {
		text += " (" + order + ")"
	}
	if len(c.Cycles) > 0 {
		text += ", by " + strings.Join(c.Cycles, ", ")
	}
	return text
}

// dayOrder says of dates that look alike whether the day or the month comes first.
func dayOrder(layout string) string {
	for _, d := range []struct {
		dates []string
		order string
	}{{dayFirst, "day first"}, {monthLead, "month first"}} {
		for _, date := range d.dates {
			if strings.HasPrefix(layout, date) {
				return d.order
			}
		}
	}
	return ""
}

func (c *Column) describeClasses() string {
	const most = 5
	var b strings.Builder
	for i, class := range c.Classes[:min(len(c.Classes), most)] {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%.20s", class)
	}
	if more := len(c.Classes) - most; more > 0 {
		fmt.Fprintf(&b, " and %d more", more)
	}
	if c.Rare > 0 {
		fmt.Fprintf(&b, "; %d cells of rarer ones as %s", c.Rare, Other)
	}
	return b.String()
}
