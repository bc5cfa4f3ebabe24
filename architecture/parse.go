package architecture

import (
	"reflect"
	"slices"
	"strings"

	"hourglass/internal/suggest"
	"hourglass/nn"
	"hourglass/tensor"
)

// Bounds of what a text may ask for.
const (
	maxText   = 64 << 10 // bytes
	maxLayers = 256      // those in parentheses among them
	maxDepth  = 8        // parentheses within each other, as in nn
)

// Parse reads the layers of an autoencoder. Words, options, their values and, as far
// as that can be told without knowing the samples, their ranges are checked. Where
// the text begins with the shape of a sample, input 28x28, all layers are bound to
// it, and the decoder must end in as many values. An error is an *Error.
func Parse(text string) (encoder, decoder nn.Layers, err error) {
	return ParseFor(nil, text)
}

// ParseFor reads the layers of an autoencoder for samples of a shape. In addition to
// what Parse does it binds the layers to that shape, and states it by an Input layer
// in front if the text does not; a text with another shape is refused.
func ParseFor(input tensor.Shape, text string) (encoder, decoder nn.Layers, err error) {
	p, err := newParser(text)
	if err != nil {
		return nil, nil, err
	}
	if err := p.sides(); err != nil {
		return nil, nil, err
	}
	if err := p.bind(input); err != nil {
		return nil, nil, err
	}
	return p.encoder.layers(), p.decoder.layers(), nil
}

// parser reads a text from front to back.
type parser struct {
	text    string
	tokens  []token
	at      int // of the next token
	catalog *catalog
	count   int // layers so far
	depth   int // open parentheses

	encoder, decoder placedLayers
}

// placedLayer is a layer with its place in the text, for errors.
type placedLayer struct {
	layer  nn.Layer
	spec   *spec
	name   span         // the layer's name
	values map[int]span // what sets its fields
}

type placedLayers []placedLayer

func (ls placedLayers) layers() nn.Layers {
	var layers nn.Layers
	for _, l := range ls {
		layers = append(layers, l.layer)
	}
	return layers
}

func newParser(text string) (*parser, error) {
	text = strings.TrimPrefix(text, "\uFEFF")
	if len(text) > maxText {
		return nil, errorAt(text[:maxText], span{0, 0}, "the text has %d bytes, want at most %d", len(text), maxText)
	}
	tokens, err := tokenize(text)
	if err != nil {
		return nil, err
	}
	return &parser{text: text, tokens: tokens, catalog: newCatalog()}, nil
}

func (p *parser) peek() token { return p.tokens[p.at] }

// next returns the next token and goes on to the one after; the end stays.
func (p *parser) next() token {
	t := p.tokens[p.at]
	if t.kind != endToken {
		p.at++
	}
	return t
}

// accept goes on if the next token is of a kind.
func (p *parser) accept(kind tokenKind) bool {
	if p.peek().kind != kind {
		return false
	}
	p.next()
	return true
}

func (p *parser) skipNewlines() {
	for p.accept(newlineToken) {
	}
}

// words returns the text of a token.
func (p *parser) words(at span) string { return p.text[at.start:at.end] }

func (p *parser) errorAt(at span, format string, args ...any) error {
	return errorAt(p.text, at, format, args...)
}

// sides reads the encoder, the bar and the decoder.
func (p *parser) sides() error {
	if p.skipNewlines(); p.peek().kind == endToken {
		return p.errorAt(p.peek().span, "there are no layers, want some such as flatten > dense 30 selu | dense 784 sigmoid")
	}
	var err error
	if p.encoder, err = p.side("encoder", "left of |"); err != nil {
		return err
	}
	switch t := p.next(); t.kind {
	case barToken:
	case closeToken:
		return p.errorAt(t.span, ") without (")
	default:
		return p.errorAt(t.span, "there is no | between encoder and decoder")
	}
	if p.decoder, err = p.side("decoder", "right of |"); err != nil {
		return err
	}
	switch t := p.next(); t.kind {
	case barToken:
		return p.errorAt(t.span, "there is a second |, want only one, between encoder and decoder")
	case closeToken:
		return p.errorAt(t.span, ") without (")
	}
	return p.checkInputs()
}

// side reads the layers of the encoder or the decoder.
func (p *parser) side(name, place string) (placedLayers, error) {
	p.skipNewlines()
	if kind := p.peek().kind; kind == barToken || kind == endToken {
		return nil, p.errorAt(p.peek().span, "the %s is empty, want layers %s", name, place)
	}
	return p.list()
}

// checkInputs reports an Input layer that is not the encoder's first.
func (p *parser) checkInputs() error {
	for i, l := range append(p.encoder[1:len(p.encoder):len(p.encoder)], p.decoder...) {
		if _, ok := l.layer.(nn.Input); ok {
			where := "as the first layer of the encoder"
			if i+1 >= len(p.encoder) {
				where = "as the first layer of the encoder, not in the decoder"
			}
			return p.errorAt(l.name, "%s may only stand %s", l.spec.name, where)
		}
	}
	return nil
}

// list reads layers up to something that is neither a layer nor between layers.
func (p *parser) list() (placedLayers, error) {
	var layers placedLayers
	for {
		p.skipNewlines()
		l, err := p.layer()
		if err != nil {
			return nil, err
		}
		layers = append(layers, l)
		if !p.separator() {
			return layers, nil
		}
	}
}

// separator skips what stands between two layers, an arrow or the end of a line or
// both, and reports whether another layer must follow.
func (p *parser) separator() bool {
	lines := p.peek().kind == newlineToken
	p.skipNewlines()
	if p.accept(arrowToken) {
		return true
	}
	switch p.peek().kind {
	case barToken, closeToken, endToken:
		return false
	}
	return lines
}

// layer reads a layer's name and its arguments.
func (p *parser) layer() (placedLayer, error) {
	name := p.next()
	if name.kind != wordToken {
		return placedLayer{}, p.errorAt(name.span, "want a layer, got %s", p.describe(name))
	}
	if p.peek().kind == equalsToken {
		return placedLayer{}, p.errorAt(name.span, "want a layer, got the option %s; options stand on the line of their layer", quote(p.words(name.span)))
	}
	s := p.catalog.find(p.words(name.span))
	if s == nil {
		return placedLayer{}, p.unknown(name.span, "layer", "layers", p.catalog.names())
	}
	if p.count++; p.count > maxLayers {
		return placedLayer{}, p.errorAt(name.span, "there are more than %d layers", maxLayers)
	}
	return p.arguments(s, name.span)
}

// describe says what a token is that should not be there.
func (p *parser) describe(t token) string {
	switch t.kind {
	case endToken:
		return "the end"
	case newlineToken:
		return "the end of the line"
	}
	return quote(p.words(t.span))
}

// unknown reports a word that is not one of the candidates.
func (p *parser) unknown(at span, what, plural string, candidates []string) error {
	word := p.words(at)
	if guess := suggest.Question(word, candidates); guess != "" {
		return p.errorAt(at, "unknown %s %s%s", what, quote(word), guess)
	}
	return p.errorAt(at, "unknown %s %s, the %s are %s", what, quote(word), plural, strings.Join(candidates, ", "))
}

// arguments reads the arguments of a layer and makes it.
func (p *parser) arguments(s *spec, name span) (placedLayer, error) {
	target := reflect.New(s.typ)
	l := placedLayer{spec: s, name: name, values: map[int]span{}}
	for isArgument(p.peek()) {
		if err := p.argument(&l, target.Elem()); err != nil {
			return l, err
		}
	}
	for _, i := range s.positional[:s.required] {
		if _, ok := l.values[i]; !ok {
			f := s.fields[i]
			return l, p.errorAt(name, "%s wants %s, %s: %s", s.name, f.label(), f.value.hint(), s.usage())
		}
	}
	if s.pointer {
		l.layer = target.Interface().(nn.Layer)
	} else {
		l.layer = target.Elem().Interface().(nn.Layer)
	}
	return l, p.checkRange(l)
}

// isArgument reports whether a token begins an argument.
func isArgument(t token) bool {
	switch t.kind {
	case wordToken, stringToken, jsonToken, openToken, equalsToken:
		return true
	}
	return false
}

// argument reads one argument: name=value, a bare name, or a value by its place.
func (p *parser) argument(l *placedLayer, target reflect.Value) error {
	t := p.peek()
	if t.kind == wordToken {
		i := l.spec.index(p.words(t.span))
		switch {
		case p.tokens[p.at+1].kind == equalsToken:
			return p.option(l, target, i)
		case i >= 0 && l.spec.fields[i].value.kind == flagValue:
			p.next()
			return p.assign(l, target, i, t, "true", t.span)
		case i >= 0:
			return p.errorAt(t.span, "%s wants a value: %s=%s", p.words(t.span), p.words(t.span), l.spec.fields[i].value.pattern())
		}
	}
	for _, i := range l.spec.positional {
		_, ok := l.values[i]
		if !ok || t.kind == openToken && l.spec.fields[i].value.kind == branchesValue {
			return p.value(l, target, i, t.span)
		}
	}
	return p.surplus(l, t)
}

// surplus reports an argument for which there is no place.
func (p *parser) surplus(l *placedLayer, t token) error {
	switch t.kind {
	case equalsToken:
		return p.errorAt(t.span, "want the name of an option before =")
	case openToken:
		return p.errorAt(t.span, "%s takes no layer in parentheses", l.spec.name)
	}
	word := p.words(t.span)
	if p.catalog.find(word) != nil {
		return p.missingArrow(t)
	}
	if guess := suggest.Question(word, l.spec.options()); guess != "" {
		return p.errorAt(t.span, "%s has no option %s%s", l.spec.name, quote(word), guess)
	}
	if len(l.spec.fields) == 0 {
		return p.errorAt(t.span, "%s takes no arguments, got %s", l.spec.name, quote(word))
	}
	others := ""
	if names := l.unset(); names != nil {
		others = "; others are options by name: " + strings.Join(names, ", ")
	}
	return p.errorAt(t.span, "%s is one argument too many for %s%s", quote(word), l.spec.usage(), others)
}

// missingArrow reports a layer's name among the arguments of another.
func (p *parser) missingArrow(t token) error {
	return p.errorAt(t.span, "%s is a layer, want > or a new line before it", quote(p.words(t.span)))
}

// unset lists the options that have not been set.
func (l *placedLayer) unset() []string {
	var names []string
	for i, f := range l.spec.fields {
		if _, ok := l.values[i]; !ok {
			names = append(names, f.name)
		}
	}
	return names
}

// option reads name=value; i is the field of that name, or -1.
func (p *parser) option(l *placedLayer, target reflect.Value, i int) error {
	name := p.next()
	p.next()
	if i >= 0 {
		return p.value(l, target, i, name.span)
	}
	word, names := p.words(name.span), l.spec.options()
	if guess := suggest.Question(word, names); guess != "" || len(names) == 0 {
		return p.errorAt(name.span, "%s has no option %s%s", l.spec.name, quote(word), guess)
	}
	return p.errorAt(name.span, "%s has no option %s, it has %s", l.spec.name, quote(word), strings.Join(names, ", "))
}

// value reads the value of field i. What names the field, or else the value, stands
// at place.
func (p *parser) value(l *placedLayer, target reflect.Value, i int, place span) error {
	f := &l.spec.fields[i]
	t := p.next()
	nested := f.value.nested()
	switch t.kind {
	case openToken:
		if f.value.kind == integersValue && p.accept(closeToken) {
			return p.assign(l, target, i, t, "", place)
		}
		if nested {
			return p.group(l, target, i, t)
		}
		return p.errorAt(t.span, "%s of %s is a layer in parentheses, want %s", f.label(), l.spec.name, f.value.hint())
	case wordToken, stringToken, jsonToken:
		if nested || t.kind == jsonToken && f.value.kind != jsonValue {
			return p.errorAt(t.span, "%s of %s is %s, want %s", f.label(), l.spec.name, quote(p.words(t.span)), f.value.hint())
		}
		return p.assign(l, target, i, t, p.plain(t, f), place)
	}
	return p.errorAt(t.span, "%s of %s is missing, want %s", f.label(), l.spec.name, f.value.hint())
}

// plain returns what a token stands for.
func (p *parser) plain(t token, f *field) string {
	word := p.words(t.span)
	if t.kind == stringToken && f.value.kind != jsonValue {
		return unquote(word)
	}
	return word
}

// assign sets field i to the value that a word stands for.
func (p *parser) assign(l *placedLayer, target reflect.Value, i int, t token, word string, place span) error {
	f := &l.spec.fields[i]
	if _, ok := l.values[i]; ok {
		return p.errorAt(place, "%s of %s is given twice", f.label(), l.spec.name)
	}
	l.values[i] = t.span
	if t.kind == openToken {
		f.value.empty(f.of(target))
		return nil
	}
	if err := f.value.set(f.of(target), word); err != nil {
		return p.refused(l, f, t, word, err)
	}
	return nil
}

// refused reports a word that does not stand for a value of the field.
func (p *parser) refused(l *placedLayer, f *field, t token, word string, err error) error {
	if f.value.kind != nameValue {
		return p.errorAt(t.span, "%s of %s %v", f.label(), l.spec.name, err)
	}
	if len(f.value.names) == 0 {
		return p.errorAt(t.span, "%s of %s: %v", f.label(), l.spec.name, err)
	}
	// A word in the place of a name may also be meant for an option.
	candidates := f.value.names
	for _, other := range l.spec.fields {
		if other.value.kind == flagValue {
			candidates = append(slices.Clip(candidates), other.name)
		}
	}
	if guess := suggest.Question(word, candidates); guess != "" {
		return p.errorAt(t.span, "unknown %s %s%s", f.label(), quote(word), guess)
	}
	if p.catalog.find(word) != nil {
		return p.missingArrow(t)
	}
	return p.errorAt(t.span, "unknown %s %s, want %s", f.label(), quote(word), f.value.hint())
}

// group reads the layers in parentheses, the first of which has been read, that are
// the value of field i.
func (p *parser) group(l *placedLayer, target reflect.Value, i int, open token) error {
	f := &l.spec.fields[i]
	if _, ok := l.values[i]; ok && f.value.kind != branchesValue {
		return p.errorAt(open.span, "%s of %s is given twice", f.label(), l.spec.name)
	}
	if p.depth++; p.depth > maxDepth {
		return p.errorAt(open.span, "there are more than %d parentheses within each other", maxDepth)
	}
	layers, err := p.inner(open)
	if err != nil {
		return err
	}
	p.depth--
	l.values[i] = span{open.start, p.tokens[p.at-1].end}
	to := f.value.element(f.of(target))
	if f.value.kind == layersValue {
		to.Set(reflect.ValueOf([]nn.Layer(layers.layers())).Convert(to.Type()))
		return nil
	}
	if f.value.kind == branchesValue {
		to.Set(reflect.Append(to, reflect.ValueOf([]nn.Layer(layers.layers())).Convert(to.Type().Elem())))
		return nil
	}
	switch {
	case len(layers) == 0:
		return p.errorAt(open.span, "%s of %s is missing, want %s", f.label(), l.spec.name, f.value.hint())
	case len(layers) > 1:
		return p.errorAt(layers[1].name, "%s wants one layer in parentheses, got %d", l.spec.name, len(layers))
	}
	inner := reflect.ValueOf(layers[0].layer)
	if !inner.Type().AssignableTo(to.Type()) {
		return p.errorAt(layers[0].name, "%s cannot hold %s", l.spec.name, layers[0].spec.name)
	}
	to.Set(inner)
	return nil
}

// inner reads layers up to the closing parenthesis.
func (p *parser) inner(open token) (placedLayers, error) {
	if p.skipNewlines(); p.accept(closeToken) {
		return nil, nil
	}
	layers, err := p.list()
	if err != nil {
		return nil, err
	}
	switch t := p.next(); t.kind {
	case closeToken:
		return layers, nil
	case barToken:
		return nil, p.errorAt(t.span, "| stands inside parentheses, or ( before it is never closed")
	}
	return nil, p.errorAt(open.span, "( is never closed")
}
