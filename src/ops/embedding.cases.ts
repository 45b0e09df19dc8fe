import type { HostTensor, OpCase } from '../core/op.ts'
import { sort_by_key } from './sort_by_key.ts'

// T tokens, V words, H wide
const sizes: [number, number, number, boolean?][] = [[1, 3, 1], [7, 5, 30], [64, 11, 63], [65, 300, 64], [200, 17, 65], [24, 256, 64], [512, 129280, 64, true], [64, 1000, 7168, true]]

export const embedding_cases: OpCase[] = [
  ...sizes.map(([T, V, H, slow]): OpCase => ({
    name: `[${T}] of [${V}, ${H}] f32`, slow, attrs: {},
    inputs: (r) => ({ ids: r.integers([T], 0, V), w: r.normal([V, H]) }),
  })),
  { name: '[9] ids outside', attrs: {}, inputs: (r) => ({ ids: r.values([9], [0, -1, 4, 5, 1, 100, -7, 3, 2], 'i32'), w: r.normal([5, 16], 1e6) }) },
]

export const embedding_bwd_cases: OpCase[] = [
  ...sizes.map(([T, V, H, slow]): OpCase => ({
    name: `[${T}] of [${V}, ${H}] f32`, slow, attrs: {},
    inputs: (r) => ({ dy: r.normal([T, H]), ...sorted(r.integers([T], 0, V), V) }),
  })),
  { name: '[300] one word takes all', attrs: {}, inputs: (r) => ({ dy: r.normal([300, 40]), ...sorted(r.integers([300], 2, 3), 4) }) },
  { name: '[50] ids outside', attrs: {}, inputs: (r) => ({ dy: r.normal([50, 8], 1e6), ...sorted(r.integers([50], -9, 20), 6) }) },
]

function sorted(keys: HostTensor, V: number): { order: HostTensor; offsets: HostTensor } {
  const i32 = (n: number): HostTensor => ({ dtype: 'i32', shape: [n], data: new Int32Array(n) })
  const t = { keys, order: i32(keys.data.length), offsets: i32(V + 1) }
  sort_by_key.reference(t, { numKeys: V })
  return { order: t.order, offsets: t.offsets }
}
