// Package pytorch writes autoencoders as PyTorch modules, the source of one and its state dict, and
// reads the weights of others from state dicts.
//
// A state dict is a list of named arrays. PyTorch keeps them in a zip file of its own
// (torch.save) or in a safetensors file; both are read, the second is written. Images have
// their channels first there, and so do the weights that follow them.
package pytorch

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"

	"hourglass"
	"hourglass/internal/atomicfile"
	"hourglass/tensor"
)

// Tensor is an entry of a state dict.
type Tensor struct {
	Name   string
	Shape  tensor.Shape
	Values []float32
}

// WriteFile writes a state dict to a file that ends in .safetensors, and beside it, in a
// file that ends in .py, the source of a module with the function load.
func WriteFile(path string, ae *hourglass.Autoencoder) error {
	base, ok := strings.CutSuffix(path, ".safetensors")
	if !ok {
		return fmt.Errorf("pytorch: write %s: want a name that ends in .safetensors; the module's source goes beside it, as .py", path)
	}
	m, err := translate(ae)
	if err != nil {
		return fmt.Errorf("pytorch: write %s: %w", path, err)
	}
	source := m.source(filepath.Base(path))
	if err := atomicfile.Write(path, func(w io.Writer) error { return writeState(w, m.state) }); err != nil {
		return fmt.Errorf("pytorch: write: %w", err)
	}
	err = atomicfile.Write(base+".py", func(w io.Writer) error {
		_, err := io.WriteString(w, source)
		return err
	})
	if err != nil {
		return fmt.Errorf("pytorch: write: %w", err)
	}
	return nil
}

// StateDict returns the weights of an autoencoder as PyTorch has them, in the order of the
// module that WriteFile writes.
func StateDict(ae *hourglass.Autoencoder) ([]Tensor, error) {
	m, err := translate(ae)
	if err != nil {
		return nil, fmt.Errorf("pytorch: %w", err)
	}
	return m.state, nil
}

// writeState writes tensors in the safetensors format.
func writeState(w io.Writer, state []Tensor) error {
	type entry struct {
		Type    string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets [2]int `json:"data_offsets"`
	}
	var header strings.Builder
	header.WriteString(`{"__metadata__":{"format":"pt"}`)
	at := 0
	for _, t := range state {
		end := at + 4*len(t.Values)
		text, err := json.Marshal(entry{"F32", append([]int{}, t.Shape...), [2]int{at, end}})
		if err != nil {
			return err
		}
		fmt.Fprintf(&header, ",%q:%s", t.Name, text)
		at = end
	}
	header.WriteString("}")
	for header.Len()%8 != 0 {
		header.WriteByte(' ')
	}
	out := binary.LittleEndian.AppendUint64(nil, uint64(header.Len()))
	out = append(out, header.String()...)
	if _, err := w.Write(out); err != nil {
		return err
	}
	for _, t := range state {
		raw := make([]byte, 0, 4*len(t.Values))
		for _, v := range t.Values {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
		}
		if _, err := w.Write(raw); err != nil {
			return err
		}
	}
	return nil
}

// source returns the module's source.
func (m *module) source(weights string) string {
	var b strings.Builder
	line := func(indent int, format string, args ...any) {
		text := strings.Repeat("    ", indent) + fmt.Sprintf(format, args...)
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	line(0, `"""An autoencoder that Hourglass has trained, for PyTorch.`)
	line(0, "")
	line(0, "Samples are %s; images have their channels first.", describe(m.input))
	if m.classes > 0 {
		line(0, "Labels are whole numbers from 0 to %d, one for each sample.", m.classes-1)
	}
	line(0, `"""`)
	line(0, "import os")
	line(0, "")
	line(0, "import torch")
	line(0, "import torch.nn as nn")
	line(0, "import torch.nn.functional as F")
	line(0, "")
	line(0, "")
	if m.resetBefore {
		b.WriteString(resetBeforeGRU)
	}
	line(0, "class Autoencoder(nn.Module):")
	line(1, "def __init__(self):")
	line(2, "super().__init__()")
	for _, l := range m.init {
		line(2, "%s", l)
	}
	with, hand, labels := strings.Join(append([]string{"x"}, m.skips...), ", "), "", ""
	if len(m.skips) > 0 { // encode returns a tuple: the codes, and what the decoder joins
		hand = "*"
	}
	if m.classes > 0 {
		labels = ", labels"
	}
	for _, part := range []struct {
		name, takes, gives string
		body               []string
	}{{"encode", "x", with, m.encode}, {"decode", with, "x", m.decode}} {
		line(0, "")
		line(1, "def %s(self, %s%s):", part.name, part.takes, labels)
		for _, l := range part.body {
			line(2, "%s", l)
		}
		line(2, "return %s", part.gives)
	}
	line(0, "")
	line(1, "def forward(self, x%s):", labels)
	line(2, "return self.decode(%sself.encode(x%s)%s)", hand, labels, labels)
	line(0, "")
	line(0, "")
	line(0, "def load(path=os.path.join(os.path.dirname(os.path.abspath(__file__)), %q)):", weights)
	line(1, `"""Returns the autoencoder with the weights in a .safetensors file."""`)
	line(1, "from safetensors.torch import load_file")
	line(1, "model = Autoencoder()")
	line(1, "model.load_state_dict(load_file(path))")
	line(1, "return model.eval()")
	return b.String()
}

// resetBeforeGRU is the source of a layer that PyTorch lacks.
const resetBeforeGRU = `class ResetBeforeGRU(nn.GRU):
    """A GRU whose reset gate acts in front of the product with the state, not behind it."""

    def forward(self, x):
        made, last = [], []
        for way in ["_l0", "_l0_reverse"][:1 + self.bidirectional]:
            gates = F.linear(x, getattr(self, "weight_ih" + way))
            if self.bias:
                gates = gates + getattr(self, "bias_ih" + way) + getattr(self, "bias_hh" + way)
            of_reset, of_update, of_new = getattr(self, "weight_hh" + way).chunk(3)
            h, states = x.new_zeros(x.shape[0], self.hidden_size), []
            for step in (gates.flip(1) if way.endswith("reverse") else gates).unbind(1):
                r, z, n = step.chunk(3, -1)
                r = torch.sigmoid(r + F.linear(h, of_reset))
                z = torch.sigmoid(z + F.linear(h, of_update))
                n = torch.tanh(n + F.linear(r * h, of_new))
                h = (1 - z) * n + z * h
                states.append(h)
            last.append(h)
            states = torch.stack(states, 1)
            made.append(states.flip(1) if way.endswith("reverse") else states)
        return torch.cat(made, -1), torch.stack(last)


`

// describe says the shape of a sample as the module takes it.
func describe(shape tensor.Shape) string {
	var axes []string
	for _, a := range outside(shape) {
		axes = append(axes, fmt.Sprint(a))
	}
	return "N × " + strings.Join(axes, " × ")
}

// outside returns a sample's shape with the channels of images first.
func outside(shape tensor.Shape) tensor.Shape {
	if len(shape) == 3 {
		return tensor.Shape{shape[2], shape[0], shape[1]}
	}
	return shape
}
