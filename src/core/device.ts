// A device: a backend, the scopes that free what they made, and the tape that records for backward.
import { Tape } from './autograd.ts'
import type { Backend } from './backend.ts'
import { decode, type DType, type Numbers } from './dtype.ts'
import { InputError, UnsupportedOp } from './errors.ts'
import type { Attrs, Op } from './op.ts'
import { show, type Shape, type Spec } from './shape.ts'
import { Tensor } from './tensor.ts'

export class Device {
  /** Set while `record` runs: ops note themselves here. */
  tape: Tape | undefined
  private scopeStack: Tensor[][] = []

  constructor(readonly backend: Backend) {}

  get name() { return this.backend.name }

  /** A tensor with undefined contents, freed by the scope around it (or by `release` when there is none). */
  empty(dtype: DType, shape: Shape): Tensor {
    const handle = this.backend.alloc({ dtype, shape })
    return this.adopt(new Tensor(this, dtype, shape, { handle, references: 1 }))
  }

  tensor(dtype: DType, shape: Shape, values: ArrayLike<number>): Tensor {
    const t = this.empty(dtype, shape)
    t.write(values)
    return t
  }

  zeros(dtype: DType, shape: Shape): Tensor {
    const t = this.empty(dtype, shape)
    this.zero(t)
    return t
  }

  /** Contents of several tensors at this point of the queue, decoded, in one transfer. */
  async read(tensors: readonly Tensor[]): Promise<Numbers[]> {
    const bytes = await this.backend.read(tensors.map((t) => t.storage.handle))
    return tensors.map((t, i) => decode(bytes[i], t.dtype, t.numElements))
  }

  zero(t: Tensor): void { this.backend.write(t.storage.handle, new Uint8Array(0)) }

  /** Puts a tensor under the innermost scope, which will release the reference that the tensor was made with. */
  adopt(t: Tensor): Tensor {
    this.scopeStack.at(-1)?.push(t)
    return t
  }

  /** Takes a tensor out of all scopes: it lives until `release`. */
  keep<T extends Tensor>(t: T): T { return t.retain() }

  /**
   * Runs `fn` and frees every tensor made in it, except those it returns (a tensor, or an array or record of them),
   * which move to the scope outside, and those that a tape saved or someone retained.
   */
  scope<R>(fn: () => R): R {
    const made: Tensor[] = []
    this.scopeStack.push(made)
    let kept: Tensor[] = []
    try {
      const result = fn()
      if (result instanceof Promise) throw new Error('scope: fn must not be async, work is queued')
      kept = tensorsIn(result)
      for (const t of kept) t.retain()
      return result
    } finally {
      this.scopeStack.pop()
      for (const t of made) t.release()
      // What is returned carries the reference taken above into the scope outside (or to the caller, if there is none).
      for (const t of kept) this.adopt(t)
    }
  }

  /** Runs `fn` with a fresh tape; backward runs from `tape.backward(roots)`. */
  record<R>(fn: () => R): { result: R; tape: Tape } {
    const outer = this.tape
    const tape = (this.tape = new Tape(this))
    try {
      return { result: fn(), tape }
    } catch (error) {
      tape.discard()
      throw error
    } finally {
      this.tape = outer
    }
  }

  /** Runs `fn` without recording. */
  withoutTape<R>(fn: () => R): R {
    const outer = this.tape
    this.tape = undefined
    try { return fn() } finally { this.tape = outer }
  }

  /** Runs one op: checks, allocates the outputs, queues the work, records it. Inputs and inouts by name. */
  run(op: Op, inputs: Record<string, Tensor>, attrs: Attrs = {}): Record<string, Tensor> {
    const specs: Record<string, Spec> = {}
    const buffers: Record<string, unknown> = {}
    for (const [name, role] of op.args) {
      if (role === 'out') continue
      const t = inputs[name]
      if (!t) throw new InputError(`${op.name}: argument ${name} is missing`)
      if (t.device !== this) throw new InputError(`${op.name}: ${name} is on ${t.device.name}, this call runs on ${this.name}`)
      if (t.storage.references <= 0) throw new Error(`${op.name}: ${name} ${t.describe()} was freed before use`)
      specs[name] = { dtype: t.dtype, shape: t.shape }
      buffers[name] = t.storage.handle
    }
    const outSpecs = op.infer(specs, attrs)
    const out: Record<string, Tensor> = {}
    for (const [name, role] of op.args) {
      if (role !== 'out') continue
      specs[name] = outSpecs[name]
      out[name] = this.empty(outSpecs[name].dtype, outSpecs[name].shape)
      buffers[name] = out[name].storage.handle
    }
    const call = { op, specs, attrs, buffers }
    if (!this.backend.supports(call)) {
      throw new UnsupportedOp(`UnsupportedOp: ${op.name} on ${this.name} (${Object.entries(specs).map(([n, s]) => `${n} ${show(s)}`).join(', ')})`)
    }
    this.backend.run(call)
    this.tape?.recordOp(op, inputs, out, specs, attrs)
    return out
  }
}

function tensorsIn(x: unknown): Tensor[] {
  if (x instanceof Tensor) return [x]
  if (Array.isArray(x)) return x.flatMap(tensorsIn)
  if (x && typeof x === 'object' && Object.getPrototypeOf(x) === Object.prototype) return Object.values(x).flatMap(tensorsIn)
  return []
}
