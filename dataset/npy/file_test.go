package npy

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"hourglass/tensor"
)

// unmapped stands for a system that cannot map files.
func unmapped(*os.File, int64) ([]byte, error) { return nil, errors.ErrUnsupported }

// Reading sample by sample gives what reading the whole array gives, which the
// golden file vouches for.
func TestFileReadsLikeArray(t *testing.T) {
	text, err := os.ReadFile("testdata/arrays.golden")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var golden struct {
			Name, File string
			Shape      tensor.Shape
		}
		if err := json.Unmarshal([]byte(line), &golden); err != nil {
			t.Fatal(err)
		}
		if len(golden.Shape) < 2 {
			continue
		}
		raw, _ := hex.DecodeString(golden.File)
		path := filepath.Join(t.TempDir(), "a.npy")
		if err := os.WriteFile(path, raw, 0o644); err != nil {
			t.Fatal(err)
		}
		whole, err := ReadFile(path, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for how, mapper := range map[string]func(*os.File, int64) ([]byte, error){"mapped": mapFile, "unmapped": unmapped} {
			f, err := open(path, mapper)
			if err != nil {
				if how == "mapped" || !strings.Contains(err.Error(), "is in Fortran order and cannot be mapped") {
					t.Errorf("%s, %s: %v", golden.Name, how, err)
				}
				continue
			}
			checkSamples(t, golden.Name+", "+how, f, whole)
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// checkSamples reads all samples, several at a time and releasing memory
// meanwhile.
func checkSamples(t *testing.T, name string, f *File, whole Array) {
	var readers sync.WaitGroup
	for i := range f.Shape[0] {
		readers.Go(func() {
			sample := make([]float32, f.length)
			if err := f.ReadSample(sample, i); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			f.Release()
			want := make([]float32, f.length)
			if whole.Bytes != nil {
				Type{Kind: Uint, Size: 1}.decode(want, whole.Bytes[i*f.length:])
			} else {
				copy(want, whole.Values[i*f.length:])
			}
			if !slices.Equal(sample, want) {
				t.Errorf("%s: sample %d is %v, want %v", name, i, sample, want)
			}
		})
	}
	readers.Wait()
}

// large writes an array of 1000×1000, element k of value k.
func large(t *testing.T) string {
	x := tensor.New(1000, 1000)
	for i := range x.Data {
		x.Data[i] = float32(i)
	}
	path := filepath.Join(t.TempDir(), "large.npy")
	if err := WriteFile(path, x); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadSampleAllocatesNothing(t *testing.T) {
	for how, mapper := range map[string]func(*os.File, int64) ([]byte, error){"mapped": mapFile, "unmapped": unmapped} {
		f, err := open(large(t), mapper)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		sample := make([]float32, 1000)
		// The pool of buffers may be emptied once meanwhile.
		if n := testing.AllocsPerRun(100, func() { f.ReadSample(sample, 7) }); n > 0.1 {
			t.Errorf("%s: %v allocations, want 0", how, n)
		}
		if sample[3] != 7003 {
			t.Errorf("%s: element is %v, want 7003", how, sample[3])
		}
	}
}

// A file that becomes shorter while it is mapped ends the program unless the
// fault is caught.
func TestFileBecomesShorter(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the system forbids to truncate an open file")
	}
	for how, mapper := range map[string]func(*os.File, int64) ([]byte, error){"mapped": mapFile, "unmapped": unmapped} {
		path := large(t)
		f, err := open(path, mapper)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := os.Truncate(path, 1<<20); err != nil {
			t.Fatal(err)
		}
		sample := make([]float32, 1000)
		if err := f.ReadSample(sample, 10); err != nil || sample[1] != 10001 {
			t.Errorf("%s: element that is still there is %v (error %v), want 10001", how, sample[1], err)
		}
		err = f.ReadSample(sample, 900)
		if err == nil || !strings.Contains(err.Error(), path+": sample 900: ") {
			t.Errorf("%s: got error %v, want one that names file and sample", how, err)
		}
	}
}

func TestFileRefuses(t *testing.T) {
	if _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is not a regular file") {
		t.Errorf("folder: got error %v", err)
	}
	path := filepath.Join(t.TempDir(), "a.npy")
	if err := WriteFile(path, tensor.New(3)); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); err == nil || !strings.Contains(err.Error(), "is 3, want two axes at least, samples first") {
		t.Errorf("one axis: got error %v", err)
	}
	x := tensor.New(3, 2)
	x.Data[5] /= x.Data[4]
	if err := WriteFile(path, x); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.ReadSample(make([]float32, 2), 2); err == nil || !strings.Contains(err.Error(), "sample 2, element [1] (counted from 0) is NaN") {
		t.Errorf("NaN: got error %v", err)
	}
}

func BenchmarkReadSample(b *testing.B) {
	x := tensor.New(10000, 784)
	path := filepath.Join(b.TempDir(), "a.npy")
	if err := WriteFile(path, x); err != nil {
		b.Fatal(err)
	}
	for how, mapper := range map[string]func(*os.File, int64) ([]byte, error){"mapped": mapFile, "unmapped": unmapped} {
		b.Run(how, func(b *testing.B) {
			f, err := open(path, mapper)
			if err != nil {
				b.Fatal(err)
			}
			defer f.Close()
			sample := make([]float32, 784)
			b.SetBytes(4 * 784)
			i := 0
			for b.Loop() {
				f.ReadSample(sample, i*7919%10000)
				i++
			}
		})
	}
}
