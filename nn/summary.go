package nn

import (
	"fmt"
	"strconv"
	"strings"

	"hourglass/tensor"
)

// summaryColumns are the summary's columns, those of Keras: where each ends, and
// how much of a cell fits into one line of it.
var summaryColumns = [3]struct{ end, fits int }{{29, 27}, {55, 23}, {65, 10}}

// LayerInfo is one line of a network's summary.
type LayerInfo struct {
	Name       string       `json:"name"`  // "dense_1", numbered as Keras does, or the layer's own
	Layer      string       `json:"layer"` // "Dense"
	Output     tensor.Shape `json:"output"`
	Parameters int          `json:"parameters"`       // those of its parts included
	Frozen     bool         `json:"frozen,omitempty"` // none of them is trained
	Depth      int          `json:"depth,omitempty"`  // how many composites it is a part of; they come before their parts

	Of Layer `json:"-"` // the layer itself
}

// summaryLine is a layer in the order of a summary.
type summaryLine struct {
	layer  int // position in the list
	of     Layer
	name   string // its own, or ""
	depth  int
	output tensor.Shape
	lo, hi int // stages
}

// Table lists the layers, their output shapes and numbers of parameters, each
// composite followed by its parts. The parameters of lines of depth 0 add up to all.
func (n *Network) Table() []LayerInfo {
	var table []LayerInfo
	counts := map[string]int{}
	for _, r := range n.rows {
		kind := Kind(r.of)
		if kind == "Input" {
			continue
		}
		info := LayerInfo{Name: r.name, Layer: kind, Output: r.output, Depth: r.depth, Of: r.of}
		if info.Name == "" {
			info.Name = numberedName(kind, counts)
		}
		trained := 0
		for i := r.lo; i < r.hi; i++ {
			info.Parameters += n.ops[i].paramCount()
			trained += n.ops[i].paramCount() - n.ops[i].frozenCount()
		}
		info.Frozen = info.Parameters > 0 && trained == 0
		table = append(table, info)
	}
	return table
}

// Summary lists the layers as Keras' model.summary() does: name and type, output
// shape with None for the batch, number of parameters, and their total. The table
// is that of Keras 2.13 to 2.15 without blanks at the ends of lines; the totals are
// those of Keras 3, which separates thousands. Parts of composites are marked by a
// bar for each layer around them.
func (n *Network) Summary(title string) string {
	var b strings.Builder
	line := func(s string) { b.WriteString(s + "\n") }
	width := summaryColumns[len(summaryColumns)-1].end
	line(fmt.Sprintf("Model: %q", title))
	line(strings.Repeat("_", width))
	line(summaryRow(" Layer (type)", "Output Shape", "Param #"))
	line(strings.Repeat("=", width))
	for _, l := range n.Table() {
		line(summaryRow(strings.Repeat(" |", l.Depth)+fmt.Sprintf(" %s (%s)", l.Name, l.Layer), kerasShape(l.Output), strconv.Itoa(l.Parameters)))
		line("")
	}
	line(strings.Repeat("=", width))
	count := func(what string, weights int) {
		line(fmt.Sprintf("%s params: %s (%s)", what, thousands(weights), byteSize(4*int64(weights))))
	}
	frozen := n.frozenCount()
	count("Total", len(n.weights))
	count("Trainable", len(n.weights)-frozen)
	count("Non-trainable", frozen)
	line(strings.Repeat("_", width))
	return b.String()
}

// summaryRow lays cells out in columns; what does not fit goes on in the next
// line, in the first column after a blank.
func summaryRow(cells ...string) string {
	var lines []string
	for rest := true; rest; {
		rest = false
		line := ""
		for i, cell := range cells {
			fits := min(summaryColumns[i].fits, len(cell))
			line += fmt.Sprintf("%-*s", summaryColumns[i].end-len(line), cell[:fits])
			cells[i] = cell[fits:]
			rest = rest || cells[i] != ""
		}
		if cells[0] != "" {
			cells[0] = " " + cells[0]
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return strings.Join(lines, "\n")
}

func (s *boundStage) paramCount() int {
	count := 0
	for _, p := range s.Params {
		count += p.Shape.Size()
	}
	return count
}

// frozenCount returns how many weights of the stage the optimiser does not change.
func (o *op) frozenCount() int {
	if o.frozen {
		return o.paramCount()
	}
	count := 0
	for _, p := range o.Params {
		if p.Frozen {
			count += p.Shape.Size()
		}
	}
	return count
}

// frozenCount returns how many weights the optimiser does not change.
func (n *Network) frozenCount() int {
	count := 0
	for i := range n.ops {
		count += n.ops[i].frozenCount()
	}
	return count
}

// numberedName returns Keras' automatic name: dense, dense_1, dense_2, …
func numberedName(kind string, counts map[string]int) string {
	name := snakeCase(kind)
	count := counts[name]
	counts[name]++
	if count == 0 {
		return name
	}
	return fmt.Sprintf("%s_%d", name, count)
}

// snakeCase writes Conv2DTranspose as conv2d_transpose, SimpleRNN as simple_rnn and
// GaussianNoise as gaussian_noise.
func snakeCase(kind string) string {
	var b strings.Builder
	for i, r := range kind {
		upper := r >= 'A' && r <= 'Z'
		// A capital starts a word if a lower-case letter follows it or comes before.
		if upper && i > 0 && (isLower(kind, i+1) || isLower(kind, i-1)) {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToLower(b.String())
}

// isLower tells whether s has a lower-case letter at i.
func isLower(s string, i int) bool { return i < len(s) && s[i] >= 'a' && s[i] <= 'z' }

// kerasShape writes a sample's shape as Keras prints that of a batch:
// (None, 28, 28).
func kerasShape(s tensor.Shape) string {
	axes := []string{"None"}
	for _, d := range s {
		axes = append(axes, strconv.Itoa(d))
	}
	return "(" + strings.Join(axes, ", ") + ")"
}

// thousands writes 23296 as 23,296.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// byteSize writes a number of bytes in binary units: 91.00 KB.
func byteSize(n int64) string {
	size, units := float64(n), []string{"B", "KB", "MB", "GB"}
	for size >= 1024 && len(units) > 1 {
		size, units = size/1024, units[1:]
	}
	return fmt.Sprintf("%.2f %s", size, units[0])
}
