package dataset

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
)

// digestBatch is how many values are digested together, at least.
const digestBatch = 1 << 14

// Digest returns the SHA-256 of a source in hexadecimal: of its shape, the number
// of samples first, and of all values in order, as float32. Two sources have the
// same digest if and only if they serve the same samples in the same order, however
// they keep them.
//
// What is hashed is the text "3x28x28\n" and then the values' bytes, little-endian.
// Of faces that are named, those that the source has count too: what is hashed then is
// its own digest and, for each of them in their order, the text "labels " and the digest of
// that face, a line each.
//
// It ends early with ctx's error.
func Digest(ctx context.Context, source Source, faces ...Face) (string, error) {
	own, err := digest(ctx, source)
	if err != nil {
		return "", err
	}
	text, more := own+"\n", false
	for _, f := range faces {
		face := FaceOf(source, f)
		if face == nil {
			continue
		}
		of, err := digest(ctx, face)
		if err != nil {
			return "", fmt.Errorf("%w (of the %v)", err, f)
		}
		text, more = text+fmt.Sprintf("%v %s\n", f, of), true
	}
	if !more {
		return own, nil
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:]), nil
}

// digest returns the digest of a source without its faces.
func digest(ctx context.Context, source Source) (string, error) {
	n, size := source.Len(), source.Sample().Size()
	sum := sha256.New()
	fmt.Fprint(sum, n)
	for _, axis := range source.Sample() {
		fmt.Fprintf(sum, "x%d", axis)
	}
	fmt.Fprintln(sum)
	batch := min(max(digestBatch/size, 1), n)
	values, text, indices := make([]float32, batch*size), make([]byte, 4*batch*size), make([]int, 0, batch)
	for at := 0; at < n; at += batch {
		if err := ctx.Err(); err != nil {
			return "", fmt.Errorf("dataset: digest: %w", err)
		}
		indices = indices[:0]
		for i := at; i < min(at+batch, n); i++ {
			indices = append(indices, i)
		}
		if err := source.Read(values, indices); err != nil {
			return "", err
		}
		for i, v := range values[:len(indices)*size] {
			binary.LittleEndian.PutUint32(text[4*i:], math.Float32bits(v))
		}
		sum.Write(text[:4*len(indices)*size])
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
