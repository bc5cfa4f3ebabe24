package dataset

import "math/rand/v2"

// Binarized returns samples whose every value, from 0 to 1, has become 0 or 1, with the value as the
// probability of 1. A sample's are drawn once for all, from the seed and its number. Those that
// are to be drawn anew whenever they are used are a matter of the training: train.Trainer.Binarize.
func Binarized(source Source, seed uint64) Source { return &binarized{source, seed} }

type binarized struct {
	Source
	seed uint64
}

func (s *binarized) Read(dst []float32, indices []int) error {
	if err := s.Source.Read(dst, indices); err != nil {
		return err
	}
	size := s.Sample().Size()
	for i, index := range indices {
		rng := rand.New(rand.NewPCG(s.seed, uint64(index)))
		sample := dst[i*size : (i+1)*size]
		for j, p := range sample {
			if sample[j] = 0; rng.Float32() < p {
				sample[j] = 1
			}
		}
	}
	return nil
}

func (s *binarized) Face(f Face) Source          { return FaceOf(s.Source, f) }
func (s *binarized) Window() (buffer, block int) { return windowOf(s.Source) }
