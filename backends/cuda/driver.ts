// The CUDA driver API as Weft uses it. libcuda (through koffi) and the emulator implement it: the same backend runs on both.
// Calls that enqueue return at once; waits, host reads and module loading are promises; a fault on the device rejects the next wait.
import type { CudaInfo, LaunchConfig, TensorMapShape } from '../../src/core/kernel.ts'

export type { CudaInfo, LaunchConfig }

/** A device address: user-space addresses fit a double exactly. */
export type DevicePointer = number

/** Opaque to all but the driver that made it. */
export interface CudaModule { readonly functions: ReadonlyMap<string, CudaFunction> }
export interface CudaFunction {
  readonly name: string
  /** Byte offset and size of each parameter in the parameter block. */
  readonly params: readonly { readonly offset: number; readonly bytes: number }[]
  readonly paramBytes: number
  /** What the assembler made of it; absent where nothing was assembled (emulator). */
  readonly attributes?: FunctionAttributes
}
export interface FunctionAttributes { readonly registers: number; readonly localBytes: number; readonly staticSmemBytes: number; readonly maxThreads: number }

/** Work of one stream runs in order. Opaque to all but the driver that made it; where none is given, the driver's own stream is meant. */
export interface CudaStream { readonly stream: number }
export interface CudaEvent { readonly event: number }
/** Launches, copies and fills that were captured; replayed as one. Parameters and addresses are those of the capture. */
export interface CudaGraph { readonly graph: number; readonly numNodes: number }

/** The arguments of cuTensorMapEncodeTiled; `rank` is that of `globalDim` unless a caller brings its own. */
export interface TensorMapSpec extends TensorMapShape { readonly address: DevicePointer; readonly rank?: number }

export interface CudaDriver {
  /** `cuda:0`, `emu:sm_90a`. */
  readonly name: string
  readonly description: string
  readonly attributes: CudaInfo
  /** Rejects with the assembler's message. */
  loadModule(ptx: string, name: string): Promise<CudaModule>
  alloc(bytes: number): DevicePointer
  free(pointer: DevicePointer): void
  /** The bytes are taken at the call: the caller may change them afterwards (not those of pinned memory, which are read when the copy runs). */
  copyToDevice(pointer: DevicePointer, bytes: Uint8Array, stream?: CudaStream): void
  copyFromDevice(pointer: DevicePointer, bytes: number, stream?: CudaStream): Promise<Uint8Array>
  fill(pointer: DevicePointer, byte: number, bytes: number, stream?: CudaStream): void
  /** A TMA descriptor of 128 bytes, to be passed by value. Throws CUDA_ERROR_INVALID_VALUE with the field that breaks a rule. */
  encodeTensorMap(spec: TensorMapSpec): Uint8Array
  launch(fn: CudaFunction, config: LaunchConfig, params: Uint8Array, stream?: CudaStream): void
  /** Waits for one stream, or for all. */
  synchronize(stream?: CudaStream): Promise<void>

  /** Page-locked host memory: copies from it run beside the host. Freed by `freeHost`. */
  allocHost(bytes: number): Uint8Array
  freeHost(memory: Uint8Array): void
  createStream(): CudaStream
  destroyStream(stream: CudaStream): void
  createEvent(): CudaEvent
  destroyEvent(event: CudaEvent): void
  record(event: CudaEvent, stream?: CudaStream): void
  /** What follows in `stream` waits for the event. */
  waitEvent(event: CudaEvent, stream?: CudaStream): void
  /** Seconds on the device between two recorded events; waits for both. */
  elapsedSec(from: CudaEvent, to: CudaEvent): Promise<number>
  /** From here on work of the stream is written down, not run. */
  beginCapture(stream: CudaStream): void
  endCapture(stream: CudaStream): CudaGraph
  replay(graph: CudaGraph, stream?: CudaStream): void
  destroyGraph(graph: CudaGraph): void
  destroy(): Promise<void>
}

/** An error of the driver by its name, `CUDA_ERROR_ILLEGAL_ADDRESS`. After a sticky one the context is dead. */
export class CudaError extends Error {
  constructor(readonly code: string, message: string, readonly sticky: boolean) {
    super(`${code}: ${message}`)
    this.name = 'CudaError'
  }
}
