package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"hourglass/tensor"
)

const (
	magic = "\x93NUMPY"
	// maxHeader bounds the text of a header. NumPy itself needs a tenth of a
	// kilobyte and by default reads no more than 10,000 bytes.
	maxHeader = 1 << 16
	// headerAlignment is what NumPy pads headers to, so that mapped elements
	// are aligned.
	headerAlignment = 64
)

// readHeader reads the start of a .npy file and returns how long it is.
func readHeader(r io.Reader) (h Header, length int64, err error) {
	var start [8]byte
	if n, err := io.ReadFull(r, start[:]); err != nil {
		return Header{}, 0, cutShort(err, "the header", int64(n))
	}
	if string(start[:6]) != magic {
		return Header{}, 0, fmt.Errorf("starts with bytes %x, want those of a .npy file, %x", start[:6], magic)
	}
	var size [4]byte
	lengthBytes := 4
	switch start[6] {
	case 1:
		lengthBytes = 2
	case 2, 3:
	default:
		return Header{}, 0, fmt.Errorf("is of version %d.%d of the format, want 1, 2 or 3", start[6], start[7])
	}
	if n, err := io.ReadFull(r, size[:lengthBytes]); err != nil {
		return Header{}, 0, cutShort(err, "the header", int64(8+n))
	}
	count := binary.LittleEndian.Uint32(size[:])
	if count > maxHeader {
		return Header{}, 0, fmt.Errorf("has a header of %d bytes, want at most %d", count, maxHeader)
	}
	text := make([]byte, count)
	if n, err := io.ReadFull(r, text); err != nil {
		return Header{}, 0, cutShort(err, "the header", int64(8+lengthBytes+n))
	}
	h, err = parseHeader(string(text))
	return h, int64(8+lengthBytes) + int64(count), err
}

// cutShort says where a file ended before its time.
func cutShort(err error, where string, got int64) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("ends within %s, after %d bytes", where, got)
	}
	return err
}

// parseHeader reads the text of a header, which is a dictionary in Python's
// notation:
//
//	{'descr': '<f4', 'fortran_order': False, 'shape': (60000, 784), }
func parseHeader(text string) (Header, error) {
	p := dictionary{rest: text}
	h, err := p.parse()
	if err != nil {
		return Header{}, fmt.Errorf("header %.120q: %w", strings.TrimSpace(text), err)
	}
	return h, nil
}

// dictionary reads the subset of Python's literals that headers are made of.
type dictionary struct{ rest string }

func (p *dictionary) parse() (Header, error) {
	var h Header
	if err := p.expect('{'); err != nil {
		return h, err
	}
	seen := map[string]bool{}
	for !p.take('}') {
		key, err := p.text()
		if err != nil {
			return h, err
		}
		if seen[key] {
			return h, fmt.Errorf("says %q twice", key)
		}
		seen[key] = true
		if err := p.expect(':'); err != nil {
			return h, err
		}
		if err := p.value(key, &h); err != nil {
			return h, err
		}
		if !p.take(',') {
			if err := p.expect('}'); err != nil {
				return h, err
			}
			break
		}
	}
	if p.space(); p.rest != "" {
		return h, fmt.Errorf("%.20q follows it", p.rest)
	}
	for _, key := range []string{"descr", "fortran_order", "shape"} {
		if !seen[key] {
			return h, fmt.Errorf("does not say %q", key)
		}
	}
	return h, checkShape(h.Shape)
}

// value reads what belongs to a key into h.
func (p *dictionary) value(key string, h *Header) error {
	switch key {
	case "descr":
		if p.take('[') {
			return fmt.Errorf("holds a structured array, %s", wantedTypes)
		}
		descr, err := p.text()
		if err != nil {
			return err
		}
		h.Type, err = parseType(descr)
		return err
	case "fortran_order":
		p.space()
		for word, value := range map[string]bool{"True": true, "False": false} {
			if rest, found := strings.CutPrefix(p.rest, word); found {
				p.rest, h.Fortran = rest, value
				return nil
			}
		}
		return p.unexpected("True or False")
	case "shape":
		var err error
		h.Shape, err = p.tuple()
		return err
	}
	return fmt.Errorf("says %.40q, want only descr, fortran_order and shape", key)
}

// tuple reads the length of each axis: (), (3,) or (3, 4).
func (p *dictionary) tuple() (tensor.Shape, error) {
	if err := p.expect('('); err != nil {
		return nil, err
	}
	var shape tensor.Shape
	for !p.take(')') {
		length, err := p.number()
		if err != nil {
			return nil, err
		}
		if shape = append(shape, length); len(shape) > maxAxes {
			return nil, fmt.Errorf("more than %d axes", maxAxes)
		}
		if !p.take(',') {
			return shape, p.expect(')')
		}
	}
	return shape, nil
}

func (p *dictionary) number() (int, error) {
	p.space()
	digits := len(p.rest) - len(strings.TrimLeft(p.rest, "0123456789"))
	if digits == 0 {
		return 0, p.unexpected("the length of an axis")
	}
	n, err := strconv.Atoi(p.rest[:digits])
	if err != nil {
		return 0, fmt.Errorf("an axis of length %.30s is beyond this machine", p.rest[:digits])
	}
	p.rest = p.rest[digits:]
	p.rest = strings.TrimPrefix(p.rest, "L") // Python 2 wrote some numbers so
	return n, nil
}

// text reads a string in single or double quotes.
func (p *dictionary) text() (string, error) {
	p.space()
	if p.rest == "" || p.rest[0] != '\'' && p.rest[0] != '"' {
		return "", p.unexpected("a string in quotes")
	}
	end := strings.IndexByte(p.rest[1:], p.rest[0])
	if end < 0 {
		return "", p.unexpected("a string that ends")
	}
	s := p.rest[1 : 1+end]
	p.rest = p.rest[2+end:]
	return s, nil
}

func (p *dictionary) space() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

// take skips c if it comes next.
func (p *dictionary) take(c byte) bool {
	p.space()
	if p.rest == "" || p.rest[0] != c {
		return false
	}
	p.rest = p.rest[1:]
	return true
}

func (p *dictionary) expect(c byte) error {
	if !p.take(c) {
		return p.unexpected(strconv.Quote(string(rune(c))))
	}
	return nil
}

func (p *dictionary) unexpected(want string) error {
	if p.rest == "" {
		return fmt.Errorf("ends, want %s", want)
	}
	return fmt.Errorf("%.20q where %s should be", p.rest, want)
}

// appendHeader writes a header of version 1.0, padded as NumPy pads it.
func appendHeader(b []byte, h Header) []byte {
	axes := make([]string, len(h.Shape))
	for i, length := range h.Shape {
		axes[i] = strconv.Itoa(length)
	}
	shape := strings.Join(axes, ", ")
	if len(axes) == 1 {
		shape += ","
	}
	text := fmt.Sprintf("{'descr': '<%c%d', 'fortran_order': False, 'shape': (%s), }", h.Type.Kind, h.Type.Size, shape)
	const start = len(magic) + 4
	if odd := (start + len(text) + 1) % headerAlignment; odd != 0 {
		text += strings.Repeat(" ", headerAlignment-odd)
	}
	b = append(b, magic...)
	b = append(b, 1, 0)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(text)+1))
	return append(append(b, text...), '\n')
}
