// Runs parity cases: an op's reference on the CPU against any backend. vitest, `weft check` and the demo all call this.
import { decode, encode } from '../core/dtype.ts'
import { Device } from '../core/device.ts'
import type { Backend } from '../core/backend.ts'
import type { HostTensor, Op, OpCase, Specs } from '../core/op.ts'
import { numElements } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'
import { caseRandom } from './random.ts'

export interface CellResult {
  op: string
  case: string
  device: string
  /** Largest |error| / largest |value| over the outputs, relative to each output's own bound when there are several. */
  error: number
  bound: number
  ok: boolean
  /** The backend has no kernel for it. */
  skipped?: string
  message?: string
}

export type HostRecord = Record<string, HostTensor>

/** Outputs (and inouts, after the call) of the reference. */
export function runReference(op: Op, inputs: HostRecord, attrs: OpCase['attrs']): HostRecord {
  const specs: Specs = {}
  const t: HostRecord = {}
  for (const [name, role] of op.args) {
    if (role === 'out') continue
    const { dtype, shape, data } = inputs[name]
    specs[name] = { dtype, shape }
    t[name] = { dtype, shape, data: role === 'inout' ? data.slice() : data }
  }
  const out = op.infer(specs, attrs)
  for (const [name, role] of op.args) {
    if (role !== 'out') continue
    const { dtype, shape } = out[name]
    t[name] = { dtype, shape, data: decode(new Uint8Array(encode(new Float32Array(numElements(shape)), dtype)), dtype, numElements(shape)) }
  }
  op.reference(t, attrs)
  const results: HostRecord = {}
  for (const [name, role] of op.args) {
    if (role === 'in') continue
    const { dtype, shape, data } = t[name]
    results[name] = { dtype, shape, data: decode(encode(data, dtype), dtype, data.length) }
  }
  return results
}

/** Largest |a - b| / largest |b|. NaN and infinities must match exactly. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  let error = 0
  let largest = 0
  for (let i = 0; i < expected.length; i++) {
    const a = actual[i], e = expected[i]
    if (Number.isFinite(e)) largest = Math.max(largest, Math.abs(e))
    if (Object.is(a, e) || a === e) continue
    const d = Math.abs(a - e)
    error = Math.max(error, Number.isNaN(d) ? Infinity : d)
  }
  return error === 0 ? 0 : error / Math.max(largest, 1e-30)
}

export async function runCase(op: Op, testCase: OpCase, backend: Backend): Promise<CellResult> {
  const cell = { op: op.name, case: testCase.name, device: backend.name }
  const inputs = testCase.inputs(caseRandom(`${op.name} ${testCase.name}`))
  const expected = runReference(op, inputs, testCase.attrs)
  const device = new Device(backend)
  const made: Tensor[] = []
  try {
    const tensors: Record<string, Tensor> = {}
    for (const [name, role] of op.args) {
      if (role === 'out') continue
      const { dtype, shape, data } = inputs[name]
      made.push((tensors[name] = device.tensor(dtype, shape, data)))
    }
    const out = device.run(op, tensors, testCase.attrs)
    made.push(...Object.values(out))
    const specs: Specs = { ...tensors, ...out }
    const ofKernel = backend.tolerance?.({ op, specs, attrs: testCase.attrs, buffers: {} }) ?? 0
    let worst = { error: 0, bound: 0, ok: true, message: undefined as string | undefined }
    let worstRatio = -1
    for (const name of Object.keys(expected)) {
      const bound = Math.max(op.tolerance(specs, testCase.attrs, name), ofKernel)
      const error = relativeError(await (out[name] ?? tensors[name]).read(), expected[name].data)
      const ratio = bound > 0 ? error / bound : error === 0 ? 0 : Infinity
      if (ratio > worstRatio) {
        worstRatio = ratio
        worst = { error, bound, ok: ratio <= 1, message: ratio <= 1 ? undefined : `${name}: error ${error.toExponential(2)} > ${bound.toExponential(2)}` }
      }
    }
    return { ...cell, ...worst }
  } catch (error) {
    const e = error as Error
    if (e.name === 'UnsupportedOp') return { ...cell, error: NaN, bound: NaN, ok: false, skipped: e.message }
    return { ...cell, error: NaN, bound: NaN, ok: false, message: e.message }
  } finally {
    for (const t of made) t.release()
  }
}
