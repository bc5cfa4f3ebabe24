package architecture_test

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"hourglass/architecture"
	"hourglass/nn"
)

// TestRoundTrip formats and parses layers of every kind with any combination of
// options, those of types that know nothing of this package among them.
func TestRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		encoder, decoder := randomLayers(rng, 0), randomLayers(rng, 0)
		text := architecture.Format(encoder, decoder)
		e, d, err := architecture.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if !reflect.DeepEqual(e, encoder) || !reflect.DeepEqual(d, decoder) {
			t.Fatalf("%s:\n got %#v | %#v\nwant %#v | %#v", text, e, d, encoder, decoder)
		}
	}
}

func randomLayers(rng *rand.Rand, depth int) nn.Layers {
	layers := make(nn.Layers, 1+rng.IntN(4))
	for i := range layers {
		layers[i] = randomLayer(rng, depth)
	}
	return layers
}

func randomLayer(rng *rand.Rand, depth int) nn.Layer {
	kinds := nn.Kinds()
	for {
		l, err := nn.NewLayer(kinds[rng.IntN(len(kinds))])
		if err != nil {
			panic(err)
		}
		_, wraps := l.(nn.Composite)
		wraps = wraps || reflect.TypeOf(l).Kind() == reflect.Struct && reflect.TypeOf(l).NumField() == 1 &&
			reflect.TypeOf(l).Field(0).Type == reflect.TypeFor[nn.Layer]()
		if _, ok := l.(nn.Input); ok || wraps && depth == 4 {
			continue
		}
		v := reflect.New(reflect.TypeOf(l)).Elem()
		if _, ok := l.(private); ok {
			return private{rng.IntN(9)}
		}
		if v.Kind() == reflect.Pointer {
			v.Set(reflect.ValueOf(l))
			fill(rng, v.Elem(), depth)
		} else {
			fill(rng, v, depth)
		}
		switch l := v.Interface().(type) {
		case nn.Activation:
			if l.Func != nn.LeakyReLU {
				return nn.Activation{Func: l.Func} // no other function has a slope
			}
		case nn.Tap:
			return nn.Tap{Name: randomName(rng)}
		case nn.Join:
			return nn.Join{Name: randomName(rng), Merge: l.Merge}
		case nn.Tied:
			l.To = randomName(rng)
			return l
		case nn.Named:
			for nn.Kind(l.Layer) == "Named" {
				l.Layer = randomLayer(rng, depth+1)
			}
			return nn.Named{Name: randomName(rng), Layer: l.Layer}
		}
		return v.Interface().(nn.Layer)
	}
}

// randomName returns a name that a layer can have, which may be a word of the language.
func randomName(rng *rand.Rand) string {
	return []string{"a", "name", "dense", "true", "x2"}[rng.IntN(5)] + fmt.Sprint(rng.Uint32())
}

// fill sets a value to one that any layer takes.
func fill(rng *rand.Rand, v reflect.Value, depth int) {
	if _, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		names := []string{"selu", "sigmoid", "linear", "same", "valid", "he_normal", "zeros", "unit_forget", "bilinear", "nearest", "add"}
		for v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(names[rng.IntN(len(names))])) != nil {
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f := v.Type().Field(i)
			required := !strings.Contains(f.Tag.Get("json"), "omit")
			if f.Tag.Get("json") != "-" && (required || rng.IntN(2) == 0) {
				fill(rng, v.Field(i), depth)
			}
		}
	case reflect.Bool:
		v.SetBool(rng.IntN(2) == 0)
	case reflect.Int:
		v.SetInt(1 + rng.Int64N(30))
	case reflect.Uint8, reflect.Uint64:
		v.SetUint(rng.Uint64N(200))
	case reflect.Float32, reflect.Float64:
		v.SetFloat(float64(float32(math.Ldexp(rng.Float64(), -rng.IntN(20)))) + 1e-9)
	case reflect.String:
		words := []string{"a", "training", "two words", `"quoted"`, "", ">", "a|b", "Ümläut", "#", "name=3", "(", "-1", "{}"}
		v.SetString(words[rng.IntN(len(words))])
	case reflect.Array:
		for i := range v.Len() {
			fill(rng, v.Index(i), depth)
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[nn.Layers]() {
			if depth < 4 {
				v.Set(reflect.ValueOf(randomLayers(rng, depth+1)))
			}
			return
		}
		least := 0
		if v.Type() == reflect.TypeFor[[]nn.Layers]() {
			least = 2
		}
		v.Set(reflect.MakeSlice(v.Type(), least+rng.IntN(4-least), 4))
		for i := range v.Len() {
			fill(rng, v.Index(i), depth)
		}
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]int{"b": rng.IntN(9), "a > |": 1}))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(rng, v.Elem(), depth)
	case reflect.Interface:
		v.Set(reflect.ValueOf(randomLayer(rng, depth+1)))
	default:
		panic("no values of " + v.Type().String())
	}
}

// FuzzParse looks for texts that are not refused in good order, or whose layers are
// written so that they are read as others.
func FuzzParse(f *testing.F) {
	for _, c := range layerTexts {
		f.Add(c.texts[len(c.texts)-1] + " | flatten")
	}
	for _, c := range errorTexts {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		encoder, decoder, err := architecture.Parse(text)
		if err != nil {
			checkError(t, text, err)
			return
		}
		line := architecture.Format(encoder, decoder)
		e, d, err := architecture.Parse(line)
		if err != nil {
			t.Fatalf("%q was written as %q: %v", text, line, err)
		}
		if !reflect.DeepEqual(e, encoder) || !reflect.DeepEqual(d, decoder) {
			t.Fatalf("%q was written as %q, which is read as\n%#v | %#v, not\n%#v | %#v", text, line, e, d, encoder, decoder)
		}
		if again := architecture.Format(e, d); again != line {
			t.Fatalf("%q is written as %q", line, again)
		}
	})
}

func checkError(t *testing.T, text string, err error) {
	var e *architecture.Error
	if !errors.As(err, &e) {
		t.Fatalf("%q: got %T, want *Error", text, err)
	}
	if strings.ContainsAny(err.Error(), "\n\r\x1b\x00") || !utf8.ValidString(err.Error()) {
		t.Fatalf("%q: message %q is not one line of text", text, err)
	}
	if utf8.RuneCountInString(err.Error()) > 700 {
		t.Fatalf("%q: message of %d characters", text, utf8.RuneCountInString(err.Error()))
	}
	lines := strings.Split(e.Caret(), "\n")
	if len(lines) != 2 || utf8.RuneCountInString(lines[0]) > 80 || utf8.RuneCountInString(lines[1]) > 80 {
		t.Fatalf("%q: carets are not two short lines: %q", text, e.Caret())
	}
	if e.Line < 1 || e.Line > strings.Count(text, "\n")+1 || e.Column < 1 || e.Column > len(text)+1 {
		t.Fatalf("%q: error at line %d, column %d", text, e.Line, e.Column)
	}
}
