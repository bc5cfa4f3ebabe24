package oip

import (
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
)

// Powers of ten that are float64 without rounding.
var powersOfTen = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// mostDigits is how many digits fit uint64.
const mostDigits = 19

// nearestFloat32 returns the float32 nearest to digits·10^exponent, digits having so
// many places, or false if it cannot tell. Digits, their product or quotient with a
// power of ten that is exact (Clinger 1990) and nothing else are rounded to float64,
// an error of at most 1.5 of its last binary digit; that goes to the nearest float32
// unless it lies next to the middle between two of them.
func nearestFloat32(digits uint64, places, exponent int) (float32, bool) {
	if places > mostDigits || exponent < -22 || exponent > 22 {
		return 0, false
	}
	value := float64(digits)
	if exponent < 0 {
		value /= powersOfTen[-exponent]
	} else {
		value *= powersOfTen[exponent]
	}
	const (
		below  = 1<<29 - 1 // the digits that float32 does not have
		middle = 1 << 28
		near   = 2
		least  = 1e-37 // below float32 has fewer digits
		most   = 3e38
	)
	distance := math.Float64bits(value)&below - middle + near
	return float32(value), distance > 2*near && value < most && (value > least || digits == 0)
}

// quickFloat32 reads the number that begins at text[at] if it is one as most are: of
// few digits, without exponent, and not next to the end. It returns where it ends, or 0.
func quickFloat32(text []byte, at int) (v float32, end int) {
	const wordDigits = 8 // are read at a time
	negative := at < len(text) && text[at] == '-'
	if negative {
		at++
	}
	if len(text)-at < 32 {
		return 0, 0
	}
	begin := at
	digits := uint64(text[at] - '0')
	if digits > 9 {
		return 0, 0
	}
	for at++; isDigit(text[at]); at++ {
		if digits == 0 || at-begin == wordDigits {
			return 0, 0
		}
		digits = digits*10 + uint64(text[at]-'0')
	}
	places, exponent := at-begin, 0
	if text[at] == '.' {
		at++
		fraction, n := readDigits(binary.LittleEndian.Uint64(text[at:]))
		if n == 0 {
			return 0, 0
		}
		digits = digits*powers[n] + fraction
		for at += n; n >= wordDigits && isDigit(text[at]); at++ {
			if n++; places+n > mostDigits {
				return 0, 0
			}
			digits = digits*10 + uint64(text[at]-'0')
		}
		places += n
		exponent = -n
	}
	if text[at]|0x20 == 'e' {
		return 0, 0
	}
	v, ok := nearestFloat32(digits, places, exponent)
	if !ok {
		return 0, 0
	}
	if negative {
		v = -v
	}
	return v, at
}

// readDigits reads the digits that a word of eight characters begins with, and
// returns how many there are.
func readDigits(word uint64) (number uint64, n int) {
	const each = 0x0101010101010101 // byte
	word ^= '0' * each
	others := (word + (0x80-10)*each | word) & (0x80 * each) // bytes that are not 0 to 9; behind the first this may err
	n = bits.TrailingZeros64(others) / 8
	word <<= 64 - 8*uint(n) // with zeros before them
	word = (word * (1 + 10<<8)) >> 8 & 0x00ff00ff00ff00ff
	word = (word * (1 + 100<<16)) >> 16 & 0x0000ffff0000ffff
	return (word * (1 + 10000<<32)) >> 32, n
}

// Bounds of what appendFloat32 writes by itself: from 1e-4, which strconv writes
// without an exponent, to below 1e6, where it begins to use one.
const (
	leastPlain = 1e-4
	mostPlain  = 1e6
)

// scale multiplies numbers from some value on so that nine digits of them are whole.
type scale struct {
	from     float32
	decimals int
	fives    uint64 // 5^decimals
}

// scales are those of plain numbers, the most frequent first.
var scales = [...]scale{
	{0.1, 9, 1953125},
	{0.01, 10, 9765625},
	{0.001, 11, 48828125},
	{leastPlain, 12, 244140625},
}

// largeScales are those of numbers from 1 to 1e6.
var largeScales = [...]scale{
	{1e5, 3, 125}, {1e4, 4, 625}, {1e3, 5, 3125}, {100, 6, 15625}, {10, 7, 78125}, {1, 8, 390625},
}

// scaleOf returns the scale of a plain number.
func scaleOf(v float32) *scale {
	if v >= 1 {
		for i := range largeScales {
			if v >= largeScales[i].from {
				return &largeScales[i]
			}
		}
	}
	for i := range scales {
		if v >= scales[i].from {
			return &scales[i]
		}
	}
	return &scales[len(scales)-1]
}

// appendFloat32 appends a finite number with the fewest digits that give it back,
// and of those the nearest, as strconv.AppendFloat(b, v, 'g', -1, 32) does to the
// byte, but three times as fast for numbers as models make them.
//
// A float32 is m·2^e with m below 2^24. Nine digits of it stand before the point of
// m·5^k·2^(e+k), and since m·5^k fits 64 bits, that and the middles between v and
// its neighbours, 5^k/2 to either side, are known exactly. They never are whole
// numbers, and whole numbers between them stand for v. The multiple of the highest
// power of ten among them is the answer (Steele and White 1990).
func appendFloat32(b []byte, v float32) []byte {
	const (
		fraction = 1<<23 - 1
		bias     = 127 + 23
	)
	bits := math.Float32bits(v)
	m := uint64(bits & fraction)
	size := math.Float32frombits(bits &^ (1 << 31))
	// A power of two has neighbours at different distances.
	if m == 0 || !(size >= leastPlain && size < mostPlain) {
		return strconv.AppendFloat(b, float64(v), 'g', -1, 32)
	}
	m |= fraction + 1
	scale := scaleOf(size)
	shift := uint(bias-scale.decimals) - uint(bits>>23&0xff) + 1 // of numbers with a binary digit for halves
	exact := 2 * m * scale.fives
	low, high := (exact-scale.fives)>>shift+1, (exact+scale.fives)>>shift
	whole := exact >> shift
	digits, dropped, power := whole, 0, uint64(1)
	for {
		l, h := (low+9)/10, high/10
		if l > h {
			break
		}
		low, high, digits = l, h, digits/10
		dropped++
		power *= 10
	}
	rest := ((whole-digits*power)<<shift | exact&(1<<shift-1)) << 1
	switch middle := power << shift; {
	case rest > middle:
		digits++
	case rest == middle: // two are as near
		return strconv.AppendFloat(b, float64(v), 'g', -1, 32)
	}
	if v < 0 {
		b = append(b, '-')
	}
	return appendDecimal(b, digits, scale.decimals-dropped)
}

// powers of ten.
var powers = [...]uint64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12}

// pairs are the numbers from 00 to 99.
const pairs = "00010203040506070809101112131415161718192021222324" +
	"25262728293031323334353637383940414243444546474849" +
	"50515253545556575859606162636465666768697071727374" +
	"75767778798081828384858687888990919293949596979899"

// appendDecimal appends digits·10^-decimals, which has twelve decimals at most.
func appendDecimal(b []byte, digits uint64, decimals int) []byte {
	if decimals <= 0 {
		return strconv.AppendUint(b, digits*powers[-decimals], 10)
	}
	text, begin := [16]byte{'0', '.'}, 0
	if one := powers[decimals]; digits >= one {
		b = strconv.AppendUint(b, digits/one, 10)
		digits %= one
		begin = 1 // behind the 0
	}
	end := len("0.") + decimals
	at, rest := end, uint32(digits)
	for ; at > len("0.")+1; at -= 2 {
		pair := 2 * (rest % 100)
		rest /= 100
		text[at-2], text[at-1] = pairs[pair], pairs[pair+1]
	}
	if at > len("0.") {
		text[at-1] = byte('0' + rest)
	}
	return append(b, text[begin:end]...)
}
