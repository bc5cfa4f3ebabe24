package architecture

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"hourglass/internal/suggest"
	"hourglass/nn"
)

// valueKind is a way of writing values.
type valueKind uint8

const (
	jsonValue     valueKind = iota // {"a": 1}: whatever is none of the following
	flagValue                      // no_bias
	integerValue                   // 30
	decimalValue                   // 0.5
	textValue                      // any word, or "any text"
	nameValue                      // selu: a type with a name for each of its values
	integersValue                  // 28x28
	layerValue                     // (dense 30 selu)
	layersValue                    // (dense 100 selu > dense 30 selu)
	branchesValue                  // (dense 30 selu) (dense 100 selu > dense 30 selu)
)

// value is how the values of one type are written.
type value struct {
	kind     valueKind
	typ      reflect.Type // without the pointer
	optional bool         // a pointer, nil by default

	count int      // how many integers there must be, or 0 for any number
	parts []string // what each of them is, if they have names
	comma bool     // they are separated by commas, not x
	names []string // of all values, if they can be told
}

var (
	layerType   = reflect.TypeFor[nn.Layer]()
	integerType = reflect.TypeFor[int]()
)

// valueOf tells how values of a type are written, as they are in JSON if the type
// has methods for that.
func valueOf(t reflect.Type, custom bool) value {
	v := value{typ: t}
	if t.Kind() == reflect.Pointer && !t.Implements(layerType) {
		v.typ, v.optional = t.Elem(), true
	}
	switch {
	case custom:
	case isLayers(v.typ):
		v.kind = layersValue
	case v.typ.Kind() == reflect.Slice && isLayers(v.typ.Elem()):
		v.kind = branchesValue
	case v.typ.Implements(layerType) && v.typ.Kind() == reflect.Interface:
		v.kind = layerValue
	case isName(v.typ):
		v.kind, v.names = nameValue, enumerate(v.typ)
	case reflect.PointerTo(v.typ).Implements(reflect.TypeFor[json.Unmarshaler]()):
	default:
		v.plain()
	}
	return v
}

// isLayers reports whether a type is a list of layers.
func isLayers(t reflect.Type) bool { return t.Kind() == reflect.Slice && t.Elem() == layerType }

// nested reports whether the values are layers in parentheses.
func (v *value) nested() bool {
	return v.kind == layerValue || v.kind == layersValue || v.kind == branchesValue
}

// plain tells how values are written of a type without methods for that.
func (v *value) plain() {
	switch t := v.typ; t.Kind() {
	case reflect.Bool:
		v.kind = flagValue
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.kind = integerValue
	case reflect.Float32, reflect.Float64:
		v.kind = decimalValue
	case reflect.String:
		v.kind = textValue
	case reflect.Slice:
		if t.Elem() == integerType {
			v.kind, v.comma = integersValue, t == reflect.TypeFor[nn.Permute]()
		}
	case reflect.Array:
		if t.Elem() == integerType && t.Len() > 0 {
			v.kind, v.count = integersValue, t.Len()
		}
	case reflect.Struct:
		v.tuple()
	}
}

// tuple takes a struct of integers for a list of as many.
func (v *value) tuple() {
	var parts []string
	for i := range v.typ.NumField() {
		f := v.typ.Field(i)
		if f.Type != integerType || !f.IsExported() {
			return
		}
		parts = append(parts, snake(f.Name))
	}
	if len(parts) > 0 {
		v.kind, v.count, v.parts, v.comma = integersValue, len(parts), parts, true
	}
}

// enumerate lists the names of all values of a type that counts them from 0.
func enumerate(t reflect.Type) []string {
	if t.Kind() != reflect.Uint8 {
		return nil
	}
	var names []string
	for i := range uint64(math.MaxUint8 + 1) {
		v := reflect.New(t).Elem()
		v.SetUint(i)
		name, err := v.Interface().(encoding.TextMarshaler).MarshalText()
		if err != nil {
			break
		}
		names = append(names, string(name))
	}
	return names
}

// element returns what to set or get: the value that a pointer points to.
func (v *value) element(to reflect.Value) reflect.Value {
	if v.optional {
		if to.IsNil() {
			to.Set(reflect.New(v.typ))
		}
		return to.Elem()
	}
	return to
}

// set sets a value that is written as a word. The error says what is wrong with
// the word but not of which option it is the value.
func (v *value) set(to reflect.Value, word string) error {
	to = v.element(to)
	switch v.kind {
	case flagValue:
		return setFlag(to, word)
	case integerValue:
		return setInteger(to, word)
	case decimalValue:
		return setDecimal(to, word)
	case textValue:
		to.SetString(word)
		return nil
	case nameValue:
		return v.setName(to, word)
	case integersValue:
		return v.setIntegers(to, word)
	case jsonValue:
		if err := json.Unmarshal([]byte(word), to.Addr().Interface()); err != nil {
			return fmt.Errorf("is %s, which cannot be read: %v", quote(word), err)
		}
		return nil
	}
	return fmt.Errorf("is %s, want a layer in parentheses", quote(word))
}

// empty sets a list of integers to one without any.
func (v *value) empty(to reflect.Value) {
	if to = v.element(to); to.Kind() == reflect.Slice {
		to.Set(reflect.MakeSlice(to.Type(), 0, 0))
	}
}

// unquote returns what a string in quotes stands for.
func unquote(quoted string) string {
	var text string
	// What the tokenizer took for a string is one.
	_ = json.Unmarshal([]byte(quoted), &text)
	return text
}

func setFlag(to reflect.Value, word string) error {
	switch strings.ToLower(word) {
	case "true":
		to.SetBool(true)
	case "false":
		to.SetBool(false)
	default:
		return fmt.Errorf("is %s, want true or false", quote(word))
	}
	return nil
}

func setInteger(to reflect.Value, word string) error {
	var err error
	if to.CanInt() {
		var n int64
		n, err = strconv.ParseInt(word, 10, to.Type().Bits())
		to.SetInt(n)
	} else {
		var n uint64
		n, err = strconv.ParseUint(word, 10, to.Type().Bits())
		to.SetUint(n)
	}
	switch {
	case err == nil:
		return nil
	case !isInteger(word):
		return fmt.Errorf("is %s, want a whole number", quote(word))
	case !to.CanInt() && word[0] == '-':
		return fmt.Errorf("is %s, want at least 0", quote(word))
	}
	return fmt.Errorf("is %s, which is too large", quote(word))
}

// isInteger reports whether a word is a whole number of whatever size.
func isInteger(word string) bool {
	digits := strings.TrimLeft(word, "+-")
	return digits != "" && len(word)-len(digits) <= 1 && strings.Trim(digits, "0123456789") == ""
}

func setDecimal(to reflect.Value, word string) error {
	x, err := strconv.ParseFloat(word, to.Type().Bits())
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return fmt.Errorf("is %s, want a finite number", quote(word))
	}
	if err != nil {
		return fmt.Errorf("is %s, want a number", quote(word))
	}
	to.SetFloat(x)
	return nil
}

func (v *value) setName(to reflect.Value, word string) error {
	for _, name := range v.names {
		if suggest.Fold(name) == suggest.Fold(word) {
			word = name
			break
		}
	}
	return to.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(word))
}

func (v *value) setIntegers(to reflect.Value, word string) error {
	numbers, err := v.integers(word)
	if err != nil {
		return err
	}
	switch to.Kind() {
	case reflect.Struct:
		for i, n := range numbers {
			to.Field(i).SetInt(int64(n))
		}
	case reflect.Array:
		for i, n := range numbers {
			to.Index(i).SetInt(int64(n))
		}
	default:
		to.Set(reflect.ValueOf(numbers).Convert(to.Type()))
	}
	return nil
}

// integers reads a list such as 28x28 or 2,1. Where there must be several, one
// stands for all.
func (v *value) integers(word string) ([]int, error) {
	numbers := []int{}
	for part := range strings.FieldsFuncSeq(word, isSeparator) {
		n, err := strconv.Atoi(part)
		if err != nil {
			return nil, fmt.Errorf("is %s, want %s", quote(word), v.hint())
		}
		numbers = append(numbers, n)
	}
	separators := 0
	for _, r := range word {
		if isSeparator(r) {
			separators++
		}
	}
	switch {
	case len(numbers) == 0 || separators != len(numbers)-1:
		return nil, fmt.Errorf("is %s, want %s", quote(word), v.hint())
	case len(numbers) == 1 && v.count > 1:
		return slices.Repeat(numbers, v.count), nil
	case v.count > 0 && len(numbers) != v.count:
		return nil, fmt.Errorf("is %s, want %s", quote(word), v.hint())
	}
	return numbers, nil
}

func isSeparator(r rune) bool { return r == 'x' || r == 'X' || r == '×' || r == ',' }

// hint says in words what a value must be.
func (v *value) hint() string {
	switch v.kind {
	case flagValue:
		return "true or false"
	case integerValue:
		return "a whole number"
	case decimalValue:
		return "a number"
	case nameValue:
		if len(v.names) > 0 {
			return "one of " + strings.Join(v.names, ", ")
		}
		return "a name"
	case layerValue:
		return "a layer in parentheses, such as (dense 30 selu)"
	case layersValue:
		return "layers in parentheses, such as (dense 30 selu > dense 10)"
	case branchesValue:
		return "lists of layers in parentheses, such as (dense 30) (dense 100 selu > dense 30)"
	case integersValue:
		switch {
		case v.parts != nil:
			return "one whole number, or " + strings.Join(v.parts, ",")
		case v.count > 0:
			return fmt.Sprintf("one whole number or %d, such as %s", v.count, strings.Join(slices.Repeat([]string{"3"}, v.count), "x"))
		case v.comma:
			return "whole numbers such as 2,1"
		}
		return "whole numbers such as 28x28"
	case textValue:
		return "a text"
	}
	return "a value in JSON"
}

// separator is what stands between the integers of a list.
func (v *value) separator() string {
	if v.comma {
		return ","
	}
	return "x"
}

// pattern is a sample for usage: N, 0.1, NxN, a|b.
func (v *value) pattern() string {
	switch v.kind {
	case integerValue:
		return "N"
	case decimalValue:
		return "X"
	case nameValue:
		if len(v.names) > 0 && len(v.names) <= 4 {
			return strings.Join(v.names, "|")
		}
		return "NAME"
	case layerValue, layersValue:
		return "(…)"
	case branchesValue:
		return "(…) (…)"
	case integersValue:
		if v.parts != nil {
			return strings.ToUpper(strings.Join(v.parts, v.separator()))
		}
		return strings.Join(slices.Repeat([]string{"N"}, max(v.count, 2)), v.separator())
	case textValue:
		return "TEXT"
	}
	return "JSON"
}
