"""Writes order.golden: the order in which a buffer shuffles, as a program apart
from the Go one computes it: seed, epoch, samples, buffer, block and the order.
Run: python3 order.py > order.golden"""
from permutation import PCG, below


def shuffle(generator, a):
    for i in range(len(a) - 1, 0, -1):
        j = below(generator, i + 1)
        a[i], a[j] = a[j], a[i]


def order(seed, epoch, n, buffer, block):
    generator = PCG(seed, epoch)
    blocks = list(range((n - 1) // block + 1))
    shuffle(generator, blocks)
    out = []
    per = max(buffer // block, 1)
    for at in range(0, len(blocks), per):
        part = [i for b in blocks[at:at + per] for i in range(b * block, min((b + 1) * block, n))]
        shuffle(generator, part)
        out += part
    return out


for seed, epoch, n, buffer, block in [(1, 1, 20, 8, 4), (1, 2, 20, 8, 4), (7, 3, 23, 5, 2), (9, 1, 10, 1, 1), (2, 5, 12, 7, 3)]:
    print(seed, epoch, n, buffer, block, *order(seed, epoch, n, buffer, block))
