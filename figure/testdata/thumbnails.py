"""Prints the numbers of thumbnails_test.go: which points of a fixed sequence
the lecture's loop gives a thumbnail, and some of the points it scales to.

    python3 thumbnails.py

Made with NumPy 1.24.2.
"""
import numpy as np


def sequence(count):
    """The points of thumbnails_test.go: 24-bit values, exact in float32."""
    state, values = 1, []
    for _ in range(2 * count):
        state = (1103515245 * state + 12345) % 2**31
        values.append((state >> 7) / 2**24)
    return np.array(values, dtype=np.float32).reshape(count, 2)


X = sequence(400) * np.float32(3) - np.float32(1.25)
X[:, 1] *= np.float32(0.5)
X = (X - X.min()) / (X.max() - X.min())
print("scaled", [float(v).hex() for v in X[:3].ravel()])

image_positions = np.array([[1., 1.]])
chosen = []
for index, position in enumerate(X):
    dist = np.sum((position - image_positions) ** 2, axis=1)
    if np.min(dist) > 0.02:  # if far enough from other images
        image_positions = np.r_[image_positions, [position]]
        chosen.append(index)
print("chosen", chosen)
