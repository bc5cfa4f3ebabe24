package main

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"
)

// results are the measurements of every load and contestant, one a repetition.
type results map[string]map[string][]measurement

func (r results) add(k kind, c *contestant, m measurement) {
	if r[k.name] == nil {
		r[k.name] = map[string][]measurement{}
	}
	r[k.name][c.name] = append(r[k.name][c.name], m)
}

// median returns the median of a quantity over the repetitions.
func (r results) median(k kind, c *contestant, quantity func(measurement) float64) float64 {
	var values []float64
	for _, m := range r[k.name][c.name] {
		values = append(values, quantity(m))
	}
	return median(values)
}

// best returns the contestant of a family that answers the most requests, nil if there
// is none.
func (r results) best(k kind, contestants []*contestant, family string) (best *contestant) {
	for _, c := range contestants {
		if c.family == family && (best == nil || r.median(k, c, measurement.rate) > r.median(k, best, measurement.rate)) {
			best = c
		}
	}
	return best
}

// faster returns by how much one contestant answers more requests than another: the
// median of the repetitions' ratios.
func (r results) faster(k kind, ours, theirs *contestant) float64 {
	var ratios []float64
	for i, m := range r[k.name][ours.name] {
		ratios = append(ratios, m.rate()/r[k.name][theirs.name][i].rate())
	}
	return median(ratios)
}

// peers are the families that ours is compared with.
var peers = []string{"FastAPI", "Node"}

// write writes what was measured: the rows that the README quotes, what was aimed at,
// and everything.
func write(out string, contestants []*contestant, r results) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# hourglass serve beside its peers\n\n%s, load average %s at the end, wrk on the same cores; medians. `go run ./bench/serve` repeats it.\n",
		time.Now().UTC().Format(time.DateOnly), loadAverage())
	b.WriteString("FastAPI and Node stand with the number of workers that answered more requests.\n\n")
	writeRatios(&b, contestants, r)
	writeEverything(&b, contestants, r)
	if out == "-" {
		_, err := os.Stdout.WriteString(b.String())
		return err
	}
	return os.WriteFile(out, []byte(b.String()), 0o644)
}

// writeRatios writes the table for the README, each ratio with the one that was aimed at.
func writeRatios(b *strings.Builder, contestants []*contestant, r results) {
	ours := contestants[0]
	b.WriteString("| requests for reconstructions of `stacked` | Hourglass | PyTorch behind FastAPI | ONNX Runtime behind Node | times faster |\n| --- | ---: | ---: | ---: | ---: |\n")
	for _, k := range kinds {
		cells, ratios := []string{cell(r, k, ours)}, []string{}
		for _, family := range peers {
			peer := r.best(k, contestants, family)
			if peer == nil {
				cells, ratios = append(cells, "not here"), append(ratios, "–")
				continue
			}
			cells = append(cells, cell(r, k, peer))
			ratios = append(ratios, fmt.Sprintf("%.1f", r.faster(k, ours, peer)))
		}
		fmt.Fprintf(b, "| %s | %s | **%s** |\n", k.name, strings.Join(cells, " | "), strings.Join(ratios, ", "))
	}
	b.WriteString("\nA number is requests a second; in brackets what 99 of 100 took at most.\n\n")
	b.WriteString("| aim | reached |\n| --- | --- |\n")
	for _, k := range kinds {
		for i, family := range peers {
			peer := r.best(k, contestants, family)
			if peer == nil {
				continue
			}
			ratio, aim := r.faster(k, ours, peer), k.aims[i]
			fmt.Fprintf(b, "| %s: %.1f times %s | %s, %.2f |\n", k.name, aim, family, yesNo(ratio >= aim), ratio)
			if p99 := func(m measurement) float64 { return m.P99 }; !k.binary {
				fmt.Fprintf(b, "| %s: p99 below %s' | %s |\n", k.name, family, yesNo(r.median(k, ours, p99) < r.median(k, peer, p99)))
			}
		}
	}
	b.WriteString("\n")
}

func cell(r results, k kind, c *contestant) string {
	return fmt.Sprintf("%.0f (%.2f ms)", r.median(k, c, measurement.rate), 1e3*r.median(k, c, func(m measurement) float64 { return m.P99 }))
}

func yesNo(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// writeEverything writes all contestants with all numbers.
func writeEverything(b *strings.Builder, contestants []*contestant, r results) {
	b.WriteString("| load | | requests/s | p50 ms | p99 ms | server's CPU, µs/request |\n| --- | --- | ---: | ---: | ---: | ---: |\n")
	for _, k := range kinds {
		for _, c := range contestants {
			fmt.Fprintf(b, "| %s | %s | %.0f | %.2f | %.2f | %.0f |\n", k.name, c.name, r.median(k, c, measurement.rate),
				1e3*r.median(k, c, func(m measurement) float64 { return m.P50 }), 1e3*r.median(k, c, func(m measurement) float64 { return m.P99 }),
				1e6*r.median(k, c, func(m measurement) float64 { return m.CPU }))
		}
	}
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	values = slices.Sorted(slices.Values(values))
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Fields(string(text))[0]
}
