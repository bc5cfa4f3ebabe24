package main

import (
	"context"
	"fmt"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"hourglass/dataset"
	"hourglass/tensor"
)

// explained is the share of the variance that the principal components kept have.
const explained = 0.9

// peers judges the rows, and moving averages of them, by T² and Q.
func (b *bench) peers(ctx context.Context, path string, o dataset.LoadOptions, unusual []bool) error {
	data, err := dataset.Load(ctx, path, o)
	if err != nil {
		return err
	}
	rows := data.Series.Rows
	for _, p := range []struct {
		name   string
		window int
	}{{"T²+Q of the rows", 1}, {fmt.Sprintf("T²+Q of means of %d rows", b.window), b.window}} {
		called, err := hotelling(averages(rows, p.window))
		if err != nil {
			return err
		}
		b.note(p.name, unusual, called)
	}
	return nil
}

// averages returns the mean of each row and those in front of it, so many in all.
func averages(rows tensor.Tensor, window int) *mat.Dense {
	n, features := rows.Len(), rows.Sample().Size()
	means := mat.NewDense(n, features, nil)
	for i := range n {
		first := max(0, i-window+1)
		for j := first; j <= i; j++ {
			for f, v := range rows.Row(j) {
				means.Set(i, f, means.At(i, f)+float64(v)/float64(i-first+1))
			}
		}
	}
	return means
}

// hotelling tells which rows have a higher T² (Hotelling 1947) or Q (Jackson and Mudholkar
// 1979) than any training row.
func hotelling(x *mat.Dense) ([]bool, error) {
	n, features := x.Dims()
	for f := range features {
		column := mat.Col(nil, f, x)
		mean, deviation := stat.MeanStdDev(column[:trainingRows], nil)
		if deviation == 0 {
			deviation = 1
		}
		for i, v := range column {
			x.Set(i, f, (v-mean)/deviation)
		}
	}
	var pc stat.PC
	if !pc.PrincipalComponents(x.Slice(0, trainingRows, 0, features), nil) {
		return nil, fmt.Errorf("there are no principal components")
	}
	variances := pc.VarsTo(nil)
	total, sum, kept := 0.0, 0.0, 0
	for _, v := range variances {
		total += v
	}
	for sum < explained*total {
		sum += variances[kept]
		kept++
	}
	var vectors, scores mat.Dense
	pc.VectorsTo(&vectors)
	scores.Mul(x, &vectors)
	statistics := [2][]float64{make([]float64, n), make([]float64, n)}
	for i := range n {
		for k := range features {
			v := scores.At(i, k) * scores.At(i, k)
			if k < kept {
				statistics[0][i] += v / variances[k]
			} else {
				statistics[1][i] += v
			}
		}
	}
	called := make([]bool, n)
	for _, s := range statistics {
		limit := 0.0
		for _, v := range s[:trainingRows] {
			limit = max(limit, v)
		}
		for i, v := range s {
			called[i] = called[i] || v > limit
		}
	}
	return called, nil
}
