// Package dataset holds what networks learn from: MNIST and Fashion-MNIST by
// name, digits the program draws itself, the lecture's curve in space, and data
// of one's own: NumPy and IDX files, tables, folders of images.
//
// Everything that can be trained on is a [Source]: it has a length, a shape of
// one sample, and copies chosen samples as float32 into a batch. [Images] keeps
// its pixels as bytes, a quarter of the memory, and scales them on the way;
// [Array] serves an array of float32 as it is; [Blocks] reads a file larger than
// memory as it goes.
//
// [Open] finds a data set of images by name or folder and splits it into
// training, validation and test images. [Load] is the door for everything: a
// name, a file or a folder becomes [Data], with values as they are in the file,
// labels and names. [Data.SplitBy] divides it, [FitScaler] learns from the
// training part how to bring values into range, and [Scaled] does that to a
// source. [Order] is the order in which an epoch visits samples.
//
// [ReadCSV], [ReadImageFolder], [ReadIDX] and package npy read the formats one by
// one. None of them trusts its input: an error is one line that names file and
// place, and memory is bounded.
package dataset

import "hourglass/tensor"

// Source is a fixed, ordered set of equally shaped samples.
type Source interface {
	// Len is the number of samples.
	Len() int
	// Sample is the shape of one sample, without the batch axis.
	Sample() tensor.Shape
	// Read copies the samples of the given indices into dst, one after another,
	// Sample().Size() values each, and reports one that cannot be read. It is safe
	// for concurrent use and allocates nothing unless it fails. Indices must lie in
	// [0, Len()) and their samples fit dst; as with a slice, anything else is a
	// programming error and panics.
	Read(dst []float32, indices []int) error
}
