package mpi

import (
	"strings"
	"testing"
	"time"
)

// A process knows that it is one of several from what starts it, and not from a batch script.
func TestLaunched(t *testing.T) {
	clear := func(t *testing.T) {
		for _, l := range launchers {
			t.Setenv(l[0], "")
			t.Setenv(l[1], "")
		}
	}
	for _, c := range []struct {
		name       string
		variables  map[string]string
		rank, size int
	}{
		{"nobody", nil, 0, 1},
		{"Open MPI", map[string]string{"OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "3"}, 3, 4},
		{"MPICH", map[string]string{"PMI_SIZE": "2", "PMI_RANK": "1"}, 1, 2},
		{"srun", map[string]string{"SLURM_STEP_NUM_TASKS": "16", "SLURM_PROCID": "5", "SLURM_NTASKS": "16"}, 5, 16},
		{"a batch script", map[string]string{"SLURM_NTASKS": "16", "SLURM_PROCID": "0"}, 0, 1},
		{"a single rank", map[string]string{"OMPI_COMM_WORLD_SIZE": "1", "OMPI_COMM_WORLD_RANK": "0"}, 0, 1},
		{"nonsense", map[string]string{"PMI_SIZE": "many"}, 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			clear(t)
			for name, value := range c.variables {
				t.Setenv(name, value)
			}
			if rank, size := Launched(); rank != c.rank || size != c.size {
				t.Errorf("got rank %d of %d, want %d of %d", rank, size, c.rank, c.size)
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	for text, want := range map[string]time.Duration{"": DefaultTimeout, "30s": 30 * time.Second} {
		t.Setenv(TimeoutVariable, text)
		if got, err := timeout(); got != want || err != nil {
			t.Errorf("%q: got %v (%v), want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"0s", "-1m", "soon"} {
		t.Setenv(TimeoutVariable, text)
		if _, err := timeout(); err == nil || !strings.Contains(err.Error(), TimeoutVariable) {
			t.Errorf("%q: got %v, want an error that names the variable", text, err)
		}
	}
}
