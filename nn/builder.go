package nn

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"hourglass/tensor"
)

// Composite is a layer made of layers. Instead of being bound to one stage it
// expands itself, as a compiler inlines a function: it adds other layers to the
// network and wires them.
//
//	func (l Twice) Expand(b *nn.Builder, in nn.Value) (nn.Value, error) {
//		first, err := b.Add("first", nn.Dense{Units: l.Units}, in)
//		if err != nil {
//			return 0, err
//		}
//		return b.Merge(nn.Add, in, first)
//	}
//
// A value may be read any number of times. Everything that layers can do they can do
// within a composite too, and composites nest.
type Composite interface {
	Layer
	// Expand adds the parts of the layer, which reads in, and returns what it makes.
	Expand(b *Builder, in Value) (Value, error)
}

// RefuseBind is what Bind of a [Composite] returns: only a network can bind several
// layers.
func RefuseBind(l Composite) (Stage, error) {
	return nil, fmt.Errorf("%s is made of several layers, want a single one here: wrap the layers in it instead", Kind(l))
}

// Value is what one stage writes and others read: a batch of samples of one shape. It
// means something only to the Builder it is from.
type Value int

// Builder is what a composite expands itself into.
type Builder struct {
	program *program
	row     int      // of the summary, which stages added here belong to; -1 for none
	path    []string // of names, within the layer of the list or the named one
	name    string   // of the layer with a name that stands around; "" for none
	depth   int      // layers around
	frozen  bool
	resting bool // in inference
	group   string
	rule    weightRule
}

// program is a network while it is being bound.
type program struct {
	*Network
	size   int              // weights so far
	copies []int            // of a sample, of each value in a training pass
	tapped map[string]Value // by name
	named  map[string]bool  // names of layers
	used   map[string]bool  // names of arrays
	layer  int              // position in the list of the layer that is being bound
}

// maxStages keeps what a network of composites within composites can grow to within
// the number that names a stage's random numbers.
const maxStages = 1 << 14

// Shape returns the shape of one sample of a value.
func (b *Builder) Shape(v Value) tensor.Shape { return b.program.shapes[v] }

// Add binds a layer to a value and returns what the layer makes of it. The name tells
// the composite's parts apart: parameters are stored as "name.kernel". It must not
// change once there are model files, nor may two parts have the same.
func (b *Builder) Add(name string, l Layer, in Value) (Value, error) {
	out, err := b.inside(name).add(l, in)
	if err != nil {
		return 0, fmt.Errorf("%s (%s) on input %v: %w", name, Kind(l), b.Shape(in), err)
	}
	return out, nil
}

// AddAll adds layers one after another, by the names "name.0", "name.1" and so on.
// What no layers make is what they are given.
func (b *Builder) AddAll(name string, layers []Layer, in Value) (out Value, err error) {
	for i, l := range layers {
		if in, err = b.Add(fmt.Sprintf("%s.%d", name, i), l, in); err != nil {
			return 0, err
		}
	}
	return in, nil
}

// AddStage adds a stage that is bound already, which belongs to the composite itself.
// One with several inputs finds them in Frame.Xs.
func (b *Builder) AddStage(s Stage, in ...Value) (Value, error) {
	bound, err := bindStage(s)
	if err != nil {
		return 0, err
	}
	return b.program.append(b, bound, in)
}

// Merge makes one value of several; one is what it is.
func (b *Builder) Merge(m Merge, in ...Value) (Value, error) {
	switch len(in) {
	case 0:
		return 0, fmt.Errorf("got nothing to %v", m)
	case 1:
		return in[0], nil
	}
	shapes := make([]tensor.Shape, len(in))
	for i, v := range in {
		shapes[i] = b.Shape(v)
	}
	s, err := m.bind(shapes)
	if err != nil {
		return 0, err
	}
	return b.AddStage(s, in...)
}

// Frozen returns a builder of parts of the same composite whose weights are not
// trained.
func (b *Builder) Frozen() *Builder {
	frozen := *b
	frozen.frozen = true
	return &frozen
}

// Tap remembers a value by a name, for Tapped to find it further on in the network,
// in whatever list or composite that is.
func (b *Builder) Tap(name string, v Value) error {
	if err := checkName(name); err != nil {
		return err
	}
	if _, ok := b.program.tapped[name]; ok {
		return fmt.Errorf("there is a tap %q already", name)
	}
	b.program.tapped[name], b.program.taps[v] = v, name
	return nil
}

// Tapped returns the value that was remembered by a name.
func (b *Builder) Tapped(name string) (Value, error) {
	v, ok := b.program.tapped[name]
	if !ok {
		return 0, fmt.Errorf("no tap %q stands in front of it", name)
	}
	return v, nil
}

// Regularized returns a builder of parts of the same composite whose kernels add
// l1·Σ|w| + l2·Σw² to the loss, and nothing else.
func (b *Builder) Regularized(l1, l2 float64) *Builder {
	regularized := *b
	regularized.rule = weightRule{l1, l2}
	return &regularized
}

// inside returns the builder of a part of b's layer.
func (b *Builder) inside(name string) *Builder {
	part := *b
	part.path = append(slices.Clip(b.path), name)
	part.depth++
	return &part
}

// add binds a layer that is a part already.
func (b *Builder) add(l Layer, in Value) (Value, error) {
	if l == nil {
		return 0, errors.New("got nil, want a layer")
	}
	if b.depth > maxDepth {
		return 0, fmt.Errorf("stands within more than %d layers", maxDepth)
	}
	if w, ok := l.(wrapper); ok {
		return w.wrap(b, in)
	}
	at := len(b.program.rows)
	b.program.rows = append(b.program.rows, summaryLine{layer: b.program.layer, of: l, name: b.lineName(), depth: b.lineDepth(),
		lo: len(b.program.ops)})
	part := *b
	part.row = at
	out, err := part.bind(l, in)
	if err != nil {
		return 0, err
	}
	line := &b.program.rows[at]
	line.output, line.hi = b.Shape(out), len(b.program.ops)
	return out, nil
}

// wrapper is a layer that only says something about the one inside of it, which stands
// for it in the summary.
type wrapper interface {
	wrap(b *Builder, in Value) (Value, error)
}

// bind adds the stages of a layer.
func (b *Builder) bind(l Layer, in Value) (Value, error) {
	if c, ok := l.(Composite); ok {
		out, err := c.Expand(b, in)
		if err == nil && !b.program.has(out) {
			return 0, fmt.Errorf("%s returned a value that is not of its network", Kind(l))
		}
		return out, err
	}
	bound, err := bind(l, b.Shape(in))
	if err != nil {
		return 0, err
	}
	return b.program.append(b, bound, []Value{in})
}

// lineName is the summary's name of the layer, if it has a name and is not a part.
func (b *Builder) lineName() string {
	if len(b.path) > 0 {
		return ""
	}
	return b.name
}

// lineDepth is how many lines of the summary stand around the layer's.
func (b *Builder) lineDepth() int {
	if b.row < 0 {
		return 0
	}
	return b.program.rows[b.row].depth + 1
}

// has reports whether v is a value of the network.
func (p *program) has(v Value) bool { return v >= 0 && int(v) < len(p.shapes) }

// append puts a stage at the program's end and lays out its weights.
func (p *program) append(b *Builder, s boundStage, in []Value) (Value, error) {
	if len(in) == 0 || slices.ContainsFunc(in, func(v Value) bool { return !p.has(v) }) {
		return 0, fmt.Errorf("%T is to read values %v, which are not of its network", s.Stage, in)
	}
	if len(p.ops) >= maxStages {
		return 0, fmt.Errorf("the network has more than %d stages", maxStages)
	}
	if r, ok := s.Stage.(LabelReader); ok && p.Classes() > 0 && r.Classes() != p.Classes() {
		return 0, fmt.Errorf("got labels of %d classes, but a layer in front has some of %d", r.Classes(), p.Classes())
	}
	in, err := p.alike(b, in)
	if err != nil {
		return 0, err
	}
	s.in = p.shapes[in[0]]
	if s.Weighs {
		if p.weighs >= 0 || p.copies[in[0]] > 1 {
			return 0, errors.New("copies of a sample already count by their weights, or there are copies of it already")
		}
		p.weighs = len(p.ops)
	}
	o := op{boundStage: s, inputs: in, layer: p.layer, name: b.name, path: strings.Join(b.path, "."), frozen: b.frozen, rule: b.rule,
		resting: b.resting, group: b.group}
	for _, param := range s.Params {
		if err := p.claim(&o, param.Name); err != nil {
			return 0, err
		}
		o.params = append(o.params, span{p.size, p.size + param.Shape.Size()})
		if p.size += param.Shape.Size(); p.size > maxWeights {
			return 0, fmt.Errorf("the network has more than %d weights", maxWeights)
		}
	}
	p.ops = append(p.ops, o)
	p.shapes = append(p.shapes, s.Output)
	p.copies = append(p.copies, s.copiesBehind(p.copies[in[0]]))
	return Value(len(p.ops)), nil
}

// alike returns the values with as many copies of a sample each: those with one are
// copied.
func (p *program) alike(b *Builder, in []Value) ([]Value, error) {
	most := 1
	for _, v := range in {
		most = max(most, p.copies[v])
	}
	in = slices.Clone(in)
	for i, v := range in {
		switch p.copies[v] {
		case most:
			continue
		case 1:
		default:
			return nil, fmt.Errorf("got values of %d and of %d copies of a sample, want as many", p.copies[v], most)
		}
		bound, err := bindStage(copyStage{p.shapes[v], most})
		if err != nil {
			return nil, err
		}
		if in[i], err = p.append(b, bound, []Value{v}); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// claim reports an array that would have the name of another.
func (p *program) claim(o *op, param string) error {
	name := fmt.Sprintf("%s.%d", o.name, p.layer)
	if o.name != "" {
		name = o.name
	}
	name += "." + o.arrayName(param)
	if p.used[name] {
		return fmt.Errorf("two arrays are called %s", o.arrayName(param))
	}
	p.used[name] = true
	return nil
}

// checkName reports a name that a layer cannot have: it must not be taken for a
// number, a path, or a word of an architecture in one line.
func checkName(name string) error {
	for i, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || !(r >= '0' && r <= '9' || r == '_' || r == '-')) {
			return fmt.Errorf("name is %q, want a letter and then letters, digits, _ and -", name)
		}
	}
	if name == "" {
		return errors.New(`name is "", want one such as "bottleneck"`)
	}
	return nil
}
