import type { OpCase } from '../core/op.ts'
import type { BiasUpdateAttrs } from './bias_update.ts'

const attrs = { gamma: 0.001 }

export const bias_update_cases: OpCase<BiasUpdateAttrs>[] = [
  ...[1, 7, 63, 64, 65, 256].map((E): OpCase<BiasUpdateAttrs> => ({
    name: `[${E}] f32`, attrs, inputs: (r) => ({ bias: r.normal([E], 0.05), load: r.integers([E], 0, 100) }),
  })),
  { name: '[8] equal loads', attrs, inputs: (r) => ({ bias: r.normal([8]), load: r.integers([8], 12, 13) }) },
  { name: '[5] at the mean and next to it', attrs, inputs: (r) => ({ bias: r.normal([5]), load: r.values([5], [10, 11, 9, 10, 11], 'i32') }) },
  { name: '[256] loads of a whole step', attrs, inputs: (r) => ({ bias: r.normal([256], 0.05), load: r.integers([256], 1_960_000, 1_970_000) }) },
  { name: '[4] one expert takes all', attrs, inputs: (r) => ({ bias: r.normal([4]), load: r.values([4], [0, 1_000_000_000, 0, 0], 'i32') }) },
  { name: '[8] gamma 0', attrs: { gamma: 0 }, inputs: (r) => ({ bias: r.normal([8]), load: r.integers([8], 0, 50) }) },
]
