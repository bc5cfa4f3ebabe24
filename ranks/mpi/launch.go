// Package mpi is the group of ranks that a program was started with by mpirun, mpiexec or srun.
//
// It needs a build of its own, with a C compiler and an MPI library, Open MPI or MPICH:
//
//	CC=mpicc go build -tags mpi ./cmd/hourglass
//
// Without the tag the package is free of cgo, and only notices that there are other ranks.
package mpi

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

// Build is the command that builds hourglass for several ranks.
const Build = "CC=mpicc go build -tags mpi ./cmd/hourglass"

// launchers are the variables by which programs that start others tell them the number of
// ranks and their own. Slurm's are those of a step that srun has started: a batch script has others.
var launchers = [][2]string{
	{"OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"},
	{"PMI_SIZE", "PMI_RANK"},
	{"SLURM_STEP_NUM_TASKS", "SLURM_PROCID"},
}

// Launched returns the rank that this process was started as, and how many there are; 0 and 1
// if it was started by itself.
func Launched() (rank, size int) {
	for _, l := range launchers {
		n, err := strconv.Atoi(os.Getenv(l[0]))
		if err == nil && n > 1 {
			rank, _ = strconv.Atoi(os.Getenv(l[1])) // rank 0 if it does not say
			return rank, n
		}
	}
	return 0, 1
}

// TimeoutVariable names the environment variable that says for how long a rank waits for
// another: "30s", "10m".
const TimeoutVariable = "HOURGLASS_RANK_TIMEOUT"

// DefaultTimeout is how long a rank waits for another: longer than it takes to read data or to write a
// checkpoint.
const DefaultTimeout = 5 * time.Minute

// timeout returns how long to wait.
func timeout() (time.Duration, error) {
	text := os.Getenv(TimeoutVariable)
	if text == "" {
		return DefaultTimeout, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("mpi: %s is %q, want a time above 0 such as 30s", TimeoutVariable, text)
	}
	return d, nil
}
