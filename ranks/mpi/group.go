//go:build mpi && cgo

package mpi

/*
#include <mpi.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int hourglass_join(int *rank, int *size, int *neighbours) {
	int provided, failed;
	MPI_Comm node;
	if ((failed = MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided))) return failed;
	if (provided < MPI_THREAD_SERIALIZED) return -1;
	MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
	if ((failed = MPI_Comm_rank(MPI_COMM_WORLD, rank))) return failed;
	if ((failed = MPI_Comm_size(MPI_COMM_WORLD, size))) return failed;
	if ((failed = MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, *rank, MPI_INFO_NULL, &node))) return failed;
	if ((failed = MPI_Comm_size(node, neighbours))) return failed;
	return MPI_Comm_free(&node);
}

static size_t hourglass_request_size(void) { return sizeof(MPI_Request); }

// Begins to exchange at most `most` bytes of every rank's share, from `skip` on. Requests 0 to
// size-1 receive, the others send.
static int hourglass_begin(char *whole, const long long *ends, int rank, int size, long long skip, long long most, MPI_Request *requests) {
	for (int r = 0; r < 2 * size; r++) requests[r] = MPI_REQUEST_NULL;
	for (int r = 0; r < size; r++) {
		long long lo = (r ? ends[r - 1] : 0) + skip, n = ends[r] - lo;
		if (n > most) n = most;
		if (n <= 0) continue;
		if (r != rank) {
			int failed = MPI_Irecv(whole + lo, (int)n, MPI_BYTE, r, 0, MPI_COMM_WORLD, &requests[r]);
			if (failed) return failed;
			continue;
		}
		for (int k = 1; k < size; k++) { // each begins with another, so that not all send to one
			int to = (rank + k) % size;
			int failed = MPI_Isend(whole + lo, (int)n, MPI_BYTE, to, 0, MPI_COMM_WORLD, &requests[size + to]);
			if (failed) return failed;
		}
	}
	return 0;
}

// Waits for the requests for some seconds: at first without sleeping, since most exchanges take
// less than it takes to wake up, then for ever longer moments, so that more ranks than cores
// leave each other the cores.
static int hourglass_wait(MPI_Request *requests, int n, double seconds, int *done) {
	double start = MPI_Wtime(), spin = 100e-6;
	long nap = 5000;
	for (;;) {
		int failed = MPI_Testall(n, requests, done, MPI_STATUSES_IGNORE);
		if (failed || *done) return failed;
		double waited = MPI_Wtime() - start;
		if (waited > seconds) return 0;
		if (waited < spin) {
			sched_yield();
			continue;
		}
		struct timespec t = {0, nap};
		nanosleep(&t, NULL);
		if (nap < 500000) nap += nap / 4;
	}
}

// Returns the first rank that nothing has come from or else the first that has taken nothing, as
// one does that stops once it has sent its share; -1 if there is none.
static int hourglass_silent(MPI_Request *requests, int size) {
	for (int r = 0; r < 2 * size; r++) {
		int done;
		if (requests[r] != MPI_REQUEST_NULL && (MPI_Test(&requests[r], &done, MPI_STATUS_IGNORE) || !done)) return r % size;
	}
	return -1;
}

static int hourglass_text(int code, char *text) {
	int n = 0;
	MPI_Error_string(code, text, &n);
	return n;
}

static void hourglass_finish(void) { MPI_Finalize(); }
static void hourglass_abort(int status) { MPI_Abort(MPI_COMM_WORLD, status); }
static long hourglass_cores(void) { return sysconf(_SC_NPROCESSORS_ONLN); }
static int hourglass_longest_text(void) { return MPI_MAX_ERROR_STRING; }
*/
import "C"

import (
	"fmt"
	"os"
	"runtime"
	"time"
	"unsafe"

	"hourglass/ranks"
)

// Group is the group of all ranks.
type Group struct {
	rank, size, neighbours int // neighbours are the ranks on this machine
	requests               *C.MPI_Request
	ends                   []C.longlong
	timeout                time.Duration // 0 for ever
	err                    error         // that ended the exchange for good
}

var _ ranks.Group = (*Group)(nil)

// Join returns the group of all ranks, or nil where the process was started by itself. It is to
// be called once.
func Join() (*Group, error) {
	if _, size := Launched(); size == 1 {
		return nil, nil
	}
	limit, err := timeout()
	if err != nil {
		return nil, err
	}
	var rank, size, neighbours C.int
	switch failed := C.hourglass_join(&rank, &size, &neighbours); {
	case failed < 0:
		return nil, fmt.Errorf("mpi: the MPI library cannot be called by several threads in turn, want MPI_THREAD_SERIALIZED")
	case failed > 0:
		return nil, fmt.Errorf("mpi: join: %s", text(failed))
	}
	if _, want := Launched(); int(size) != want {
		return nil, fmt.Errorf("mpi: started as one of %d ranks, but the MPI library knows of %d; want the mpirun of the library that this program was built with", want, size)
	}
	return &Group{rank: int(rank), size: int(size), neighbours: int(neighbours), timeout: limit,
		requests: (*C.MPI_Request)(C.calloc(C.size_t(2*size), C.hourglass_request_size())), ends: make([]C.longlong, size)}, nil
}

// text returns what the library says of an error.
func text(code C.int) string {
	buffer := make([]byte, C.hourglass_longest_text()+1)
	n := C.hourglass_text(code, (*C.char)(unsafe.Pointer(&buffer[0])))
	return string(buffer[:n])
}

// Rank returns the number of this process.
func (g *Group) Rank() int { return g.rank }

// Size returns the number of processes.
func (g *Group) Size() int { return g.size }

// Threads returns how many cores of the machine are this rank's: those that the launcher has bound it
// to, or else an equal part.
func (g *Group) Threads() int {
	if mine := runtime.NumCPU(); mine < int(C.hourglass_cores()) {
		return mine
	}
	return max(runtime.NumCPU()/g.neighbours, 1)
}

// WaitForever lets the ranks wait for each other without limit from now on.
func (g *Group) WaitForever() { g.timeout = 0 }

// mostBytes is how many bytes go in one message: MPI counts them in an int.
const mostBytes = 1 << 30

// Gather sends the share to every other rank, and so knows from which nothing comes.
func (g *Group) Gather(whole []byte, ends []int) error {
	if g.err != nil || len(whole) == 0 {
		return g.err
	}
	var pinner runtime.Pinner // the library holds on to the memory between calls
	pinner.Pin(&whole[0])
	defer pinner.Unpin()
	longest, last := 0, 0
	for r, end := range ends {
		g.ends[r] = C.longlong(end)
		longest, last = max(longest, end-last), end
	}
	for at := 0; at < longest; at += mostBytes {
		if failed := C.hourglass_begin((*C.char)(unsafe.Pointer(&whole[0])), &g.ends[0], C.int(g.rank), C.int(g.size), C.longlong(at), mostBytes, g.requests); failed != 0 {
			return g.fail(-1, text(failed))
		}
		if err := g.wait(); err != nil {
			return err
		}
	}
	return nil
}

// wait returns once all messages have arrived.
func (g *Group) wait() error {
	seconds := g.timeout.Seconds()
	if seconds == 0 {
		seconds = 1e9
	}
	var done C.int
	if failed := C.hourglass_wait(g.requests, C.int(2*g.size), C.double(seconds), &done); failed != 0 {
		return g.fail(-1, text(failed))
	}
	if done == 0 {
		return g.fail(int(C.hourglass_silent(g.requests, C.int(g.size))), fmt.Sprintf("nothing has come from it for %v (%s)", g.timeout, TimeoutVariable))
	}
	return nil
}

// fail ends the exchange for good.
func (g *Group) fail(rank int, why string) error {
	g.err = &ranks.Lost{Rank: rank, Err: fmt.Errorf("%s", why)}
	return g.err
}

// Abort ends all ranks, this one too, after saying why.
func (g *Group) Abort(err error) {
	fmt.Fprintf(os.Stderr, "hourglass: rank %d: %v\n", g.rank, err)
	g.Kill(1)
}

// Finish ends the use of MPI, once all ranks have called it. The program must not exit before
// unless it fails.
func (g *Group) Finish() { C.hourglass_finish() }

// Kill ends all ranks, this one too, with an exit status.
func (g *Group) Kill(status int) {
	C.hourglass_abort(C.int(status))
	os.Exit(status)
}
