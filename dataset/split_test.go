package dataset_test

import (
	"reflect"
	"testing"

	"hourglass/dataset"
)

func TestSplitBy(t *testing.T) {
	d := &dataset.Data{Samples: array(t, make([]float32, 100), 100, 1), Labels: make([]int, 100), Classes: []string{"even", "odd"}}
	for i := range 100 {
		d.Samples.(dataset.Array).Data[i] = float32(i)
		d.Labels[i] = i % 2
	}
	parts, err := d.SplitBy(5, 0.2, 0.155)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[float32]bool{}
	for name, c := range map[string]struct {
		part *dataset.Data
		want int
	}{"train": {parts.Train, 64}, "validation": {parts.Validation, 20}, "test": {parts.Test, 16}} {
		values := allValues(c.part.Samples)
		if len(values) != c.want || len(c.part.Labels) != c.want {
			t.Errorf("%s: %d samples, %d labels, want %d", name, len(values), len(c.part.Labels), c.want)
		}
		for i, v := range values {
			if seen[v] || i > 0 && v <= values[i-1] || c.part.Labels[i] != int(v)%2 {
				t.Errorf("%s: sample %v is there twice, out of order or of label %d", name, v, c.part.Labels[i])
			}
			seen[v] = true
		}
	}
	again, err := d.SplitBy(5, 0.2, 0.155)
	if err != nil || !reflect.DeepEqual(allValues(again.Test.Samples), allValues(parts.Test.Samples)) {
		t.Errorf("the same seed gives another split (error %v)", err)
	}
	other, err := d.SplitBy(6, 0.2, 0.155)
	if err != nil || reflect.DeepEqual(allValues(other.Test.Samples), allValues(parts.Test.Samples)) {
		t.Errorf("another seed gives the same split (error %v)", err)
	}
	if whole, err := d.SplitBy(5, 0, 0); err != nil || whole.Train.Len() != 100 || whole.Validation != nil || whole.Test != nil {
		t.Errorf("nothing set aside: %+v (error %v)", whole, err)
	}
	d.Test = &dataset.Data{Samples: array(t, make([]float32, 3), 3, 1)}
	if own, err := d.SplitBy(5, 0.5, 0); err != nil || own.Test != d.Test || own.Train.Len() != 50 || own.Train.Test != nil {
		t.Errorf("with samples to test of its own: %+v (error %v)", own, err)
	}
}

func TestSplitByRefuses(t *testing.T) {
	d := &dataset.Data{Path: "few.csv", Samples: array(t, make([]float32, 10), 10, 1)}
	for _, c := range []struct {
		validation, test float64
		want             string
	}{
		{-0.1, 0, "validation fraction -0.1, want 0 to below 1"},
		{0, 1, "test fraction 1, want 0 to below 1"},
		{0.01, 0, "validation fraction 0.01 of 10 samples is none"},
		{0.5, 0.5, "5 samples for validation and 5 for testing leave none of 10 for training"},
	} {
		_, err := d.SplitBy(1, c.validation, c.test)
		checkError(t, "split", err, "dataset: split few.csv: "+c.want)
	}
	d.Test = d
	_, err := d.SplitBy(1, 0, 0.2)
	checkError(t, "own test", err, "test fraction 0.2, want 0: it has 10 samples for testing of its own")
	_, err = d.Select([]int{0, 10})
	checkError(t, "select", err, "sample 10 is not one of 10")
}
