package dataset_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"hourglass/dataset"
	"hourglass/tensor"
)

// Files written out by hand from the format's description.
var idxFiles = []struct {
	name string
	raw  []byte
	want dataset.IDX
}{
	{"uint8", []byte{0, 0, 8, 1, 0, 0, 0, 3, 0, 128, 255}, dataset.IDX{Shape: tensor.Shape{3}, Data: []uint8{0, 128, 255}}},
	{"int8", []byte{0, 0, 9, 1, 0, 0, 0, 2, 0x80, 0x7f}, dataset.IDX{Shape: tensor.Shape{2}, Data: []int8{-128, 127}}},
	{"int16", []byte{0, 0, 11, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0x80, 0, 1, 2}, dataset.IDX{Shape: tensor.Shape{1, 2}, Data: []int16{-32768, 258}}},
	{"int32", []byte{0, 0, 12, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfe}, dataset.IDX{Shape: tensor.Shape{1}, Data: []int32{-2}}},
	{"float32", []byte{0, 0, 13, 1, 0, 0, 0, 1, 0x3f, 0xc0, 0, 0}, dataset.IDX{Shape: tensor.Shape{1}, Data: []float32{1.5}}},
	{"float64", []byte{0, 0, 14, 1, 0, 0, 0, 1, 0xc0, 0, 0, 0, 0, 0, 0, 0}, dataset.IDX{Shape: tensor.Shape{1}, Data: []float64{-2}}},
}

func gzipped(raw []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(raw)
	w.Close()
	return b.Bytes()
}

func TestReadIDX(t *testing.T) {
	for _, c := range idxFiles {
		for form, raw := range map[string][]byte{"plain": c.raw, "gzip": gzipped(c.raw)} {
			got, err := dataset.ReadIDX(bytes.NewReader(raw))
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s, %s: got %v (error %v), want %v", c.name, form, got, err, c.want)
			}
		}
	}
}

func TestWriteIDX(t *testing.T) {
	for _, c := range idxFiles {
		var b bytes.Buffer
		if err := dataset.WriteIDX(&b, c.want); err != nil || !bytes.Equal(b.Bytes(), c.raw) {
			t.Errorf("%s: wrote %x (error %v), want %x", c.name, b.Bytes(), err, c.raw)
		}
	}
}

func TestWriteIDXRefuses(t *testing.T) {
	for _, c := range []struct {
		a    dataset.IDX
		want string
	}{
		{dataset.IDX{Shape: tensor.Shape{3}, Data: []uint8{1, 2}}, "2 elements do not fill shape 3, want 3"},
		{dataset.IDX{Shape: tensor.Shape{0}, Data: []uint8{}}, "axis 0 of shape 0 has length 0"},
		{dataset.IDX{Data: []uint8{1}}, "0 axes, want 1 to 255"},
		{dataset.IDX{Shape: tensor.Shape{1}, Data: []uint64{1}}, "elements are []uint64, want []uint8"},
		{dataset.IDX{Shape: tensor.Shape{1}}, "elements are <nil>"},
	} {
		err := dataset.WriteIDX(io.Discard, c.a)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got error %v, want one with %q", c.a, err, c.want)
		}
	}
}

// A large array takes several pieces, and several steps of growth where the
// size of the file is not known.
func TestIDXRoundTripOfLargeArray(t *testing.T) {
	want := dataset.IDX{Shape: tensor.Shape{1700, 1000}, Data: make([]float64, 1_700_000)}
	for i := range want.Data.([]float64) {
		want.Data.([]float64)[i] = float64(i)
	}
	var b bytes.Buffer
	if err := dataset.WriteIDX(&b, want); err != nil {
		t.Fatal(err)
	}
	got, err := dataset.ReadIDX(&b)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("round trip lost data (error %v)", err)
	}
}

// header is the start of a file of bytes with the given axes.
func header(lengths ...uint32) []byte {
	raw := []byte{0, 0, 8, byte(len(lengths))}
	for _, n := range lengths {
		raw = binary.BigEndian.AppendUint32(raw, n)
	}
	return raw
}

func TestReadIDXRefuses(t *testing.T) {
	whole := append(header(2, 3), 1, 2, 3, 4, 5, 6)
	badSum := gzipped(whole)
	badSum[len(badSum)-8] ^= 1
	badData := gzipped(bytes.Repeat([]byte{0, 0, 8, 1}, 100))
	badData[12] ^= 0xff
	for _, c := range []struct {
		name string
		raw  []byte
		want string
	}{
		{"empty", nil, "want at least 4 bytes, got 0"},
		{"two bytes", []byte{0, 0}, "want at least 4 bytes, got 2"},
		{"HTML", []byte("<!DOCTYPE html>"), "starts with bytes 3c21444f, want those of an IDX file such as 00000803"},
		{"unknown type", []byte{0, 0, 10, 1, 0, 0, 0, 1, 0}, "starts with bytes 00000a01"},
		{"no axes", []byte{0, 0, 8, 0, 1}, "starts with bytes 00000800"},
		{"axes cut off", header(2, 3)[:9], "want 12 bytes, got 9"},
		{"empty axis", header(2, 0), "axis 1 has length 0, want at least 1"},
		{"truncated", whole[:15], "want 18 bytes, got 15"},
		{"trailing", append(bytes.Clone(whole), 7), "want 18 bytes, got more"},
		{"truncated inside gzip", gzipped(whole[:15]), "want 18 bytes, got 15"},
		{"trailing inside gzip", gzipped(append(bytes.Clone(whole), 7)), "want 18 bytes, got more"},
		{"gzip header only", gzipped(whole)[:5], "gzip header is cut off"},
		{"gzip cut off", gzipped(whole)[:14], "want "},
		{"gzip trailer cut off", gzipped(whole)[:len(gzipped(whole))-3], "gzip stream does not end where it should"},
		{"gzip checksum", badSum, "gzip: invalid checksum"},
		{"gzip data", badData, "corrupt input"},
		{"after gzip", append(gzipped(whole), "more"...), "gzip stream does not end where it should"},
		{"promises beyond memory", header(1<<31, 1<<31, 1<<31), "of which alone are more than memory can hold"},
	} {
		_, err := dataset.ReadIDX(bytes.NewReader(c.raw))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: got error %v, want one line with %q", c.name, err, c.want)
		}
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, c.raw, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, fileErr := dataset.ReadIDXFile(path); fileErr == nil || fileErr.Error() != strings.Replace(err.Error(), "IDX", path, 1) {
			t.Errorf("%s: from a file got %v, from a reader %v", c.name, fileErr, err)
		}
	}
	if _, err := dataset.ReadIDXFile(filepath.Join(t.TempDir(), "absent")); err == nil || !strings.HasPrefix(err.Error(), "dataset: open ") {
		t.Errorf("absent file: got error %v", err)
	}
}

// A few bytes that promise 4 GB must not make the reader allocate them.
func TestReadIDXAllocatesAsDataArrives(t *testing.T) {
	for name, raw := range map[string][]byte{
		"plain": append(header(1<<30, 3), make([]byte, 1000)...),
		"gzip":  gzipped(append(header(1<<30, 3), make([]byte, 3<<20)...)),
	} {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, raw, 0o644); err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := dataset.ReadIDXFile(path)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 10 {
			t.Errorf("%s: allocated %d MB for %d bytes", name, mb, len(raw))
		}
	}
}

func TestIDXTensor(t *testing.T) {
	for _, c := range idxFiles {
		x, err := c.want.Tensor()
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Trim(fmt.Sprint(x.Data), "[]")
		if want := strings.Trim(fmt.Sprint(c.want.Data), "[]"); got != want || !x.Shape.Equal(c.want.Shape) {
			t.Errorf("%s: tensor of shape %v holds %s, want %s", c.name, x.Shape, got, want)
		}
	}
	if _, err := (dataset.IDX{Shape: tensor.Shape{2}, Data: []uint8{1}}).Tensor(); err == nil {
		t.Error("1 element was accepted as 2")
	}
}

func FuzzReadIDX(f *testing.F) {
	for _, c := range idxFiles {
		f.Add(c.raw)
		f.Add(gzipped(c.raw))
	}
	f.Add(header(1<<31, 1<<31, 1<<31))
	f.Add(header(1<<30, 3))
	f.Fuzz(func(t *testing.T, raw []byte) {
		a, err := dataset.ReadIDX(bytes.NewReader(raw))
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Fatalf("error of several lines: %q", err)
			}
			return
		}
		// What was read is what a writer makes of it.
		var b bytes.Buffer
		if err := dataset.WriteIDX(&b, a); err != nil {
			t.Fatal(err)
		}
		if again, err := dataset.ReadIDX(&b); err != nil || fmt.Sprint(again) != fmt.Sprint(a) {
			t.Fatalf("wrote %v, read %v (error %v)", a, again, err)
		}
	})
}
