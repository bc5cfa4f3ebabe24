package workflow

import (
	"cmp"
	"fmt"

	"hourglass/train"
)

// How long is trained where nothing is said: often enough over few data for a network
// to learn from them, which takes some thousands of steps, however few make an epoch.
const (
	FewestEpochs    = 20
	FewestSteps     = 5000
	patienceShare   = 10 // patience is this part of the epochs
	fewestPatiently = 5
)

// setEpochs chooses how long to train, once the samples for training are known:
// [FewestEpochs], or as many epochs as make [FewestSteps] if that is more; and unless
// the epochs were given, it stops after a tenth as many without improvement, at least 5.
func (s *session) setEpochs() {
	steps := (s.parts.Train.Len() + s.BatchSize - 1) / s.BatchSize
	if s.Epochs == 0 {
		s.Epochs = max(FewestEpochs, (FewestSteps+steps-1)/steps)
		if s.Average == 0 {
			s.Patience = cmp.Or(s.Patience, max(s.Epochs/patienceShare, fewestPatiently))
		}
	}
	s.Schedule = train.Over(s.Schedule, s.Epochs)
	for name, schedule := range s.Penalties {
		s.Penalties[name] = train.Over(schedule, s.Epochs)
	}
}

// describeEpochs says how long is trained.
func (s *session) describeEpochs() string {
	text := fmt.Sprintf("%d epochs of %d steps", s.Epochs, (s.parts.Train.Len()+s.BatchSize-1)/s.BatchSize)
	if s.Patience > 0 {
		text += fmt.Sprintf(", but no more than %d after the best", s.Patience)
	}
	return text
}
