package ownparts

import "hourglass/train"

// Lowest is an observer of one's own: it remembers the epoch with the lowest loss, and
// ends the run when the loss is low enough.
type Lowest struct {
	Enough float64

	Epoch int
	Loss  float64
}

// Observe looks at the end of each epoch.
func (o *Lowest) Observe(e train.Event, r *train.Run) error {
	if e != train.EpochEnded {
		return nil
	}
	if loss := r.History.Last().Train.Loss; o.Epoch == 0 || loss < o.Loss {
		o.Epoch, o.Loss = r.Epoch, loss
	}
	if o.Loss <= o.Enough {
		return train.ErrStop
	}
	return nil
}
