package pca

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"hourglass/tensor"
)

// PrincipalAngles returns the angles, in radians, between the subspaces that the
// rows of a and of b span, largest first: as many as the lesser subspace has
// dimensions. All are 0 where one contains the other. Both tensors are K×D with
// the same D; rows need not be orthogonal, nor independent.
//
// Small angles come from sines and large ones from cosines, so that all are
// accurate (Björck and Golub 1973), as SciPy's subspace_angles.
func PrincipalAngles(a, b tensor.Tensor) ([]float64, error) {
	const doing = "principal angles"
	for _, rows := range []tensor.Tensor{a, b} {
		if err := check(doing, rows); err != nil {
			return nil, err
		}
	}
	if a.Sample().Size() != b.Sample().Size() {
		return nil, fmt.Errorf("pca: %s between rows of shapes %v and %v, want the same length", doing, a.Shape, b.Shape)
	}
	wide, err := orthonormal(a)
	if err != nil {
		return nil, err
	}
	narrow, err := orthonormal(b)
	if err != nil {
		return nil, err
	}
	if columns(wide) < columns(narrow) {
		wide, narrow = narrow, wide
	}
	var products, inside, outside mat.Dense
	products.Mul(wide.T(), narrow)
	inside.Mul(wide, &products)
	outside.Sub(narrow, &inside)
	cosines, err := singularValues(&products)
	if err != nil {
		return nil, err
	}
	sines, err := singularValues(&outside)
	if err != nil {
		return nil, err
	}
	angles := make([]float64, columns(narrow))
	for i := range angles {
		angles[i] = math.Atan2(sines[i], cosines[len(angles)-1-i])
	}
	return angles, nil
}

// orthonormal returns an orthonormal basis, one vector a column, of what the rows
// span.
func orthonormal(rows tensor.Tensor) (*mat.Dense, error) {
	k, dim := rows.Len(), rows.Sample().Size()
	transposed := mat.NewDense(dim, k, nil)
	for i := range k {
		for j, v := range rows.Row(i) {
			transposed.Set(j, i, float64(v))
		}
	}
	var svd mat.SVD
	if !svd.Factorize(transposed, mat.SVDThinU) {
		return nil, errNoConvergence
	}
	values, rank := svd.Values(nil), 0
	for rank < len(values) && values[rank] > values[0]*float64(max(k, dim))*0x1p-52 {
		rank++
	}
	if rank == 0 {
		return nil, fmt.Errorf("pca: principal angles: rows of shape %v are all zero, want a subspace", rows.Shape)
	}
	var basis mat.Dense
	svd.UTo(&basis)
	return mat.DenseCopyOf(basis.Slice(0, dim, 0, rank)), nil
}

func columns(m mat.Matrix) int {
	_, c := m.Dims()
	return c
}

func singularValues(m mat.Matrix) ([]float64, error) {
	var svd mat.SVD
	if !svd.Factorize(m, mat.SVDNone) {
		return nil, errNoConvergence
	}
	return svd.Values(nil), nil
}
