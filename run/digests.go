package run

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"

	"hourglass/train"
)

// weightDigests notes the digest of the weights after each epoch.
type weightDigests struct{ epochs []string }

var _ train.Stateful = (*weightDigests)(nil)

// Observe follows the epochs.
func (d *weightDigests) Observe(e train.Event, r *train.Run) error {
	if e == train.EpochEnded {
		// A run that goes on from an old checkpoint does not know its first epochs.
		for len(d.epochs) < r.Epoch-1 {
			d.epochs = append(d.epochs, "")
		}
		d.epochs = append(d.epochs[:r.Epoch-1], digestOf(r.Network.Weights()))
	}
	return nil
}

// State returns the digests so far.
func (d *weightDigests) State() any { return d.epochs }

// SetState puts back what State returned.
func (d *weightDigests) SetState(state json.RawMessage) error {
	return json.Unmarshal(state, &d.epochs)
}

// digestOf returns the SHA-256 of values, little-endian, in hexadecimal.
func digestOf(values []float32) string {
	sum := sha256.New()
	buffer := make([]byte, 0, 64<<10)
	for _, v := range values {
		buffer = binary.LittleEndian.AppendUint32(buffer, math.Float32bits(v))
		if len(buffer) == cap(buffer) {
			sum.Write(buffer)
			buffer = buffer[:0]
		}
	}
	sum.Write(buffer)
	return hex.EncodeToString(sum.Sum(nil))
}
