// What a backend must do: ten methods. Work is queued in order; `run`, `write` and `free` never wait.
import type { OpCall } from './op.ts'
import type { Spec } from './shape.ts'

export interface Memory { readonly liveBytes: number; readonly peakBytes: number }

export interface Backend {
  /** `cpu`, `webgpu`, `cuda:0`, `emu:sm_90a`. */
  readonly name: string
  /** What it is, in words: adapter and driver. */
  readonly description: string
  /** Contents are undefined until written. */
  alloc(spec: Spec): unknown
  free(buffer: unknown): void
  write(buffer: unknown, bytes: Uint8Array): void
  /** The contents at this point of the queue, in one transfer; later work does not change what arrives. */
  read(buffers: readonly unknown[]): Promise<Uint8Array[]>
  supports(call: OpCall): boolean
  run(call: OpCall): void
  /** The bound of this call's kernel here, where that is looser than the op's own (see Kernel.tolerance). */
  tolerance?(call: OpCall): number | undefined
  /** Resolves when at most `pending` submitted batches have not ended (0: all work done). Rejects on a lost device. */
  sync(pending?: number): Promise<void>
  /** Bytes of live buffers as asked for, and their maximum since the last `resetPeak`. Pools and padding not counted. */
  memory(): Memory
  resetPeak(): void
  destroy(): Promise<void>
}
