// Package dataset holds what networks learn from: MNIST and Fashion-MNIST by
// name, digits the program draws itself, the lecture's curve in space, and
// arrays of one's own.
//
// Everything that can be trained on is a [Source]: it has a length, a shape of
// one sample, and copies chosen samples as float32 into a batch. [Images] keeps
// its pixels as bytes, a quarter of the memory, and scales them on the way;
// [Array] serves an array of float32 as it is.
//
// [Open] finds a data set by name or path and splits it into training,
// validation and test images. [ReadIDX] and [WriteIDX] speak the format of
// the MNIST files. [Permutation] is the order in which an epoch visits samples.
package dataset

import "hourglass/tensor"

// Source is a fixed, ordered set of equally shaped samples.
type Source interface {
	// Len is the number of samples.
	Len() int
	// Sample is the shape of one sample, without the batch axis.
	Sample() tensor.Shape
	// Read copies the samples of the given indices into dst, one after another,
	// Sample().Size() values each. It is safe for concurrent use and allocates
	// nothing. Indices must lie in [0, Len()) and their samples fit dst; as with
	// a slice, anything else is a programming error and panics.
	Read(dst []float32, indices []int)
}
