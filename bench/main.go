// Command bench measures Hourglass beside what a user would run instead, on the
// same machine and in the same run, and writes the results as Markdown.
//
//	go run ./bench
//
// README.md in this folder says what is measured and how.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"hourglass/internal/atomicfile"
)

const usage = `usage: go run ./bench [--only SECTION,…] [--systems NAME,…] [--seconds S] [--repetitions N] [--threads N,…] [--out FILE]

Measures Hourglass beside PyTorch, ONNX Runtime, OpenBLAS and scikit-learn, whichever
of them are on this machine, and writes a Markdown file of tables and ratios.

  --only SECTION,…   some of: %s (default all)
  --systems NAME,…   recipes whose steps are measured (default all on images)
  --seconds S        length of each measurement of steps and inference (default 1)
  --repetitions N    how often all contestants take turns (default 5)
  --threads N,…      thread counts to try steps and inference with (default 1 and all cores)
  --out FILE         where to write; - for standard output (default
                     bench/RESULTS.md for a whole run, - for a part of it)

Data is looked for in $HOURGLASS_DATA, in ../shared/data and in the user's cache,
and otherwise downloaded. Progress goes to standard error.
`

// settings are what the command line says.
type settings struct {
	only, systems []string // empty for all
	seconds       float64
	repetitions   int
	threads       []int
	out           string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := parse(os.Args[1:])
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Printf(usage, strings.Join(sectionNames(), ", "))
		return
	case err != nil:
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(2)
	}
	if err := run(ctx, s); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

// parse reads the command line.
func parse(args []string) (settings, error) {
	s := settings{threads: defaultThreads()}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.Float64Var(&s.seconds, "seconds", 1, "")
	flags.IntVar(&s.repetitions, "repetitions", 5, "")
	flags.StringVar(&s.out, "out", "", "")
	flags.Func("only", "", list(&s.only))
	flags.Func("systems", "", list(&s.systems))
	flags.Func("threads", "", func(text string) (err error) {
		s.threads, err = parseThreads(text)
		return err
	})
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	for _, name := range s.only {
		if !slices.Contains(sectionNames(), name) {
			return s, fmt.Errorf("--only: unknown section %q, want some of: %s", name, strings.Join(sectionNames(), ", "))
		}
	}
	switch {
	case flags.NArg() > 0:
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case !(s.seconds > 0 && s.seconds <= 600):
		return s, fmt.Errorf("--seconds is %v, want more than 0 and at most 600", s.seconds)
	case s.repetitions < 1:
		return s, fmt.Errorf("--repetitions is %d, want at least 1", s.repetitions)
	}
	if s.out == "" {
		s.out = "-"
		if len(s.only) == 0 && len(s.systems) == 0 {
			s.out = filepath.Join("bench", "RESULTS.md")
		}
	}
	return s, nil
}

// list returns a flag's function that splits its value at commas.
func list(to *[]string) func(string) error {
	return func(text string) error {
		*to = strings.Split(text, ",")
		return nil
	}
}

func parseThreads(text string) ([]int, error) {
	var threads []int
	for field := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < 1 || n > runtime.NumCPU() {
			return nil, fmt.Errorf("%q, want numbers from 1 to %d, the number of cores", field, runtime.NumCPU())
		}
		threads = append(threads, n)
	}
	return threads, nil
}

func defaultThreads() []int {
	if runtime.NumCPU() == 1 {
		return []int{1}
	}
	return []int{1, runtime.NumCPU()}
}

// run measures and writes. What could be measured is written also with an error.
func run(ctx context.Context, s settings) error {
	h, err := newHarness(ctx, s)
	if err != nil {
		return err
	}
	defer h.close()
	done, err := h.measure()
	if ctx.Err() != nil {
		return errors.New("interrupted, nothing is written")
	}
	text := []byte(document(h.machine, h.torchVersion(), time.Now(), done))
	if s.out == "-" {
		_, writeErr := os.Stdout.Write(text)
		return errors.Join(err, writeErr)
	}
	if writeErr := atomicfile.WriteFile(s.out, text); writeErr != nil {
		return errors.Join(err, writeErr)
	}
	h.logf("written to %s\n", s.out)
	return err
}
