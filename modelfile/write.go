package modelfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"math"
	"strconv"
	"strings"
)

// arrayHeader is the entry of one array in the header.
type arrayHeader struct {
	DType   string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets []int  `json:"data_offsets"` // first byte behind the header, and the one after the last
}

// The keys of the metadata.
const (
	metadataKey     = "__metadata__"
	formatKey       = "format"
	versionKey      = "version"
	architectureKey = "architecture"
	checksumKey     = "sha256"
	recordKey       = "record"
	scalingKey      = "scaling"
	scoresKey       = "scores"

	formatName = "hourglass"
)

// noChecksum stands in the checksum's place while it is computed.
var noChecksum = strings.Repeat("0", 2*sha256.Size)

// checksumPlace returns where in a header the checksum's digits stand, or nil.
// What introduces them cannot be part of a JSON string, where quotes are escaped.
func checksumPlace(header []byte) []byte {
	_, rest, found := bytes.Cut(header, []byte(`"`+checksumKey+`":"`))
	if !found || len(rest) < len(noChecksum) {
		return nil
	}
	return rest[:len(noChecksum)]
}

// headerAlign is what safetensors pads the header to, so that values are aligned.
const headerAlign = 8

// Write writes a model.
func Write(w io.Writer, m *Model) error {
	header, err := m.header()
	if err != nil {
		return fmt.Errorf("modelfile: write: %w", err)
	}
	sum := sha256.New()
	m.write(sum, header) // a hash never fails to be written to
	copy(checksumPlace(header), hexSum(sum))
	if err := m.write(w, header); err != nil {
		return fmt.Errorf("modelfile: write: %w", err)
	}
	return nil
}

// write writes a header and the values it describes.
func (m *Model) write(w io.Writer, header []byte) error {
	if _, err := w.Write(headerLength(header)); err != nil {
		return err
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	return m.writeValues(w)
}

// headerLength returns the first eight bytes of a file.
func headerLength(header []byte) []byte {
	return binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
}

// header returns the padded JSON header, still without its checksum.
func (m *Model) header() ([]byte, error) {
	metadata, err := m.metadata()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	entry := func(key string, value any) error {
		name, err := json.Marshal(key)
		if err != nil {
			return err
		}
		text, err := json.Marshal(value)
		fmt.Fprintf(&b, "%s:%s", name, text)
		return err
	}
	b.WriteByte('{')
	if err := entry(metadataKey, metadata); err != nil {
		return nil, err
	}
	offset := 0
	for _, a := range m.Arrays {
		b.WriteByte(',')
		end := offset + 4*len(a.Values)
		if err := entry(a.Name, arrayHeader{"F32", a.Shape, []int{offset, end}}); err != nil {
			return nil, err
		}
		offset = end
	}
	b.WriteByte('}')
	for b.Len()%headerAlign != 0 {
		b.WriteByte(' ')
	}
	return b.Bytes(), nil
}

func (m *Model) metadata() (map[string]string, error) {
	architecture, err := json.Marshal(m.Architecture)
	if err != nil {
		return nil, err
	}
	metadata := map[string]string{
		formatKey:       formatName,
		versionKey:      strconv.Itoa(Version),
		architectureKey: string(architecture),
		checksumKey:     noChecksum,
	}
	for key, value := range m.extras() {
		if *value != nil {
			metadata[key] = string(*value)
		}
	}
	return metadata, nil
}

func hexSum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// writeValues writes all arrays' values, little-endian.
func (m *Model) writeValues(w io.Writer) error {
	buffer := make([]byte, 0, 64<<10)
	for _, a := range m.Arrays {
		for _, v := range a.Values {
			buffer = binary.LittleEndian.AppendUint32(buffer, math.Float32bits(v))
			if len(buffer) == cap(buffer) {
				if _, err := w.Write(buffer); err != nil {
					return err
				}
				buffer = buffer[:0]
			}
		}
	}
	_, err := w.Write(buffer)
	return err
}
