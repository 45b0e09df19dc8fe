import type { OpCase } from '../core/op.ts'

const sizes: [number, number, boolean?][] = [
  [1, 1], [7, 3], [127, 8], [128, 8], [129, 8], [1000, 255], [1000, 256], [1000, 257], [4099, 70000], [9500, 300], [300, 2 ** 24 + 5, true], [65536, 256, true], [16384, 129280, true],
]

export const sort_by_key_cases: OpCase[] = [
  ...sizes.map(([N, numKeys, slow]): OpCase => ({
    name: `[${N}] of ${numKeys} keys`, slow, attrs: { numKeys },
    inputs: (r) => ({ keys: r.integers([N], 0, numKeys) }),
  })),
  { name: '[500] all one key of 9', attrs: { numKeys: 9 }, inputs: (r) => ({ keys: r.integers([500], 4, 5) }) },
  { name: '[500] two keys of 1000', attrs: { numKeys: 1000 }, inputs: (r) => ({ keys: r.values([500], Array.from({ length: 500 }, (_, i) => (i % 3 ? 999 : 0)), 'i32') }) },
  { name: '[400] some keys outside', attrs: { numKeys: 50 }, inputs: (r) => ({ keys: r.integers([400], -5, 60) }) },
  { name: '[400] of 300, some outside', attrs: { numKeys: 300 }, inputs: (r) => ({ keys: r.integers([400], -50, 400) }) },
]
