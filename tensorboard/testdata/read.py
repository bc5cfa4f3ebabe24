#!/usr/bin/env python3
"""Reads a file of events with nothing of Hourglass, Go or TensorFlow in it, and prints a line for each:

    /usr/bin/python3 tensorboard/testdata/read.py FILE     # STEP TAG VALUE, or "version TEXT"

The CRC-32C is computed bit by bit from its polynomial, protobuf's wire format as
https://protobuf.dev/programming-guides/encoding/ describes it.
"""
import struct, sys


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def fields(data):
    """(number, value) of a message: ints, bytes, or the bytes of fixed numbers."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = varint()
        kind = key & 7
        if kind == 0:
            yield key >> 3, varint()
            continue
        n = {1: 8, 5: 4}.get(kind) or varint()
        yield key >> 3, data[at:at + n]
        at += n


assert crc32c(b"123456789") == 0xE3069283  # the check value of CRC-32C
with open(sys.argv[1], "rb") as f:
    while header := f.read(8):
        assert struct.unpack("<I", f.read(4))[0] == masked(header), "checksum of the length"
        data = f.read(struct.unpack("<Q", header)[0])
        assert struct.unpack("<I", f.read(4))[0] == masked(data), "checksum of the data"
        event = dict(fields(data))
        assert 1e9 < struct.unpack("<d", event[1])[0] < 1e10, "time"
        if 3 in event:
            print("version", event[3].decode())
        for number, value in fields(event.get(5, b"")):
            value = dict(fields(value))
            print(event[2], value[1].decode(), "%.6g" % struct.unpack("<f", value[2])[0])
