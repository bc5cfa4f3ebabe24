//go:build !race

package kernel

// raceEnabled tells whether sync.Pool drops objects at random.
const raceEnabled = false
