package dataset

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

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

// Order visits every sample once and, at any time, only samples of one buffer,
// which come from all over the file.
func TestOrderStaysWithinBuffer(t *testing.T) {
	const n, buffer = 10_000, 320 // samples
	b, err := OpenBlocks(numbered(t, n), 2*buffer*16)
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
