package workflow

import (
	"testing"

	"hourglass/dataset"
	"hourglass/tensor"
)

func TestIsSeries(t *testing.T) {
	for _, c := range []struct {
		data dataset.Data
		want bool
	}{
		{dataset.Data{Samples: dataset.Array{Tensor: tensor.New(1, 140, 1)}}, true},
		{dataset.Data{Samples: dataset.Array{Tensor: tensor.New(1, 64, 16)}}, true},
		{dataset.Data{Samples: dataset.Array{Tensor: tensor.New(1, 140)}}, true},
		{dataset.Data{Samples: dataset.Array{Tensor: tensor.New(1, 8, 8)}}, false},
		{dataset.Data{Samples: dataset.Array{Tensor: tensor.New(1, 28, 28)}}, false},
		{dataset.Data{Samples: dataset.Array{Tensor: tensor.New(1, 28, 28, 1)}}, false},
		{dataset.Data{Samples: dataset.Array{Tensor: tensor.New(1, 4, 1)}}, false},
		{dataset.Data{Samples: dataset.Array{Tensor: tensor.New(1, 13)}}, false},
		{dataset.Data{Samples: dataset.Array{Tensor: tensor.New(1, 40)}, Features: make([]string, 40)}, false},
		{dataset.Data{Samples: dataset.Array{Tensor: tensor.New(1, 140, 1)}, Format: dataset.FormatImages}, false},
	} {
		if got := IsSeries(&c.data); got != c.want {
			t.Errorf("samples of %v, format %q: %v, want %v", c.data.Shape(), c.data.Format, got, c.want)
		}
	}
}
