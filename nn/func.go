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
	Linear      Func = iota // f(x) = x
	ReLU                    // f(x) = max(x, 0)
	LeakyReLU               // f(x) = x for x > 0, 0.2·x otherwise; for other slopes see Activation
	ELU                     // f(x) = x for x > 0, eˣ - 1 otherwise
	SELU                    // f(x) = 1.05070098·x for x > 0, 1.05070098·1.67326324·(eˣ - 1) otherwise (Klambauer et al. 2017)
	Sigmoid                 // f(x) = 1 / (1 + e⁻ˣ)
	Tanh                    // f(x) = tanh x
	Softplus                // f(x) = log(1 + eˣ)
	GELU                    // f(x) = x·Φ(x), with the normal distribution function Φ (Hendrycks & Gimpel 2016)
	GELUTanh                // f(x) = x·(1 + tanh(√(2/π)·(x + 0.044715·x³)))/2: GELU(approximate="tanh") of PyTorch
	SiLU                    // f(x) = x / (1 + e⁻ˣ), also called swish
	Mish                    // f(x) = x·tanh(log(1 + eˣ)) (Misra 2019)
	HardSigmoid             // f(x) = min(max(x + 3, 0), 6) / 6: that of PyTorch and Keras 3; Keras 2 has 0.2·x + 0.5 within [0, 1]
	HardSiLU                // f(x) = x·min(max(x + 3, 0), 6) / 6, also called hard swish (Howard et al. 2019)
	ReLU6                   // f(x) = min(max(x, 0), 6)
)

// leakySlope is Keras' negative_slope; eluAlpha its ELU's alpha.
const (
	leakySlope = 0.2
	eluAlpha   = 1
)

// funcNames are Keras' names, in the order of the constants; gelu_tanh is its gelu with
// approximate=True.
var funcNames = []string{"linear", "relu", "leaky_relu", "elu", "selu", "sigmoid", "tanh", "softplus",
	"gelu", "gelu_tanh", "silu", "mish", "hard_sigmoid", "hard_silu", "relu6"}

// funcAliases are other names of Keras' and PyTorch's.
var funcAliases = map[string]Func{"swish": SiLU, "hard_swish": HardSiLU, "hardswish": HardSiLU, "hardsigmoid": HardSigmoid}

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

// UnmarshalText reads Keras' name of a function, or another one it is known by.
func (a *Func) UnmarshalText(text []byte) error {
	if f, ok := funcAliases[string(text)]; ok {
		*a = f
		return nil
	}
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

// fromInput reports whether the derivative is computed from x: these functions fall before
// they rise, so that y = f(x) does not determine it.
func (a Func) fromInput() bool {
	switch a {
	case GELU, GELUTanh, SiLU, Mish, HardSiLU:
		return true
	}
	return false
}

// inputMemory returns how many of a stage's n outputs must be kept as they are before the
// function.
func (a Func) inputMemory(n int) int {
	if a.fromInput() {
		return n
	}
	return 0
}

// basis returns where a stage puts what it applies the function to, and where backward finds
// what it needs: memory, which has room for inputMemory values a sample, or the output y itself.
func (a Func) basis(y, memory []float32) []float32 {
	if a.fromInput() {
		return memory
	}
	return y
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
	case GELU:
		kernel.GELU(y, x)
	case GELUTanh:
		kernel.GELUTanh(y, x)
	case SiLU:
		kernel.SiLU(y, x)
	case Mish:
		kernel.Mish(y, x)
	case HardSigmoid:
		kernel.HardSigmoid(y, x)
	case HardSiLU:
		kernel.HardSiLU(y, x)
	case ReLU6:
		kernel.ReLU6(y, x)
	}
}

// backward sets dx = dy·f'(x), computed from the basis: y = f(x), or x where the function
// is fromInput. dx and dy may be the same slice.
func (a Func) backward(dx, dy, basis []float32) {
	switch a {
	case Linear:
		if &dx[0] != &dy[0] {
			copy(dx, dy)
		}
	case ReLU:
		kernel.ReLUGrad(dx, dy, basis)
	case LeakyReLU:
		kernel.LeakyReLUGrad(dx, dy, basis, leakySlope)
	case ELU:
		kernel.ELUGrad(dx, dy, basis, eluAlpha)
	case SELU:
		kernel.SELUGrad(dx, dy, basis)
	case Sigmoid:
		kernel.SigmoidGrad(dx, dy, basis)
	case Tanh:
		kernel.TanhGrad(dx, dy, basis)
	case Softplus:
		kernel.SoftplusGrad(dx, dy, basis)
	case GELU:
		kernel.GELUGrad(dx, dy, basis)
	case GELUTanh:
		kernel.GELUTanhGrad(dx, dy, basis)
	case SiLU:
		kernel.SiLUGrad(dx, dy, basis)
	case Mish:
		kernel.MishGrad(dx, dy, basis)
	case HardSigmoid:
		kernel.HardSigmoidGrad(dx, dy, basis)
	case HardSiLU:
		kernel.HardSiLUGrad(dx, dy, basis)
	case ReLU6:
		kernel.ReLU6Grad(dx, dy, basis)
	}
}

// Forward sets y = f(x), for layers of one's own; both may be the same slice unless the
// derivative needs x, as that of GELU does.
func (a Func) Forward(y, x []float32) { a.forward(y, x) }

// Backward sets dx = dy·f'(x), where y = f(x); dx and dy may be the same slice.
func (a Func) Backward(dx, dy, x, y []float32) { a.backward(dx, dy, a.basis(y, x)) }
