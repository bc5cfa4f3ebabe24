#!/usr/bin/env python3
"""Prints the golden values of elementary_test.go: x, sin x, cos x and log |x|
as hexadecimal floats, rounded correctly from 300 bits. Made with mpmath 1.2.1.

    python3 elementary.py > elementary.golden
"""
import random

import mpmath

mpmath.mp.prec = 300
random.seed(1)
xs = [random.uniform(-0.5, 4.3) for _ in range(150)]
xs += [random.uniform(0, 1) for _ in range(30)] + [2.0**-k for k in range(1, 40, 4)]
xs += [1 - 2.0**-53, 1 - 2.0**-30, 3.141592653589793, 1.5707963267948966, 0.7071067811865475, 0.7071067811865476]
for x in xs:
    values = mpmath.sin(x), mpmath.cos(x), mpmath.log(abs(x))
    print(x.hex(), *(float(v).hex() for v in values))
