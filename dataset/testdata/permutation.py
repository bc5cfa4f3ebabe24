#!/usr/bin/env python3
"""Prints the golden orders of permutation_test.go: PCG-DXSM, Lemire's bounded
numbers and Fisher-Yates in plain Python integers, independent of Go's library.
The second file holds bounded numbers of a range where half the draws are refused.

    python3 permutation.py > permutation.golden 2> bounded.golden
"""
import sys

M64, M128 = (1 << 64) - 1, (1 << 128) - 1


class PCG:
    """PCG-DXSM as Go's math/rand/v2 has it: 128-bit LCG, advanced before output."""

    def __init__(self, hi, lo):
        self.state = hi << 64 | lo

    def next(self):
        self.state = (self.state * 0x2360ED051FC65DA44385DF649FCCF645
                      + 0x5851F42D4C957F2D14057B7EF767814F) & M128
        hi, lo = self.state >> 64, self.state & M64
        hi ^= hi >> 32
        hi = hi * 0xDA942042E4DD58B5 & M64
        hi ^= hi >> 48
        return hi * (lo | 1) & M64


def below(g, n):
    while True:
        m = g.next() * n
        if m & M64 >= (1 << 64) % n:
            return m >> 64


def permutation(seed, epoch, n):
    g, p = PCG(seed, epoch), list(range(n))
    for i in range(n - 1, 0, -1):
        j = below(g, i + 1)
        p[i], p[j] = p[j], p[i]
    return p


if __name__ == "__main__":
    for seed, epoch, n in [(42, 0, 10), (42, 1, 10), (1, 0, 10), (0, 0, 20), (M64, M64, 20), (42, 19, 55000)]:
        # Of a long order, the first twenty.
        print(seed, epoch, n, *permutation(seed, epoch, n)[:20])

    g = PCG(42, 7)
    for _ in range(20):
        print(below(g, (1 << 63) + 1), file=sys.stderr)
