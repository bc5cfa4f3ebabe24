package modelfile

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"os"
	"slices"
	"strconv"

	"hourglass/nn"
	"hourglass/tensor"
)

// maxHeader bounds the header, which is read as a whole; a model of a thousand
// layers needs a few hundred kilobytes.
const maxHeader = 16 << 20

// Read reads a model. The error says what about the file is wrong and what was
// expected; no more memory is taken than a small multiple of the bytes that are
// really there.
func Read(r io.Reader) (*Model, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	header, err := readHeader(in)
	if err != nil {
		return nil, fmt.Errorf("modelfile: read: %w", err)
	}
	m, metadata, err := parseHeader(header)
	if err != nil {
		return nil, fmt.Errorf("modelfile: read: %w", err)
	}
	want, checked := metadata[checksumKey]
	m.Unverified = !checked
	var whole hash.Hash
	values := io.Reader(in)
	if metadata[versionKey] == "1" && checked {
		if whole, err = startWhole(header, want); err != nil {
			return nil, fmt.Errorf("modelfile: read: %w", err)
		}
		values = io.TeeReader(in, whole)
	}
	sums, err := m.readValues(values)
	if err != nil {
		return nil, fmt.Errorf("modelfile: read: %w", err)
	}
	got := want
	if whole != nil {
		got = hexSum(whole)
	} else if checked {
		got = contentSum(m.Arrays, sums, metadata)
	}
	if got != want {
		return nil, fmt.Errorf("modelfile: read: checksum is %.12s…, want %.12s…: the file is damaged, or changed by a program that kept its checksum", got, want)
	}
	return m, nil
}

// startWhole begins the checksum of a whole file, that of version 1.
func startWhole(header []byte, want string) (hash.Hash, error) {
	place := checksumPlace(header)
	if string(place) != want {
		return nil, errors.New("the checksum does not stand where version 1 of the file has it; was it written again by another program?")
	}
	blank := bytes.Clone(header)
	copy(checksumPlace(blank), noChecksum)
	sum := sha256.New()
	sum.Write(headerLength(header))
	sum.Write(blank)
	return sum, nil
}

// ReadFile reads the model in a file.
func ReadFile(path string) (*Model, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("modelfile: %w", err)
	}
	defer f.Close()
	m, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%w (in %s)", err, path)
	}
	return m, nil
}

func readHeader(in io.Reader) ([]byte, error) {
	var length [8]byte
	if _, err := io.ReadFull(in, length[:]); err != nil {
		return nil, errors.New("not a safetensors file: shorter than 8 bytes")
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n < 2 || n > maxHeader {
		return nil, fmt.Errorf("not a safetensors file: header of %d bytes, want 2 to %d", n, maxHeader)
	}
	// Copied, not allocated at once: a short file may claim a long header.
	var b bytes.Buffer
	if got, err := io.CopyN(&b, in, int64(n)); err != nil {
		return nil, fmt.Errorf("header ends after %d of %d bytes", got, n)
	}
	return b.Bytes(), nil
}

// parseHeader returns the model without its values, and the metadata.
func parseHeader(header []byte) (*Model, map[string]string, error) {
	var entries map[string]json.RawMessage
	if err := json.Unmarshal(header, &entries); err != nil {
		return nil, nil, fmt.Errorf("header is not JSON: %w", err)
	}
	var metadata map[string]string
	if err := json.Unmarshal(entries[metadataKey], &metadata); err != nil || metadata[formatKey] != formatName {
		return nil, nil, fmt.Errorf("a safetensors file, but not of an autoencoder: no metadata with format %q", formatName)
	}
	if version, err := strconv.Atoi(metadata[versionKey]); err != nil || version < 1 || version > Version {
		return nil, nil, fmt.Errorf("version %q of the model file, want 1 to %d; a newer hourglass may read it", metadata[versionKey], Version)
	}
	m := &Model{}
	if err := json.Unmarshal([]byte(metadata[architectureKey]), &m.Architecture); err != nil {
		return nil, nil, fmt.Errorf("architecture: %w", err)
	}
	for key, place := range m.extras() {
		if value, ok := metadata[key]; ok {
			*place = json.RawMessage(value)
		}
	}
	delete(entries, metadataKey)
	var err error
	m.Arrays, err = parseArrays(entries)
	return m, metadata, err
}

// parseArrays returns the arrays in the order of their values, of which they must
// leave out nothing.
func parseArrays(entries map[string]json.RawMessage) ([]nn.Array, error) {
	type placed struct {
		nn.Array
		offset, end int
	}
	var arrays []placed
	for name, text := range entries {
		var h arrayHeader
		if err := json.Unmarshal(text, &h); err != nil {
			return nil, fmt.Errorf("array %q: %w", name, err)
		}
		if len(h.Offsets) != 2 {
			return nil, fmt.Errorf("array %q: %d data offsets, want 2", name, len(h.Offsets))
		}
		shape := tensor.Shape(h.Shape)
		if err := shape.Validate(); err != nil {
			return nil, fmt.Errorf("array %q: %w", name, err)
		}
		if h.DType != "F32" || h.Offsets[1]-h.Offsets[0] != 4*shape.Size() {
			return nil, fmt.Errorf("array %q: type %q, %d bytes, want F32 and %d for shape %v",
				name, h.DType, h.Offsets[1]-h.Offsets[0], 4*shape.Size(), shape)
		}
		arrays = append(arrays, placed{nn.Array{Name: name, Shape: shape}, h.Offsets[0], h.Offsets[1]})
	}
	slices.SortFunc(arrays, func(a, b placed) int { return cmp.Compare(a.offset, b.offset) })
	list, at := make([]nn.Array, len(arrays)), 0
	for i, a := range arrays {
		if a.offset != at {
			return nil, fmt.Errorf("array %q: values start at byte %d, want %d", a.Name, a.offset, at)
		}
		list[i], at = a.Array, a.end
	}
	return list, nil
}

// readValues reads the arrays' values, behind which the file must end. It returns
// the checksum of each array.
func (m *Model) readValues(in io.Reader) (sums []string, err error) {
	var buffer [16 << 10]byte
	for i := range m.Arrays {
		a, sum := &m.Arrays[i], sha256.New()
		for left := a.Shape.Size(); left > 0; {
			chunk := buffer[:min(4*left, len(buffer))]
			if _, err := io.ReadFull(in, chunk); err != nil {
				return nil, fmt.Errorf("array %q: the file ends after %d of %d values", a.Name, len(a.Values), a.Shape.Size())
			}
			sum.Write(chunk)
			for ; len(chunk) > 0; chunk = chunk[4:] {
				a.Values = append(a.Values, math.Float32frombits(binary.LittleEndian.Uint32(chunk)))
				left--
			}
		}
		sums = append(sums, hexSum(sum))
	}
	if n, err := io.ReadFull(in, buffer[:1]); n != 0 || err != io.EOF {
		return nil, errors.New("the file goes on behind the last array")
	}
	return sums, nil
}
