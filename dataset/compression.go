package dataset

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
)

// The first bytes of compressed files.
var (
	gzipMagic = []byte("\x1f\x8b")
	zstdMagic = []byte("\x28\xb5\x2f\xfd")
)

// decompressed returns the content of r, unpacked if it starts like gzip or zstd, and
// which of them it was, if any.
func decompressed(r io.Reader) (plain io.Reader, packing string, err error) {
	const largestWindow = 128 << 20 // bytes of memory that zstd -19 asks for, and 16 times more
	buffered := bufio.NewReaderSize(r, 1<<16)
	// Too short a file is found out, and said, by whoever reads on.
	start, _ := buffered.Peek(len(zstdMagic))
	switch string(start[:min(len(start), 2)]) {
	case string(gzipMagic):
		unzip, err := gzip.NewReader(buffered)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("gzip header is cut off")
		}
		return unzip, "gzip", err
	case string(zstdMagic[:2]):
		if string(start) != string(zstdMagic) {
			return buffered, "", nil
		}
		// With one thread there is nothing to be closed.
		unzip, err := zstd.NewReader(buffered, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(largestWindow))
		return unzip, "zstd", err
	}
	return buffered, "", nil
}

// unpackedName is what a compressed file would be called without compression.
func unpackedName(path string) string {
	switch extension := filepath.Ext(path); strings.ToLower(extension) {
	case ".gz", ".zst", ".zstd":
		return strings.TrimSuffix(path, extension)
	}
	return path
}
