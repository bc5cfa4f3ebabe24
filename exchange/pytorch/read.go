package pytorch

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"

	"hourglass"
	"hourglass/nn"
	"hourglass/tensor"
)

// ReadFile reads the weights of an autoencoder of these layers from a state dict, in a file of
// torch.save or in a safetensors file. The layers must be those of the PyTorch module in its
// order; names do not matter.
func ReadFile(path string, encoder, decoder nn.Layers) (*hourglass.Autoencoder, error) {
	state, err := ReadState(path)
	if err != nil {
		return nil, err
	}
	ae, err := hourglass.New(encoder, decoder)
	if err != nil {
		return nil, fmt.Errorf("pytorch: read %s: %w", path, err)
	}
	if err := Fill(ae, state); err != nil {
		return nil, fmt.Errorf("pytorch: read %s: %w", path, err)
	}
	return ae, nil
}

// ReadState reads a state dict.
func ReadState(path string) ([]Tensor, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("pytorch: read: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("pytorch: read: %w", err)
	}
	var state []Tensor
	if strings.HasSuffix(strings.ToLower(path), ".safetensors") {
		state, err = readSafetensors(bufio.NewReader(f), info.Size())
	} else {
		state, err = load(f, info.Size())
	}
	if err != nil {
		return nil, fmt.Errorf("pytorch: read %s: %w", path, err)
	}
	return state, nil
}

// Fill gives an autoencoder the weights of a state dict.
//
// What becomes of every weight is found by numbering those of the autoencoder and looking
// where StateDict puts the numbers: so reading is the inverse of writing whatever the layers
// do to the order of axes.
func Fill(ae *hourglass.Autoencoder, state []Tensor) error {
	// Counters of batches are whole numbers that no layer has.
	state = slices.DeleteFunc(slices.Clone(state), func(t Tensor) bool { return strings.HasSuffix(t.Name, "num_batches_tracked") })
	weights := ae.Network().Weights()
	kept := slices.Clone(weights)
	low, err := numbered(ae, func(i int) float32 { return float32(i&4095 + 1) })
	if err != nil {
		copy(weights, kept)
		return err
	}
	high, err := numbered(ae, func(i int) float32 { return float32(i>>12 + 1) })
	copy(weights, kept)
	if err != nil {
		return err
	}
	if !sameShapes(low, state) {
		// safetensors of other programs are sorted by name, which is no module's order.
		if sorted := inModuleOrder(state); sameShapes(low, sorted) {
			state = sorted
		}
	}
	if len(low) != len(state) {
		return fmt.Errorf("it has %d tensors, want %d for these layers: %s", len(state), len(low), names(low))
	}
	filled := make([]bool, len(weights)) // others, of layers that a state dict does without, stay as they are
	for k, want := range low {
		got := state[k]
		if !got.Shape.Equal(want.Shape) {
			copy(weights, kept)
			return fmt.Errorf("tensor %d, %.80q, has shape %v, want %v for %s", k, got.Name, got.Shape, want.Shape, want.Name)
		}
		for i := range want.Values {
			if place := int(want.Values[i]) - 1; place < 0 {
				if sum := biasPlace(low, high, k, i); sum >= 0 {
					weights[sum] += got.Values[i] // of two biases there is the sum
				}
			} else if place += int(high[k].Values[i]-1) << 12; filled[place] && math.Float32bits(weights[place]) != math.Float32bits(got.Values[i]) {
				copy(weights, kept)
				return fmt.Errorf("tensor %d, %.80q, has other values than the one that these layers tie it to", k, got.Name)
			} else {
				weights[place], filled[place] = got.Values[i], true
			}
		}
	}
	return nil
}

// sameShapes reports whether two state dicts are alike but for names and values.
func sameShapes(a, b []Tensor) bool {
	return slices.EqualFunc(a, b, func(x, y Tensor) bool { return x.Shape.Equal(y.Shape) })
}

// inModuleOrder sorts a state dict as modules usually have it: the encoder in front of the
// decoder, layers by their numbers, and of each layer weights, biases and statistics.
func inModuleOrder(state []Tensor) []Tensor {
	sorted := slices.Clone(state)
	slices.SortStableFunc(sorted, func(a, b Tensor) int { return slices.Compare(orderKey(a.Name), orderKey(b.Name)) })
	return sorted
}

// orderKey returns texts by which names sort in a module's order.
func orderKey(name string) []string {
	var key []string
	parts := strings.FieldsFunc(name, func(r rune) bool {
		return r == '.' || r == '_' && !strings.Contains(name, "_ih") && !strings.Contains(name, "_hh")
	})
	for _, p := range parts {
		switch {
		case strings.HasPrefix(p, "enc"):
			p = "0" + p
		case strings.HasPrefix(p, "dec"):
			p = "2" + p
		case p != "" && p[0] >= '0' && p[0] <= '9':
			p = fmt.Sprintf("1%08s", p)
		default:
			p = "1" + p
		}
		key = append(key, p)
	}
	for rank, begin := range []string{"weight_ih", "weight_hh", "weight", "bias_ih", "bias_hh", "bias"} {
		if last := len(key) - 1; last >= 0 && strings.HasPrefix(key[last], "1"+begin) {
			reverse := strings.HasSuffix(key[last], "_reverse")
			key[last] = fmt.Sprint(map[bool]int{true: 1}[reverse], rank)
			break
		}
	}
	return key
}

// numbered returns the state dict of an autoencoder whose weights are numbers.
func numbered(ae *hourglass.Autoencoder, number func(i int) float32) ([]Tensor, error) {
	for i := range ae.Network().Weights() {
		ae.Network().Weights()[i] = number(i)
	}
	state, err := StateDict(ae)
	state = slices.DeleteFunc(state, func(t Tensor) bool {
		return strings.HasSuffix(t.Name, "num_batches_tracked") || t.Name == "offset" || t.Name == "scale"
	})
	return state, err
}

// biasPlace returns the weight that the second bias of a recurrent layer is added to: that of
// the first, which stands in front of it. It returns -1 for what has none.
func biasPlace(low, high []Tensor, k, i int) int {
	if k == 0 || !strings.Contains(low[k].Name, ".bias_hh") || !low[k-1].Shape.Equal(low[k].Shape) {
		return -1
	}
	return int(low[k-1].Values[i]) - 1 + int(high[k-1].Values[i]-1)<<12
}

// names lists tensors with their shapes.
func names(state []Tensor) string {
	var list []string
	for _, t := range state {
		list = append(list, fmt.Sprintf("%s %v", t.Name, t.Shape))
	}
	return strings.Join(list, ", ")
}

// readSafetensors reads a safetensors file of any program.
func readSafetensors(r io.Reader, size int64) ([]Tensor, error) {
	const maxHeader = 16 << 20
	var length [8]byte
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, errors.New("not a safetensors file: shorter than 8 bytes")
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxHeader || int64(n) > size {
		return nil, fmt.Errorf("not a safetensors file: header of %d bytes", n)
	}
	header := make([]byte, n)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, errors.New("the header is cut off")
	}
	entries, err := orderedEntries(header)
	if err != nil {
		return nil, err
	}
	data := make([]byte, size-8-int64(n))
	if _, err := io.ReadFull(r, data); err != nil {
		return nil, errors.New("the values are cut off")
	}
	var state []Tensor
	left := len(data) // tensors do not share bytes, so that a file takes no more memory than it has
	for _, e := range entries {
		kind, ok := safetensorsTypes[e.Type]
		if !ok {
			return nil, fmt.Errorf("tensor %.80q has type %.20q, want F32, F64, F16, BF16 or I64", e.name, e.Type)
		}
		width := storageTypes[kind].width
		shape := tensor.Shape(e.Shape)
		if len(shape) > 0 {
			if err := shape.Validate(); err != nil {
				return nil, fmt.Errorf("tensor %.80q: %w", e.name, err)
			}
		}
		if len(e.Offsets) != 2 || e.Offsets[0] < 0 || e.Offsets[1] > len(data) || e.Offsets[1]-e.Offsets[0] != width*shape.Size() {
			return nil, fmt.Errorf("tensor %.80q: data_offsets are %v, want %d bytes of %d", e.name, e.Offsets, width*shape.Size(), len(data))
		}
		if left -= width * shape.Size(); left < 0 {
			return nil, fmt.Errorf("tensor %.80q has values that another has, too: data_offsets are %v", e.name, e.Offsets)
		}
		t := Tensor{Name: e.name, Shape: shape}
		for b := data[e.Offsets[0]:e.Offsets[1]]; len(b) > 0; b = b[width:] {
			t.Values = append(t.Values, storageTypes[kind].value(b))
		}
		state = append(state, t)
	}
	return state, nil
}

// safetensorsTypes are PyTorch's storages for the types of safetensors.
var safetensorsTypes = map[string]string{"F32": "FloatStorage", "F64": "DoubleStorage", "F16": "HalfStorage", "BF16": "BFloat16Storage", "I64": "LongStorage"}

// entry is a tensor in the header.
type entry struct {
	name    string
	Type    string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets []int  `json:"data_offsets"`
}

// orderedEntries returns the tensors of a header in the order they stand in, which is that
// of the module where PyTorch or this program wrote it.
func orderedEntries(header []byte) ([]entry, error) {
	d := json.NewDecoder(strings.NewReader(string(header)))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("the header is no JSON object")
	}
	var list []entry
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, errors.New("the header is no JSON object")
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, fmt.Errorf("tensor %.80q: %w", name, err)
		}
		if name == "__metadata__" {
			continue
		}
		e := entry{name: name}
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, fmt.Errorf("tensor %.80q: %w", name, err)
		}
		list = append(list, e)
	}
	return list, nil
}
