package tensorboard

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// The numbers of the fields that are written, of tensorflow/core/util/event.proto and
// tensorflow/core/framework/summary.proto.
const (
	eventWallTime    protowire.Number = 1 // double, seconds
	eventStep        protowire.Number = 2 // int64
	eventFileVersion protowire.Number = 3 // string, in the first event of a file
	eventSummary     protowire.Number = 5 // Summary

	summaryValue protowire.Number = 1 // repeated Value

	valueTag    protowire.Number = 1 // string
	valueSimple protowire.Number = 2 // float
)

// fileVersion is the version of the files that TensorFlow has written since 2016.
const fileVersion = "brain.Event:2"

// appendVersion appends the event that a file begins with.
func appendVersion(b []byte, at time.Time) []byte {
	b = appendTime(b, at)
	b = protowire.AppendTag(b, eventFileVersion, protowire.BytesType)
	return protowire.AppendString(b, fileVersion)
}

// appendScalar appends an event that a number of that name has a value.
func appendScalar(b []byte, at time.Time, step int64, tag string, value float32) []byte {
	b = appendTime(b, at)
	b = protowire.AppendTag(b, eventStep, protowire.VarintType)
	b = protowire.AppendVarint(b, uint64(step))
	var v []byte
	v = protowire.AppendTag(v, valueTag, protowire.BytesType)
	v = protowire.AppendString(v, tag)
	v = protowire.AppendTag(v, valueSimple, protowire.Fixed32Type)
	v = protowire.AppendFixed32(v, math.Float32bits(value))
	var summary []byte
	summary = protowire.AppendTag(summary, summaryValue, protowire.BytesType)
	summary = protowire.AppendBytes(summary, v)
	b = protowire.AppendTag(b, eventSummary, protowire.BytesType)
	return protowire.AppendBytes(b, summary)
}

func appendTime(b []byte, at time.Time) []byte {
	b = protowire.AppendTag(b, eventWallTime, protowire.Fixed64Type)
	return protowire.AppendFixed64(b, math.Float64bits(float64(at.UnixNano())/1e9))
}

// appendRecord appends data as a record of a TFRecord file
// (https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details):
//
//	uint64 length, uint32 its masked checksum, data, uint32 their masked checksum
//
// all little-endian.
func appendRecord(b, data []byte) []byte {
	at := len(b)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(data)))
	b = binary.LittleEndian.AppendUint32(b, maskedSum(b[at:]))
	b = append(b, data...)
	return binary.LittleEndian.AppendUint32(b, maskedSum(data))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// maskedSum is the CRC-32C of data, rotated by 15 bits to the right, plus a constant, so
// that the checksum of data with a checksum in it is a good one, too.
func maskedSum(data []byte) uint32 {
	sum := crc32.Checksum(data, castagnoli)
	return (sum>>15 | sum<<17) + 0xa282ead8
}
