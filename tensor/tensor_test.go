package tensor_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"hourglass/tensor"
)

func TestShapeSizeAndString(t *testing.T) {
	for _, c := range []struct {
		shape tensor.Shape
		size  int
		text  string
	}{
		{nil, 1, "()"},
		{tensor.Shape{7}, 7, "7"},
		{tensor.Shape{28, 28, 1}, 784, "28×28×1"},
	} {
		if got := c.shape.Size(); got != c.size {
			t.Errorf("%v.Size() = %d, want %d", c.shape, got, c.size)
		}
		if got := c.shape.String(); got != c.text {
			t.Errorf("String() = %q, want %q", got, c.text)
		}
	}
}

func TestShapeValidate(t *testing.T) {
	for _, c := range []struct {
		shape tensor.Shape
		want  string // part of the error; empty for none
	}{
		{tensor.Shape{28, 28}, ""},
		{tensor.Shape{28, 0}, "axis 1 has length 0"},
		{tensor.Shape{-1}, "axis 0 has length -1"},
		{tensor.Shape{1 << 20, 1 << 20}, "more than"},
	} {
		err := c.shape.Validate()
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%v: unexpected error %v", c.shape, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%v: got error %v, want one with %q", c.shape, err, c.want)
		}
	}
}

func TestFromSliceRefusesWrongLength(t *testing.T) {
	if _, err := tensor.FromSlice(make([]float32, 5), 2, 3); err == nil {
		t.Error("5 values were accepted as 2×3")
	}
}

func TestSliceSharesMemory(t *testing.T) {
	x := tensor.New(4, 2)
	x.Slice(1, 3).Row(1)[0] = 5
	if x.Data[4] != 5 {
		t.Errorf("got %v, want element 4 to be 5", x.Data)
	}
}

func ExampleTensor_Row() {
	x, _ := tensor.FromSlice([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	fmt.Println(x.Shape, x.Sample(), x.Row(1))
	// Output: 2×3 3 [4 5 6]
}

func TestShapeInfer(t *testing.T) {
	for _, c := range []struct {
		shape, want tensor.Shape // no want: an error
	}{
		{tensor.Shape{28, 28}, tensor.Shape{28, 28}},
		{tensor.Shape{-1, 28}, tensor.Shape{28, 28}},
		{tensor.Shape{-1, -1}, nil},
		{tensor.Shape{-1, 27}, nil},
		{tensor.Shape{28, 29}, nil},
		{tensor.Shape{0, 784}, nil},
		{tensor.Shape{-2, 784}, nil},
		{tensor.Shape{math.MaxInt - 1, math.MaxInt - 1}, nil},
	} {
		got, err := c.shape.Infer(784)
		if (err != nil) != (c.want == nil) || !got.Equal(c.want) {
			t.Errorf("%v.Infer(784) = %v, %v, want %v", []int(c.shape), got, err, c.want)
		}
	}
}
