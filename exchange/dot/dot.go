// Package dot writes the picture of a network in the language of Graphviz
// (https://graphviz.org): a box for every layer with the shape it makes, the encoder above
// the decoder, branches beside each other.
package dot

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"hourglass"
	"hourglass/exchange"
	"hourglass/internal/atomicfile"
	"hourglass/nn"
	"hourglass/tensor"
)

// WriteFile writes the picture to a file, whole or not at all.
func WriteFile(path string, ae *hourglass.Autoencoder) error {
	err := atomicfile.Write(path, func(w io.Writer) error { return Write(w, ae) })
	if err != nil {
		return fmt.Errorf("dot: write %s: %w", path, err)
	}
	return nil
}

// Write writes the picture. The same network gives the same text.
func Write(w io.Writer, ae *hourglass.Autoencoder) error {
	blocks, err := exchange.Blocks(ae, exchange.Whole)
	if err != nil {
		return err
	}
	g := &graph{out: bufio.NewWriter(w), taps: map[string]string{}}
	g.line(0, "digraph autoencoder {")
	g.line(1, `node [shape=box, style="rounded,filled", fillcolor=white, fontname="Helvetica", fontsize=11];`)
	g.line(1, `edge [fontname="Helvetica", fontsize=10, color="#555555"];`)
	end := point{"samples", ae.Encoder().Input()}
	g.line(1, `samples [label="samples", shape=plain, style=""];`)
	for _, part := range []exchange.Part{exchange.Encoder, exchange.Decoder} {
		g.line(1, "subgraph cluster_%s {", part)
		g.line(2, `label="%s"; style=rounded; color="%s"; bgcolor="%s"; fontname="Helvetica";`, part, colours[part][0], colours[part][1])
		var of []exchange.Block
		for _, b := range blocks {
			if strings.HasPrefix(b.Name, string(part)) {
				of = append(of, b)
			}
		}
		end, err = g.chain(of, end, 2)
		if err != nil {
			return err
		}
		g.line(1, "}")
		g.flush()
	}
	g.line(1, `reconstruction [label="reconstruction", shape=plain, style=""];`)
	g.edge(end, "reconstruction")
	g.flush()
	g.line(0, "}")
	return g.out.Flush()
}

// colours of border and background.
var colours = map[exchange.Part][2]string{exchange.Encoder: {"#4477aa", "#eef3f8"}, exchange.Decoder: {"#aa7744", "#f8f3ee"}}

// graph is a picture that is being written.
type graph struct {
	out   *bufio.Writer
	edges []string // that stand outside of the boxes they connect
	count int
	taps  map[string]string
}

// point is a node, and the shape of what comes out of it.
type point struct {
	node  string
	shape tensor.Shape
}

func (g *graph) line(indent int, format string, args ...any) {
	fmt.Fprintf(g.out, strings.Repeat("  ", indent)+format+"\n", args...)
}

// edge notes an arrow with the shape of what goes along it.
func (g *graph) edge(from point, to string) {
	g.edges = append(g.edges, fmt.Sprintf("%s -> %s [label=%q];", from.node, to, " "+from.shape.String()))
}

// flush writes the arrows noted so far.
func (g *graph) flush() {
	for _, e := range g.edges {
		g.line(1, "%s", e)
	}
	g.edges = nil
}

// node writes a box.
func (g *graph) node(indent int, format string, args ...any) string {
	g.count++
	name := fmt.Sprintf("layer%d", g.count)
	g.line(indent, "%s [label=%q];", name, fmt.Sprintf(format, args...))
	return name
}

// chain writes layers, one after another.
func (g *graph) chain(blocks []exchange.Block, from point, indent int) (point, error) {
	for _, b := range blocks {
		var err error
		if from, err = g.layer(b, from, indent); err != nil {
			return from, err
		}
	}
	return from, nil
}

// layer writes a layer; those made of layers become branches that meet again.
func (g *graph) layer(b exchange.Block, from point, indent int) (point, error) {
	switch l := b.Layer.(type) {
	case nn.Residual:
		return g.branches(b, from, "+", []string{"projection", "layers"}, []nn.Layers{l.Projection, l.Layers}, indent)
	case nn.Parallel:
		var names []string
		for i := range l.Branches {
			names = append(names, fmt.Sprintf("branches.%d", i))
		}
		return g.branches(b, from, symbols[l.Merge], names, l.Branches, indent)
	case nn.Tap:
		g.taps[l.Name] = from.node
		g.taps[l.Name+" "] = from.shape.String()
		return from, nil
	case nn.Join:
		node := g.node(indent, "%s", symbols[l.Merge])
		g.edge(from, node)
		if tapped, ok := g.taps[l.Name]; ok {
			g.edges = append(g.edges, fmt.Sprintf("%s -> %s [label=%q, style=dashed, constraint=false];", tapped, node, " "+g.taps[l.Name+" "]))
		}
		return point{node, b.Out}, nil
	case nn.Named:
		inner, err := b.Named(l)
		if err != nil {
			return from, err
		}
		return g.layer(inner, from, indent)
	}
	node := g.node(indent, "%s", describe(b))
	g.edge(from, node)
	return point{node, b.Out}, nil
}

// symbols of how branches meet.
var symbols = map[nn.Merge]string{nn.Concatenate: "concatenate", nn.Add: "+", nn.Multiply: "×"}

func (g *graph) branches(b exchange.Block, from point, symbol string, names []string, lists []nn.Layers, indent int) (point, error) {
	var ends []point
	for i, layers := range lists {
		blocks, err := b.List(names[i], layers, b.In)
		if err != nil {
			return from, err
		}
		end, err := g.chain(blocks, from, indent)
		if err != nil {
			return from, err
		}
		ends = append(ends, end)
	}
	node := g.node(indent, "%s", symbol)
	for _, end := range ends {
		g.edge(end, node)
	}
	return point{node, b.Out}, nil
}

// describe says a layer in its box: its kind, and how many weights it has.
func describe(b exchange.Block) string {
	text := b.Kind()
	if l, ok := b.Layer.(nn.Activation); ok {
		text = l.Func.String()
	}
	if n := b.Weights(); n > 0 {
		text += fmt.Sprintf("\n%d weights", n)
	}
	return text
}
