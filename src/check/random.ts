// Deterministic inputs for parity cases: the same name gives the same numbers on every machine.
import { decode, encode, type DType } from '../core/dtype.ts'
import type { CaseRandom, HostTensor } from '../core/op.ts'
import { numElements, type Shape } from '../core/shape.ts'

/** A 32-bit hash of `name` seeds a splitmix-style generator: plenty for test data, not for training. */
export function caseRandom(name: string): CaseRandom {
  let state = 2166136261
  for (const c of name) state = Math.imul(state ^ c.charCodeAt(0), 16777619)
  const next = () => {
    state = (state + 0x9e3779b9) | 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return ((z ^ (z >>> 15)) >>> 8) / 2 ** 24
  }
  const host = (shape: Shape, dtype: DType, at: (i: number) => number): HostTensor => {
    const n = numElements(shape)
    return { dtype, shape, data: decode(encode(Float64Array.from({ length: n }, (_, i) => at(i)), dtype), dtype, n) }
  }
  return {
    normal: (shape, std = 1, dtype = 'f32') => host(shape, dtype, () => std * Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())),
    uniform: (shape, low, high, dtype = 'f32') => host(shape, dtype, () => low + (high - low) * next()),
    integers: (shape, low, high) => host(shape, 'i32', () => low + Math.floor((high - low) * next())),
    values: (shape, data, dtype = 'f32') => host(shape, dtype, (i) => data[i]),
  }
}
