package architecture

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"hourglass/nn"
)

// Format writes an autoencoder's layers as the one line that Parse reads:
//
//	input 28x28 > flatten > dense 30 selu | dense 784 sigmoid > reshape 28x28
//
// It says of each layer what a person would: the main arguments by their place, and
// options only where they differ from what is taken without them.
func Format(encoder, decoder nn.Layers) string {
	w := writer{newCatalog()}
	return w.layers(encoder) + " | " + w.layers(decoder)
}

// writer writes layers.
type writer struct{ catalog *catalog }

func (w writer) layers(layers []nn.Layer) string {
	var words []string
	for _, l := range layers {
		words = append(words, w.layer(l))
	}
	return strings.Join(words, " > ")
}

func (w writer) layer(l nn.Layer) string {
	if l == nil {
		return "nil"
	}
	s, v := specOf(reflect.TypeOf(l)), reflect.ValueOf(l)
	if s.pointer && v.IsNil() {
		v = reflect.New(s.typ)
	}
	v = reflect.Indirect(v)
	words := append([]string{w.name(s)}, w.arguments(s, v)...)
	return strings.Join(words, " ")
}

// name returns what to call a layer, its kind where only upper and lower case tell
// it from another.
func (w writer) name(s *spec) string {
	if found := w.catalog.find(s.name); found != nil && found.kind != s.kind {
		return s.kind
	}
	return s.name
}

// arguments writes the fields that are said by their place up to the first that
// can be left out, and the others by name.
func (w writer) arguments(s *spec, layer reflect.Value) []string {
	var words []string
	placed := 0
	for i, at := range s.positional {
		f := &s.fields[at]
		v := f.of(layer)
		if i >= s.required && v.IsZero() {
			break
		}
		words = append(words, w.value(s, &f.value, v, true))
		placed++
	}
	for i := range s.fields {
		f := &s.fields[i]
		v := f.of(layer)
		if slices.Contains(s.positional[:placed], i) || v.IsZero() {
			continue
		}
		if f.value.kind == flagValue && !f.value.optional {
			words = append(words, f.name)
			continue
		}
		words = append(words, f.name+"="+w.value(s, &f.value, v, false))
	}
	return words
}

// value writes a value, by its place or as that of an option.
func (w writer) value(s *spec, kind *value, v reflect.Value, placed bool) string {
	if kind.optional {
		if v.IsNil() {
			v = reflect.New(kind.typ)
		}
		v = v.Elem()
	}
	switch kind.kind {
	case flagValue:
		return strconv.FormatBool(v.Bool())
	case integerValue:
		if v.CanInt() {
			return strconv.FormatInt(v.Int(), 10)
		}
		return strconv.FormatUint(v.Uint(), 10)
	case decimalValue:
		return strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits())
	case textValue:
		return w.text(s, v.String(), placed)
	case nameValue:
		return w.text(s, nameOf(v), placed)
	case integersValue:
		return kind.join(v, placed)
	case layerValue:
		if v.IsNil() {
			return "()"
		}
		return "(" + w.layer(v.Interface().(nn.Layer)) + ")"
	case layersValue:
		return "(" + w.layers(v.Convert(reflect.TypeFor[[]nn.Layer]()).Interface().([]nn.Layer)) + ")"
	}
	if kind.kind == branchesValue {
		var lists []string
		for i := range v.Len() {
			lists = append(lists, "("+w.layers(v.Index(i).Convert(reflect.TypeFor[[]nn.Layer]()).Interface().([]nn.Layer))+")")
		}
		return strings.Join(lists, " ")
	}
	// A value that JSON cannot hold cannot be stored in a model file either.
	data, _ := json.Marshal(v.Interface())
	return string(data)
}

// nameOf returns the name of a value of a type that has names; that of a value out
// of range is what the type prints.
func nameOf(v reflect.Value) string {
	text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
	if err != nil {
		return fmt.Sprint(v.Interface())
	}
	return string(text)
}

// text writes a text as a word, in quotes where a word would be taken for
// something else.
func (w writer) text(s *spec, text string, placed bool) string {
	tokens, err := tokenize(text)
	plain := err == nil && len(tokens) == 2 && tokens[0] == token{wordToken, span{0, len(text)}}
	if plain && !(placed && s.index(text) >= 0) {
		return text
	}
	quoted, _ := json.Marshal(text)
	return string(quoted)
}

// join writes a list of integers: 28x28. As the value of an option, integers that
// are all the same are written once.
func (v *value) join(list reflect.Value, placed bool) string {
	var words []string
	if v.parts != nil {
		for i := range v.parts {
			words = append(words, strconv.FormatInt(list.Field(i).Int(), 10))
		}
	} else {
		for i := range list.Len() {
			words = append(words, strconv.FormatInt(list.Index(i).Int(), 10))
		}
	}
	if len(words) == 0 {
		return "()"
	}
	equal := len(slices.Compact(slices.Clone(words))) == 1
	if equal && v.count > 1 && (!placed || v.parts != nil) {
		return words[0]
	}
	return strings.Join(words, v.separator())
}
