package dataset

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

// The golden file comes from testdata/permutation.py. Orders of a few thousand
// samples hardly ever refuse a draw; here every other one is.
func TestBelowRefusesSurplusDraws(t *testing.T) {
	golden, err := os.ReadFile("testdata/bounded.golden")
	if err != nil {
		t.Fatal(err)
	}
	generator := rand.NewPCG(42, 7)
	var got strings.Builder
	for range 20 {
		fmt.Fprintln(&got, below(generator, 1<<63+1))
	}
	if got.String() != string(golden) {
		t.Errorf("got\n%swant\n%s", got.String(), golden)
	}
}
