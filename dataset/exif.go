package dataset

import (
	"bytes"
	"encoding/binary"
)

// orientation says how the stored pixels of a photograph are to be turned for
// the picture to stand upright, as Exif numbers it
// (Exif 3.0, section 4.6.5.1.7): 1 not at all, 2 to 8 mirrored, turned or both.
type orientation int

const (
	upright orientation = 1
	// turned and all above have the axes of the picture exchanged.
	turned orientation = 5
)

// swaps reports whether width and height change places.
func (o orientation) swaps() bool { return o >= turned }

// source returns where in stored pixels of w×h the upright picture's pixel
// (x, y) lies.
func (o orientation) source(x, y, w, h int) (int, int) {
	switch o {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return y, h - 1 - x
	case 7:
		return w - 1 - y, h - 1 - x
	case 8:
		return w - 1 - y, x
	}
	return x, y
}

// The markers of the segments of a JPEG file that matter here.
const (
	jpegMarker = 0xff
	jpegStart  = 0xd8
	jpegApp1   = 0xe1
	jpegScan   = 0xda // image data follows; what describes it has come before
)

// jpegOrientation returns the orientation that the Exif segment of a JPEG file
// tells, or upright where there is none that can be understood: a picture is
// not refused for what is written beside it. It reads each byte at most once.
func jpegOrientation(file []byte) orientation {
	if len(file) < 2 || file[0] != jpegMarker || file[1] != jpegStart {
		return upright
	}
	for file = file[2:]; len(file) >= 4 && file[0] == jpegMarker; {
		marker := file[1]
		if marker == jpegMarker { // padding
			file = file[1:]
			continue
		}
		length := int(binary.BigEndian.Uint16(file[2:]))
		if marker == jpegScan || length < 2 || 2+length > len(file) {
			break
		}
		segment := file[4 : 2+length]
		if tiff, isExif := bytes.CutPrefix(segment, []byte("Exif\x00\x00")); marker == jpegApp1 && isExif {
			return tiffOrientation(tiff)
		}
		file = file[2+length:]
	}
	return upright
}

// tiffOrientation looks the orientation up in the first directory of a TIFF
// structure: byte order and magic number, the directory's offset, and there a
// count and entries of 12 bytes: tag, type, count and value.
func tiffOrientation(tiff []byte) orientation {
	const (
		headerSize     = 8
		entrySize      = 12
		orientationTag = 0x0112
		shortType      = 3
	)
	if len(tiff) < headerSize {
		return upright
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return upright
	}
	offset := uint64(order.Uint32(tiff[4:]))
	if offset+2 > uint64(len(tiff)) {
		return upright
	}
	entries := tiff[offset+2:]
	for range order.Uint16(tiff[offset:]) {
		if len(entries) < entrySize {
			break
		}
		entry := entries[:entrySize]
		entries = entries[entrySize:]
		if order.Uint16(entry) != orientationTag {
			continue
		}
		value := orientation(order.Uint16(entry[8:]))
		if order.Uint16(entry[2:]) != shortType || value < upright || value > 8 {
			return upright
		}
		return value
	}
	return upright
}
