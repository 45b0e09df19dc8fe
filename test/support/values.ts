// Host tensors written out by hand.
import type { HostTensor } from '../../src/core/op.ts'
import type { Shape } from '../../src/core/shape.ts'

export const f32 = (shape: Shape, data: number[]): HostTensor => ({ dtype: 'f32', shape, data: Float32Array.from(data) })
export const i32 = (shape: Shape, data: number[]): HostTensor => ({ dtype: 'i32', shape, data: Int32Array.from(data) })
