package dataset

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// The encodings of text that tables come in, as [Data.Encoding] has them.
const (
	UTF16       = "UTF-16"
	Windows1252 = "Windows-1252"
)

// byteOrderMark is what some programs put before UTF-8.
const byteOrderMark = "\ufeff"

// textReader turns text of several encodings into UTF-8. Text that starts with a
// byte order mark is what the mark says, UTF-8 or UTF-16; in any other, a byte that
// is not part of UTF-8 is taken for one of Windows-1252, of which Latin-1's printable
// characters are a part.
type textReader struct {
	*bufio.Reader
	// encoding names what was found so far, if it is not UTF-8.
	encoding string
}

// newTextReader returns a reader of the text in r, of which at least the first
// sniffed bytes can be peeked at.
func newTextReader(r io.Reader) (*textReader, error) {
	raw := bufio.NewReaderSize(r, sniffed)
	start, err := raw.Peek(len(byteOrderMark))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	t := &textReader{}
	var decoder transform.Transformer = &toUTF8{found: &t.encoding}
	switch {
	case hasUTF16Mark(start):
		t.encoding = UTF16
		decoder = unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder()
	case string(start) == byteOrderMark:
		raw.Discard(len(byteOrderMark))
	}
	t.Reader = bufio.NewReaderSize(transform.NewReader(raw, decoder), sniffed)
	return t, nil
}

// hasUTF16Mark reports whether text starts with the byte order mark of UTF-16.
func hasUTF16Mark(start []byte) bool {
	return bytes.HasPrefix(start, []byte("\xff\xfe")) || bytes.HasPrefix(start, []byte("\xfe\xff"))
}

// toUTF8 passes UTF-8 on and decodes other bytes as Windows-1252.
type toUTF8 struct {
	transform.NopResetter
	found *string // becomes Windows1252 once there is such a byte
}

func (t *toUTF8) Transform(dst, src []byte, atEOF bool) (nDst, nSrc int, err error) {
	if n := min(len(dst), len(src)); utf8.Valid(src[:n]) {
		if copy(dst, src[:n]); n < len(src) {
			return n, n, transform.ErrShortDst
		}
		return n, n, nil
	}
	for nSrc < len(src) {
		r, size := utf8.DecodeRune(src[nSrc:])
		foreign := r == utf8.RuneError && size == 1
		if foreign {
			if !atEOF && !utf8.FullRune(src[nSrc:]) {
				return nDst, nSrc, transform.ErrShortSrc
			}
			r = charmap.Windows1252.DecodeByte(src[nSrc])
		}
		if nDst+utf8.RuneLen(r) > len(dst) {
			return nDst, nSrc, transform.ErrShortDst
		}
		if foreign {
			*t.found = Windows1252
		}
		nDst += utf8.EncodeRune(dst[nDst:], r)
		nSrc += size
	}
	return nDst, nSrc, nil
}
