// Command soak puts a server of models under mixed load for as long as it is told,
// one request in a hundred from somebody who means harm, and checks every good answer
// bit for bit against the library.
//
//	go run ./bench/serve/soak --duration 10m
//
// It builds the command and runs it as a process of its own, so that its memory can be
// watched from outside. With --kill the process is killed now and then, and started
// again behind the clients' backs. It ends with status 1 if an answer was wrong, a good
// request lost, the process gone, or its memory not back where it was.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"hourglass"
	"hourglass/client"
	"hourglass/dataset"
	"hourglass/nn"
	"hourglass/tensor"
)

func main() {
	duration := flag.Duration("duration", 10*time.Minute, "how long to go on")
	workers := flag.Int("clients", 16, "clients at a time")
	hostile := flag.Float64("hostile", 0.01, "share of hostile requests")
	kill := flag.Duration("kill", 0, "kill the server and start it again every so often; 0 for never")
	race := flag.Bool("race", false, "build the server with the race detector")
	flag.Parse()
	if err := run(*duration, *workers, *hostile, *kill, *race); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

// soak is what the clients share.
type soak struct {
	addr                   string
	questions              []question
	hostile                float64
	good, bad, wrong, lost atomic.Int64
	firstProblem           atomic.Pointer[string]
}

// question is a good request with the answer it must get.
type question struct {
	what  string
	ask   func(ctx context.Context, c *client.Client) ([]float32, error)
	wants []float32
}

func run(duration time.Duration, workers int, hostile float64, kill time.Duration, race bool) error {
	dir, err := os.MkdirTemp("", "hourglass-soak")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s := &soak{hostile: hostile}
	if err := s.prepare(dir); err != nil {
		return err
	}
	p, err := startServer(dir, race)
	if err != nil {
		return err
	}
	defer func() { p.stop() }()
	s.addr = p.addr
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	// What the process takes once it has seen everything is where it has to be back.
	s.load(ctx, workers, min(duration/10, 20*time.Second))
	time.Sleep(settled)
	before := p.memory()
	fmt.Printf("%8s %10s %9s %7s %7s %9s\n", "time", "good", "hostile", "wrong", "lost", "memory")
	begin := time.Now()
	var most int64
	watching := sync.WaitGroup{}
	finished := make(chan struct{})
	watching.Go(func() {
		report, kills := time.NewTicker(min(duration/20+time.Second, 30*time.Second)), time.NewTicker(max(kill, time.Second))
		for {
			select {
			case <-finished:
				return
			case <-report.C:
				most = max(most, p.memory())
				fmt.Printf("%8s %10d %9d %7d %7d %6d MiB\n", time.Since(begin).Round(time.Second), s.good.Load(), s.bad.Load(), s.wrong.Load(), s.lost.Load(), p.memory()>>20)
			case <-kills.C:
				if kill > 0 {
					p.kill()
					if p, err = startAt(dir, s.addr); err != nil {
						s.problem("the server does not start again: " + err.Error())
						return
					}
				}
			}
		}
	})
	s.load(ctx, workers, duration)
	close(finished)
	watching.Wait()
	time.Sleep(settled)
	after := p.memory()
	fmt.Printf("%d good requests, %d hostile, %d wrong answers, %d lost in %s; memory %d MiB before, %d at most, %d after\n",
		s.good.Load(), s.bad.Load(), s.wrong.Load(), s.lost.Load(), time.Since(begin).Round(time.Second), before>>20, most>>20, after>>20)
	switch problem := s.firstProblem.Load(); {
	case problem != nil:
		return errors.New(*problem)
	case !p.alive():
		return errors.New("the server is gone")
	case race && p.raced(dir):
		return errors.New("the race detector found something")
	case kill == 0 && !race && after > before+before/2+32<<20:
		return fmt.Errorf("memory is not back: %d MiB, before %d", after>>20, before>>20)
	}
	return nil
}

// settled is how long the server is left alone before its memory is looked at: its
// connections end, and the garbage collector gives back what is free.
const settled = 20 * time.Second

func (s *soak) problem(text string) { s.firstProblem.CompareAndSwap(nil, &text) }

// prepare trains nothing: a model's weights do not matter here, only that the answers
// are known.
func (s *soak) prepare(dir string) error {
	dense, err := hourglass.New(
		nn.Layers{nn.Input{28, 28}, nn.Flatten{}, nn.Dense{Units: 100, Activation: nn.SELU}, nn.Dense{Units: 30, Activation: nn.SELU}},
		nn.Layers{nn.Dense{Units: 100, Activation: nn.SELU}, nn.Dense{Units: 784, Activation: nn.Sigmoid}, nn.Reshape{28, 28}})
	if err != nil {
		return err
	}
	series, err := hourglass.New(nn.Layers{nn.Input{20, 3}, nn.LSTM{Units: 16}},
		nn.Layers{nn.RepeatVector{Times: 20}, nn.LSTM{Units: 16, ReturnSequences: true}, nn.TimeDistributed{Layer: nn.Dense{Units: 3}}})
	if err != nil {
		return err
	}
	for name, ae := range map[string]*hourglass.Autoencoder{"dense": dense, "series": series} {
		x := noise(1000, ae, 0)
		if err := ae.LearnScores(context.Background(), dataset.Array{Tensor: x}); err != nil {
			return err
		}
		if err := ae.Save(filepath.Join(dir, name+".safetensors")); err != nil {
			return err
		}
		for i := range 24 {
			if err := s.add(name, ae, noise(1+i*i%130, ae, uint64(i+1))); err != nil {
				return err
			}
		}
	}
	return nil
}

// noise returns samples for an autoencoder.
func noise(n int, ae *hourglass.Autoencoder, seed uint64) tensor.Tensor {
	x := tensor.New(append([]int{n}, ae.Encoder().Input()...)...)
	rng := rand.New(rand.NewPCG(seed, 7))
	for i := range x.Data {
		x.Data[i] = rng.Float32()
	}
	return x
}

// add adds the questions there are about some samples.
func (s *soak) add(name string, ae *hourglass.Autoencoder, x tensor.Tensor) error {
	codes, err := ae.Encode(x)
	if err != nil {
		return err
	}
	y, err := ae.Reconstruct(x)
	if err != nil {
		return err
	}
	scores, err := ae.Score(x)
	if err != nil {
		return err
	}
	single := make([]float32, len(scores))
	for i, v := range scores {
		single[i] = float32(v)
	}
	data := func(t tensor.Tensor, err error) ([]float32, error) { return t.Data, err }
	s.questions = append(s.questions,
		question{name + " encode", func(ctx context.Context, c *client.Client) ([]float32, error) { return data(c.Encode(ctx, name, x)) }, codes.Data},
		question{name + " reconstruct", func(ctx context.Context, c *client.Client) ([]float32, error) {
			return data(c.Reconstruct(ctx, name, x))
		}, y.Data},
		question{name + " decode", func(ctx context.Context, c *client.Client) ([]float32, error) {
			return data(c.Decode(ctx, name, codes))
		}, y.Data},
		question{name + " score", func(ctx context.Context, c *client.Client) ([]float32, error) {
			got, err := c.Score(ctx, name, x)
			v := make([]float32, len(got))
			for i := range got {
				v[i] = float32(got[i])
			}
			return v, err
		}, single},
		question{name + " encode as JSON", jsonQuestion(name, x), codes.Data},
	)
	return nil
}

// load lets clients ask for some time.
func (s *soak) load(ctx context.Context, workers int, duration time.Duration) {
	end := time.Now().Add(duration)
	var all sync.WaitGroup
	for worker := range workers {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(worker), uint64(end.UnixNano())))
			c, err := client.New("http://"+s.addr, client.Attempts(1000))
			if err != nil {
				s.problem(err.Error())
				return
			}
			for time.Now().Before(end) && s.firstProblem.Load() == nil {
				if rng.Float64() < s.hostile {
					s.bad.Add(1)
					attack(s.addr, rng, s.problem)
					continue
				}
				s.question(ctx, c, s.questions[rng.IntN(len(s.questions))])
			}
		})
	}
	all.Wait()
}

func (s *soak) question(ctx context.Context, c *client.Client, q question) {
	s.good.Add(1)
	got, err := q.ask(ctx, c)
	if err != nil {
		s.lost.Add(1)
		s.problem(q.what + ": " + err.Error())
		return
	}
	if len(got) != len(q.wants) {
		s.wrong.Add(1)
		s.problem(fmt.Sprintf("%s: %d values, want %d", q.what, len(got), len(q.wants)))
		return
	}
	for i := range got {
		if got[i] != q.wants[i] {
			s.wrong.Add(1)
			s.problem(fmt.Sprintf("%s: value %d is %v, want %v", q.what, i, got[i], q.wants[i]))
			return
		}
	}
}
