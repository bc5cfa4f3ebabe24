package main

import (
	"os"
	"syscall"
)

// maxResident returns the largest resident memory that an ended process has had,
// in bytes. Linux counts in KiB.
func maxResident(state *os.ProcessState) (int64, bool) {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0, false
	}
	return int64(usage.Maxrss) << 10, true
}

// ownMaxResident returns the largest resident memory of this process so far.
func ownMaxResident() int64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return int64(usage.Maxrss) << 10
}
