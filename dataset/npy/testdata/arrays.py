"""Writes arrays.golden: arrays of every type as NumPy saves them, one a line as
JSON: name, the file in hexadecimal, shape, and the elements in C order as the
bits of their float32. Run with NumPy 1.24: python3 arrays.py > arrays.golden"""
import io
import json

import numpy as np

rng = np.random.RandomState(5)


def bits(a):
    return ["%08x" % v for v in np.ascontiguousarray(a).astype(np.float32).ravel().view(np.uint32)]


def emit(name, a, version=None):
    f = io.BytesIO()
    np.lib.format.write_array(f, a, version=version)
    print(json.dumps({"name": name, "file": f.getvalue().hex(), "shape": a.shape, "bits": bits(a)}))


def archive(name, save, **arrays):
    f = io.BytesIO()
    save(f, **arrays)
    print(json.dumps({"name": name, "file": f.getvalue().hex(),
                      "arrays": {k: {"shape": v.shape, "bits": bits(v)} for k, v in arrays.items()}}))


def values(dtype, shape):
    dtype = np.dtype(dtype)
    n = int(np.prod(shape))
    if dtype.kind == "b":
        return rng.randint(0, 2, n).astype(bool).reshape(shape)
    if dtype.kind == "f":
        a = (rng.randn(n) * 100).astype(dtype)
        tiny = np.finfo(dtype.newbyteorder("=")).tiny
        # Subnormals, the limits of each format and ties of rounding.
        special = [0.0, -0.0, 1.0, -2.5, float(tiny) / 4, -float(tiny), 1 + 2.0**-24, 1 + 3 * 2.0**-24]
        a[: len(special)] = special[:n]
        if dtype.itemsize == 2:
            a[8:10] = [65504, -6e-8]
        return a.reshape(shape)
    info = np.iinfo(dtype)
    a = rng.randint(info.min, info.max, n, dtype=dtype.newbyteorder("=")).astype(dtype)
    a[:2] = [info.min, info.max]
    if dtype.itemsize == 8:
        # Would be rounded twice on the way through float64.
        a[2] = 2**60 + 2**36 + 1
    return a.reshape(shape)


for dtype in ["?", "i1", "u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8",
              ">i2", ">u2", ">i4", ">u4", ">i8", ">u8", ">f2", ">f4", ">f8"]:
    emit(dtype + " C", values(dtype, (4, 3)))
    emit(dtype + " Fortran", np.asfortranarray(values(dtype, (3, 2, 3))))
emit("two axes, Fortran", np.asfortranarray(values("<f4", (70, 3))))
emit("four axes, C", values("<f4", (2, 3, 2, 2)))
emit("four axes, Fortran", np.asfortranarray(values("<f4", (2, 3, 4, 2))))
emit("one axis", values("<f4", (10,)))
emit("scalar", np.float32(3.5).reshape(()))
emit("version 2", values("<f4", (4, 3)), (2, 0))
emit("version 3", values("<f4", (4, 3)), (3, 0))
emit("many samples", (np.arange(1200) % 251).reshape(300, 4).astype("<i2"))
archive("stored", np.savez, x=values("<f4", (4, 3)), y=np.arange(4))
archive("compressed", np.savez_compressed, x=np.asfortranarray(values("u1", (3, 2, 2))), y=np.array([3, 1, 3], ">i2"))
