package dataset_test

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"hourglass/dataset"
)

// The golden file comes from testdata/curve.py.
func TestCurve3DIsNumPys(t *testing.T) {
	golden, err := os.ReadFile("testdata/curve.golden")
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, p := range dataset.Curve3D(60) {
		fmt.Fprintf(&got, "%016x %016x %016x\n", math.Float64bits(p[0]), math.Float64bits(p[1]), math.Float64bits(p[2]))
	}
	if got.String() != string(golden) {
		t.Errorf("got the points\n%swant\n%s", got.String(), golden)
	}
}

func TestCurveArray(t *testing.T) {
	points := dataset.Curve3D(5)
	a := points.Array()
	if a.Len() != 5 || a.Sample().String() != "3" || a.Row(4)[2] != float32(points[4][2]) {
		t.Errorf("array of shape %v ends with %v, want 5×3 and %v", a.Shape, a.Row(4), points[4])
	}
	if n := len(dataset.Curve3D(-1)); n != 0 {
		t.Errorf("%d points of -1", n)
	}
}
