package dataset

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"hourglass/tensor"
)

func column(values ...float32) Array {
	return Array{tensor.Tensor{Shape: tensor.Shape{len(values), 1}, Data: values}}
}

func read(t *testing.T, s Source, indices ...int) []float32 {
	t.Helper()
	dst := make([]float32, len(indices)*s.Sample().Size())
	if err := s.Read(dst, indices); err != nil {
		t.Fatal(err)
	}
	return dst
}

// Subsets, scaled samples and other faces hand faces on: targets are scaled like
// samples, weights are not.
func TestFacesAreHandedOn(t *testing.T) {
	weights, err := ClassWeights([]int{1, 0, 1}, []float32{5, 6})
	if err != nil {
		t.Fatal(err)
	}
	s, err := With(column(1, 2, 3), Targets, column(10, 20, 30))
	if err != nil {
		t.Fatal(err)
	}
	if s, err = With(s, Weights, weights); err != nil {
		t.Fatal(err)
	}
	if s, err = Subset(s, []int{2, 1}); err != nil {
		t.Fatal(err)
	}
	if s, err = Scaled(s, &Scaler{Kind: UnitScaling, Scale: []float32{10}}); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(read(t, s, 0, 1), read(t, FaceOf(s, Targets), 0, 1), read(t, FaceOf(s, Weights), 0, 1), FaceOf(s, Mask))
	if want := "[0.3 0.2] [3 2] [6 5] <nil>"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestFaceErrors(t *testing.T) {
	_, few := With(column(1, 2), Targets, column(1))
	_, wide := With(column(1), Weights, Array{tensor.New(1, 2)})
	_, unknown := With(column(1), 9, column(1))
	_, class := ClassWeights([]int{0, 2}, []float32{1, 1})
	for i, err := range []error{few, wide, unknown, class} {
		want := []string{"targets for 1 samples, but there are 2", "weights of shape 2, want one number", "unknown face 9", "sample 1 has class 2"}[i]
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if names := []string{Targets.String(), Face(7).String()}; !slices.Equal(names, []string{"targets", "Face(7)"}) {
		t.Errorf("names %q", names)
	}
}
