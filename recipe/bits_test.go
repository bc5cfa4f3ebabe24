package recipe

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"

	"hourglass"
	"hourglass/dataset"
	"hourglass/internal/golden"
	"hourglass/internal/kernel"
	"hourglass/optim"
	"hourglass/tensor"
)

// weightDigests are the first bytes of SHA-256 of the weights after a dozen steps of each
// recipe, recorded before the engine learned to run anything but chains (commit f795d58).
// A change that gives other bits must say which rounding it changed, and why.
var weightDigests = map[string]string{
	"linear":        "cc0bb884e22fb1e36a1e87ea",
	"stacked":       "9470a9533cc725e58585eca8",
	"convolutional": "2c9d8f42dfb0f97883b05bd8",
	"recurrent":     "eeed634617ef94e09b3775f7",
	"denoising":     "5bf706872bca593a335997fb",
	"dropout":       "ecfd2ff8af202368f2d543fc",
	"sigmoid":       "42f0c11f3201d078701b3d27",
	"relu":          "ea50ec90d1fc61c52b9897dc",
	"functional":    "c7e827baced765badcfaf50b",
}

// The bits of the recipes' weights are those that earlier versions gave.
func TestBitsOfWeights(t *testing.T) {
	if simd := kernel.SIMD(); !strings.HasPrefix(simd, "avx") {
		t.Skipf("the digests are those of AVX kernels, this machine uses %s", simd)
	}
	for _, r := range Lecture() {
		ae, err := hourglass.New(r.Encoder, r.Decoder)
		if err != nil {
			t.Fatalf("%s: %v", r.Name, err)
		}
		const batch, steps = 7, 12
		shape := append(tensor.Shape{steps*batch - 3}, ae.Network().Input()...)
		optimizer := r.Optimizer
		data := dataset.Array{Tensor: tensor.Tensor{Shape: shape, Data: golden.Values(77, shape.Size(), 0, 1)}}
		if r.Own != nil {
			data, optimizer = r.Own(), optim.WithRate(optimizer, 0.1) // the recipe's needs larger batches
		}
		if _, err := ae.Fit(context.Background(), data, hourglass.Epochs(1), hourglass.BatchSize(batch),
			hourglass.Loss(r.Loss), hourglass.Optimizer(optimizer), hourglass.Threads(2)); err != nil {
			t.Fatalf("%s: %v", r.Name, err)
		}
		digest := sha256.New()
		if err := binary.Write(digest, binary.LittleEndian, ae.Network().Weights()); err != nil {
			t.Fatalf("%s: %v", r.Name, err)
		}
		if got := hex.EncodeToString(digest.Sum(nil)[:12]); got != weightDigests[r.Name] {
			t.Errorf("%q: %q, want %q", r.Name, got, weightDigests[r.Name])
		}
	}
}
