//go:build !race

// Package race tells tests whether they run under the race detector, which makes
// long computations in plain Go ten times as long, and has pools forget at random.
package race

// Enabled reports whether the race detector is on.
const Enabled = false
