//go:build !mpi || !cgo

package mpi

import (
	"fmt"

	"hourglass/ranks"
)

// Group is the group of all ranks, of which there is none in this build.
type Group struct{ ranks.Group }

// Join returns nil where the process was started by itself, and an error that names the build
// which is wanted where it is one of several.
func Join() (*Group, error) {
	if _, size := Launched(); size > 1 {
		return nil, fmt.Errorf("mpi: started as one of %d ranks, but built without MPI; want a build by %s", size, Build)
	}
	return nil, nil
}

// Threads does nothing: there is no group.
func (g *Group) Threads() int { return 0 }

// WaitForever does nothing: there is no group.
func (g *Group) WaitForever() {}

// Finish does nothing: there is no group.
func (g *Group) Finish() {}

// Kill does nothing: there is no group.
func (g *Group) Kill(int) {}
