//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package npy

import (
	"fmt"
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// mapFile maps the whole file for reading.
func mapFile(f *os.File, size int64) ([]byte, error) {
	if size > math.MaxInt {
		return nil, fmt.Errorf("%d bytes are more than this machine can map", size)
	}
	return unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
}

func unmap(mapping []byte) { unix.Munmap(mapping) }

// release is only advice, so that its failure does not matter.
func release(mapping []byte) { unix.Madvise(mapping, unix.MADV_DONTNEED) }
