"""Writes initial_weights.csv: weights by the published definitions of Philox4x32-10, Box-Muller, He and Glorot.

Python's integers and math module only; nothing of the crate. Run: python3 initial_weights.py > initial_weights.csv
"""

import math

M32 = (1 << 32) - 1


def philox(c, k):
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & M32, (a >> 32) ^ c[3] ^ k[1], a & M32]
        k = [(k[0] + 0x9E3779B9) & M32, (k[1] + 0xBB67AE85) & M32]
    return c


def units(seed, layer, index):
    """Two numbers in (0, 1); the last word of the counter is 0: weights."""
    block = philox([index & M32, index >> 32, layer, 0], [seed & M32, seed >> 32])
    words = block[0] | block[1] << 32, block[2] | block[3] << 32
    return [((word >> 12) + 0.5) / 2**52 for word in words]


def normal(seed, layer, index):
    u, v = units(seed, layer, index)
    return math.sqrt(-2 * math.log(u)) * math.cos(2 * math.pi * v)


print("initializer,seed,layer,row,column,n_out,n_in,value")
for seed, layer, row, column, n_out, n_in in [
    (0, 0, 0, 0, 3, 4),
    (0, 0, 2, 3, 3, 4),
    (1, 0, 2, 3, 3, 4),
    (0, 1, 2, 3, 3, 4),
    (2**64 - 1, 7, 499, 195, 500, 196),
    (123456789012345, 2, 70000, 80000, 100000, 100000),
]:
    index = column * n_out + row
    place = f"{seed},{layer},{row},{column},{n_out},{n_in}"
    print(f"he,{place},{math.sqrt(2 / n_in) * normal(seed, layer, index)!r}")
    print(f"normal:0.01,{place},{0.01 * normal(seed, layer, index)!r}")
    bound = math.sqrt(6 / (n_in + n_out))
    print(f"xavier,{place},{bound * (2 * units(seed, layer, index)[0] - 1)!r}")
