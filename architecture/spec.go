package architecture

import (
	"cmp"
	"encoding"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"
	"unicode"

	"hourglass/internal/suggest"
	"hourglass/nn"
)

// arguments are the options of a layer that are said by their place, right behind
// the layer's name; those in brackets may be left out.
//
// Layers that are not listed take the fields that JSON always has, those without
// omitempty or omitzero, and any of them may be left out.
var arguments = map[string]string{
	"Activation":         "activation",
	"Adversary":          "weight layers",
	"AveragePooling2D":   "[pool_size]",
	"Bidirectional":      "layer",
	"ColumnActivation":   "columns",
	"Condition":          "classes [embedding]",
	"Contractive":        "layers weight",
	"Conv1D":             "filters kernel_size [activation]",
	"Conv1DTranspose":    "filters kernel_size [activation]",
	"Conv2D":             "filters kernel_size [activation]",
	"Conv2DTranspose":    "filters kernel_size [activation]",
	"Cropping2D":         "cropping",
	"Dense":              "units [activation]",
	"DepthwiseConv1D":    "kernel_size [activation]",
	"DepthwiseConv2D":    "kernel_size [activation]",
	"Dropout":            "rate",
	"Frozen":             "layer",
	"GaussianNoise":      "stddev",
	"GroupNormalization": "[groups]",
	"GRU":                "units",
	"ImportanceSampling": "samples weight",
	"Input":              "shape",
	"Join":               "name [merge]",
	"LSTM":               "units",
	"MaxPooling2D":       "[pool_size]",
	"MultiHeadAttention": "num_heads key_dim",
	"Named":              "name layer",
	"MMDRegularization":  "weight",
	"MaskingNoise":       "rate",
	"Parallel":           "branches",
	"PatchMasking":       "patch_size rate",
	"Permute":            "axes",
	"PixelShuffle":       "upscale_factor",
	"Regularized":        "layer",
	"RepeatVector":       "n",
	"Reshape":            "shape",
	"Residual":           "layers",
	"SaltAndPepperNoise": "rate",
	"Sampling":           "weight",
	"SeparableConv1D":    "filters kernel_size [activation]",
	"SeparableConv2D":    "filters kernel_size [activation]",
	"SimpleRNN":          "units",
	"Tied":               "to [activation]",
	"Tap":                "name",
	"TCSampling":         "weight correlation samples",
	"TimeDistributed":    "layer",
	"UpSampling2D":       "[size]",
	"VectorQuantizer":    "codes [commitment]",
	"ZeroPadding2D":      "padding",
}

// shortNames are the names of layers that would be cut in odd places.
var shortNames = map[string]string{"PReLU": "prelu", "TCSampling": "tc_sampling"}

// otherNames are what Keras and PyTorch call layers besides.
var otherNames = map[string]string{
	"avgpool2d":       "AveragePooling2D",
	"averagepool2d":   "AveragePooling2D",
	"batchnorm":       "BatchNormalization",
	"convtranspose1d": "Conv1DTranspose",
	"convtranspose2d": "Conv2DTranspose",
	"depthtospace":    "PixelShuffle",
	"groupnorm":       "GroupNormalization",
	"layernorm":       "LayerNormalization",
	"maxpool2d":       "MaxPooling2D",
	"unflatten":       "Reshape",
}

// spec is how a type of layers is said. It does not change.
type spec struct {
	kind    string // Conv2DTranspose
	name    string // conv2d_transpose
	typ     reflect.Type
	pointer bool // layers are pointers to typ
	fields  []field

	positional []int // fields said by their place
	required   int   // so many of which must be said
}

// field is one option of a layer.
type field struct {
	name   string // as in JSON, or the Go name with underscores: kernel_size
	goName string // Kernel
	index  []int  // within the struct; nil for the layer as a whole
	value  value
	always bool // JSON has it even if it is zero
}

// of returns the field's value in a layer.
func (f *field) of(layer reflect.Value) reflect.Value {
	if f.index == nil {
		return layer
	}
	return layer.FieldByIndex(f.index)
}

// label returns the field's name for messages.
func (f *field) label() string { return strings.ReplaceAll(f.name, "_", " ") }

// specs keeps what is known of types, by reflect.Type.
var specs sync.Map

// specOf describes a type of layers, or pointers to layers.
func specOf(t reflect.Type) *spec {
	if s, ok := specs.Load(t); ok {
		return s.(*spec)
	}
	s, _ := specs.LoadOrStore(t, newSpec(t))
	return s.(*spec)
}

func newSpec(t reflect.Type) *spec {
	s := &spec{typ: t}
	if t.Kind() == reflect.Pointer {
		s.typ, s.pointer = t.Elem(), true
	}
	s.kind = s.typ.Name()
	s.name = cmp.Or(shortNames[s.kind], snake(s.kind))
	s.fields = fieldsOf(s.typ, s.kind)
	s.dropCausal()
	s.place()
	return s
}

// fieldsOf lists the options of a type of layers.
func fieldsOf(t reflect.Type, kind string) []field {
	custom := reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]())
	if t.Kind() != reflect.Struct || custom && !open(t) {
		name := cmp.Or(arguments[kind], "value")
		return []field{{name: name, goName: name, value: valueOf(t, custom), always: true}}
	}
	return structFields(t, nil)
}

// open reports whether all that a struct holds is in exported fields.
func open(t reflect.Type) bool {
	for i := range t.NumField() {
		if f := t.Field(i); !f.IsExported() && f.Type.Size() > 0 {
			return false
		}
	}
	return true
}

// structFields lists the fields that encoding/json would write, with those of
// embedded structs among them.
func structFields(t reflect.Type, index []int) []field {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(slices.Clone(index), i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Tag.Get("json") == "-":
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			fields = append(fields, structFields(f.Type, at)...)
		case f.IsExported():
			fields = append(fields, field{name: cmp.Or(name, snake(f.Name)), goName: f.Name, index: at,
				value: valueOf(f.Type, false), always: !strings.Contains(options, "omit")})
		}
	}
	return fields
}

// place decides which fields are said by their place.
func (s *spec) place() {
	listed, known := arguments[s.kind]
	if !known {
		for i, f := range s.fields {
			if f.always && f.value.kind != flagValue {
				s.positional = append(s.positional, i)
			}
		}
		return
	}
	for _, name := range strings.Fields(listed) {
		if i := s.index(strings.Trim(name, "[]")); i >= 0 {
			s.positional = append(s.positional, i)
			if name[0] != '[' {
				s.required++
			}
		}
	}
}

// dropCausal leaves the causal padding to layers that know earlier and later.
func (s *spec) dropCausal() {
	if s.kind == "Conv1D" || s.kind == "SeparableConv1D" {
		return
	}
	for i := range s.fields {
		if v := &s.fields[i].value; v.typ == reflect.TypeFor[nn.Padding]() {
			v.names = slices.DeleteFunc(v.names, func(name string) bool { return name == nn.Causal.String() })
		}
	}
}

// index returns which field has a name, that of JSON or of Go, or -1.
func (s *spec) index(name string) int {
	folded := suggest.Fold(name)
	for _, other := range []func(field) string{
		func(f field) string { return f.name }, func(f field) string { return f.goName }} {
		if i := slices.IndexFunc(s.fields, func(f field) bool { return suggest.Fold(other(f)) == folded }); i >= 0 {
			return i
		}
	}
	return -1
}

// options lists the names of the fields.
func (s *spec) options() []string {
	var names []string
	for _, f := range s.fields {
		names = append(names, f.name)
	}
	return names
}

// usage returns the layer's name and the arguments said by their place:
// dense UNITS [ACTIVATION].
func (s *spec) usage() string {
	words := []string{s.name}
	for i, at := range s.positional {
		word := strings.ToUpper(s.fields[at].name)
		if s.fields[at].value.nested() {
			word = "(" + word + ")"
		}
		if s.fields[at].value.kind == branchesValue {
			word += "..."
		}
		if i >= s.required {
			word = "[" + word + "]"
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}

// snake writes a Go name in lower case with underscores: Conv2DTranspose becomes
// conv2d_transpose.
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) {
			before, last := runes[i-1], i+1 == len(runes)
			if unicode.IsLower(before) || !last && unicode.IsLower(runes[i+1]) && before != '_' {
				b.WriteByte('_')
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// catalog holds all layers there are.
type catalog struct {
	specs  []*spec          // sorted by name
	byKind map[string]*spec // the very name
	byName map[string]*spec // folded; the first of those that differ in case only
}

// newCatalog describes the layers that are registered now.
func newCatalog() *catalog {
	c := &catalog{byKind: map[string]*spec{}, byName: map[string]*spec{}}
	for _, kind := range nn.Kinds() {
		layer, err := nn.NewLayer(kind)
		if err != nil {
			continue
		}
		s := specOf(reflect.TypeOf(layer))
		c.specs = append(c.specs, s)
		c.byKind[kind] = s
		if name := suggest.Fold(kind); c.byName[name] == nil {
			c.byName[name] = s
		}
	}
	slices.SortFunc(c.specs, func(a, b *spec) int { return strings.Compare(a.name, b.name) })
	for name, kind := range otherNames {
		if s := c.byKind[kind]; s != nil && c.byName[name] == nil {
			c.byName[name] = s
		}
	}
	return c
}

// find returns the layer that a word names, or nil.
func (c *catalog) find(word string) *spec {
	if s := c.byKind[word]; s != nil {
		return s
	}
	return c.byName[suggest.Fold(word)]
}

// names lists the layers as they are said.
func (c *catalog) names() []string {
	var names []string
	for _, s := range c.specs {
		names = append(names, s.name)
	}
	return names
}

// isName reports whether a type is written as a word by methods of its own.
func isName(t reflect.Type) bool {
	return t.Implements(reflect.TypeFor[encoding.TextMarshaler]()) &&
		reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}
