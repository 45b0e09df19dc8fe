// Shapes: row-major, contiguous, outermost dimension first.
import { byteSize, type DType } from './dtype.ts'
import { InputError } from './errors.ts'

export type Shape = readonly number[]

/** What a tensor is, without its bytes. */
export interface Spec { readonly dtype: DType; readonly shape: Shape }

export const spec = (dtype: DType, shape: Shape): Spec => ({ dtype, shape })
export const numElements = (shape: Shape) => shape.reduce((n, d) => n * d, 1)
export const numBytes = (s: Spec) => numElements(s.shape) * byteSize[s.dtype]
export const sameShape = (a: Shape, b: Shape) => a.length === b.length && a.every((d, i) => d === b[i])
export const show = (s: Spec) => `[${s.shape.join(', ')}] ${s.dtype}`

/** Throws `rms_norm: x is [7, 30] f32, needs ...` unless `ok`. */
export function need(ok: boolean, op: string, argument: string, s: Spec, needs: string): asserts ok {
  if (!ok) throw new InputError(`${op}: ${argument} is ${show(s)}, needs ${needs}`)
}
