package workflow

import "hourglass/dataset"

// Samples returns data in the values that the autoencoder takes, for calls of its own
// methods: as it is for a model that scales data itself, and bytes of images as their
// shares of white for one that does not.
func (m *Model) Samples(in *Input) (dataset.Source, error) { return m.samples(in) }
