package architecture_test

import (
	"encoding/json"

	"hourglass/nn"
	"hourglass/tensor"
)

// Layers such as a program outside of this module may register.

func init() {
	for _, l := range []nn.Layer{block{}, &pointer{}, private{}, scale(0), Scale{}} {
		nn.Register(l)
	}
}

type Shared struct {
	Seed uint64  `json:"seed,omitempty"`
	Rate float32 `json:"rate,omitempty"`
}

// block has options of all sorts.
type block struct {
	Name     string         `json:"name"`
	Training bool           `json:"training,omitempty"`
	Layers   nn.Layers      `json:"layers,omitempty"`
	Tags     map[string]int `json:"tags,omitempty"`
	Scales   []float64      `json:"scales,omitempty"`
	Small    uint8          `json:"small,omitempty"`
	Hidden   int            `json:"-"`
	Shared
}

// pointer is registered as one.
type pointer struct {
	Weight float64 `json:"weight"`
	On     *bool   `json:"on,omitempty"`
}

// private tells its number to JSON only.
type private struct{ n int }

func (l private) MarshalJSON() ([]byte, error) { return json.Marshal(map[string]int{"n": l.n}) }

func (l *private) UnmarshalJSON(data []byte) error {
	var fields struct{ N int }
	err := json.Unmarshal(data, &fields)
	l.n = fields.N
	return err
}

// scale is a number.
type scale float64

// Scale has a name that differs from that of scale in case only.
type Scale struct {
	Factor int `json:"factor"`
}

func (block) Bind(in tensor.Shape) (nn.Stage, error)    { return nn.Flatten{}.Bind(in) }
func (*pointer) Bind(in tensor.Shape) (nn.Stage, error) { return nn.Flatten{}.Bind(in) }
func (private) Bind(in tensor.Shape) (nn.Stage, error)  { return nn.Flatten{}.Bind(in) }
func (Scale) Bind(in tensor.Shape) (nn.Stage, error)    { return nn.Flatten{}.Bind(in) }
func (scale) Bind(in tensor.Shape) (nn.Stage, error)    { return nn.Flatten{}.Bind(in) }
