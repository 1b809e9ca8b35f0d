"""Writes smooth.csv: z, sigmoid, tanh, their derivatives, and softplus, whose derivative is the sigmoid: computed
with 60 digits and rounded to 25.

python3 core/tests/golden/smooth.py > core/tests/golden/smooth.csv
"""

import random

from mpmath import exp, log1p, mp, mpf, nstr, tanh

mp.dps = 60
random.seed(1)
points = [0.0, 1e-300, 1e-30, 1e-8, 2.0**-12, 0.17, 0.18, 0.34657359, 0.3465736, 0.5, 1.0, 9.0, 19.0, 20.0, 37.0, 700.0]
points += [random.uniform(0, 1) for _ in range(80)]
points += [random.uniform(0, 20) for _ in range(80)]
points += [10 ** random.uniform(-20, 2.8) for _ in range(80)]
for z in points:
    for z in {z, -z}:
        x = mpf(z)
        e, d = exp(-abs(x)), exp(-2 * abs(x))
        sigmoid = 1 / (1 + exp(-x))
        row = [sigmoid, tanh(x), e / (1 + e) ** 2, 4 * d / (1 + d) ** 2, max(x, 0) + log1p(e)]
        print(",".join([repr(z)] + [nstr(value, 25) for value in row]))
