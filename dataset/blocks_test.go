package dataset

import (
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
	if _, err := OpenBlocks(path, 0); err == nil || !strings.Contains(err.Error(), "a buffer of 0 bytes, want at least 1") {
		t.Errorf("no buffer: got error %v", err)
	}
}

// What can no longer be read is an error.
func TestBlocksReportWhatIsLost(t *testing.T) {
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
	if err := view.Read(dst, []int{0, 1}); dst[0] != 3 || err == nil || !strings.Contains(err.Error(), path+": sample 9000: ") {
		t.Errorf("got error %v, want one that names file and sample", err)
	}
	if _, err := FitScaler(t.Context(), NoScaling, view, 0); err == nil || !strings.Contains(err.Error(), "sample 9000: ") {
		t.Errorf("scaler: got error %v, want the same", err)
	}
}
