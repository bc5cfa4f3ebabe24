package main

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// missing stands in a table for what could not be measured.
const missing = "–"

// table is a Markdown table; its first column is text, the others are numbers.
type table struct {
	head []string
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// String lays the table out so that it also reads well as plain text.
func (t *table) String() string {
	width := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(escape(cell)), 3)
		}
	}
	var b strings.Builder
	writeRow(&b, t.head, width)
	for i, w := range width {
		rule := strings.Repeat("-", w)
		if i > 0 {
			rule = rule[1:] + ":"
		}
		b.WriteString("| " + rule + " ")
	}
	b.WriteString("|\n")
	for _, row := range t.rows {
		writeRow(&b, row, width)
	}
	return b.String()
}

func writeRow(b *strings.Builder, cells []string, width []int) {
	for i, w := range width {
		cell := missing
		if i < len(cells) {
			cell = escape(cells[i])
		}
		blanks := strings.Repeat(" ", w-utf8.RuneCountInString(cell))
		if i == 0 {
			cell += blanks
		} else {
			cell = blanks + cell
		}
		b.WriteString("| " + cell + " ")
	}
	b.WriteString("|\n")
}

// escape keeps a cell's text within its cell.
func escape(cell string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(cell)
}

// number writes x with about three significant digits and no exponent, and
// missing for 0, which stands for what was not measured.
func number(x float64) string {
	switch {
	case x == 0:
		return missing
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// percent writes x/whole as a percentage.
func percent(x, whole float64) string {
	if x == 0 || whole == 0 {
		return missing
	}
	return fmt.Sprintf("%.0f %%", 100*x/whole)
}
