// The CUDA driver API as Weft uses it. libcuda (through koffi) and the emulator implement it: the same backend runs on both.
// Calls that enqueue return at once; waits, host reads and module loading are promises; a fault on the device rejects the next wait.
import type { CudaInfo, LaunchConfig } from '../../src/core/kernel.ts'

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
}

export interface CudaDriver {
  /** `cuda:0`, `emu:sm_90a`. */
  readonly name: string
  readonly description: string
  readonly attributes: CudaInfo
  /** Rejects with the assembler's message. */
  loadModule(ptx: string, name: string): Promise<CudaModule>
  alloc(bytes: number): DevicePointer
  free(pointer: DevicePointer): void
  /** The bytes are taken at the call: the caller may change them afterwards. */
  copyToDevice(pointer: DevicePointer, bytes: Uint8Array): void
  copyFromDevice(pointer: DevicePointer, bytes: number): Promise<Uint8Array>
  fill(pointer: DevicePointer, byte: number, bytes: number): void
  launch(fn: CudaFunction, config: LaunchConfig, params: Uint8Array): void
  synchronize(): Promise<void>
  destroy(): Promise<void>
}

/** An error of the driver by its name, `CUDA_ERROR_ILLEGAL_ADDRESS`. After a sticky one the context is dead. */
export class CudaError extends Error {
  constructor(readonly code: string, message: string, readonly sticky: boolean) {
    super(`${code}: ${message}`)
    this.name = 'CudaError'
  }
}
