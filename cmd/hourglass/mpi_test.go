//go:build unix

package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	runs "hourglass/run"
)

// mpiLibrary is an MPI library that is installed, as Debian names its programs.
type mpiLibrary struct {
	name, compiler string
	launcher       []string
	rank           string // variable that has a process's rank
}

var mpiLibraries = []mpiLibrary{
	{"Open MPI", "mpicc.openmpi", []string{"mpirun.openmpi", "--oversubscribe"}, "OMPI_COMM_WORLD_RANK"},
	{"MPICH", "mpicc.mpich", []string{"mpiexec.mpich"}, "PMI_RANK"},
}

// mpiBuild returns the command built for a library. It needs HOURGLASS_MPI, since it takes half
// a minute, and a library that is not there is left out.
func mpiBuild(t *testing.T, m mpiLibrary) string {
	t.Helper()
	if os.Getenv("HOURGLASS_MPI") == "" {
		t.Skip("HOURGLASS_MPI is not set")
	}
	if _, err := exec.LookPath(m.compiler); err != nil {
		t.Skip(err)
	}
	program := filepath.Join(t.TempDir(), "hourglass")
	build := exec.Command("go", "build", "-tags", "mpi", "-o", program, ".")
	build.Env = append(os.Environ(), "CC="+m.compiler, "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// mpiRun is a command on some ranks.
type mpiRun struct {
	*exec.Cmd
	output bytes.Buffer
	dir    string
}

// onRanks starts a program on so many ranks, each of which notes its process's number.
func (m mpiLibrary) onRanks(t *testing.T, n int, program string, args ...string) *mpiRun {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	r := &mpiRun{dir: t.TempDir()}
	words := append(append([]string{}, m.launcher...), "-n", strconv.Itoa(n), "sh", "-c", `echo $$ > `+r.dir+`/$`+m.rank+`; exec "$0" "$@"`, program)
	words = append(words, args...)
	r.Cmd = exec.CommandContext(ctx, words[0], words[1:]...)
	r.Env = append(os.Environ(), "OMPI_ALLOW_RUN_AS_ROOT=1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1", "HOURGLASS_RANK_TIMEOUT=3s")
	r.Stdout, r.Stderr = &r.output, &r.output
	if err := r.Start(); err != nil {
		t.Fatal(err)
	}
	return r
}

// signal sends a rank a signal once something is there.
func (r *mpiRun) signal(t *testing.T, rank int, signal syscall.Signal, there string) {
	t.Helper()
	for range 600 {
		if found, _ := filepath.Glob(there); len(found) > 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	text, err := os.ReadFile(filepath.Join(r.dir, strconv.Itoa(rank)))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, signal); err != nil {
		t.Fatalf("%v\n%s", err, r.output.String())
	}
	t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGKILL) }) // mostly it is gone
}

// modelDigest is the SHA-256 of a run's model.
func modelDigest(t *testing.T, dir string) string {
	t.Helper()
	model, err := os.ReadFile(filepath.Join(dir, runs.ModelFile))
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(model))
}

// mpiTrainings are what is trained on several ranks: with noise, dropout, batch normalisation, codes
// that are drawn, convolutions and recurrent layers.
var mpiTrainings = [][]string{
	{"--architecture", "flatten > gaussian-noise 0.1 > dense 30 selu > dense 9 | dense 144 sigmoid > reshape 12x12"},
	{"--architecture", "flatten > dropout 0.3 > dense 30 selu > dense 9 | dense 144 sigmoid > reshape 12x12"},
	{"--architecture", "flatten > dense 30 > batch-normalization > activation selu > dense 9 | dense 144 sigmoid > reshape 12x12"},
	{"--kind", "vae"},
	{"--architecture", "reshape 12x12x1 > conv2d 8 3x3 selu > max_pooling2d 2x2 > flatten > dense 9 | dense 144 sigmoid > reshape 12x12"},
	{"--architecture", "lstm 20 > dense 9 | dense 144 sigmoid > reshape 12x12"},
}

// mpiImages writes 300 images of 12×12 bytes as an array of NumPy's and returns the path.
func mpiImages(t *testing.T) string {
	t.Helper()
	header := "{'descr': '|u1', 'fortran_order': False, 'shape': (300, 12, 12), }"
	header += strings.Repeat(" ", 127-10-len(header)) + "\n"
	file := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), 0)
	file = append(file, header...)
	for i := range 300 * 144 {
		file = append(file, byte(i*i/7+i/144*31))
	}
	path := filepath.Join(t.TempDir(), "images.npy")
	if err := os.WriteFile(path, file, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// Under mpirun, of either library, any number of ranks leaves the model of a process alone, to the
// bit, and tells of itself once.
func TestMPI(t *testing.T) {
	images := mpiImages(t)
	for _, m := range mpiLibraries {
		t.Run(m.name, func(t *testing.T) {
			program := mpiBuild(t, m)
			for i, choice := range mpiTrainings {
				args := append([]string{"train", images, "--epochs", "2"}, choice...)
				alone, together := t.TempDir(), t.TempDir()
				if out, err := exec.Command(program, append(args, "--quiet", "--out", alone)...).CombinedOutput(); err != nil {
					t.Fatalf("%v: %v\n%s", args, err, out)
				}
				n := []int{2, 3, 4, 3, 2, 8}[i]
				r := m.onRanks(t, n, program, append(args, "--out", together)...)
				if err := r.Wait(); err != nil {
					t.Fatalf("%v on %d ranks: %v\n%s", args, n, err, r.output.String())
				}
				if modelDigest(t, alone) != modelDigest(t, together) {
					t.Errorf("%v: %d ranks leave another model than one process", args, n)
				}
				if told := strings.Count(r.output.String(), "written to"); told != 1 {
					t.Errorf("%v: %d of %d ranks tell that they are done\n%s", args, told, n, r.output.String())
				}
				var metrics struct{ Ranks int }
				text, err := os.ReadFile(filepath.Join(together, runs.MetricsFile))
				if err := errors.Join(err, json.Unmarshal(text, &metrics)); err != nil || metrics.Ranks != n {
					t.Errorf("%v: metrics.json tells of %d ranks, want %d (%v)", args, metrics.Ranks, n, err)
				}
			}
			for _, c := range []struct {
				name   string
				signal syscall.Signal
				ranks  int // that go on
				want   string
			}{{"killed", syscall.SIGKILL, 2, ""}, {"hanging", syscall.SIGSTOP, 1, "rank 1 is lost: nothing has come from it for 3s"}} {
				t.Run(c.name, func(t *testing.T) { m.testFault(t, program, images, c.signal, c.ranks, c.want) })
			}
		})
	}
}

// testFault: a rank that is killed, and one that hangs, end the job soon; the run goes on from
// its last checkpoint on another number of ranks, to the bits of one that nobody interrupted.
func (m mpiLibrary) testFault(t *testing.T, program, images string, signal syscall.Signal, ranks int, want string) {
	args := append([]string{"train", images, "--epochs", "150", "--checkpoint", "20steps"}, mpiTrainings[2]...)
	alone, dir := t.TempDir(), t.TempDir()
	if out, err := exec.Command(program, append(args, "--quiet", "--out", alone)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	r := m.onRanks(t, 3, program, append(args, "--out", dir)...)
	r.signal(t, 1, signal, filepath.Join(dir, runs.CheckpointFolder, "checkpoint-*"))
	from := time.Now()
	err := r.Wait()
	if took := time.Since(from); err == nil || took > 20*time.Second || !strings.Contains(r.output.String(), want) {
		t.Fatalf("ended with %v after %v, want a failure within seconds that says %q\n%s", err, took, want, r.output.String())
	}
	if again := m.onRanks(t, ranks, program, "train", "--resume", dir); again.Wait() != nil {
		t.Fatal(again.output.String())
	}
	if modelDigest(t, alone) != modelDigest(t, dir) {
		t.Errorf("the run ends on %d ranks with another model than without interruption", ranks)
	}
}

// Under a launcher the usual build refuses, and names the one that is wanted.
func TestRanksWantMPI(t *testing.T) {
	program := filepath.Join(t.TempDir(), "hourglass")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for rank, want := range []string{"hourglass: mpi: started as one of 4 ranks, but built without MPI; want a build by CC=mpicc go build -tags mpi ./cmd/hourglass\n", ""} {
		cmd := exec.Command(program, "run", "stacked")
		cmd.Env = append(os.Environ(), "PMI_SIZE=4", fmt.Sprint("PMI_RANK=", rank))
		out, err := cmd.CombinedOutput()
		if string(out) != want || (err == nil) != (rank > 0) {
			t.Errorf("rank %d: got %q (%v), want %q", rank, out, err, want)
		}
	}
}
