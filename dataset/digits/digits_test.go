package digits

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"sync"
	"testing"
)

const size = Side * Side

// drawn returns the first n samples of a seed.
func drawn(seed uint64, n int) (images [][]byte, labels []uint8) {
	for i := range n {
		img := make([]byte, size)
		labels = append(labels, Draw(seed, i, img))
		images = append(images, img)
	}
	return images, labels
}

// The same bytes everywhere and for ever, so that what was trained on built-in digits can be trained again. The hash is
// this package's own, the same on amd64, 386 and arm64.
func TestDrawIsTheSameEverywhere(t *testing.T) {
	const want = "dc36a545cb3789c8e1db773c25b3313a115dca549b1d66560584730e03bc134b"
	images, labels := drawn(42, 1000)
	sum := sha256.New()
	for i, img := range images {
		sum.Write(img)
		sum.Write(labels[i : i+1])
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != want {
		t.Errorf("SHA-256 of the first 1000 samples of seed 42: got %s, want %s", got, want)
	}
}

func TestDrawDependsOnSeedAndIndexAlone(t *testing.T) {
	const n = 400
	images, labels := drawn(7, n)
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			img := bytes.Repeat([]byte{99}, size+1) // neither what was there nor what follows matters
			for k := range n {
				i := (n - 1 - k + worker*n/4) % n
				if label := Draw(7, i, img); label != labels[i] || !bytes.Equal(img[:size], images[i]) {
					t.Errorf("sample %d differs when it is drawn again", i)
					return
				}
				if img[size] != 99 {
					t.Errorf("sample %d: drew past the image", i)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestNoTwoImagesAreEqual(t *testing.T) {
	type origin struct {
		seed uint64
		i    int
	}
	seen := map[[size]byte]origin{}
	for _, seed := range []uint64{0, 1, 2, 1 << 32} {
		images, _ := drawn(seed, 1000)
		for i, img := range images {
			if twin, ok := seen[[size]byte(img)]; ok {
				t.Errorf("sample %d of seed %d equals sample %d of seed %d", i, seed, twin.i, twin.seed)
			}
			seen[[size]byte(img)] = origin{seed, i}
		}
	}
}

func TestEveryTenHoldsEachDigitOnce(t *testing.T) {
	ten := make([]uint8, classes)
	var atStart [classes]int
	for first := 0; first < Train+Test; first += classes {
		for k := range ten {
			ten[k] = labelOf(1, uint64(first+k))
		}
		atStart[ten[0]]++
		slices.Sort(ten)
		if !slices.Equal(ten, []uint8{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
			t.Fatalf("samples %d to %d: digits %v, want each once", first, first+classes-1, ten)
		}
	}
	// Shuffled: 7000 tens start with each digit 700 times, give or take five standard deviations (25.1).
	for digit, n := range atStart {
		if n < 700-126 || n > 700+126 {
			t.Errorf("%d of 7000 tens start with %d, want about 700", n, digit)
		}
	}
}

func TestDrawTakesAnyIndex(t *testing.T) {
	img := make([]byte, size)
	for _, i := range []int{-1, math.MinInt, math.MaxInt} {
		if label := Draw(3, i, img); label >= classes {
			t.Errorf("sample %d: label %d", i, label)
		}
	}
}

func TestDrawAllocatesNothing(t *testing.T) {
	img := make([]byte, size)
	i := 0
	if n := testing.AllocsPerRun(200, func() { Draw(5, i, img); i++ }); n != 0 {
		t.Errorf("%v allocations per image, want none", n)
	}
}

// MNIST's images have a mean of 33.3 and a standard deviation of 78.6 (0.1307 and 0.3081 of 255, the figures that
// PyTorch's example normalises with), their ink a box whose longer side is 20, and its centre of mass in the middle.
func TestImagesFollowTheConventionsOfMNIST(t *testing.T) {
	images, _ := drawn(11, 3000)
	sum, squares := 0.0, 0.0
	for i, img := range images {
		in := measure(img)
		sum += in.mass
		squares += in.squares
		if in.width > box || in.height > box || max(in.width, in.height) < box-2 {
			t.Errorf("sample %d: ink of %d×%d pixels, want 20 on the longer side", i, in.width, in.height)
		}
		if math.Abs(in.x-Side/2) > 0.5 || math.Abs(in.y-Side/2) > 0.5 {
			t.Errorf("sample %d: centre of mass at %.2f, %.2f, want 14, 14 to half a pixel", i, in.x, in.y)
		}
		if slices.Max(img) < 200 {
			t.Errorf("sample %d: the darkest ink is %d, want nearly 255", i, slices.Max(img))
		}
	}
	n := float64(len(images) * size)
	mean := sum / n
	deviation := math.Sqrt(squares/n - mean*mean)
	if math.Abs(mean-33.3) > 3 || math.Abs(deviation-78.6) > 5 {
		t.Errorf("mean %.1f and standard deviation %.1f, want about 33.3 and 78.6", mean, deviation)
	}
}

// inkOf is what can be said of the ink of an image.
type inkOf struct {
	width, height int     // of the box round it
	mass, squares float64 // sums of the pixels and of their squares
	x, y          float64 // the centre of mass, from the image's upper left corner
}

func measure(img []byte) (in inkOf) {
	left, right, top, bottom := Side, -1, Side, -1
	for k, v := range img {
		if v == 0 {
			continue
		}
		x, y := k%Side, k/Side
		left, right = min(left, x), max(right, x)
		top, bottom = min(top, y), max(bottom, y)
		in.mass += float64(v)
		in.squares += float64(v) * float64(v)
		in.x += float64(v) * (float64(x) + 0.5)
		in.y += float64(v) * (float64(y) + 0.5)
	}
	in.width, in.height = right-left+1, bottom-top+1
	in.x /= in.mass
	in.y /= in.mass
	return in
}

// The digits can be told apart: the nearest of 1000 others (Euclidean distance) shows the same digit.
func TestDigitsAreRecognisedByTheirNeighbours(t *testing.T) {
	references, truth := drawn(1, 1000)
	images, labels := drawn(2, 200)
	right := 0
	for i, img := range images {
		best, found := math.MaxInt, uint8(0)
		for k, ref := range references {
			if d := distance(img, ref); d < best {
				best, found = d, truth[k]
			}
		}
		if found == labels[i] {
			right++
		}
	}
	if right < 180 {
		t.Errorf("%d of 200 recognised, want at least 180", right)
	}
}

func distance(a, b []byte) (square int) {
	for k, v := range a {
		d := int(v) - int(b[k])
		square += d * d
	}
	return square
}

func BenchmarkDraw(b *testing.B) {
	img := make([]byte, size)
	i := 0
	for b.Loop() {
		Draw(42, i, img)
		i++
	}
}
