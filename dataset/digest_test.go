package dataset

import (
	"context"
	"errors"
	"testing"

	"hourglass/tensor"
)

// The digests are those that Python gives:
//
//	v = np.array([0, 51, 102, 153, 204, 255], np.float32) / np.float32(255)
//	hashlib.sha256(b"3x2\n" + v.tobytes()).hexdigest()
func TestDigest(t *testing.T) {
	const want = "6fc6f4185b04abbf"
	pixels := []byte{0, 51, 102, 153, 204, 255}
	images := &Images{Shape: tensor.Shape{2}, Pixels: pixels}
	array := Array{tensor.New(3, 2)}
	for i, p := range pixels {
		array.Data[i] = float32(p) / 255
	}
	digest := func(s Source) string {
		t.Helper()
		d, err := Digest(context.Background(), s)
		if err != nil {
			t.Fatal(err)
		}
		return d[:len(want)]
	}
	reversed, err := Subset(images, []int{2, 1, 0})
	if err != nil {
		t.Fatal(err)
	}
	again, err := Subset(reversed, []int{2, 1, 0})
	if err != nil {
		t.Fatal(err)
	}
	for what, s := range map[string]Source{"images": images, "array": array, "subset": again} {
		if got := digest(s); got != want {
			t.Errorf("%s: digest %s, want %s", what, got, want)
		}
	}
	reshaped := Array{tensor.Tensor{Shape: tensor.Shape{2, 3}, Data: array.Data}}
	for what, s := range map[string]Source{"order": reversed, "shape": reshaped, "values": images.Raw(), "number": array.Slice(0, 2)} {
		if got := digest(s); got == want {
			t.Errorf("another %s has the same digest", what)
		}
	}
	large := Array{tensor.New(3*digestBatch/7, 7)}
	first := digest(large)
	large.Data[len(large.Data)-1] = 1
	if digest(large) == first {
		t.Error("the last of many values does not count")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Digest(ctx, large); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
