//go:build !amd64 || purego

package kernel

import "os"

// tables has plain Go only on this platform.
var tables = [...]*table{levelGeneric: &genericTable}

func init() {
	l, err := choose(os.Getenv(simdVariable), bestLevel())
	simdErr = err
	use(l)
}

// bestLevel returns the only level there is.
func bestLevel() level { return levelGeneric }
