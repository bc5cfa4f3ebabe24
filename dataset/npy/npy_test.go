package npy_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"hourglass/dataset/npy"
	"hourglass/tensor"
)

// saved is an array that NumPy saved, or an archive of them.
type saved struct {
	Name   string
	File   string
	Shape  tensor.Shape
	Bits   []string
	Arrays map[string]saved
}

func (s saved) raw(t testing.TB) []byte {
	raw, err := hex.DecodeString(s.File)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// loadGolden returns what testdata/arrays.py wrote.
func loadGolden(t testing.TB) []saved {
	text, err := os.ReadFile("testdata/arrays.golden")
	if err != nil {
		t.Fatal(err)
	}
	var all []saved
	for line := range strings.Lines(string(text)) {
		var s saved
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// check compares an array with NumPy's.
func (s saved) check(t *testing.T, how string, a npy.Array) {
	t.Helper()
	values := a.Values
	for _, b := range a.Bytes {
		values = append(values, float32(b))
	}
	if !a.Shape.Equal(s.Shape) || a.Fortran {
		t.Errorf("%s, %s: shape %v, Fortran %t, want %v in C order", s.Name, how, a.Shape, a.Fortran, s.Shape)
	}
	if got := bitsOf(values); !slices.Equal(got, s.Bits) {
		t.Errorf("%s, %s: got %v, want %v", s.Name, how, got, s.Bits)
	}
}

func bitsOf(values []float32) []string {
	bits := make([]string, len(values))
	for i, v := range values {
		bits[i] = fmt.Sprintf("%08x", math.Float32bits(v))
	}
	return bits
}

func writeTemp(t testing.TB, raw []byte) string {
	path := filepath.Join(t.TempDir(), "array.npy")
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadGolden(t *testing.T) {
	for _, s := range loadGolden(t) {
		if s.Arrays != nil {
			continue
		}
		a, err := npy.Read(bytes.NewReader(s.raw(t)), 1<<20)
		if err != nil {
			t.Errorf("%s: %v", s.Name, err)
			continue
		}
		s.check(t, "from a reader", a)
		if a, err = npy.ReadFile(writeTemp(t, s.raw(t)), 1<<20); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
		s.check(t, "from a file", a)
	}
}

func TestArchiveGolden(t *testing.T) {
	for _, s := range loadGolden(t) {
		if s.Arrays == nil {
			continue
		}
		archive, err := npy.OpenArchive(writeTemp(t, s.raw(t)))
		if err != nil {
			t.Fatal(err)
		}
		defer archive.Close()
		if got := fmt.Sprint(archive.Names()); got != "[x y]" {
			t.Errorf("%s: holds %s, want x and y", s.Name, got)
		}
		a, err := archive.Read("x", 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		x := s.Arrays["x"]
		x.check(t, s.Name, a)
		if h, err := archive.Header("x"); err != nil || !h.Shape.Equal(x.Shape) {
			t.Errorf("%s: header %+v (error %v), want shape %v", s.Name, h, err, x.Shape)
		}
		labels, err := archive.ReadInts("y", 1<<20)
		want := map[string]string{"stored": "[0 1 2 3]", "compressed": "[3 1 3]"}[s.Name]
		if got := fmt.Sprint(labels); err != nil || got != want {
			t.Errorf("%s: labels %s (error %v), want %s", s.Name, got, err, want)
		}
		if _, err := archive.Read("z", 1<<20); err == nil || !strings.Contains(err.Error(), `holds no array "z", only "x", "y"`) {
			t.Errorf("absent array: got error %v", err)
		}
	}
}

// What is written is, byte for byte, what NumPy writes.
func TestWriteGolden(t *testing.T) {
	for _, s := range loadGolden(t) {
		if !strings.HasPrefix(s.Name, "<f4 C") && s.Name != "four axes, C" && s.Name != "one axis" && s.Name != "scalar" {
			continue
		}
		a, err := npy.Read(bytes.NewReader(s.raw(t)), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := npy.Write(&b, tensor.Tensor{Shape: a.Shape, Data: a.Values}); err != nil || !bytes.Equal(b.Bytes(), s.raw(t)) {
			t.Errorf("%s: wrote %q (error %v), want %q", s.Name, b.Bytes(), err, s.raw(t))
		}
	}
}

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "codes.npy")
	want := tensor.New(20000, 3) // several chunks
	for i := range want.Data {
		want.Data[i] = float32(i)
	}
	if err := npy.WriteFile(path, want); err != nil {
		t.Fatal(err)
	}
	a, err := npy.ReadFile(path, 1<<20)
	if err != nil || !a.Shape.Equal(want.Shape) || !slices.Equal(a.Values, want.Data) {
		t.Errorf("read another array than was written (error %v)", err)
	}
	// What does not fit its shape leaves the file as it was.
	for _, c := range []struct {
		t    tensor.Tensor
		want string
	}{
		{tensor.Tensor{Shape: tensor.Shape{2, 2}, Data: make([]float32, 3)}, "1 elements are missing"},
		{tensor.Tensor{Shape: tensor.Shape{2, 2}, Data: make([]float32, 5)}, "5 elements are 1 more than the shape has left"},
		{tensor.Tensor{Shape: tensor.Shape{0, 2}}, "axis 0 has length 0"},
	} {
		err := npy.WriteFile(path, c.t)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%v: got error %v, want one with %q", c.t.Shape, err, c.want)
		}
	}
	if a, err = npy.ReadFile(path, 1<<20); err != nil || a.Shape[0] != 20000 {
		t.Errorf("the file was not left as it was (error %v)", err)
	}
}

// file is a .npy file of version 1 with that header and so many zero bytes.
func file(header string, size int) []byte {
	raw := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	return append(append(raw, header...), make([]byte, size)...)
}

var floats = []byte{0, 0, 0x80, 0x3f, 0, 0, 0xc0, 0x7f, 0, 0, 0x80, 0x7f, 0, 0, 0, 0} // 1 NaN Inf 0

// hostile are files that are refused, and why.
var hostile = []struct {
	name string
	raw  []byte
	want string
}{
	{"empty", nil, "ends within the header, after 0 bytes"},
	{"text", []byte("1,2,3\n4,5,6\n"), "starts with bytes 312c322c330a, want those of a .npy file, 934e554d5059"},
	{"magic only", []byte("\x93NUMPY\x01\x00"), "ends within the header, after 8 bytes"},
	{"version", []byte("\x93NUMPY\x04\x00\x10\x00"), "is of version 4.0 of the format, want 1, 2 or 3"},
	{"header cut off", file("{'descr': '<f4', 'fortran", 0)[:30], "ends within the header, after 30 bytes"},
	{"header of 4 GB", []byte("\x93NUMPY\x02\x00\xff\xff\xff\xff{"), "has a header of 4294967295 bytes, want at most 65536"},
	{"no dictionary", file("hello", 0), `header "hello": "hello" where "{" should be`},
	{"empty dictionary", file("{}", 0), `does not say "descr"`},
	{"ends in the middle", file("{'descr': '<f4', ", 0), "ends, want a string in quotes"},
	{"open string", file("{'descr", 0), "a string that ends"},
	{"unknown key", file("{'dtype': 'f4'}", 0), `says "dtype", want only descr, fortran_order and shape`},
	{"twice", file("{'descr': '<f4', 'descr': '<f4'}", 0), `says "descr" twice`},
	{"order", file("{'fortran_order': 1}", 0), "where True or False should be"},
	{"shape", file("{'shape': (2, x)}", 0), "where the length of an axis should be"},
	{"open shape", file("{'shape': (2 3)}", 0), `where ")" should be`},
	{"axis", file("{'shape': (99999999999999999999999,)}", 0), "is beyond this machine"},
	{"axes", file("{'shape': ("+strings.Repeat("1,", 65)+")}", 0), "more than 64 axes"},
	{"more", file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x", 4), `"x" follows it`},
	{"no elements", file("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 0)}", 0), "axis 1 has length 0, want at least 1"},
	{"overflow", file("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", 0), "has more elements than any file"},
	{"structured", file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", 4), "holds a structured array"},
	{"text elements", file("{'descr': '<U5', 'fortran_order': False, 'shape': (1, 1)}", 20), `holds elements of type "<U5", want bool, integers or floats`},
	{"objects", file("{'descr': '|O', 'fortran_order': False, 'shape': (1, 1)}", 20), `holds elements of type "|O"`},
	{"complex", file("{'descr': '<c8', 'fortran_order': False, 'shape': (1, 1)}", 8), `holds elements of type "<c8"`},
	{"long double", file("{'descr': '<f16', 'fortran_order': False, 'shape': (1, 1)}", 16), `holds elements of type "<f16"`},
	{"no byte order", file("{'descr': '|f4', 'fortran_order': False, 'shape': (1, 1)}", 4), `holds elements of type "|f4"`},
	{"NaN", append(file("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)}", 0), floats...), "sample 0, element [1] (counted from 0) is NaN, want finite numbers"},
	{"infinite", append(file("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1, 2)}", 0), bytes.Repeat(floats[8:], 2)...), "sample 0, element [0, 0] (counted from 0) is +Inf"},
	{"NaN on one axis", append(file("{'descr': '<f4', 'fortran_order': False, 'shape': (4,)}", 0), floats...), "element 1 is NaN"},
	{"beyond float32", append(file("{'descr': '>f8', 'fortran_order': False, 'shape': (1, 1)}", 0), 0x7e, 0x37, 0xe4, 0x3c, 0x88, 0, 0x75, 0x9c), "is +Inf or beyond float32"},
	{"beyond the limit", file("{'descr': '<f4', 'fortran_order': False, 'shape': (1048577, 1)}", 0), "takes 4194308 bytes of memory, more than the 4194304 allowed"},
}

// sizes are files that have too few or too many bytes, which a file says before
// it is read and a reader when it gets there.
var sizes = []struct {
	name           string
	raw            []byte
	reader, opened string
}{
	{"truncated", file("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)}", 15), "ends within its elements, of which 2×2 of float32 have 16 bytes, after 15 bytes", "has 15 bytes after its header, want 16 for 2×2 of float32"},
	{"surplus", file("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2)}", 17), "goes on after its elements", "has 17 bytes after its header, want 16"},
	{"promise", file("{'descr': '>i8', 'fortran_order': False, 'shape': (1000000, 1)}", 17), "ends within its elements", "has 17 bytes after its header, want 8000000 for 1000000×1 of >int64"},
}

func oneLine(t *testing.T, name string, err error, want string) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), "npy: ") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: got error %v, want one line with %q", name, err, want)
	}
}

func TestReadRefuses(t *testing.T) {
	const limit = 4 << 20
	for _, c := range hostile {
		_, err := npy.Read(bytes.NewReader(c.raw), limit)
		oneLine(t, c.name, err, c.want)
	}
	for _, c := range sizes {
		_, err := npy.Read(bytes.NewReader(c.raw), limit)
		oneLine(t, c.name, err, c.reader)
		path := writeTemp(t, c.raw)
		_, err = npy.ReadFile(path, limit)
		oneLine(t, c.name, err, c.opened)
		oneLine(t, c.name, err, path)
		_, err = npy.Open(path)
		oneLine(t, c.name, err, c.opened)
	}
	_, err := npy.ReadFile(filepath.Join(t.TempDir(), "absent.npy"), limit)
	oneLine(t, "absent", err, "absent.npy")
}

func TestReadIntsRefuses(t *testing.T) {
	for _, c := range []struct {
		raw  []byte
		want string
	}{
		{file("{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", 8), "is 2 of float32, want integers along one axis"},
		{file("{'descr': '<i4', 'fortran_order': False, 'shape': (2, 1)}", 8), "is 2×1 of int32, want integers along one axis"},
		{append(file("{'descr': '<u8', 'fortran_order': False, 'shape': (1,)}", 7), 0x80), "element 0 is beyond int64"},
		{file("{'descr': '|u1', 'fortran_order': False, 'shape': (1000,)}", 1000), "takes 8000 bytes of memory, more than the 4096 allowed"},
	} {
		_, err := npy.ReadInts(bytes.NewReader(c.raw), 1<<12)
		oneLine(t, "integers", err, c.want)
	}
}

// Promises of a terabyte are not believed.
func TestReadAllocatesAsDataArrives(t *testing.T) {
	raw := file("{'descr': '<i2', 'fortran_order': True, 'shape': (1000000, 1000000)}", 1000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := npy.Read(bytes.NewReader(raw), math.MaxInt64)
	runtime.ReadMemStats(&after)
	oneLine(t, "promise", err, "ends within its elements")
	if kb := (after.TotalAlloc - before.TotalAlloc) >> 10; kb > 1024 {
		t.Errorf("allocated %d KB for %d bytes", kb, len(raw))
	}
}

func addSeeds(f *testing.F) {
	for _, s := range loadGolden(f) {
		if s.Arrays == nil {
			f.Add(s.raw(f))
		}
	}
	for _, c := range hostile {
		f.Add(c.raw)
	}
}

func FuzzNPY(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		npy.ReadInts(bytes.NewReader(raw), 1<<20)
		a, err := npy.Read(bytes.NewReader(raw), 1<<20)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Fatalf("error of several lines: %q", err)
			}
			return
		}
		if a.Bytes != nil {
			return
		}
		var b bytes.Buffer
		if err := npy.Write(&b, tensor.Tensor{Shape: a.Shape, Data: a.Values}); err != nil {
			t.Fatal(err)
		}
		again, err := npy.Read(&b, 1<<20)
		if err != nil || !again.Shape.Equal(a.Shape) || !slices.Equal(again.Values, a.Values) {
			t.Fatalf("wrote %v, read %v (error %v)", a, again, err)
		}
	})
}

// FuzzFile reads files sample by sample, which gives what reading all at once
// gives.
func FuzzFile(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		path := writeTemp(t, raw)
		whole, wholeErr := npy.ReadFile(path, 1<<20)
		file, err := npy.Open(path)
		if err != nil {
			if wholeErr == nil && len(whole.Shape) > 1 {
				t.Fatalf("cannot open an array of %v: %v", whole.Shape, err)
			}
			return
		}
		defer file.Close()
		values := whole.Values
		for _, b := range whole.Bytes {
			values = append(values, float32(b))
		}
		n := file.Shape[1:].Size()
		sample := make([]float32, n)
		for i := range min(file.Shape[0], 100) {
			if err := file.ReadSample(sample, i); wholeErr == nil && (err != nil || !slices.Equal(sample, values[i*n:(i+1)*n])) {
				t.Fatalf("sample %d is %v (error %v), want %v", i, sample, err, values[i*n:(i+1)*n])
			}
		}
	})
}

func FuzzNPZ(f *testing.F) {
	for _, s := range loadGolden(f) {
		if s.Arrays != nil {
			f.Add(s.raw(f))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		archive, err := npy.NewArchive("fuzz.npz", bytes.NewReader(raw), int64(len(raw)))
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Fatalf("error of several lines: %q", err)
			}
			return
		}
		for _, name := range archive.Names() {
			for _, read := range []func() error{
				func() error { _, err := archive.Read(name, 1<<20); return err },
				func() error { _, err := archive.ReadInts(name, 1<<20); return err },
				func() error { _, err := archive.Header(name); return err },
			} {
				if err := read(); err != nil && strings.Contains(err.Error(), "\n") {
					t.Fatalf("error of several lines: %q", err)
				}
			}
		}
	})
}

func ExampleWrite() {
	codes := tensor.Tensor{Shape: tensor.Shape{2, 3}, Data: []float32{1, 2, 3, 4, 5, 6}}
	var file bytes.Buffer
	if err := npy.Write(&file, codes); err != nil {
		fmt.Println(err)
		return
	}
	a, err := npy.Read(&file, 1<<20)
	fmt.Println(a.Type, a.Shape, a.Values, err)
	// Output: float32 2×3 [1 2 3 4 5 6] <nil>
}
