package modelfile

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"hourglass/nn"
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
	detectorKey     = "detector"
	trainingKey     = "training"

	formatName = "hourglass"
)

// covered are the keys whose values the checksum covers, in order.
var covered = []string{architectureKey, detectorKey, formatKey, recordKey, scalingKey, scoresKey, trainingKey, versionKey}

// contentSum returns the checksum of arrays, of which it is given each one's own,
// and metadata; see the package comment.
func contentSum(arrays []nn.Array, sums []string, metadata map[string]string) string {
	order := make([]int, len(arrays))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return cmp.Compare(arrays[i].Name, arrays[j].Name) })
	sum := sha256.New()
	for _, i := range order {
		shape := strings.Trim(strings.ReplaceAll(fmt.Sprint([]int(arrays[i].Shape)), " ", "x"), "[]")
		fmt.Fprintf(sum, "array %x F32 %s %s\n", sha256.Sum256([]byte(arrays[i].Name)), shape, sums[i])
	}
	for _, key := range covered {
		if value, ok := metadata[key]; ok {
			fmt.Fprintf(sum, "metadata %s %x\n", key, sha256.Sum256([]byte(value)))
		}
	}
	return hexSum(sum)
}

// noChecksum stands in the place of version 1's checksum while it is computed.
var noChecksum = strings.Repeat("0", 2*sha256.Size)

// checksumPlace returns where in a header of version 1 the checksum's digits stand,
// or nil. What introduces them cannot be part of a JSON string, where quotes are
// escaped.
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
	for _, a := range m.Arrays {
		if err := writeValues(w, a.Values); err != nil {
			return err
		}
	}
	return nil
}

// headerLength returns the first eight bytes of a file.
func headerLength(header []byte) []byte {
	return binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
}

// header returns the padded JSON header.
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
	version := plainVersion
	if m.Detector != nil {
		version = Version
	}
	metadata := map[string]string{
		formatKey:       formatName,
		versionKey:      strconv.Itoa(version),
		architectureKey: string(architecture),
	}
	for key, value := range m.extras() {
		if *value != nil {
			metadata[key] = string(*value)
		}
	}
	sums := make([]string, len(m.Arrays))
	for i, a := range m.Arrays {
		sum := sha256.New()
		writeValues(sum, a.Values) // a hash never fails to be written to
		sums[i] = hexSum(sum)
	}
	metadata[checksumKey] = contentSum(m.Arrays, sums, metadata)
	return metadata, nil
}

func hexSum(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// writeValues writes values, little-endian.
func writeValues(w io.Writer, values []float32) error {
	buffer := make([]byte, 0, 64<<10)
	for _, v := range values {
		buffer = binary.LittleEndian.AppendUint32(buffer, math.Float32bits(v))
		if len(buffer) == cap(buffer) {
			if _, err := w.Write(buffer); err != nil {
				return err
			}
			buffer = buffer[:0]
		}
	}
	_, err := w.Write(buffer)
	return err
}
