// The `cpu` backend: runs each op's own reference. It is the definition of correct, so it stays this short.
import type { Backend } from '../../src/core/backend.ts'
import { byteSize, decode, encode, isInteger, type Numbers } from '../../src/core/dtype.ts'
import type { HostTensor, OpCall } from '../../src/core/op.ts'
import { numElements, type Spec } from '../../src/core/shape.ts'

/** A buffer keeps its numbers decoded, so that a chain of ops does not convert back and forth; fp8 and bf16 stay rounded. */
interface Buffer { spec: Spec; data: Numbers }

export class ReferenceBackend implements Backend {
  readonly name = 'cpu'
  readonly description: string
  private live = 0
  private peak = 0

  /** `float64` keeps f32 tensors in float64: for gradient checks by finite differences. */
  constructor(private readonly options: { float64?: boolean } = {}) {
    this.description = options.float64 ? 'reference in float64' : 'reference, plain TypeScript with float64 accumulation'
  }

  private array(spec: Spec): Numbers {
    const n = numElements(spec.shape)
    switch (spec.dtype) {
      case 'i32': return new Int32Array(n)
      case 'u32': return new Uint32Array(n)
      case 'u8': return new Uint8Array(n)
      case 'f32': return this.options.float64 ? new Float64Array(n) : new Float32Array(n)
      default: return new Float32Array(n)
    }
  }

  alloc(spec: Spec): Buffer {
    this.live += numElements(spec.shape) * byteSize[spec.dtype]
    this.peak = Math.max(this.peak, this.live)
    return { spec, data: this.array(spec) }
  }

  free(buffer: unknown): void {
    const { spec } = buffer as Buffer
    this.live -= numElements(spec.shape) * byteSize[spec.dtype]
  }

  write(buffer: unknown, bytes: Uint8Array): void {
    const b = buffer as Buffer
    if (bytes.length === 0) b.data.fill(0)
    else b.data.set(decode(aligned(bytes), b.spec.dtype, b.data.length))
  }

  async read(buffers: readonly unknown[]): Promise<Uint8Array[]> {
    return (buffers as Buffer[]).map((b) => encode(b.data, b.spec.dtype))
  }

  /** Float64 contents of a buffer, without rounding to float32 (gradient checks only). */
  numbers(buffer: unknown): Numbers { return (buffer as Buffer).data }

  supports(): boolean { return true }

  run(call: OpCall): void {
    const t: Record<string, HostTensor> = {}
    for (const [name] of call.op.args) t[name] = { ...call.specs[name], data: (call.buffers[name] as Buffer).data }
    call.op.reference(t, call.attrs)
    for (const [name, role] of call.op.args) if (role !== 'in') round(call.buffers[name] as Buffer)
  }

  async sync(): Promise<void> {}
  memory() { return { liveBytes: this.live, peakBytes: this.peak } }
  resetPeak() { this.peak = this.live }
  async destroy(): Promise<void> {}
}

/** Rounds a written output to its stored type, once. */
function round({ spec, data }: Buffer): void {
  if (spec.dtype === 'f32' || isInteger(spec.dtype)) return
  data.set(decode(encode(data, spec.dtype), spec.dtype, data.length))
}

function aligned(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % 4 === 0 ? bytes : bytes.slice()
}
