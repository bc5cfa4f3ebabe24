package dataset_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"

	"hourglass/dataset"
	"hourglass/internal/golden"
	"hourglass/tensor"
)

// fromBits returns the numbers of these bits.
func fromBits(t *testing.T, bits []string) []float32 {
	values := make([]float32, len(bits))
	for i, b := range bits {
		v, err := strconv.ParseUint(b, 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		values[i] = math.Float32frombits(uint32(v))
	}
	return values
}

func array(t testing.TB, values []float32, axes ...int) dataset.Array {
	x, err := tensor.FromSlice(values, axes...)
	if err != nil {
		t.Fatal(err)
	}
	return dataset.Array{Tensor: x}
}

// The golden file comes from testdata/scaling.py.
func TestScalerGolden(t *testing.T) {
	var g struct{ Samples, Unit, Standard, Minmax []string }
	golden.Load(t, "testdata/scaling.golden", &g)
	samples := fromBits(t, g.Samples)
	source := array(t, samples, len(samples)/5, 5)
	for kind, bits := range map[dataset.Scaling][]string{
		dataset.NoScaling: g.Samples, dataset.UnitScaling: g.Unit, dataset.StandardScaling: g.Standard, dataset.MinMaxScaling: g.Minmax,
	} {
		s, err := dataset.FitScaler(t.Context(), kind, source, 0)
		if err != nil {
			t.Fatal(err)
		}
		want := fromBits(t, bits)
		rows := append([]float32(nil), samples...)
		s.Apply(rows)
		if !reflect.DeepEqual(rows, want) {
			t.Errorf("%s: samples are not scaled to what NumPy has: starts %v, want %v", kind, rows[:5], want[:5])
		}
		s.Undo(rows)
		for i, v := range rows {
			// Taking the offset away and adding it again rounds in its last digits.
			offset := 0.0
			if len(s.Offset) > 0 {
				offset = math.Abs(float64(s.Offset[i%5]))
			}
			if d := math.Abs(float64(v - samples[i])); d > 2e-7*(math.Abs(float64(samples[i]))+2*offset) {
				t.Errorf("%s: element %d became %v on the way there and back, want %v", kind, i, v, samples[i])
			}
		}
		text, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var again dataset.Scaler
		if err := json.Unmarshal(text, &again); err != nil || !reflect.DeepEqual(&again, s) {
			t.Errorf("%s: read back as %+v (error %v), want %+v", kind, again, err, s)
		}
	}
}

// Bytes divided by 255 are what Images serve by themselves, bit for bit.
func TestUnitScalingOfBytes(t *testing.T) {
	images := everyByte()
	s, err := dataset.FitScaler(t.Context(), dataset.UnitScaling, images.Raw(), 255)
	if err != nil {
		t.Fatal(err)
	}
	scaled, err := dataset.Scaled(images.Raw(), s)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := scaled.(*dataset.Images); !ok {
		t.Errorf("images became %T, want images", scaled)
	}
	got, want, raw := make([]float32, 256), make([]float32, 256), make([]float32, 256)
	order := make([]int, 16)
	dataset.Permutation(1, 1, order)
	scaled.Read(got, order)
	images.Read(want, order)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	s.Undo(got)
	images.Raw().Read(raw, order)
	for i := range got {
		if math.Round(float64(got[i])) != float64(raw[i]) {
			t.Errorf("value %d goes back to %v, want %v", i, got[i], raw[i])
		}
	}
}

// What integers are divided by follows from those that are there.
func TestUnitScalingOfIntegers(t *testing.T) {
	bytes := func(values ...byte) dataset.Source {
		return (&dataset.Images{Shape: tensor.Shape{2}, Pixels: values}).Raw()
	}
	second, err := dataset.Subset(bytes(0, 1, 2, 200), []int{0})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		source  dataset.Source
		largest float32
		want    float32
	}{
		{"photographs", bytes(3, 9, 0, 254), 255, 255},
		{"a dark photograph", bytes(3, 9, 0, 128), 255, 255},
		{"digits of scikit-learn", bytes(0, 16, 5, 9), 255, 16},
		{"half", bytes(0, 127, 5, 9), 255, 127},
		{"masks", bytes(0, 1, 1, 0), 255, 1},
		{"nothing", bytes(0, 0, 0, 0), 255, 1},
		{"the part for training", second, 255, 1},
		{"12 bits in 16", array(t, []float32{0, 3200, 7, 11}, 2, 2), 65535, 3200},
		{"16 bits", array(t, []float32{0, 40000, 7, 11}, 2, 2), 65535, 65535},
		{"bools", array(t, []float32{0, 1, 0, 1}, 2, 2), 1, 1},
		{"any numbers", array(t, []float32{0, -8, 4, 1}, 2, 2), 0, 8},
	} {
		s, err := dataset.FitScaler(t.Context(), dataset.UnitScaling, c.source, c.largest)
		if err != nil || len(s.Scale) != 1 || s.Scale[0] != c.want {
			t.Errorf("%s: %+v (error %v), want to divide by %v", c.name, s, err, c.want)
		}
	}
}

func TestScaledReads(t *testing.T) {
	images := everyByte().Raw()
	inTable, err := dataset.Subset(images, []int{3, 9, 1})
	if err != nil {
		t.Fatal(err)
	}
	for name, source := range map[string]dataset.Source{
		"array": dataset.Array{Tensor: images.Tensor(0, 16)}, "images": images, "subset": inTable,
	} {
		for _, kind := range dataset.Scalings() {
			s, err := dataset.FitScaler(t.Context(), kind, source, 0)
			if err != nil {
				t.Fatal(err)
			}
			scaled, err := dataset.Scaled(source, s)
			if err != nil {
				t.Fatal(err)
			}
			checkScaled(t, fmt.Sprint(name, ", ", kind), source, scaled, s)
		}
	}
}

// checkScaled compares what scaled serves, to several readers at a time, with
// the samples of source scaled apart.
func checkScaled(t *testing.T, name string, source, scaled dataset.Source, s *dataset.Scaler) {
	if scaled.Len() != source.Len() || !scaled.Sample().Equal(source.Sample()) {
		t.Errorf("%s: %d samples of %v", name, scaled.Len(), scaled.Sample())
	}
	indices := []int{2, 0, 1}
	n := source.Sample().Size()
	want := make([]float32, 3*n)
	source.Read(want, indices)
	s.Apply(want)
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			got := make([]float32, 3*n+1)
			got[3*n] = 77
			scaled.Read(got, indices)
			if !reflect.DeepEqual(got[:3*n], want) || got[3*n] != 77 {
				t.Errorf("%s: read %v, want %v and nothing after it changed", name, got, want)
			}
		})
	}
	readers.Wait()
	dst := make([]float32, 3*n)
	if allocs := testing.AllocsPerRun(10, func() { scaled.Read(dst, indices) }); allocs != 0 {
		t.Errorf("%s: reading allocates %v times, want 0", name, allocs)
	}
}

// A mean far from 0 costs no digits, and neither do constant elements, whatever
// the number of blocks.
func TestScalerFarFromZero(t *testing.T) {
	const n = 100_000 // two blocks
	x := tensor.New(n, 2)
	for i := range n {
		x.Row(i)[0] = 1<<20 + float32(i%2) // mean 1048576.5, deviation 0.5
		x.Row(i)[1] = 0.1
	}
	s, err := dataset.FitScaler(t.Context(), dataset.StandardScaling, dataset.Array{Tensor: x}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if s.Offset[0] != 1048576.5 || s.Scale[0] != 0.5 || s.Offset[1] != 0.1 || s.Scale[1] != 1 {
		t.Errorf("offsets %v, scales %v, want 1048576.5, 0.1 and 0.5, 1", s.Offset, s.Scale)
	}
}

func TestFitScalerRefuses(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	good := array(t, []float32{1, 2, 3, 4}, 2, 1, 2)
	for _, c := range []struct {
		kind    dataset.Scaling
		source  dataset.Source
		largest float32
		want    string
	}{
		{"mean", good, 0, `kind "mean", want one of ["unit" "standard" "minmax" "none"]`},
		{"none", array(t, []float32{1, 2, 3, nan}, 2, 1, 2), 0, "sample 1, element [0, 1] (counted from 0) is NaN, want finite numbers"},
		{"unit", array(t, []float32{1, inf, 3, 4}, 2, 2), 0, "sample 0, element [1] (counted from 0) is +Inf"},
		{"minmax", array(t, []float32{3e38, 0, -3e38, 4}, 2, 2), 0, "element [0] (counted from 0) goes from -3e+38 to 3e+38, a range beyond float32"},
		{"unit", good, nan, "largest value of NaN"},
		{"unit", good, -1, "largest value of -1"},
		{"unit", everyByte().Slice(3, 3), 0, "no samples to learn it from"},
	} {
		_, err := dataset.FitScaler(t.Context(), c.kind, c.source, c.largest)
		checkError(t, string(c.kind), err, c.want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := dataset.FitScaler(ctx, "unit", good, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got error %v", err)
	}
}

// checkError wants one line of this package that holds a text.
func checkError(t *testing.T, name string, err error, want string) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), "dataset: ") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: got error %v, want one line with %q", name, err, want)
	}
}

func TestScalerRefusesJSON(t *testing.T) {
	for text, want := range map[string]string{
		`{"kind":"max"}`:                                      `kind "max", want one of`,
		`{"kind":"none","scale":[1]}`:                         "0 offsets and 1 scales do not make one",
		`{"kind":"unit"}`:                                     "0 offsets and 0 scales",
		`{"kind":"unit","scale":[0]}`:                         "scale 0 is 0, want a finite number above 0",
		`{"kind":"minmax","offset":[1,2],"scale":[1]}`:        "2 offsets and 1 scales",
		`{"kind":"standard","offset":[1,2],"scale":[1,-1]}`:   "scale 1 is -1",
		`{"kind":"standard","offset":[1e99,2],"scale":[1,1]}`: "cannot unmarshal number 1e99",
		`[]`: "cannot unmarshal array",
	} {
		var s dataset.Scaler
		checkError(t, text, json.Unmarshal([]byte(text), &s), want)
	}
	s := dataset.Scaler{Kind: dataset.MinMaxScaling, Offset: []float32{0, 0, 0}, Scale: []float32{1, 1, 1}}
	_, err := dataset.Scaled(everyByte(), &s)
	checkError(t, "other samples", err, "for samples of 3 elements, want 16")
	s.Offset[1] = float32(math.Inf(1))
	checkError(t, "infinite", s.Validate(3), "offset 1 is +Inf")
}

func FuzzScalerJSON(f *testing.F) {
	f.Add([]byte(`{"kind":"standard","offset":[1,2],"scale":[1,3e-9]}`))
	f.Add([]byte(`{"kind":"unit","scale":[255]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var s dataset.Scaler
		if json.Unmarshal(text, &s) != nil {
			return
		}
		rows := make([]float32, 7)
		s.Apply(rows)
		s.Undo(rows)
		if err := s.Validate(len(s.Offset)); err != nil {
			t.Error(err)
		}
	})
}

func ExampleFitScaler() {
	ages, _ := tensor.FromSlice([]float32{20, 1.5, 40, 1.7, 60, 1.9}, 3, 2)
	s, err := dataset.FitScaler(context.Background(), dataset.MinMaxScaling, dataset.Array{Tensor: ages}, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	person := []float32{50, 1.9}
	s.Apply(person)
	fmt.Println(person)
	s.Undo(person)
	fmt.Println(person)
	// Output:
	// [0.75 1]
	// [50 1.9]
}

func BenchmarkScaledRead(b *testing.B) {
	images := (&dataset.Images{Shape: tensor.Shape{28, 28}, Pixels: make([]byte, 1000*784)}).Raw()
	images.Pixels[7] = 3
	for _, kind := range []dataset.Scaling{dataset.UnitScaling, dataset.StandardScaling} {
		b.Run(string(kind), func(b *testing.B) {
			s, err := dataset.FitScaler(b.Context(), kind, images, 255)
			if err != nil {
				b.Fatal(err)
			}
			source, _ := dataset.Scaled(images, s)
			dst, indices := make([]float32, 32*784), make([]int, 32)
			b.SetBytes(32 * 784)
			for b.Loop() {
				source.Read(dst, indices)
			}
		})
	}
}
