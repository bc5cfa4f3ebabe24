package nn

import (
	"fmt"
	"slices"

	"hourglass/internal/kernel"
)

// Func is an element-wise activation function. The zero value is Linear.
type Func uint8

// The activation functions, with the constants of Keras.
const (
	Linear    Func = iota // f(x) = x
	ReLU                  // f(x) = max(x, 0)
	LeakyReLU             // f(x) = x for x > 0, 0.2·x otherwise
	ELU                   // f(x) = x for x > 0, eˣ - 1 otherwise
	SELU                  // f(x) = 1.05070098·x for x > 0, 1.05070098·1.67326324·(eˣ - 1) otherwise (Klambauer et al. 2017)
	Sigmoid               // f(x) = 1 / (1 + e⁻ˣ)
	Tanh                  // f(x) = tanh x
	Softplus              // f(x) = log(1 + eˣ)
)

// leakySlope is Keras' negative_slope; eluAlpha its ELU's alpha.
const (
	leakySlope = 0.2
	eluAlpha   = 1
)

// funcNames are Keras' names, in the order of the constants.
var funcNames = []string{"linear", "relu", "leaky_relu", "elu", "selu", "sigmoid", "tanh", "softplus"}

// String returns Keras' name of the function.
func (a Func) String() string {
	if int(a) >= len(funcNames) {
		return fmt.Sprintf("Func(%d)", a)
	}
	return funcNames[a]
}

// MarshalText writes Keras' name of the function.
func (a Func) MarshalText() ([]byte, error) {
	if err := a.validate(); err != nil {
		return nil, err
	}
	return []byte(a.String()), nil
}

// UnmarshalText reads Keras' name of a function.
func (a *Func) UnmarshalText(text []byte) error {
	i := slices.Index(funcNames, string(text))
	if i < 0 {
		return fmt.Errorf("unknown activation %q, want one of %v", text, funcNames)
	}
	*a = Func(i)
	return nil
}

func (a Func) validate() error {
	if int(a) >= len(funcNames) {
		return fmt.Errorf("unknown activation %d, want one of %v", a, funcNames)
	}
	return nil
}

// forward sets y = f(x); both may be the same slice.
func (a Func) forward(y, x []float32) {
	switch a {
	case Linear:
		if &y[0] != &x[0] {
			copy(y, x)
		}
	case ReLU:
		kernel.ReLU(y, x)
	case LeakyReLU:
		kernel.LeakyReLU(y, x, leakySlope)
	case ELU:
		kernel.ELU(y, x, eluAlpha)
	case SELU:
		kernel.SELU(y, x)
	case Sigmoid:
		kernel.Sigmoid(y, x)
	case Tanh:
		kernel.Tanh(y, x)
	case Softplus:
		kernel.Softplus(y, x)
	}
}

// backward sets dx = dy·f'(x), computed from y = f(x); dx and dy may be the
// same slice. Every function here determines its derivative by its value.
func (a Func) backward(dx, dy, y []float32) {
	switch a {
	case Linear:
		if &dx[0] != &dy[0] {
			copy(dx, dy)
		}
	case ReLU:
		kernel.ReLUGrad(dx, dy, y)
	case LeakyReLU:
		kernel.LeakyReLUGrad(dx, dy, y, leakySlope)
	case ELU:
		kernel.ELUGrad(dx, dy, y, eluAlpha)
	case SELU:
		kernel.SELUGrad(dx, dy, y)
	case Sigmoid:
		kernel.SigmoidGrad(dx, dy, y)
	case Tanh:
		kernel.TanhGrad(dx, dy, y)
	case Softplus:
		kernel.SoftplusGrad(dx, dy, y)
	}
}
