// Short ways to write host tensors by hand.
import { caseRandom } from '../../src/check/random.ts'
import type { HostTensor } from '../../src/core/op.ts'
import type { DType } from '../../src/core/dtype.ts'

export const f32 = (shape: number[], data: ArrayLike<number>): HostTensor => ({ dtype: 'f32', shape, data: Float32Array.from(data) })
export const i32 = (shape: number[], data: ArrayLike<number>): HostTensor => ({ dtype: 'i32', shape, data: Int32Array.from(data) })

/** Seeded normal numbers: the same name gives the same numbers. */
export const normal = (name: string, shape: number[], std = 1, dtype: DType = 'f32'): HostTensor => caseRandom(name).normal(shape, std, dtype)
