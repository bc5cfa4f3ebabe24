package dataset_test

import (
	"fmt"
	"math"
	"os"
	"strings"
	"sync"
	"testing"

	"hourglass/dataset"
	"hourglass/tensor"
)

// everyByte is 16 images of 4×4, of each byte value one pixel.
func everyByte() *dataset.Images {
	d := &dataset.Images{Name: "bytes", Shape: tensor.Shape{4, 4}, Pixels: make([]byte, 256), Labels: make([]uint8, 16)}
	for i := range d.Pixels {
		d.Pixels[i] = byte(i)
	}
	for i := range d.Labels {
		d.Labels[i] = uint8(i)
	}
	return d
}

// The golden file comes from testdata/values.py.
func TestPixelValues(t *testing.T) {
	golden, err := os.ReadFile("testdata/values.golden")
	if err != nil {
		t.Fatal(err)
	}
	d := everyByte()
	columns := [3]tensor.Tensor{d.Tensor(0, 16), d.Normalize(0.5, 0.5).Tensor(0, 16), d.Normalize(0.1307, 0.3081).Tensor(0, 16)}
	for b, line := range strings.Split(strings.TrimSpace(string(golden)), "\n") {
		var got []string
		for _, x := range columns {
			got = append(got, fmt.Sprintf("%08x", math.Float32bits(x.Data[b])))
		}
		if strings.Join(got, " ") != line {
			t.Errorf("byte %d is worth %v, want %s", b, got, line)
		}
	}
}

func TestImagesRead(t *testing.T) {
	// 3×3 images end in the middle of a group of four.
	d := &dataset.Images{Shape: tensor.Shape{3, 3}, Pixels: make([]byte, 90)}
	for i := range d.Pixels {
		d.Pixels[i] = byte(i)
	}
	dst := make([]float32, 40)
	dst[27] = -1
	d.Read(dst, []int{9, 0, 4})
	for i, index := range []int{9, 0, 4} {
		for j := range 9 {
			if want := float32(9*index+j) / 255; dst[9*i+j] != want {
				t.Fatalf("sample %d, pixel %d is %v, want %v", i, j, dst[9*i+j], want)
			}
		}
	}
	if dst[27] != -1 {
		t.Error("wrote beyond the samples asked for")
	}
}

func TestImagesViewsShareMemory(t *testing.T) {
	d := everyByte()
	view := d.Normalize(0.5, 0.5).Slice(2, 5)
	if view.Len() != 3 || len(view.Labels) != 3 || view.Labels[0] != 2 {
		t.Fatalf("view of %d images, labels %v, want 3 from 2 on", view.Len(), view.Labels)
	}
	d.Pixels[2*16] = 255
	x := view.Tensor(0, 3)
	if !x.Shape.Equal(tensor.Shape{3, 4, 4}) || x.Data[0] != 1 || d.Tensor(2, 3).Data[0] != 1 {
		t.Errorf("view is %v, starts with %v, want 3×4×4 and the 1 written to the original", x.Shape, x.Data[0])
	}
	if empty := d.Slice(16, 16); empty.Len() != 0 || empty.Tensor(0, 0).Len() != 0 {
		t.Errorf("empty slice has length %d", empty.Len())
	}
}

func TestReadAllocatesNothing(t *testing.T) {
	images := everyByte()
	for name, source := range map[string]dataset.Source{
		"images": images,
		"array":  dataset.Array{Tensor: images.Tensor(0, 16)},
	} {
		dst, indices := make([]float32, 48), []int{3, 1, 2}
		if n := testing.AllocsPerRun(10, func() { source.Read(dst, indices) }); n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
}

// An array and images of the same values are the same source; run with -race
// this also shows that readers do not disturb each other.
func TestArrayReadsLikeImages(t *testing.T) {
	images := everyByte()
	array := dataset.Array{Tensor: images.Tensor(0, 16)}
	if array.Len() != 16 || !array.Sample().Equal(images.Sample()) {
		t.Fatalf("array of %d samples of %v", array.Len(), array.Sample())
	}
	var readers sync.WaitGroup
	for seed := range uint64(4) {
		readers.Go(func() {
			order := make([]int, 16)
			dataset.Permutation(seed, 0, order)
			a, b := make([]float32, 256), make([]float32, 256)
			images.Read(a, order)
			array.Read(b, order)
			for i := range a {
				if a[i] != b[i] || a[i] != float32(order[i/16]*16+i%16)/255 {
					t.Errorf("value %d is %v from images, %v from the array", i, a[i], b[i])
					return
				}
			}
		})
	}
	readers.Wait()
	if part := array.Slice(2, 4); part.Len() != 2 || part.Row(0)[0] != array.Row(2)[0] {
		t.Errorf("slice is %v", part)
	}
}

func BenchmarkImagesRead(b *testing.B) {
	d := &dataset.Images{Shape: tensor.Shape{28, 28}, Pixels: make([]byte, 1000*784)}
	dst, indices := make([]float32, 32*784), make([]int, 1000)
	dataset.Permutation(1, 0, indices)
	b.SetBytes(32 * 784)
	for b.Loop() {
		d.Read(dst, indices[:32])
	}
}

func ExampleImages_Read() {
	digits := &dataset.Images{
		Shape:  tensor.Shape{1, 2},
		Pixels: []byte{0, 51, 102, 153, 204, 255},
	}
	batch := make([]float32, 4)
	digits.Read(batch, []int{2, 0})
	fmt.Println(batch)
	// Output: [0.8 1 0 0.2]
}
