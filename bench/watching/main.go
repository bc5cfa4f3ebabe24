// Command watching measures what it costs a training to be watched in Hourglass Studio, and
// writes the result as Markdown.
//
//	go run ./bench/watching
//
// The same training runs alone and watched, in turn, each time with one thread. Watched means
// what the page does: it follows the events, of which there are ten a second, each with the
// numbers, and now and then a preview of reconstructions, codes and layers; and it asks for
// the whole curve every 0.7 seconds. What is compared is the time that all of the process
// spends on its processor (user and system), the reading of the answers included. It
// has one, so that nothing hides on another. Others on the machine still make each instruction
// slower now and then, so that the least of some repetitions counts.
package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"hourglass/architecture"
	"hourglass/dataset"
	"hourglass/internal/atomicfile"
	"hourglass/recipe"
	"hourglass/run"
	"hourglass/studio"
	"hourglass/workflow"
)

// systems are the recipes that are trained, with as many of the digits as make an epoch a
// second long, about.
var systems = []struct {
	name    string
	samples int
}{{"stacked", 50000}, {"convolutional", 10000}}

func main() {
	seconds := flag.Float64("seconds", 6, "about how long a training takes")
	repetitions := flag.Int("repetitions", 5, "how often each training runs alone and watched")
	out := flag.String("out", filepath.Join("bench", "watching", "RESULTS.md"), "file to write; - for standard output")
	flag.Parse()
	if flag.NArg() > 0 || !(*seconds > 0) || *repetitions < 1 {
		fmt.Fprintln(os.Stderr, "watching: want no arguments, --seconds above 0 and --repetitions of at least 1")
		os.Exit(2)
	}
	runtime.GOMAXPROCS(1)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	text, err := measure(ctx, *seconds, *repetitions)
	switch {
	case err != nil:
	case *out == "-":
		_, err = os.Stdout.WriteString(text)
	default:
		err = atomicfile.WriteFile(*out, []byte(text))
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "watching: %v\n", err)
		os.Exit(1)
	}
}

// measure returns the document.
func measure(ctx context.Context, seconds float64, repetitions int) (string, error) {
	in, err := workflow.Load(ctx, dataset.Digits, dataset.LoadOptions{})
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# What watching costs\n\nWritten by `go run ./bench/watching` on %s, which says in its first lines how it measures%s. Seconds of "+
		"one processor, the least of %d each; in brackets the most.\n\n| training | alone | watched | events a second | more |\n| --- | ---: | ---: | ---: | ---: |\n",
		time.Now().Format("2 January 2006"), load(), repetitions)
	for _, system := range systems {
		r, err := recipe.ByName(system.name)
		if err != nil {
			return "", err
		}
		part, err := in.Select(sequence(min(system.samples, in.Len())))
		if err != nil {
			return "", err
		}
		t := &training{in: &workflow.Input{Data: part}, recipe: r, epochs: 1}
		once, err := t.run(ctx, false)
		if err != nil {
			return "", err
		}
		t.epochs = max(1, int(seconds/once.processors+0.5))
		var alone, watched, events []float64
		for range repetitions {
			a, err := t.run(ctx, false)
			if err != nil {
				return "", err
			}
			w, err := t.run(ctx, true)
			if err != nil {
				return "", err
			}
			alone, watched = append(alone, a.processors), append(watched, w.processors)
			events = append(events, float64(w.events)/w.wall)
		}
		fmt.Fprintf(&b, "| `%s`, %d epochs of %d digits | %.2f (%.2f) | %.2f (%.2f) | %.1f | **%.1f %%** |\n", system.name, t.epochs, part.Len(),
			slices.Min(alone), slices.Max(alone), slices.Min(watched), slices.Max(watched), slices.Min(events), 100*(slices.Min(watched)/slices.Min(alone)-1))
	}
	return b.String(), nil
}

// training is what is measured.
type training struct {
	in     *workflow.Input
	recipe recipe.Recipe
	epochs int
}

// taken is what it took.
type taken struct {
	processors, wall float64 // seconds
	events           int64
}

// run trains once.
func (t *training) run(ctx context.Context, watched bool) (taken, error) {
	dir, err := os.MkdirTemp("", "hourglass-watching-*")
	if err != nil {
		return taken{}, err
	}
	defer os.RemoveAll(dir)
	o := workflow.TrainOptions{Architecture: architecture.Format(t.recipe.Encoder, t.recipe.Decoder), Loss: t.recipe.Loss, Optimizer: t.recipe.Optimizer,
		BatchSize: t.recipe.BatchSize, Epochs: t.epochs, Seed: 1, Options: run.Options{Out: filepath.Join(dir, "run"), Threads: 1, TrainOnly: true}}
	var events atomic.Int64
	ended, closed := func(error) {}, func() error { return nil }
	if watched {
		if ctx, ended, closed, err = watch(ctx, t.in, &o, &events); err != nil {
			return taken{}, err
		}
	}
	begun, used := time.Now(), processorTime()
	_, err = workflow.Train(ctx, t.in.Data, o)
	ended(err)
	r := taken{(processorTime() - used).Seconds(), time.Since(begun).Seconds(), events.Load()}
	if closing := closed(); err == nil {
		err = closing
	}
	return r, err
}

// watch opens a studio on a training, and follows it as the page does.
func watch(ctx context.Context, in *workflow.Input, o *workflow.TrainOptions, events *atomic.Int64) (training context.Context, ended func(error), closed func() error, err error) {
	s, err := studio.New(studio.Config{})
	if err != nil {
		return nil, nil, nil, err
	}
	training, ended, err = s.Follow(ctx, in, o)
	if err != nil {
		return nil, nil, nil, err
	}
	serving, stop := context.WithCancel(ctx)
	address, over := make(chan string, 1), make(chan error, 1)
	go func() { over <- s.Run(serving, func(a string) { address <- a }) }()
	jar, err := cookiejar.New(nil)
	if err != nil {
		stop()
		return nil, nil, nil, err
	}
	at := <-address
	client, base := &http.Client{Jar: jar}, at[:strings.Index(at, "?")]
	answer, err := client.Get(at) // which gives it the cookie
	if err == nil {
		answer.Body.Close()
		answer, err = client.Get(base + "api/events")
	}
	if err != nil {
		stop()
		return nil, nil, nil, err
	}
	go follow(serving, client, base, answer.Body, events)
	return training, ended, func() error { stop(); return <-over }, nil
}

// follow reads events and asks for the curve.
func follow(ctx context.Context, client *http.Client, base string, body io.ReadCloser, events *atomic.Int64) {
	const pause = 700 * time.Millisecond
	defer body.Close()
	lines := bufio.NewReader(body)
	asked := time.Now()
	for ctx.Err() == nil {
		line, err := lines.ReadString('\n')
		if err != nil {
			return // the studio is closed
		}
		if !strings.HasPrefix(line, "event: ") {
			continue
		}
		events.Add(1)
		data, err := lines.ReadString('\n')
		id := idOf(data)
		if err != nil || id == "" || time.Since(asked) < pause {
			continue
		}
		asked = time.Now()
		if answer, err := client.Get(base + "api/jobs/" + id); err == nil {
			io.Copy(io.Discard, answer.Body) // what is cut off is asked for again
			answer.Body.Close()
		}
	}
}

// idOf returns the identifier of the training that an event is about.
func idOf(data string) string {
	_, rest, _ := strings.Cut(data, `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

// load says how busy the machine is, where it can be told.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return ""
	}
	latest, _, _ := strings.Cut(string(text), " ")
	return fmt.Sprintf(", on %d cores with a load of %s before", runtime.NumCPU(), latest)
}

func sequence(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}
