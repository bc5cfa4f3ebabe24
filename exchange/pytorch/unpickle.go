package pytorch

import (
	"archive/zip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"strings"

	"hourglass/tensor"
)

// Bounds of what a pickle may ask for.
const (
	maxPickle  = 16 << 20  // bytes
	maxStack   = 1 << 20   // values
	maxStorage = 1<<31 - 1 // bytes of one storage
)

// unpickler runs the program in a pickle (https://docs.python.org/3/library/pickletools.html) with
// what a state dict needs of it. It builds numbers, texts, lists, dictionaries and tensors
// and nothing else: whatever class or function a pickle names beside those that PyTorch
// rebuilds tensors with is an error, and none is ever called.
type unpickler struct {
	code  []byte
	stack []any
	marks []int
	memo  map[int]any
	files map[string]*zip.File // storages by key
	root  string               // of the files' names
}

// What a pickle can hold, beside bool, int, float64, string and nil.
type (
	pyTuple  []any
	pyList   struct{ items []any }
	pyDict   struct{ keys, values []any }
	pyGlobal string   // the name of a class or function
	storage  struct { // of a tensor's values
		kind, key string
		size      int
	}
	strided struct { // a tensor
		storage        storage
		offset         int
		shape, strides []int
	}
	object struct{} // an instance of a class that was not looked at
)

var errShort = errors.New("it ends within a value")

// load returns the state dict in a file of torch.save.
func load(r io.ReaderAt, size int64) ([]Tensor, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, errors.New("not a file of torch.save since PyTorch 1.6, which is a zip file")
	}
	u := &unpickler{memo: map[int]any{}, files: map[string]*zip.File{}}
	for _, f := range z.File {
		dir, name := path.Split(f.Name)
		if name == "data.pkl" && u.code == nil {
			u.root = dir
			if u.code, err = readZip(f, maxPickle); err != nil {
				return nil, fmt.Errorf("data.pkl: %w", err)
			}
		}
		u.files[f.Name] = f
	}
	if u.code == nil {
		return nil, errors.New("not a file of torch.save: it has no data.pkl")
	}
	if f := u.files[u.root+"byteorder"]; f != nil {
		if order, err := readZip(f, 16); err != nil || string(order) != "little" {
			return nil, fmt.Errorf("byteorder is %q, want little", order)
		}
	}
	v, err := u.run()
	if err != nil {
		return nil, fmt.Errorf("data.pkl: %w", err)
	}
	return u.stateDict(v)
}

// readZip returns a file's content.
func readZip(f *zip.File, most int64) ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	raw, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(raw)) > most {
		err = fmt.Errorf("more than %d bytes", most)
	}
	return raw, err
}

// take returns the next n bytes.
func (u *unpickler) take(n int) ([]byte, error) {
	if n < 0 || n > len(u.code) {
		return nil, errShort
	}
	b := u.code[:n]
	u.code = u.code[n:]
	return b, nil
}

// text returns the next line.
func (u *unpickler) text() (string, error) {
	line, _, ok := strings.Cut(string(u.code[:min(len(u.code), 1<<12)]), "\n")
	if !ok {
		return "", errShort
	}
	u.code = u.code[len(line)+1:]
	return line, nil
}

func (u *unpickler) push(v any) { u.stack = append(u.stack, v) }

func (u *unpickler) pop() (any, error) {
	low := 0
	if len(u.marks) > 0 {
		low = u.marks[len(u.marks)-1]
	}
	if len(u.stack) <= low {
		return nil, errors.New("it takes a value that is not there")
	}
	v := u.stack[len(u.stack)-1]
	u.stack = u.stack[:len(u.stack)-1]
	return v, nil
}

// popMark returns the values since the last mark.
func (u *unpickler) popMark() ([]any, error) {
	if len(u.marks) == 0 {
		return nil, errors.New("it goes back to a mark that is not there")
	}
	at := u.marks[len(u.marks)-1]
	u.marks = u.marks[:len(u.marks)-1]
	items := append([]any{}, u.stack[at:]...)
	u.stack = u.stack[:at]
	return items, nil
}

// run runs the program and returns what it leaves.
func (u *unpickler) run() (any, error) {
	for {
		b, err := u.take(1)
		if err != nil {
			return nil, err
		}
		if b[0] == '.' {
			return u.pop()
		}
		if err := u.step(b[0]); err != nil {
			return nil, err
		}
		if len(u.stack) > maxStack || len(u.memo) > maxStack {
			return nil, fmt.Errorf("more than %d values", maxStack)
		}
	}
}

// number returns the next n bytes as a whole number.
func (u *unpickler) number(n int) (int, error) {
	b, err := u.take(n)
	if err != nil {
		return 0, err
	}
	v := 0
	for i := n - 1; i >= 0; i-- {
		v = v<<8 | int(b[i])
	}
	return v, nil
}

// step runs one instruction.
func (u *unpickler) step(op byte) error {
	switch op {
	case 0x80: // protocol
		_, err := u.take(1)
		return err
	case 0x95: // frame
		_, err := u.take(8)
		return err
	case '(':
		if len(u.marks) > maxStack {
			return fmt.Errorf("more than %d marks", maxStack)
		}
		u.marks = append(u.marks, len(u.stack))
	case '}':
		u.push(&pyDict{})
	case ']':
		u.push(&pyList{})
	case ')':
		u.push(pyTuple{})
	case 'N':
		u.push(nil)
	case 0x88:
		u.push(true)
	case 0x89:
		u.push(false)
	case 'K', 'M', 'J', 0x8a:
		return u.whole(op)
	case 'G':
		b, err := u.take(8)
		if err != nil {
			return err
		}
		u.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
	case 'X', 0x8c:
		return u.string(map[byte]int{'X': 4, 0x8c: 1}[op])
	case 'c', 0x93:
		return u.global(op)
	case 't':
		items, err := u.popMark()
		u.push(pyTuple(items))
		return err
	case 0x85, 0x86, 0x87:
		return u.tuple(int(op) - 0x84)
	case 'q', 'r', 0x94, 'h', 'j':
		return u.memory(op)
	case 's', 'u', 'e', 'a':
		return u.fill(op)
	case 'Q':
		return u.persistent()
	case 'R', 0x81:
		return u.reduce()
	case 'b':
		_, err := u.pop() // the state of an object, which is not looked at
		return err
	case '0':
		_, err := u.pop()
		return err
	default:
		return fmt.Errorf("it has the instruction 0x%02x, which a state dict has no need of; save model.state_dict()", op)
	}
	return nil
}

func (u *unpickler) whole(op byte) error {
	width := map[byte]int{'K': 1, 'M': 2, 'J': 4}[op]
	if op == 0x8a {
		n, err := u.number(1)
		if err != nil {
			return err
		}
		if n > 4 {
			if _, err := u.take(n); err != nil {
				return err
			}
			u.push(math.MaxInt32) // larger than anything that is looked at
			return nil
		}
		width = n
	}
	v, err := u.number(width)
	if err != nil {
		return err
	}
	if width > 0 && op != 'K' && op != 'M' {
		v = int(int32(uint32(v)<<(32-8*width)) >> (32 - 8*width)) // with its sign
	}
	u.push(v)
	return nil
}

func (u *unpickler) string(width int) error {
	n, err := u.number(width)
	if err != nil {
		return err
	}
	b, err := u.take(n)
	if err != nil {
		return err
	}
	u.push(string(b))
	return nil
}

// global notes the name of a class or function.
func (u *unpickler) global(op byte) error {
	if op == 'c' {
		module, err := u.text()
		if err != nil {
			return err
		}
		name, err := u.text()
		if err != nil {
			return err
		}
		u.push(pyGlobal(module + "." + name))
		return nil
	}
	name, err := u.pop()
	if err != nil {
		return err
	}
	module, err := u.pop()
	if err != nil {
		return err
	}
	u.push(pyGlobal(fmt.Sprint(module, ".", name)))
	return nil
}

func (u *unpickler) tuple(n int) error {
	items := make(pyTuple, n)
	for i := n - 1; i >= 0; i-- {
		var err error
		if items[i], err = u.pop(); err != nil {
			return err
		}
	}
	u.push(items)
	return nil
}

// memory notes the last value, or takes one that was noted.
func (u *unpickler) memory(op byte) error {
	key := len(u.memo)
	if op != 0x94 {
		var err error
		if key, err = u.number(map[byte]int{'q': 1, 'h': 1, 'r': 4, 'j': 4}[op]); err != nil {
			return err
		}
	}
	if op == 'h' || op == 'j' {
		v, ok := u.memo[key]
		if !ok {
			return fmt.Errorf("it takes value %d, which was not noted", key)
		}
		u.push(v)
		return nil
	}
	if len(u.stack) == 0 {
		return errors.New("it notes a value that is not there")
	}
	u.memo[key] = u.stack[len(u.stack)-1]
	return nil
}

// fill puts values into a dictionary or a list.
func (u *unpickler) fill(op byte) error {
	var items []any
	var err error
	switch op {
	case 'u', 'e':
		items, err = u.popMark()
	case 's':
		items = make([]any, 2)
		if items[1], err = u.pop(); err == nil {
			items[0], err = u.pop()
		}
	case 'a':
		items = make([]any, 1)
		items[0], err = u.pop()
	}
	if err != nil {
		return err
	}
	if len(u.stack) == 0 {
		return errors.New("it fills a value that is not there")
	}
	switch v := u.stack[len(u.stack)-1].(type) {
	case *pyDict:
		if op == 'e' || op == 'a' || len(items)%2 != 0 {
			return errors.New("it fills a dictionary with something else than pairs")
		}
		for i := 0; i < len(items); i += 2 {
			v.keys, v.values = append(v.keys, items[i]), append(v.values, items[i+1])
		}
	case *pyList:
		v.items = append(v.items, items...)
	case object:
	default:
		return errors.New("it fills something that is neither a dictionary nor a list")
	}
	return nil
}

// persistent turns ("storage", class, key, place, size) into a storage.
func (u *unpickler) persistent() error {
	v, err := u.pop()
	if err != nil {
		return err
	}
	t, ok := v.(pyTuple)
	if !ok || len(t) != 5 {
		return errors.New("it names a storage in another way than PyTorch")
	}
	kind, ok1 := t[1].(pyGlobal)
	key, ok2 := t[2].(string)
	size, ok3 := t[4].(int)
	if !ok1 || !ok2 || !ok3 || size < 0 {
		return errors.New("it names a storage in another way than PyTorch")
	}
	u.push(storage{strings.TrimPrefix(string(kind), "torch."), key, size})
	return nil
}

// reduce is where Python would call a function. Those that are known are stood in for.
func (u *unpickler) reduce() error {
	args, err := u.pop()
	if err != nil {
		return err
	}
	f, err := u.pop()
	if err != nil {
		return err
	}
	t, ok := args.(pyTuple)
	name, isGlobal := f.(pyGlobal)
	if !ok || !isGlobal {
		return errors.New("it calls something that has no name")
	}
	switch name {
	case "collections.OrderedDict":
		u.push(&pyDict{})
	case "torch._utils._rebuild_tensor_v2":
		v, err := rebuild(t)
		if err != nil {
			return err
		}
		u.push(v)
	case "torch._utils._rebuild_parameter":
		if len(t) == 0 {
			return errors.New("a parameter without a tensor")
		}
		u.push(t[0])
	case "torch.Size":
		u.push(object{})
	default:
		return fmt.Errorf("it calls %.80q; this reader calls nothing, and takes state dicts only: torch.save(model.state_dict(), path)", string(name))
	}
	return nil
}

// rebuild returns a tensor of (storage, offset, shape, strides, …).
func rebuild(t pyTuple) (strided, error) {
	bad := errors.New("a tensor that is described in another way than PyTorch's")
	if len(t) < 4 {
		return strided{}, bad
	}
	s, ok1 := t[0].(storage)
	offset, ok2 := t[1].(int)
	shape, ok3 := wholes(t[2])
	strides, ok4 := wholes(t[3])
	if !ok1 || !ok2 || !ok3 || !ok4 || len(shape) != len(strides) || offset < 0 {
		return strided{}, bad
	}
	return strided{s, offset, shape, strides}, nil
}

func wholes(v any) ([]int, bool) {
	t, ok := v.(pyTuple)
	list := make([]int, len(t))
	for i, x := range t {
		n, isInt := x.(int)
		ok = ok && isInt && n >= 0
		list[i] = n
	}
	return list, ok
}

// stateDict returns the tensors of a dictionary, or of the one in a checkpoint's dictionary
// that is called state_dict, model_state_dict or model.
func (u *unpickler) stateDict(v any) ([]Tensor, error) {
	d, ok := v.(*pyDict)
	if !ok {
		return nil, errors.New("it has no dictionary; save model.state_dict()")
	}
	for i, key := range d.keys {
		if inner, ok := d.values[i].(*pyDict); ok && (key == "state_dict" || key == "model_state_dict" || key == "model") {
			d = inner
			break
		}
	}
	var state []Tensor
	total := 0
	for i, key := range d.keys {
		name, ok := key.(string)
		s, isTensor := d.values[i].(strided)
		if !ok || !isTensor {
			return nil, fmt.Errorf("entry %.80v is no tensor; save model.state_dict()", key)
		}
		t, err := u.values(name, s)
		if err != nil {
			return nil, fmt.Errorf("tensor %.80q: %w", name, err)
		}
		if total += len(t.Values); total > maxStorage/4 {
			return nil, fmt.Errorf("more than %d values", maxStorage/4)
		}
		state = append(state, t)
	}
	return state, nil
}

// storageTypes are the sizes of values in bytes, and how they are read.
var storageTypes = map[string]struct {
	width int
	value func(b []byte) float32
}{
	"FloatStorage":    {4, func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }},
	"DoubleStorage":   {8, func(b []byte) float32 { return float32(math.Float64frombits(binary.LittleEndian.Uint64(b))) }},
	"BFloat16Storage": {2, func(b []byte) float32 { return math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16) }},
	"HalfStorage":     {2, func(b []byte) float32 { return half(binary.LittleEndian.Uint16(b)) }},
	"LongStorage":     {8, func(b []byte) float32 { return float32(int64(binary.LittleEndian.Uint64(b))) }},
}

// values reads a tensor's values.
func (u *unpickler) values(name string, s strided) (Tensor, error) {
	kind, ok := storageTypes[s.storage.kind]
	if !ok {
		return Tensor{}, fmt.Errorf("values of type %.40q, want floating-point numbers", s.storage.kind)
	}
	shape := tensor.Shape(s.shape)
	if len(shape) > 0 {
		if err := shape.Validate(); err != nil {
			return Tensor{}, err
		}
	}
	last := s.offset
	for i, n := range shape {
		if s.strides[i] > maxStorage/max(n, 1) {
			return Tensor{}, errors.New("strides leave the storage")
		}
		last += (n - 1) * s.strides[i]
	}
	f := u.files[u.root+"data/"+s.storage.key]
	if f == nil {
		return Tensor{}, fmt.Errorf("the file has no storage %.40q", s.storage.key)
	}
	raw, err := readZip(f, maxStorage)
	if err != nil {
		return Tensor{}, err
	}
	if last < 0 || last >= len(raw)/kind.width {
		return Tensor{}, fmt.Errorf("its storage has %d values, want more than %d", len(raw)/kind.width, last)
	}
	t := Tensor{Name: name, Shape: shape, Values: make([]float32, 0, shape.Size())}
	places := []int{s.offset}
	for i, n := range shape {
		next := make([]int, 0, len(places)*n)
		for _, p := range places {
			for k := range n {
				next = append(next, p+k*s.strides[i])
			}
		}
		places = next
	}
	for _, p := range places {
		t.Values = append(t.Values, kind.value(raw[p*kind.width:]))
	}
	return t, nil
}

// half returns the number of 16 bits in IEEE 754's binary16.
func half(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10&31), uint32(h&1023)
	switch exponent {
	case 0: // fraction·2⁻²⁴, exactly
		return math.Float32frombits(math.Float32bits(float32(fraction)/(1<<24)) | sign)
	case 31:
		return math.Float32frombits(sign | 255<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}
