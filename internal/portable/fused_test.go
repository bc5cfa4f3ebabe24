//go:build !purego

package portable

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hourglass/internal/race"
)

// deciding lists the packages that, with those that they import, decide the bits of a model
// and of what is measured of it. What only draws, and t-SNE, are not among them.
var deciding = []string{"hourglass", "hourglass/architecture", "hourglass/dataset/digits", "hourglass/neighbors", "hourglass/pca"}

// fused matches an instruction that adds a product without rounding it, in the compiler's
// listing.
var fused = regexp.MustCompile(`\((\S+\.go:\d+)\)\tV?FN?M(ADD|SUB)[0-9]*[A-Z]+\t`)

// TestNothingIsFused compiles all that decides the bits of a model for processors whose
// compilers may fuse products and sums, and reports where they did: there
// float32(a*b) + c or float64(a*b) + c keeps the product's rounding.
func TestNothingIsFused(t *testing.T) {
	if testing.Short() || race.Enabled {
		t.Skip("compiles everything twice")
	}
	list, err := exec.Command("go", append([]string{"list", "-deps"}, deciding...)...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	packages := slices.DeleteFunc(strings.Fields(string(list)), func(name string) bool {
		return name != "hourglass" && !strings.HasPrefix(name, "hourglass/")
	})
	for _, target := range []string{"GOARCH=arm64", "GOAMD64=v3"} {
		for _, place := range places(t, target, packages) {
			t.Errorf("%s: %s: a product and a sum are fused, want the product rounded first", target, place)
		}
	}
}

// assembled matches a function of the standard library that is assembly on some processors,
// or is fused on some.
var assembled = regexp.MustCompile(`\b(math\.(Acos|Asin|Atan|Cbrt|Cos|Erf|Exp|Gamma|Hypot|Lgamma|Log|Pow|Sin|Tan)\w*|NormFloat64|ExpFloat64)\(`)

// TestNoAssembly reports such functions in what decides the bits of a model. Angles between
// principal components do not.
func TestNoAssembly(t *testing.T) {
	list, err := exec.Command("go", append([]string{"list", "-deps", "-f", `{{if not .Standard}}{{range .GoFiles}}{{$.ImportPath}} {{$.Dir}}/{{.}}{{"\n"}}{{end}}{{end}}`}, deciding...)...).Output()
	if err == nil && len(list) == 0 {
		err = errors.New("no files")
	}
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	for _, entry := range strings.Split(strings.TrimSpace(string(list)), "\n") {
		name, file, _ := strings.Cut(entry, " ")
		if name == "hourglass/pca" || name != "hourglass" && !strings.HasPrefix(name, "hourglass/") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for n, line := range strings.Split(string(text), "\n") {
			code, _, _ := strings.Cut(line, "//")
			if m := assembled.FindString(code); m != "" {
				t.Errorf("%s:%d: %s has other bits on other processors, want that of internal/portable", file, n+1, strings.TrimSuffix(m, "("))
			}
		}
	}
}

// TestFusedIsFound compiles one product and sum.
func TestFusedIsFound(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module fused\n\ngo 1.26\n",
		"fused.go": "package fused\n\nfunc f(a, b, c float32) float32 { return a*b + c }\n\nfunc g(a, b, c float64) float64 { return c - a*b }\n"} {
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	if got := len(places(t, "GOARCH=arm64", []string{"."})); got != 2 {
		t.Errorf("found %d places in a program that has 2", got)
	}
}

// places returns the lines of which the compiler made fused instructions.
func places(t *testing.T, target string, packages []string) []string {
	t.Helper()
	build := exec.Command("go", append([]string{"build", "-gcflags=-S"}, packages...)...)
	build.Env = append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0", target)
	if !strings.HasPrefix(target, "GOARCH") {
		build.Env = append(build.Env, "GOARCH=amd64")
	}
	listing, err := build.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := build.Start(); err != nil {
		t.Fatal(err)
	}
	var found, last []string
	lines := bufio.NewReader(listing)
	for {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if m := fused.FindStringSubmatch(line); m != nil {
			found = append(found, m[1])
		}
		last = append(last, line)[max(0, len(last)-9):]
	}
	if err := build.Wait(); err != nil {
		t.Fatal(fmt.Errorf("go build for %s: %w: %s", target, err, strings.Join(last, "")))
	}
	slices.Sort(found)
	return slices.Compact(found)
}
