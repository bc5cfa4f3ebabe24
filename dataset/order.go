package dataset

import "math/rand/v2"

// Windowed is a source that should be read in an order that stays, for a while,
// within so many samples: buffer, taken from the source in runs of block. A
// buffer of 0 means that any order does. A source made of another hands on what
// that one says.
type Windowed interface {
	Source
	Window() (buffer, block int)
}

func windowOf(source Source) (buffer, block int) {
	if w, ok := source.(Windowed); ok {
		return w.Window()
	}
	return 0, 0
}

// Window returns how far Order departs from a permutation of all samples: with a
// buffer of so many, filled with runs of block consecutive ones. A buffer of 0
// means that it does not.
func Window(source Source) (buffer, block int) {
	if buffer, block = windowOf(source); source.Len() <= buffer {
		return 0, 0
	}
	return buffer, block
}

// Order fills dst, which is as long as source, with the order in which an epoch
// visits the samples of source. It is a function of seed, epoch and source alone.
//
// For data in memory that is [Permutation]. Data that is read from a file in
// blocks ([Blocks]) is shuffled in a bounded buffer: the blocks are put in
// random order; as many as fill half the buffer are taken from that order at a
// time; and the samples of those are shuffled. So every sample is visited once,
// while at any time only those of one bufferful, from all over the file, and
// perhaps of the next are needed. With a buffer for all samples it is Permutation
// again.
func Order(source Source, seed, epoch uint64, dst []int) {
	buffer, block := windowOf(source)
	if buffer == 0 || len(dst) <= buffer {
		Permutation(seed, epoch, dst)
		return
	}
	orderBlocks(rand.NewPCG(seed, epoch), buffer, block, dst)
}

// orderBlocks shuffles blocks, and then the samples of each bufferful.
func orderBlocks(generator *rand.PCG, buffer, block int, dst []int) {
	blocks := make([]int, (len(dst)-1)/block+1)
	for i := range blocks {
		blocks[i] = i
	}
	shuffle(generator, blocks)
	perBuffer := max(buffer/block, 1)
	filled := 0
	for len(blocks) > 0 {
		start := filled
		for _, b := range blocks[:min(perBuffer, len(blocks))] {
			for i := b * block; i < min((b+1)*block, len(dst)); i++ {
				dst[filled] = i
				filled++
			}
		}
		blocks = blocks[min(perBuffer, len(blocks)):]
		shuffle(generator, dst[start:filled])
	}
}
