package main

import (
	"fmt"
	"runtime"
	"slices"
	"time"

	"hourglass"
	"hourglass/internal/kernel"
	"hourglass/nn"
	"hourglass/recipe"
)

// form says how the factors of a product lie in memory.
type form string

// The forms that training needs: A·B of dense row-major matrices, and those with
// one factor kept transposed.
const (
	plainForm form = "A·B"
	transA    form = "Aᵀ·B"
	transB    form = "A·Bᵀ"
)

// product is a matrix product to be measured: m×k times k×n.
type product struct {
	m, n, k int
	form    form
	use     string // what a system needs it for; empty for none
}

func (p product) flop() float64 { return 2 * float64(p.m) * float64(p.n) * float64(p.k) }

func (p product) String() string { return fmt.Sprintf("%d×%d×%d", p.m, p.k, p.n) }

// generalProducts are squares from small to large, in all forms or of awkward
// sizes, and slim ones.
func generalProducts() []product {
	var all []product
	for _, n := range []int{16, 17, 32, 33, 48, 64, 96, 100, 128, 192, 256, 300, 384, 512, 768, 1000, 1024} {
		all = append(all, product{m: n, n: n, k: n, form: plainForm})
	}
	for _, n := range []int{32, 128, 512, 1024} {
		all = append(all, product{m: n, n: n, k: n, form: transA}, product{m: n, n: n, k: n, form: transB})
	}
	const slim, long = 16, 1024
	for _, s := range [][3]int{{slim, slim, long}, {slim, long, slim}, {long, slim, slim}, {slim, long, long}, {long, slim, long}, {long, long, slim}} {
		all = append(all, product{m: s[0], n: s[1], k: s[2], form: plainForm})
	}
	return all
}

// fewestRows keeps out products so small that only the cost of a call is seen.
const fewestRows = 16

// systemProducts are those of a training step of each recipe's dense layers: the
// outputs, the gradient of the inputs (from weights that are kept transposed as
// well, so that it is an A·B), and the gradient of the weights.
func systemProducts(recipes []recipe.Recipe) []product {
	var all []product
	add := func(p product) {
		known := slices.ContainsFunc(all, func(q product) bool { return q.m == p.m && q.n == p.n && q.k == p.k && q.form == p.form })
		if !known && min(p.m, p.n, p.k) >= fewestRows {
			all = append(all, p)
		}
	}
	for _, r := range recipes {
		model, err := hourglass.New(r.Encoder, r.Decoder)
		if err != nil {
			continue // recipe's own tests would say so
		}
		network := model.Network()
		for i, a := range network.Arrays() {
			if nn.Kind(network.Layers()[a.Layer]) != "Dense" || len(a.Shape) != 2 {
				continue
			}
			in, out, batch := a.Shape[0], a.Shape[1], r.BatchSize
			layer := fmt.Sprintf("%s, %d → %d: ", r.Name, in, out)
			add(product{batch, out, in, plainForm, layer + "outputs"})
			if i > 0 {
				add(product{batch, in, out, plainForm, layer + "dX"})
			}
			add(product{in, out, batch, transA, layer + "dW"})
		}
	}
	return all
}

// gemmRate measures Hourglass' product on one core in GFLOP/s.
func gemmRate(p product, seconds float64) float64 {
	a, b, c := matrix(p.m*p.k), matrix(p.k*p.n), matrix(p.m*p.n)
	multiply := func() { kernel.Gemm(p.m, p.n, p.k, a, p.k, 1, b, p.n, c, p.n, kernel.Overwrite, nil) }
	switch p.form {
	case transA:
		multiply = func() { kernel.Gemm(p.m, p.n, p.k, a, 1, p.m, b, p.n, c, p.n, kernel.Overwrite, nil) }
	case transB:
		multiply = func() { kernel.GemmNT(p.m, p.n, p.k, a, p.k, 1, b, p.k, c, p.n, kernel.Overwrite, nil) }
	}
	return callRate(multiply, seconds) * p.flop() / 1e9
}

// matrix returns size values in [0, 1).
func matrix(size int) []float32 {
	x := make([]float32, size)
	for i := range x {
		x[i] = float32(uint32(i)*2654435761%1000) / 1000
	}
	return x
}

// callRate returns how often a second f can be called: the median over batches
// of calls that are long beside the clock and short beside a time slice, exactly
// as openblas.c does it.
func callRate(f func(), seconds float64) float64 {
	const batch = 500 * time.Microsecond
	timed := func(calls int) time.Duration {
		start := time.Now()
		for range calls {
			f()
		}
		return time.Since(start)
	}
	calls := 1
	for timed(calls) < batch {
		calls *= 2
	}
	var rates []float64
	for end := time.Now().Add(time.Duration(seconds * float64(time.Second))); len(rates) < 3 || time.Now().Before(end); {
		rates = append(rates, float64(calls)/timed(calls).Seconds())
	}
	return median(rates)
}

// gemmResult is what one product reached in GFLOP/s.
type gemmResult struct {
	product
	own, blas, peak series
}

// ofPeak is the share of the machine's peak, 0 if that is not known.
func (r gemmResult) ofPeak() float64 { return median(r.own.ratioTo(r.peak)) }

// ahead is how many times faster Hourglass is than OpenBLAS.
func (r gemmResult) ahead() ratio { return r.own.ratioTo(r.blas) }

// measureGemm measures matrix products on one core.
func (h *harness) measureGemm() (section, error) {
	s := section{title: "Matrix products"}
	native, nativeErr := h.compiled()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	runtime.GC()
	general := h.measureProducts(generalProducts(), native)
	systems := h.measureProducts(systemProducts(recipe.Lecture()), native)
	s.write("GFLOP/s in single precision on one core; m×k×n is a product of m×k and k×n, Aᵀ and Bᵀ are kept transposed. The " +
		"machine's peak, plain multiply-adds in registers, was measured beside every product. Ratios above 1 say that " +
		"Hourglass is faster.")
	if native != nil && native.noBLAS == nil {
		s.write("OpenBLAS: " + native.version + ", one thread.")
	}
	s.write(gemmTable("product", general))
	s.write("The products of the systems' dense layers (dX and dW are the gradients of inputs and weights):")
	s.write(gemmTable("layer", systems))
	s.note("Neither the peak nor OpenBLAS is known", nativeErr)
	if native != nil {
		s.note("No OpenBLAS to compare with", native.noBLAS)
	}
	summarizeGemm(&s, general, systems)
	return s, nil
}

// measureProducts lets Hourglass, OpenBLAS and the peak take turns at each product.
func (h *harness) measureProducts(products []product, native *nativePeer) []gemmResult {
	seconds := h.seconds / 20 // a product takes microseconds, so this is thousands of calls
	var results []gemmResult
	for _, p := range products {
		if h.ctx.Err() != nil {
			break
		}
		all := alternate(h.repetitions,
			func() (float64, error) { return gemmRate(p, seconds), nil },
			func() (float64, error) { return native.gemm(p, seconds) },
			func() (float64, error) { return native.peak(1, seconds/2) })
		r := gemmResult{p, all[0], all[1], all[2]}
		h.logf("  %-14s %-5s %s GFLOP/s, %s of peak, OpenBLAS %s, ratio %s  %s\n", p, p.form,
			number(r.own.median()), percent(r.ofPeak(), 1), number(r.blas.median()), r.ahead(), p.use)
		results = append(results, r)
	}
	return results
}

// gemm asks for OpenBLAS' rate in GFLOP/s.
func (p *nativePeer) gemm(q product, seconds float64) (float64, error) {
	if p != nil && p.noBLAS != nil {
		return 0, p.noBLAS
	}
	flag := map[bool]int{true: 1}
	return p.rate(map[string]any{"op": "gemm", "m": q.m, "n": q.n, "k": q.k,
		"ta": flag[q.form == transA], "tb": flag[q.form == transB]}, seconds)
}

func gemmTable(first string, results []gemmResult) string {
	t := table{head: []string{first, "m×k×n", "form", "Hourglass", "of peak", "OpenBLAS", "ratio"}}
	if len(results) == 0 || results[0].use == "" {
		t.head = t.head[1:]
	}
	for _, r := range results {
		cells := []string{r.use, r.product.String(), string(r.form), number(r.own.median()), percent(r.ofPeak(), 1),
			number(r.blas.median()), r.ahead().String()}
		t.add(cells[len(cells)-len(t.head):]...)
	}
	return t.String()
}

// summarizeGemm names the large square, and the worst of each kind.
func summarizeGemm(s *section, general, systems []gemmResult) {
	brief := func(what string, r gemmResult) {
		peer := missing
		if r.blas.err == nil {
			peer = "OpenBLAS " + rateOf(r.blas, r.peak)
		}
		s.brief(what, rateOf(r.own, r.peak), peer, r.ahead().String())
	}
	for _, r := range general {
		if r.m == 512 && r.k == 512 && r.form == plainForm {
			brief("product of two 512×512 matrices, one core", r)
		}
	}
	if worst, found := least(systems, gemmResult.ofPeak); found {
		brief(fmt.Sprintf("furthest from the peak of the systems' %d products, %v %s", len(systems), worst, worst.form), worst)
	}
	all := slices.Concat(general, systems)
	if worst, found := least(all, func(r gemmResult) float64 { return median(r.ahead()) }); found {
		brief(fmt.Sprintf("furthest behind OpenBLAS of all %d products, %v %s", len(all), worst, worst.form), worst)
	}
}

// rateOf writes a rate in GFLOP/s and, if it is known, as a share of the peak.
func rateOf(rate, peak series) string {
	switch share := median(rate.ratioTo(peak)); {
	case rate.median() == 0:
		return missing
	case share == 0:
		return number(rate.median()) + " GFLOP/s"
	default:
		return fmt.Sprintf("%s GFLOP/s, %s of peak", number(rate.median()), percent(share, 1))
	}
}

// least returns the result with the smallest value; values of 0 are missing, and
// where all are there is none.
func least(results []gemmResult, value func(gemmResult) float64) (worst gemmResult, found bool) {
	for _, r := range results {
		if v := value(r); v > 0 && (!found || v < value(worst)) {
			worst, found = r, true
		}
	}
	return worst, found
}
