package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Object is a JSON object with its fields in the order of the file, which is
// that of the page.
type Object []Field

// Field is a member of an [Object]. Its value is nil, a bool, a string, a
// json.Number, an Object or a []any of such.
type Field struct {
	Key   string
	Value any
}

// Get returns the value of the first field of that name, or nil.
func (o Object) Get(key string) any {
	for _, f := range o {
		if f.Key == key {
			return f.Value
		}
	}
	return nil
}

// text returns a field that is a string, or "".
func (o Object) text(key string) string {
	s, _ := o.Get(key).(string)
	return s
}

// object returns a field that is an object, or nil.
func (o Object) object(key string) Object {
	inner, _ := o.Get(key).(Object)
	return inner
}

// number returns a field that is a number.
func (o Object) number(key string) (float64, bool) { return toFloat(o.Get(key)) }

// integer returns a field that is a whole number.
func (o Object) integer(key string) (int, bool) {
	n, _ := o.Get(key).(json.Number)
	i, err := n.Int64()
	return int(i), err == nil
}

// toFloat returns a JSON number that a float64 can hold.
func toFloat(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	x, err := n.Float64()
	return x, err == nil
}

// parseObject reads a JSON object, its fields in their order.
func parseObject(data []byte) (Object, error) {
	// The whole text is checked before it is walked through: the check bounds the
	// depth, and its errors are the clearer ones.
	var whole json.RawMessage
	if err := json.Unmarshal(data, &whole); err != nil {
		return nil, describe(err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	v, err := parseValue(d)
	if err != nil {
		return nil, err
	}
	o, ok := v.(Object)
	if !ok {
		return nil, fmt.Errorf("got %s, want a JSON object", strings.TrimSpace(string(data[:min(20, len(data))])))
	}
	return o, nil
}

// describe says where a syntax error is.
func describe(err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return fmt.Errorf("%w at byte %d", err, syntax.Offset)
	}
	return err
}

// parseValue reads one value of text that is known to be JSON.
func parseValue(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		return parseFields(d)
	case json.Delim('['):
		return parseElements(d)
	}
	return token, nil
}

func parseFields(d *json.Decoder) (any, error) {
	o := Object{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		value, err := parseValue(d)
		if err != nil {
			return nil, err
		}
		o = append(o, Field{key.(string), value})
	}
	_, err := d.Token() // the closing brace
	return o, err
}

func parseElements(d *json.Decoder) (any, error) {
	list := []any{}
	for d.More() {
		value, err := parseValue(d)
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	_, err := d.Token() // the closing bracket
	return list, err
}
