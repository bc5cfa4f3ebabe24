package architecture

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Error is what is wrong with a text, and where.
type Error struct {
	Line, Column int    // of the word, from 1; columns are counted in characters
	Message      string // what is wrong and what would be right, in one line

	text  string // the line itself
	width int    // characters of the word on this line
	lines bool   // whether the text has more than one line
}

// Error returns one line:
//
//	architecture: column 15: unknown activation "sleu", did you mean "selu"?
//
// The line's number is in it where the text has several.
func (e *Error) Error() string {
	if e.lines {
		return fmt.Sprintf("architecture: line %d, column %d: %s", e.Line, e.Column, e.Message)
	}
	return fmt.Sprintf("architecture: column %d: %s", e.Column, e.Message)
}

// shownColumns is how much of a long line Caret shows, so that a terminal need
// not break it.
const shownColumns = 76

// Caret returns two lines for a terminal with fixed-width characters, the text
// and carets under the word:
//
//	flatten > dense 100 sleu | dense 784
//	                    ^^^^
func (e *Error) Caret() string {
	line := []rune(printable(e.text))
	at := min(e.Column-1, len(line))
	before, after := "", ""
	if over := at + max(e.width, 1) - shownColumns; over > 0 {
		from := min(over+shownColumns/4, at)
		line, at, before = line[from:], at-from, "… "
	}
	if len(line) > shownColumns {
		line, after = line[:shownColumns], " …"
	}
	carets := max(1, min(e.width, len(line)-at))
	return before + string(line) + after + "\n" +
		strings.Repeat(" ", utf8.RuneCountInString(before)+at) + strings.Repeat("^", carets)
}

// printable replaces what would move a terminal's cursor otherwise than by one.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return ' '
		case !unicode.IsPrint(r) || unicode.Is(unicode.Mn, r):
			return utf8.RuneError
		}
		return r
	}, text)
}

// span is a stretch of the text, in bytes.
type span struct{ start, end int }

// errorAt returns an error about a stretch of text.
func errorAt(text string, at span, format string, args ...any) *Error {
	body := strings.TrimRight(text, "\n")
	start := strings.LastIndexByte(text[:at.start], '\n') + 1
	end := len(text)
	if n := strings.IndexByte(text[at.start:], '\n'); n >= 0 {
		end = at.start + n
	}
	return &Error{
		Line:    strings.Count(text[:start], "\n") + 1,
		Column:  utf8.RuneCountInString(text[start:at.start]) + 1,
		Message: shorten(fmt.Sprintf(format, args...), longestMessage),
		text:    strings.TrimRight(text[start:end], "\r"),
		width:   utf8.RuneCountInString(text[at.start:min(at.end, end)]),
		lines:   strings.Contains(body, "\n"),
	}
}

// The characters that messages and the words in them may have: a shape, and so what
// a layer says of it, can be as long as the text.
const (
	longestMessage = 600
	longestWord    = 40
)

// quote returns a word of the text as messages show it: in quotes, on one line,
// and not longer than a word should be.
func quote(word string) string { return fmt.Sprintf("%q", shorten(word, longestWord)) }

// shorten cuts off what a text has beyond so many characters.
func shorten(text string, longest int) string {
	if len(text) <= longest {
		return text
	}
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}
