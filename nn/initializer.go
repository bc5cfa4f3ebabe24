package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"hourglass/internal/portable"
)

// Initializer says how an array of weights starts. The zero value is the
// layer's own default, which is Keras' (GlorotUniform for kernels, Zeros for
// biases).
type Initializer uint8

// The initialisers. fan_in and fan_out are the numbers of inputs and outputs a
// weight connects, over the receptive field for convolutions.
const (
	DefaultInit   Initializer = iota
	Zeros                     // 0
	Ones                      // 1
	GlorotUniform             // uniform in ±√(6 / (fan_in + fan_out)) (Glorot & Bengio 2010)
	GlorotNormal              // normal truncated at 2σ, variance 2 / (fan_in + fan_out)
	HeUniform                 // uniform in ±√(6 / fan_in) (He et al. 2015)
	HeNormal                  // normal truncated at 2σ, variance 2 / fan_in
	LeCunUniform              // uniform in ±√(3 / fan_in) (LeCun et al. 1998)
	LeCunNormal               // normal truncated at 2σ, variance 1 / fan_in
	Orthogonal                // a random orthogonal matrix (Saxe et al. 2014)
	TorchLinear               // uniform in ±1/√fan_in: how PyTorch starts weights and biases of Linear
	UnitForget                // 0, but 1 for the forget gate: the bias of LSTM (Jozefowicz et al. 2015)
)

var initializerNames = []string{"default", "zeros", "ones", "glorot_uniform", "glorot_normal",
	"he_uniform", "he_normal", "lecun_uniform", "lecun_normal", "orthogonal", "torch_linear", "unit_forget"}

// String returns the initialiser's name, Keras' where Keras has it.
func (i Initializer) String() string {
	if int(i) >= len(initializerNames) {
		return fmt.Sprintf("Initializer(%d)", i)
	}
	return initializerNames[i]
}

// MarshalText writes the initialiser's name.
func (i Initializer) MarshalText() ([]byte, error) {
	if err := i.validate(); err != nil {
		return nil, err
	}
	return []byte(i.String()), nil
}

// UnmarshalText reads the name of an initialiser.
func (i *Initializer) UnmarshalText(text []byte) error {
	n := slices.Index(initializerNames, string(text))
	if n < 0 {
		return fmt.Errorf("unknown initializer %q, want one of %v", text, initializerNames)
	}
	*i = Initializer(n)
	return nil
}

func (i Initializer) validate() error {
	if int(i) >= len(initializerNames) {
		return fmt.Errorf("unknown initializer %d, want one of %v", i, initializerNames)
	}
	return nil
}

// fill sets w, the values of p, to their start.
func (i Initializer) fill(w []float32, p Param, rng *rand.Rand) {
	in, out := float64(p.FanIn), float64(p.FanOut)
	switch i {
	case DefaultInit, Zeros:
		clear(w)
	case Ones:
		for j := range w {
			w[j] = 1
		}
	case GlorotUniform:
		fillUniform(w, math.Sqrt(6/(in+out)), rng)
	case GlorotNormal:
		fillTruncatedNormal(w, math.Sqrt(2/(in+out)), rng)
	case HeUniform:
		fillUniform(w, math.Sqrt(6/in), rng)
	case HeNormal:
		fillTruncatedNormal(w, math.Sqrt(2/in), rng)
	case LeCunUniform:
		fillUniform(w, math.Sqrt(3/in), rng)
	case LeCunNormal:
		fillTruncatedNormal(w, math.Sqrt(1/in), rng)
	case Orthogonal:
		rows, cols := p.rows()
		fillOrthogonal(w, rows, cols, rng)
	case TorchLinear:
		fillUniform(w, 1/math.Sqrt(in), rng)
	case UnitForget:
		clear(w)
		for j := len(w) / 4; j < len(w)/2; j++ {
			w[j] = 1
		}
	}
}

func fillUniform(w []float32, limit float64, rng *rand.Rand) {
	for j := range w {
		w[j] = float32(2 * (float64(rng.Float64()) - 0.5) * limit)
	}
}

// fillTruncatedNormal draws from a normal distribution cut at two standard
// deviations and widened so that what remains has the standard deviation sigma,
// as Keras does.
func fillTruncatedNormal(w []float32, sigma float64, rng *rand.Rand) {
	const cutDeviation = 0.87962566103423978 // of a standard normal cut at ±2
	for j := range w {
		x := portable.Normal(rng)
		for math.Abs(x) > 2 {
			x = portable.Normal(rng)
		}
		w[j] = float32(x * sigma / cutDeviation)
	}
}
