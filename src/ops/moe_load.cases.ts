import type { OpCase } from '../core/op.ts'

export const moe_load_cases: OpCase[] = [1, 7, 63, 64, 65, 256].map((E): OpCase => ({
  name: `[${E}] i32`, attrs: {}, inputs: (r) => ({ counts: r.integers([E], 0, 1000), load: r.integers([E], 0, 2 ** 30) }),
}))
