package pca_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"hourglass/pca"
	"hourglass/tensor"
)

// golden is the content of testdata/pca.golden, which testdata/pca.py made.
type golden struct {
	Data, Components, Codes, A, B         [][]float32
	Mean, Variance, Ratio, Errors, Angles []float64
}

func readGolden(t *testing.T) (g golden) {
	text, err := os.ReadFile("testdata/pca.golden")
	if err == nil {
		err = json.Unmarshal(text, &g)
	}
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func array(rows [][]float32) tensor.Tensor {
	x := tensor.New(len(rows), len(rows[0]))
	for i, row := range rows {
		copy(x.Row(i), row)
	}
	return x
}

func fit(t testing.TB, data tensor.Tensor, k int) *pca.Model {
	m, err := pca.Fit(data, k)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// near compares numbers; tolerance is absolute.
func near[T float32 | float64](t *testing.T, what string, got []T, want []T, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	for i := range got {
		if !(math.Abs(float64(got[i])-float64(want[i])) <= tolerance) {
			t.Errorf("%s: number %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

func TestFitIsScikitLearns(t *testing.T) {
	g := readGolden(t)
	data := array(g.Data)
	m := fit(t, data, 3)
	for j, v := range m.Mean {
		if math.Abs(float64(v)-g.Mean[j]) > 1e-6 {
			t.Errorf("mean of feature %d is %v, want %v", j, v, g.Mean[j])
		}
	}
	near(t, "components", m.Components.Data, array(g.Components).Data, 1e-6)
	near(t, "variance", m.Variance, g.Variance, 1e-12*g.Variance[0])
	for i, want := range g.Ratio {
		if got := m.Variance[i] / m.TotalVariance; math.Abs(got-want) > 1e-13 {
			t.Errorf("component %d explains %v of the variance, want %v", i, got, want)
		}
	}
	codes, err := m.Transform(data)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "codes", codes.Data, array(g.Codes).Data, 1e-5)
	for k, want := range g.Errors {
		got, err := m.ReconstructionError(data, k)
		if err != nil || math.Abs(got-want) > 1e-6*g.Errors[0] {
			t.Errorf("reconstruction error of %d components is %v (%v), want %v", k, got, err, want)
		}
	}
}

// wide data are large enough to be decomposed by way of the covariance matrix, of 2,500 samples in three blocks and 200
// features in four strips, whose variances fall from 1 to 10⁻⁴.
func wide() tensor.Tensor {
	random, x := rand.New(rand.NewPCG(1, 2)), tensor.New(2500, 200)
	for i := range x.Data {
		x.Data[i] = 3 + float32(random.NormFloat64()*math.Pow(10, -float64(i%200)/100))
	}
	return x
}

// The squared error left after k components is the variance not explained, and by Eckart and Young no other directions
// leave less, such as those of the features with the largest variances.
func TestCovarianceExplainsMost(t *testing.T) {
	data := wide()
	m := fit(t, data, 200)
	n := float64(data.Len())
	left := m.TotalVariance
	for k := 0; k <= 200; k += 25 {
		got, err := m.ReconstructionError(data, k)
		if want := left * (n - 1) / n / 200; err != nil || math.Abs(got-want) > 1e-6*m.Variance[0]/200 {
			t.Errorf("reconstruction error of %d components is %v (%v), want %v", k, got, err, want)
		}
		for i := k; i < min(k+25, 200); i++ {
			left -= m.Variance[i]
		}
	}
	orthonormal(t, m.Components)
}

func orthonormal(t *testing.T, rows tensor.Tensor) {
	t.Helper()
	for i := range rows.Len() {
		for j := range i + 1 {
			var dot float64
			for d, v := range rows.Row(i) {
				dot += float64(v) * float64(rows.Row(j)[d])
			}
			if want := map[bool]float64{true: 1}[i == j]; math.Abs(dot-want) > 1e-6 {
				t.Fatalf("components %d and %d have the product %v, want %v", i, j, dot, want)
			}
		}
	}
}

// Features that do not vary change nothing but the size of the data, and so which decomposition is taken: of a hundred
// features the covariance's, of the eight that vary the array's.
func TestBothDecompositionsAgree(t *testing.T) {
	small := tensor.New(8000, 100) // N·D² = 8·10⁷, by covariance
	random := rand.New(rand.NewPCG(5, 6))
	for i := range small.Data {
		if i%100 < 8 { // eight features that vary, so that the first components are theirs
			small.Data[i] = float32(random.NormFloat64() * float64(1+i%100))
		}
	}
	few := tensor.New(8000, 8) // N·D² = 5·10⁵, by array
	for i := range few.Len() {
		copy(few.Row(i), small.Row(i))
	}
	a, b := fit(t, small, 8), fit(t, few, 8)
	near(t, "variance", a.Variance, b.Variance, 1e-5*b.Variance[0])
	for i := range 8 {
		near(t, "component", a.Components.Row(i)[:8], b.Components.Row(i), 1e-4)
	}
}

func TestInverseTransformUndoesTransform(t *testing.T) {
	data := array(readGolden(t).Data)
	m := fit(t, data, 6)
	codes, err := m.Transform(data)
	if err != nil {
		t.Fatal(err)
	}
	back, err := m.InverseTransform(codes)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "data", back.Data, data.Data, 1e-5)
}

func TestFitDegenerateData(t *testing.T) {
	constant := tensor.New(5, 3)
	for i := range constant.Data {
		constant.Data[i] = 7
	}
	m := fit(t, constant, 3)
	near(t, "variance", m.Variance, []float64{0, 0, 0}, 0)
	if e, err := m.ReconstructionError(constant, 0); e != 0 || err != nil {
		t.Errorf("the mean of constant data leaves an error of %v (%v)", e, err)
	}
	line, _ := tensor.FromSlice([]float32{1, 3}, 2)
	if m := fit(t, line, 1); math.Abs(m.Variance[0]-2) > 1e-15 || m.Components.Data[0] != 1 {
		t.Errorf("numbers 1 and 3 have variance %v along %v, want 2 along 1", m.Variance, m.Components.Data)
	}
}

func TestPrincipalAnglesAreSciPys(t *testing.T) {
	g := readGolden(t)
	for _, pair := range [][2]tensor.Tensor{{array(g.A), array(g.B)}, {array(g.B), array(g.A)}} {
		angles, err := pca.PrincipalAngles(pair[0], pair[1])
		if err != nil {
			t.Fatal(err)
		}
		near(t, "angles", angles, g.Angles, 1e-12)
	}
}

// In the plane spanned by x and y, turned by a small angle about x.
func TestPrincipalAnglesSmall(t *testing.T) {
	const small = 1e-6
	a, _ := tensor.FromSlice([]float32{1, 0, 0, 3, 2, 0}, 2, 3)
	b, _ := tensor.FromSlice([]float32{5, 0, 0, 0, 1, small, 1, 1, small}, 3, 3) // its third row depends on the others
	angles, err := pca.PrincipalAngles(a, b)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "angles", angles, []float64{float64(float32(small)), 0}, 1e-15)
}

func TestErrors(t *testing.T) {
	nan := tensor.New(3, 2)
	nan.Data[3] = float32(math.NaN())
	m := fit(t, tensor.New(3, 2), 1)
	fitting := func(x tensor.Tensor, k int) error { _, err := pca.Fit(x, k); return err }
	transform := func(x tensor.Tensor) error { _, err := m.Transform(x); return err }
	inverse := func(x tensor.Tensor) error { _, err := m.InverseTransform(x); return err }
	rebuild := func(k int) error { _, err := m.ReconstructionError(tensor.New(3, 2), k); return err }
	angles := func(a, b tensor.Tensor) error { _, err := pca.PrincipalAngles(a, b); return err }
	one := tensor.New(1, 2)
	one.Data[0] = 1
	for want, err := range map[string]error{
		"sample 1 holds NaN":             fitting(nan, 1),
		"got 1 sample":                   fitting(tensor.New(1, 2), 1),
		"0 components, want 1 to 2":      fitting(tensor.New(3, 2), 0),
		"3 components, want 1 to 2":      fitting(tensor.New(2, 3), 3),
		"want a shape of at least one":   fitting(tensor.Tensor{}, 1),
		"3 features, want the model's 2": transform(tensor.New(3, 3)),
		"2 numbers a code, want 1":       inverse(tensor.New(3, 2)),
		"2 components, want 0 to 1":      rebuild(2),
		"want the same length":           angles(one, tensor.New(1, 3)),
		"are all zero, want a subspace":  angles(one, tensor.New(1, 2)),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one with %q", err, want)
		}
	}
}

// Points near the line y = 2x have one component, (1, 2)/√5.
func ExampleFit() {
	data, _ := tensor.FromSlice([]float32{-2, -4, -1, -2, 1, 2, 2, 4}, 4, 2)
	model, _ := pca.Fit(data, 1)
	codes, _ := model.Transform(data)
	mse, _ := model.ReconstructionError(data, 1)
	fmt.Printf("component %.3f explains %.0f%% of the variance\n",
		model.Components.Data, 100*model.Variance[0]/model.TotalVariance)
	fmt.Printf("codes %.2f, error %.3f\n", codes.Data, mse)
	// Output:
	// component [0.447 0.894] explains 100% of the variance
	// codes [-4.47 -2.24 2.24 4.47], error 0.000
}

// BenchmarkFit finds 30 components of as many samples and features as MNIST has.
func BenchmarkFit(b *testing.B) {
	random, x := rand.New(rand.NewPCG(1, 2)), tensor.New(60000, 784)
	for i := range x.Data {
		x.Data[i] = random.Float32()
	}
	for b.Loop() {
		fit(b, x, 30)
	}
}
