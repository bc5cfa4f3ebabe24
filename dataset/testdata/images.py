"""Writes images.golden: small pictures in every form a folder of images may hold
them, one a line as JSON: name, the file in hexadecimal, width and height, and what
Pillow makes of it: the bytes of red, green and blue, upright and on white, those of
its luma, and how far another decoder may be from them. Run with Pillow 9.4 and
NumPy 1.24: python3 images.py > images.golden"""
import io
import json

import numpy as np
from PIL import Image, ImageOps

rng = np.random.RandomState(7)


def emit(name, image, tolerance=0, size=None, **save):
    f = io.BytesIO()
    image.save(f, "JPEG" if "jpeg" in name else "PNG", **save)
    read = ImageOps.exif_transpose(Image.open(io.BytesIO(f.getvalue())))
    if read.mode.startswith("I"):  # 16 bits, which Pillow does not scale down
        read = Image.fromarray((np.asarray(read) >> 8).astype(np.uint8))
    if "A" in read.mode or "transparency" in read.info:
        read = read.convert("RGBA")
        read = Image.alpha_composite(Image.new("RGBA", read.size, "white"), read)
    rgb = read.convert("RGB")
    if size:
        rgb = rgb.resize(size, Image.BICUBIC)
    print(json.dumps({"name": name, "file": f.getvalue().hex(), "width": rgb.width, "height": rgb.height,
                      "rgb": np.asarray(rgb).tobytes().hex(),
                      "grey": np.asarray(rgb.convert("L")).tobytes().hex(), "tolerance": tolerance}))


def noise(*shape):
    return rng.randint(0, 256, shape).astype(np.uint8)


def smooth(w, h):
    """Slopes in each colour, which another decoder of JPEG hardly changes."""
    y, x = np.mgrid[0:h, 0:w]
    return np.stack([x * 255 // (w - 1), y * 255 // (h - 1), (x + y) * 255 // (w + h - 2)], 2).astype(np.uint8)


emit("grey", Image.fromarray(noise(5, 7)))
emit("grey of 16 bits", Image.fromarray((noise(5, 7).astype(np.uint16) << 8) + 77))
emit("black and white", Image.fromarray(noise(5, 9)).convert("1"))
emit("colour", Image.fromarray(noise(6, 4, 3)))
emit("grey as colour", Image.fromarray(np.repeat(noise(6, 4, 1), 3, 2)))
emit("palette", Image.fromarray(noise(6, 4, 3)).quantize(11))
emit("opacity", Image.fromarray(noise(6, 4, 4)), 1)
emit("grey with opacity", Image.fromarray(noise(6, 4, 2), "LA"), 1)
emit("interlaced size 1", Image.fromarray(noise(1, 1)))
emit("jpeg, grey", Image.fromarray(smooth(17, 11)[:, :, 2]), 2, quality=95)
emit("jpeg, progressive", Image.fromarray(smooth(20, 12)), 6, quality=95, progressive=True, subsampling=0)
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    exif[0x0112] = orientation
    emit("jpeg, orientation %d" % orientation, Image.fromarray(smooth(24, 16)), 6, quality=95, subsampling=0, exif=exif)
emit("made smaller", Image.fromarray(smooth(40, 30)), 1, (10, 6))
emit("made larger", Image.fromarray(smooth(7, 5)), 2, (9, 12))
emit("noise made smaller", Image.fromarray(noise(31, 45)), 2, (8, 8))
