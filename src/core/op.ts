// The op contract. An op is one name: what it means stands in src/ops, how in shaders/ and ptx/.
import type { DType, Numbers } from './dtype.ts'
import type { Shape, Spec } from './shape.ts'
import type { Tensor } from './tensor.ts'

/** `inout` arguments are read and overwritten in place (optimizer state, accumulators); they are passed like inputs. */
export type Role = 'in' | 'inout' | 'out'
export type Attrs = Readonly<Record<string, number | string | boolean>>
export type Specs = Record<string, Spec>

/** An argument on the host. bf16, f16 and fp8 are decoded to float32; outputs are rounded once, by the backend. */
export interface HostTensor { readonly dtype: DType; readonly shape: Shape; readonly data: Numbers }

/** What a vjp may use: the arguments named in `saves`, attributes, and the outputs' gradients (undefined = unused). */
export interface VjpContext<A extends Attrs> {
  readonly saved: Record<string, Tensor>
  readonly specs: Specs
  readonly attrs: A
}

/**
 * Gradients of the inputs, by argument name. Those that only parameters need (weight gradients) come from `later`,
 * which may run at any time after: zero-bubble schedules delay it.
 */
export interface VjpResult {
  now: Record<string, Tensor | undefined>
  later?: () => Record<string, Tensor | undefined>
}

export interface Op<A extends Attrs = any> {
  readonly name: string
  /** In header and binding order. */
  readonly args: readonly (readonly [name: string, role: Role])[]
  /** Checks inputs (throws InputError through `need`) and tells the outputs' dtype and shape. */
  infer(x: Specs, attrs: A): Specs
  /** The definition of correct: reads inputs, fills outputs; accumulates in float64; works on Float64Array as well. */
  reference(t: Record<string, HostTensor>, attrs: A): void
  /** Largest allowed |error| of an output relative to the largest |value| of that output; 0 means equal bits. */
  tolerance(x: Specs, attrs: A, output: string): number
  /** Why that tolerance: one sentence. */
  readonly toleranceReason: string
  /** Multiply-adds counted twice; default 0 (elementwise work is not counted). */
  flops?(x: Specs, attrs: A): number
  /** Arguments (inputs or outputs) that backward reads. */
  readonly saves?: readonly string[]
  vjp?(ctx: VjpContext<A>, grads: Record<string, Tensor | undefined>): VjpResult
}

export const defineOp = <A extends Attrs>(op: Op<A>): Op<A> => op

/** One call as a backend sees it. `buffers` has one entry per argument, opaque to all but the backend that made it. */
export interface OpCall {
  readonly op: Op
  readonly specs: Specs
  readonly attrs: Attrs
  readonly buffers: Record<string, unknown>
}

/** A parity case: inputs are made on the host from a seeded generator. Cases live in src/ops/<op>.cases.ts. */
export interface OpCase<A extends Attrs = any> {
  /** Shown in test names: `[7, 4096] f32`. */
  readonly name: string
  readonly attrs: A
  readonly inputs: (rng: CaseRandom) => Record<string, HostTensor>
  /** Left out of `npm test`, run by `npm run test:full` and `weft check --slow`. */
  readonly slow?: boolean
}

/** Deterministic test data. */
export interface CaseRandom {
  normal(shape: Shape, std?: number, dtype?: DType): HostTensor
  uniform(shape: Shape, low: number, high: number, dtype?: DType): HostTensor
  integers(shape: Shape, low: number, highExclusive: number): HostTensor
  values(shape: Shape, data: ArrayLike<number>, dtype?: DType): HostTensor
}
