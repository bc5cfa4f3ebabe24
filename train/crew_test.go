package train

import (
	"slices"
	"testing"
	"time"

	"hourglass/internal/parallel"
	"hourglass/loss"
	"hourglass/nn"
	"hourglass/optim"
)

// take feeds trials so many steps that take the teams these times, and returns how many
// each took.
func take(t *trials, current *int, steps int, times ...time.Duration) []int {
	taken := make([]int, len(times))
	for range steps {
		taken[*current]++
		*current = t.next(*current, times[*current])
	}
	return taken
}

func TestTrialsChooseTheFastest(t *testing.T) {
	const us = time.Microsecond
	for _, times := range [][]time.Duration{{100 * us, 200 * us}, {300 * us, 200 * us}, {90 * us, 70 * us, 200 * us}, {30 * time.Millisecond, 20 * time.Millisecond}} {
		tr, current := trials{least: trialTime, means: make([]float64, len(times))}, 0
		const steps = 100_000
		taken := take(&tr, &current, steps, times...)
		best := slices.Index(times, slices.Min(times))
		for i, n := range taken {
			if n == 0 {
				t.Errorf("%v: team %d was never tried", times, i)
			}
		}
		if taken[best] < steps*9/10 {
			t.Errorf("%v: the teams took %v steps", times, taken)
		}
	}
}

// A team that becomes slower loses its place.
func TestTrialsLookAgain(t *testing.T) {
	tr, current := trials{least: trialTime, means: make([]float64, 2)}, 0
	take(&tr, &current, 2000, time.Millisecond, 2*time.Millisecond)
	if current != 0 {
		t.Fatal("the faster team is not chosen")
	}
	if taken := take(&tr, &current, 20_000, 3*time.Millisecond, 2*time.Millisecond); taken[1] < 15_000 {
		t.Errorf("the teams took %v steps after the first had become slower", taken)
	}
}

// Teams that take turns within a run give the bits of one worker.
func TestTeamsGiveTheSameBits(t *testing.T) {
	var want []float32
	for _, workers := range []int{1, 6} {
		net := noisyNetwork(t)
		trainer := Trainer{Network: net, Loss: loss.BinaryCrossEntropy{}, Optimizer: optim.Adam{}, BatchSize: 16, Threads: workers}
		l := trainer.newLoop(samples(20, 6, 6), "training", trainer.BatchSize, nn.PassOptions{})
		defer l.team.Close()
		l.team.trials.least = 0
		l.startTraining()
		sizes := map[int]bool{}
		for i := range 40 {
			batch := make([]int, 16)
			for k := range batch {
				batch[k] = (i + 3*k) % 20
			}
			sizes[l.team.teams[l.team.current].Size()] = true
			if _, err := l.step(batch); err != nil {
				t.Fatal(err)
			}
		}
		if workers == 1 {
			want = net.Weights()
		} else if !sizes[6] || !sizes[3] || !sizes[1] || !slices.Equal(net.Weights(), want) {
			t.Errorf("teams of %v give other weights than one worker", sizes)
		}
	}
}

func TestCrewSizes(t *testing.T) {
	for workers, want := range map[int][]int{1: {1}, 2: {2, 1}, 6: {6, 3, 1}, 8: {8, 4, 2, 1}} {
		c := newCrew(workers)
		var got []int
		for _, team := range c.teams {
			n := 0
			team.Run(func(w *parallel.Worker) {
				if w.Index == 0 {
					n = w.Size()
				}
			})
			got = append(got, n)
		}
		if c.Size() != workers || !slices.Equal(got, want) {
			t.Errorf("%d workers: teams of %v, want %v", workers, got, want)
		}
		c.Close()
	}
}
