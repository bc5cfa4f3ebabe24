package oip

import (
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// scanner reads JSON (RFC 8259) from memory, value by value. Errors name the byte
// where they were found.
type scanner struct {
	text  []byte
	at    int
	depth int
}

func (s *scanner) errorf(format string, args ...any) error {
	return fmt.Errorf("JSON, byte %d: %s", s.at, fmt.Sprintf(format, args...))
}

// unexpected is the error of finding something else.
func (s *scanner) unexpected(want string) error {
	if s.at >= len(s.text) {
		return s.errorf("the text ends, want %s", want)
	}
	return s.errorf("%q, want %s", s.text[s.at], want)
}

// peek returns the next byte that is no space, 0 at the end.
func (s *scanner) peek() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// take reads the byte c if it is next.
func (s *scanner) take(c byte) bool {
	if s.peek() != c || s.at >= len(s.text) {
		return false
	}
	s.at++
	return true
}

// end reports anything but spaces behind the value.
func (s *scanner) end() error {
	if s.peek(); s.at < len(s.text) {
		return s.unexpected("the end")
	}
	return nil
}

// list reads what stands between two brackets, calling item for every part.
func (s *scanner) list(open, close byte, what string, item func() error) error {
	if !s.take(open) {
		return s.unexpected(what)
	}
	if s.depth++; s.depth > MaxDepth {
		return s.errorf("arrays and objects lie more than %d deep in each other", MaxDepth)
	}
	defer func() { s.depth-- }()
	if s.take(close) {
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		if s.take(close) {
			return nil
		}
		if !s.take(',') {
			return s.unexpected("a comma or the end of " + what)
		}
	}
}

// array reads an array; item reads one of its values.
func (s *scanner) array(item func() error) error { return s.list('[', ']', "an array", item) }

// object reads an object; member reads the value of a key.
func (s *scanner) object(member func(key string) error) error {
	return s.list('{', '}', "an object", func() error {
		key, err := s.string()
		if err != nil {
			return err
		}
		if !s.take(':') {
			return s.unexpected("a colon")
		}
		return member(key)
	})
}

// string reads a string.
func (s *scanner) string() (string, error) {
	if !s.take('"') {
		return "", s.unexpected("a string")
	}
	begin, plain := s.at, true
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			raw := s.text[begin:s.at]
			s.at++
			if plain && utf8.Valid(raw) {
				return string(raw), nil
			}
			var value string
			if err := json.Unmarshal(s.text[begin-1:s.at], &value); err != nil {
				return "", s.errorf("string: %v", err)
			}
			return value, nil
		case c == '\\':
			plain = false
			s.at++
		case c < ' ':
			return "", s.errorf("a control character in a string")
		}
	}
	s.at = len(s.text)
	return "", s.unexpected("the end of a string")
}

// name is string for what names something, which is short.
func (s *scanner) name() (string, error) {
	name, err := s.string()
	if err == nil && len(name) > maxName {
		return "", s.errorf("a name of %d bytes, want at most %d", len(name), maxName)
	}
	return name, err
}

// literal reads true, false or null if the text goes on with it.
func (s *scanner) literal(word string) bool {
	if len(s.text)-s.at < len(word) || string(s.text[s.at:s.at+len(word)]) != word {
		return false
	}
	s.at += len(word)
	return true
}

// bool reads true or false.
func (s *scanner) bool() (bool, error) {
	s.peek()
	switch {
	case s.literal("true"):
		return true, nil
	case s.literal("false"):
		return false, nil
	}
	return false, s.unexpected("true or false")
}

// integer reads a whole number.
func (s *scanner) integer() (int64, error) {
	token, err := s.number()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(string(token), 10, 64)
	if err != nil {
		return 0, s.errorf("%.40s, want a whole number of 64 bits", token)
	}
	return n, nil
}

// number reads the text of a number.
func (s *scanner) number() ([]byte, error) {
	s.peek()
	begin := s.at
	_, err := s.float32()
	if err != nil && s.at == begin {
		return nil, err
	}
	return s.text[begin:s.at], nil
}

// float32 reads a number as the nearest float32, as strconv does.
func (s *scanner) float32() (float32, error) {
	s.peek()
	if v, end := quickFloat32(s.text, s.at); end > 0 {
		s.at = end
		return v, nil
	}
	return s.anyFloat32()
}

// anyFloat32 is float32 of all there is. An error beyond the syntax leaves the
// scanner behind the number.
func (s *scanner) anyFloat32() (float32, error) {
	text, begin := s.text, s.at
	at := begin
	negative := at < len(text) && text[at] == '-'
	if negative {
		at++
	}
	first := at
	var digits uint64
	for ; at < len(text) && isDigit(text[at]); at++ {
		digits = digits*10 + uint64(text[at]-'0')
	}
	count := at - first
	if count == 0 || count > 1 && text[first] == '0' {
		return 0, s.unexpected("a number")
	}
	exponent := 0
	if at < len(text) && text[at] == '.' {
		point := at + 1
		for at = point; at < len(text) && isDigit(text[at]); at++ {
			digits = digits*10 + uint64(text[at]-'0')
		}
		exponent = point - at
		if exponent == 0 {
			return 0, s.unexpected("a number with digits behind its point")
		}
		count -= exponent
	}
	if at < len(text) && text[at]|0x20 == 'e' {
		shift, end := readExponent(text, at+1)
		if end < 0 {
			return 0, s.unexpected("a number with digits in its exponent")
		}
		exponent += shift
		at = end
	}
	s.at = at
	if v, ok := nearestFloat32(digits, count, exponent); ok {
		if negative {
			v = -v
		}
		return v, nil
	}
	value, err := strconv.ParseFloat(string(text[begin:at]), 32)
	if err != nil {
		return 0, s.errorf("%.40s is beyond float32", text[begin:at])
	}
	return float32(value), nil
}

func isDigit(c byte) bool { return c-'0' <= 9 }

// readExponent reads the digits of an exponent with their sign, and returns where
// they end, -1 if there are none.
func readExponent(text []byte, at int) (exponent, end int) {
	sign := 1
	if at < len(text) && (text[at] == '+' || text[at] == '-') {
		if text[at] == '-' {
			sign = -1
		}
		at++
	}
	begin := at
	for ; at < len(text) && isDigit(text[at]); at++ {
		exponent = min(exponent*10+int(text[at]-'0'), 1<<20)
	}
	if at == begin {
		return 0, -1
	}
	return sign * exponent, at
}

// skip reads any value and forgets it.
func (s *scanner) skip() error {
	switch c := s.peek(); {
	case c == '{':
		return s.object(func(string) error { return s.skip() })
	case c == '[':
		return s.array(s.skip)
	case c == '"':
		_, err := s.string()
		return err
	case c == 'n' && s.literal("null"), c == 't' && s.literal("true"), c == 'f' && s.literal("false"):
		return nil
	}
	_, err := s.number()
	return err
}
