package architecture

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// tokenKind tells what part a token plays.
type tokenKind uint8

const (
	wordToken    tokenKind = iota // a name, a number, a shape
	stringToken                   // "quoted" as in JSON
	jsonToken                     // an object or array of JSON
	arrowToken                    // >
	newlineToken                  // the end of a line
	barToken                      // |
	openToken                     // (
	closeToken                    // )
	equalsToken                   // =
	endToken                      // the end of the text
)

// marks are the tokens of one character.
var marks = map[byte]tokenKind{'>': arrowToken, '\n': newlineToken, '|': barToken,
	'(': openToken, ')': closeToken, '=': equalsToken}

// token is a stretch of the text.
type token struct {
	kind tokenKind
	span
}

// tokenize cuts a text into tokens, the last of which is the end, right behind the
// last token before it that shows.
func tokenize(text string) ([]token, error) {
	var tokens []token
	end := 0
	for at := 0; ; {
		at = skipBlanks(text, at)
		if at == len(text) {
			return append(tokens, token{endToken, span{end, end}}), nil
		}
		t, err := scan(text, at)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
		at = t.end
		if t.kind != newlineToken {
			end = t.end
		}
	}
}

// skipBlanks returns where the next token begins. Comments go up to the end of
// their line.
func skipBlanks(text string, at int) int {
	for at < len(text) {
		r, size := utf8.DecodeRuneInString(text[at:])
		switch {
		case r == '#':
			length := strings.IndexByte(text[at:], '\n')
			if length < 0 {
				return len(text)
			}
			at += length
		case r != '\n' && unicode.IsSpace(r):
			at += size
		default:
			return at
		}
	}
	return at
}

// scan returns the token that begins at a character that is not blank.
func scan(text string, at int) (token, error) {
	if kind, ok := marks[text[at]]; ok {
		return token{kind, span{at, at + 1}}, nil
	}
	switch text[at] {
	case '"':
		return scanJSON(text, at, stringToken)
	case '{', '[':
		return scanJSON(text, at, jsonToken)
	}
	end := at
	for end < len(text) {
		r, size := utf8.DecodeRuneInString(text[end:])
		if unicode.IsSpace(r) || strings.ContainsRune(`>|()=#"`, r) {
			break
		}
		if r == utf8.RuneError && size == 1 || unicode.IsControl(r) {
			return token{}, errorAt(text, span{end, end + size}, "unexpected character %q, want text in UTF-8", text[end:end+size])
		}
		end += size
	}
	return token{wordToken, span{at, end}}, nil
}

// scanJSON returns the token of a value in JSON.
func scanJSON(text string, at int, kind tokenKind) (token, error) {
	var value json.RawMessage
	d := json.NewDecoder(strings.NewReader(text[at:]))
	if err := d.Decode(&value); errors.Is(err, io.ErrUnexpectedEOF) {
		return token{}, errorAt(text, span{at, at + 1}, "%s is never closed", text[at:at+1])
	} else if err != nil {
		return token{}, errorAt(text, span{at, at + 1}, "what follows %s is not JSON: %v", text[at:at+1], err)
	}
	return token{kind, span{at, at + int(d.InputOffset())}}, nil
}
