package main

import (
	"os"
	"syscall"
)

// maxResident returns the largest resident memory that an ended process has had,
// in bytes, as macOS counts.
func maxResident(state *os.ProcessState) (int64, bool) {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0, false
	}
	return int64(usage.Maxrss), true
}

// ownMaxResident is of no interest here: a new process starts at nothing.
func ownMaxResident() int64 { return 0 }
