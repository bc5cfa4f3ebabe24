package schema

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Notation is how the numbers of a column are written: 1.234,5 has the decimal sign "," and
// groups of three digits that are divided by "."; "€ 5" and "12 %" have units before and behind.
type Notation struct {
	Decimal string `json:"decimal"`         // "." or ","
	Group   string `json:"group,omitempty"` // ",", ".", " " or "'"
	Before  string `json:"before,omitempty"`
	After   string `json:"after,omitempty"`
	// Digits is how many digits there are behind the decimal sign at most; -1 where numbers
	// have exponents.
	Digits int `json:"digits,omitempty"`
}

// notations are those that are tried, the likelier first. Those with a decimal comma come
// first in a table that has numbers which only they can read.
var (
	pointFirst = []Notation{{Decimal: "."}, {Decimal: ".", Group: ","}, {Decimal: ","}, {Decimal: ",", Group: "."},
		{Decimal: ",", Group: " "}, {Decimal: ".", Group: " "}, {Decimal: ".", Group: "'"}, {Decimal: ",", Group: "'"}}
	commaFirst = []Notation{{Decimal: ","}, {Decimal: ",", Group: "."}, {Decimal: ",", Group: " "}, {Decimal: ",", Group: "'"},
		{Decimal: "."}, {Decimal: ".", Group: ","}, {Decimal: ".", Group: " "}, {Decimal: ".", Group: "'"}}
)

// Parse reads a number in this notation.
func (n *Notation) Parse(cell string) (float64, error) {
	before, body, after := splitNumber(cell)
	if body != "" && before == strings.TrimSpace(n.Before) && after == strings.TrimSpace(n.After) {
		if plain, ok := n.plain(body); ok {
			return strconv.ParseFloat(plain, 64)
		}
	}
	return 0, fmt.Errorf("want a number such as %s", n.Format(n.example()))
}

// example is a number that shows the notation.
func (n *Notation) example() float64 {
	switch {
	case n.Group != "" && n.Digits > 0:
		return 1234.5
	case n.Group != "":
		return 1234
	case n.Digits > 0:
		return 12.5
	}
	return 12
}

// splitNumber cuts a cell into what stands before a number, the number with its sign, and
// what stands behind it, without spaces around them. There is no number in it if body is empty.
func splitNumber(cell string) (before, body, after string) {
	cell = strings.TrimSpace(strings.NewReplacer("\u00a0", " ", "\u202f", " ", "−", "-", "’", "'").Replace(cell))
	first := strings.IndexFunc(cell, unicode.IsDigit)
	if first < 0 {
		return "", "", ""
	}
	if first > 0 && (cell[first-1] == '.' || cell[first-1] == ',') { // .5
		first--
	}
	before, rest := cell[:first], cell[first:]
	sign := ""
	if last := len(before) - 1; last >= 0 && (before[last] == '-' || before[last] == '+') {
		before, sign = before[:last], before[last:]
	} else if last > 0 && (before[0] == '-' || before[0] == '+') { // -€5
		before, sign = before[1:], before[:1]
	}
	end := 0
	for end < len(rest) && (isDigit(rest[end]) || strings.IndexByte(".,'", rest[end]) >= 0 || rest[end] == ' ' && end+1 < len(rest) && isDigit(rest[end+1])) {
		end++
	}
	end += exponent(rest[end:])
	before, after = strings.TrimSpace(before), strings.TrimSpace(rest[end:])
	if !isUnitBefore(before) || !isUnitBehind(after) {
		return "", "", ""
	}
	return before, sign + rest[:end], after
}

// exponent returns how long the exponent is that a text begins with.
func exponent(text string) int {
	if len(text) < 2 || text[0] != 'e' && text[0] != 'E' {
		return 0
	}
	at := 1
	if text[at] == '-' || text[at] == '+' {
		at++
	}
	digits := at
	for at < len(text) && isDigit(text[at]) {
		at++
	}
	if at == digits {
		return 0
	}
	return at
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// longestUnit bounds units in characters.
const longestUnit = 12

// isUnitBefore reports a currency: what else stands before numbers makes names of them, such as A4.
func isUnitBefore(unit string) bool {
	switch unit {
	case "", "EUR", "USD", "GBP", "CHF", "JPY", "CNY", "AUD", "CAD", "SEK", "NOK", "DKK", "PLN", "CZK", "INR", "BRL", "Fr.":
		return true
	}
	runes := []rune(unit)
	return len(runes) <= 3 && unicode.Is(unicode.Sc, runes[len(runes)-1])
}

// isUnitBehind reports what may be a unit.
func isUnitBehind(unit string) bool {
	if unit == "" {
		return true
	}
	first, _ := utf8.DecodeRuneInString(unit)
	return utf8.RuneCountInString(unit) <= longestUnit && !strings.ContainsFunc(unit, unicode.IsDigit) &&
		(unicode.IsLetter(first) || unicode.Is(unicode.Sc, first) || strings.ContainsRune("%‰°", first))
}

// plain returns a number as Go writes it, if it is one in this notation.
func (n *Notation) plain(body string) (string, bool) {
	sign, digits := "", body
	if digits[0] == '-' || digits[0] == '+' {
		sign, digits = digits[:1], digits[1:]
	}
	power := ""
	if at := strings.IndexAny(digits, "eE"); at >= 0 {
		digits, power = digits[:at], digits[at:]
	}
	whole, part, divided := strings.Cut(digits, n.Decimal)
	if !allDigits(part) || whole == "" && part == "" {
		return "", false
	}
	if n.Group != "" {
		var ok bool
		if whole, ok = ungrouped(whole, n.Group); !ok {
			return "", false
		}
	}
	if !allDigits(whole) {
		return "", false
	}
	if divided {
		part = "." + part
	}
	return sign + whole + part + power, true
}

// ungrouped takes out what divides digits into groups of three, if it does nothing else.
func ungrouped(whole, by string) (string, bool) {
	groups := strings.Split(whole, by)
	if len(groups) == 1 {
		return whole, true
	}
	for i, g := range groups {
		if i > 0 && len(g) != 3 || i == 0 && (len(g) < 1 || len(g) > 3 || g[0] == '0') {
			return "", false
		}
	}
	return strings.Join(groups, ""), true
}

func allDigits(text string) bool {
	for i := range len(text) {
		if !isDigit(text[i]) {
			return false
		}
	}
	return true
}

// Format writes a number in this notation, with as many digits behind the decimal sign as
// those in the table have at most.
func (n *Notation) Format(v float64) string {
	if n.Digits < 0 {
		text := strconv.FormatFloat(v, 'g', -1, 32)
		return n.Before + strings.Replace(text, ".", n.Decimal, 1) + n.After
	}
	text := strconv.FormatFloat(v, 'f', n.Digits, 64)
	sign := ""
	if text[0] == '-' {
		if sign, text = "-", text[1:]; strings.Trim(text, "0.") == "" {
			sign = ""
		}
	}
	whole, part, _ := strings.Cut(text, ".")
	if n.Group != "" {
		for at := len(whole) - 3; at > 0; at -= 3 {
			whole = whole[:at] + n.Group + whole[at:]
		}
	}
	if part != "" {
		part = n.Decimal + part
	}
	return n.Before + sign + whole + part + n.After
}

func (n *Notation) validate() error {
	group := n.Group == "" || strings.Contains(",. '", n.Group) && len(n.Group) == 1
	if n.Decimal != "." && n.Decimal != "," || n.Decimal == n.Group || !group || n.Digits < -1 || n.Digits > mostDigits ||
		!isUnitBefore(strings.TrimSpace(n.Before)) || !isUnitBehind(strings.TrimSpace(n.After)) {
		return fmt.Errorf("is a number in a notation that is none: %.120q", fmt.Sprint(*n))
	}
	return nil
}

// mostDigits bounds the digits behind the decimal sign: float32 has no more.
const mostDigits = 9

// fitting returns the notations that read all cells, of those listed, with units and digits.
func fitting(cells []string, listed []Notation) []Notation {
	if len(cells) == 0 {
		return nil
	}
	before, _, after := splitNumber(cells[0])
	bodies := make([]string, len(cells))
	for i, cell := range cells {
		b, body, a := splitNumber(cell)
		if body == "" || b != before || a != after {
			return nil
		}
		bodies[i] = body
	}
	var fit []Notation
	for _, n := range listed {
		if digits, ok := n.digits(bodies); ok {
			n.Digits = digits
			n.Before, n.After = spacing(cells[0], before, after)
			fit = append(fit, n)
		}
	}
	return fit
}

// spacing returns units with the space that divides them from the number in a cell.
func spacing(cell, before, after string) (string, string) {
	runes := []rune(strings.TrimSpace(cell))
	if n := len([]rune(before)); n > 0 && n < len(runes) && unicode.IsSpace(runes[n]) {
		before += " "
	}
	if n := len(runes) - len([]rune(after)); after != "" && n > 0 && unicode.IsSpace(runes[n-1]) {
		after = " " + after
	}
	return before, after
}

// digits returns how many digits behind the decimal sign numbers have at most, -1 if one
// has an exponent; ok is false if one cannot be read.
func (n *Notation) digits(bodies []string) (digits int, ok bool) {
	for _, body := range bodies {
		plain, ok := n.plain(body)
		if !ok {
			return 0, false
		}
		if strings.ContainsAny(plain, "eE") {
			digits = -1
		}
		if _, part, _ := strings.Cut(plain, "."); digits >= 0 {
			digits = min(max(digits, len(part)), mostDigits)
		}
	}
	return digits, true
}
