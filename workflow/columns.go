package workflow

import (
	"slices"

	"hourglass/dataset"
	"hourglass/dataset/schema"
	"hourglass/loss"
	"hourglass/nn"
)

// isMixed reports whether the columns of a table are more than plain numbers, so that they
// want a loss and a last layer of their own.
func isMixed(s *schema.Schema) bool { return s != nil && !s.IsNumbers() }

// columnActivation puts behind a decoder what makes of its values what the columns are, unless
// it ends in that already.
func columnActivation(decoder nn.Layers, s *schema.Schema) nn.Layers {
	if _, ok := decoder[len(decoder)-1].(nn.ColumnActivation); ok {
		return decoder
	}
	return append(slices.Clip(decoder), nn.ColumnActivation{Columns: s.Groups(false)})
}

// columnLoss is the loss of a table's columns, all of which count alike.
func columnLoss(s *schema.Schema) loss.Loss { return loss.Mixed{Columns: s.Groups(true)} }

// describeColumns says what becomes of the values of a table's columns.
func describeColumns(kind dataset.Scaling) string {
	rest := "; times by sine and cosine, categories a value for each class, booleans 0 and 1, missing cells left out of the loss"
	switch kind {
	case dataset.StandardScaling:
		return "numbers and dates brought to mean 0 and deviation 1" + rest
	case dataset.MinMaxScaling:
		return "numbers and dates brought to 0 to 1" + rest
	}
	return "numbers taken as they are, dates brought to 0 to 1" + rest
}

// foldColumns adds up the shares of the values that a column becomes.
func foldColumns(shares []float32, s *schema.Schema) []float32 {
	folded := make([]float32, len(s.Columns))
	s.Each(func(i, lo, hi int) {
		for _, v := range shares[lo:hi] {
			folded[i] += v
		}
	})
	return folded
}
