package dataset

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"hourglass/dataset/npy"
	"hourglass/tensor"
)

// The golden file comes from testdata/order.py.
func TestOrderBlocksGolden(t *testing.T) {
	golden, err := os.ReadFile("testdata/order.golden")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(golden)) {
		var seed, epoch uint64
		var n, buffer, block int
		if _, err := fmt.Sscan(line, &seed, &epoch, &n, &buffer, &block); err != nil {
			t.Fatal(err)
		}
		order := make([]int, n)
		orderBlocks(rand.NewPCG(seed, epoch), buffer, block, order)
		if got, want := strings.Trim(fmt.Sprint(order), "[]"), strings.Join(strings.Fields(line)[5:], " "); got != want {
			t.Errorf("%d samples, buffer %d of %d: got %s, want %s", n, buffer, block, got, want)
		}
	}
}

// numbered writes n samples of 4 numbers, sample i full of i.
func numbered(t testing.TB, n int) string {
	x := tensor.New(n, 4)
	for i := range x.Data {
		x.Data[i] = float32(i / 4)
	}
	path := filepath.Join(t.TempDir(), "numbered.npy")
	if err := npy.WriteFile(path, x); err != nil {
		t.Fatal(err)
	}
	return path
}

// Order visits every sample once and, at any time, only samples of one buffer,
// which come from all over the file.
func TestOrderStaysWithinBuffer(t *testing.T) {
	const n, buffer = 10_000, 640 // samples
	b, err := OpenBlocks(numbered(t, n), buffer*16)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	half := make([]int, n/2)
	for i := range half {
		half[i] = 2 * i
	}
	view, err := Subset(b, half)
	if err != nil {
		t.Fatal(err)
	}
	withScale, err := Scaled(view, &Scaler{Kind: UnitScaling, Scale: []float32{2}})
	if err != nil {
		t.Fatal(err)
	}
	for name, source := range map[string]Source{"blocks": b, "view": view, "scaled view": withScale} {
		order := make([]int, source.Len())
		Order(source, 1, 2, order)
		var blocks []int
		for at := 0; at < len(order); at += buffer {
			part := slices.Clone(order[at:min(at+buffer, len(order))])
			for i := range part {
				part[i] /= 10
			}
			slices.Sort(part)
			part = slices.Compact(part)
			if len(part) > blocksPerBuffer {
				t.Errorf("%s: the samples of a buffer come from %d blocks, want %d", name, len(part), blocksPerBuffer)
			}
			if at == 0 && part[len(part)-1]-part[0] < source.Len()/10/2 {
				t.Errorf("%s: the first buffer comes from blocks %d to %d of %d only", name, part[0], part[len(part)-1], source.Len()/10)
			}
			blocks = append(blocks, part...)
		}
		slices.Sort(blocks)
		if len(slices.Compact(blocks)) != source.Len()/10 {
			t.Errorf("%s: %d blocks in all, want %d, each in one buffer", name, len(blocks), source.Len()/10)
		}
		again := make([]int, source.Len())
		Order(source, 1, 2, again)
		if !slices.Equal(order, again) {
			t.Errorf("%s: another order for the same seed and epoch", name)
		}
		slices.Sort(order)
		for i, v := range order {
			if i != v {
				t.Fatalf("%s: sample %d is not visited once", name, i)
			}
		}
	}
}

func TestOrderInMemoryIsPermutation(t *testing.T) {
	b, err := OpenBlocks(numbered(t, 100), 1600)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	got, want := make([]int, 100), make([]int, 100)
	Permutation(3, 4, want)
	for name, source := range map[string]Source{"blocks that fit": b, "array": Array{tensor.New(100, 4)}} {
		if Order(source, 3, 4, got); !slices.Equal(got, want) {
			t.Errorf("%s: order is not the permutation", name)
		}
	}
}

func TestBlocksRead(t *testing.T) {
	const n = 1000
	path := numbered(t, n)
	b, err := OpenBlocks(path, 320)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if b.Len() != n || !b.Sample().Equal(tensor.Shape{4}) || b.Type().String() != "float32" {
		t.Fatalf("%d samples of %v, %v", b.Len(), b.Sample(), b.Type())
	}
	order := make([]int, n)
	Order(b, 1, 1, order)
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			batch := make([]float32, 32*4)
			for part := range slices.Chunk(order, 32) {
				b.Read(batch, part)
				for i, index := range part {
					if batch[4*i+3] != float32(index) {
						t.Errorf("sample %d is %v", index, batch[4*i:4*i+4])
						return
					}
				}
			}
		})
	}
	readers.Wait()
	batch := make([]float32, 32*4)
	if allocs := testing.AllocsPerRun(20, func() { b.Read(batch, order[:32]) }); allocs != 0 {
		t.Errorf("reading allocates %v times, want 0", allocs)
	}
	if b.Err() != nil {
		t.Error(b.Err())
	}
	if _, err := OpenBlocks(path, 0); err == nil || !strings.Contains(err.Error(), "a buffer of 0 bytes, want at least 1") {
		t.Errorf("no buffer: got error %v", err)
	}
}

// What can no longer be read is NaN, and the reason is kept.
func TestBlocksServeNaNForWhatIsLost(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the system forbids to truncate an open file")
	}
	path := numbered(t, 10_000)
	b, err := OpenBlocks(path, 1<<10)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := os.Truncate(path, 1<<14); err != nil {
		t.Fatal(err)
	}
	view, err := Subset(b, []int{3, 9000})
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]float32, 8)
	view.Read(dst, []int{0, 1})
	if dst[0] != 3 || dst[4] == dst[4] || dst[7] == dst[7] {
		t.Errorf("read %v, want 3 and NaN", dst)
	}
	data := &Data{Samples: view}
	if err := data.Err(); err == nil || !strings.Contains(err.Error(), path+": sample 9000: ") {
		t.Errorf("got error %v, want one that names file and sample", err)
	}
	if _, err := FitScaler(t.Context(), NoScaling, view, 0); err == nil || !strings.Contains(err.Error(), "sample 9000: ") {
		t.Errorf("scaler: got error %v, want the same", err)
	}
}
