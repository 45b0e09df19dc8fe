// The entry points of libcuda that Weft calls, bound through koffi. Handles, device addresses and sizes are numbers (they fit a
// double: 47 bits), outputs are typed arrays. Functions are looked up when first called: an old driver lacks some of them.
import type koffiModule from 'koffi'
import { CudaError } from './driver.ts'

export type Koffi = typeof koffiModule
type Library = ReturnType<Koffi['load']>
type NativeFunction = (...args: unknown[]) => unknown

const handle = 'uint64_t'
/** Result CUresult always; names with `_v2` where cuda.h renames (native-bindings 2.1). */
const signatures = {
  cuInit: ['uint'],
  cuDriverGetVersion: ['void *'],
  cuGetErrorName: ['int', 'void *'],
  cuGetErrorString: ['int', 'void *'],
  cuDeviceGetCount: ['void *'],
  cuDeviceGet: ['void *', 'int'],
  cuDeviceGetName: ['void *', 'int', 'int'],
  cuDeviceGetAttribute: ['void *', 'int', 'int'],
  cuDeviceTotalMem_v2: ['void *', 'int'],
  cuDeviceGetDefaultMemPool: ['void *', 'int'],
  cuMemPoolSetAttribute: [handle, 'int', 'void *'],
  cuDevicePrimaryCtxRetain: ['void *', 'int'],
  cuDevicePrimaryCtxRelease_v2: ['int'],
  cuCtxSetCurrent: [handle],
  cuModuleLoadDataEx: ['void *', 'void *', 'uint', 'void *', 'void *'],
  cuModuleUnload: [handle],
  cuModuleGetFunction: ['void *', handle, 'const char *'],
  cuFuncGetAttribute: ['void *', 'int', handle],
  cuFuncSetAttribute: [handle, 'int', 'int'],
  cuMemAlloc_v2: ['void *', 'size_t'],
  cuMemFree_v2: [handle],
  cuMemAllocAsync: ['void *', 'size_t', handle],
  cuMemFreeAsync: [handle, handle],
  cuMemcpyHtoDAsync_v2: [handle, 'const void *', 'size_t', handle],
  cuMemcpyDtoHAsync_v2: ['void *', handle, 'size_t', handle],
  cuMemsetD8Async: [handle, 'uint8_t', 'size_t', handle],
  cuMemHostAlloc: ['void *', 'size_t', 'uint'],
  cuMemFreeHost: [handle],
  cuStreamCreate: ['void *', 'uint'],
  cuStreamDestroy_v2: [handle],
  cuStreamQuery: [handle],
  cuStreamWaitEvent: [handle, handle, 'uint'],
  cuStreamBeginCapture_v2: [handle, 'int'],
  cuStreamEndCapture: [handle, 'void *'],
  cuGraphGetNodes: [handle, 'void *', 'void *'],
  cuGraphInstantiateWithFlags: ['void *', handle, 'uint64_t'],
  cuGraphLaunch: [handle, handle],
  cuGraphExecDestroy: [handle],
  cuGraphDestroy: [handle],
  cuEventCreate: ['void *', 'uint'],
  cuEventDestroy_v2: [handle],
  cuEventRecord: [handle, handle],
  cuEventQuery: [handle],
  cuEventElapsedTime: ['void *', handle, handle],
  cuEventElapsedTime_v2: ['void *', handle, handle],
  cuLaunchKernelEx: ['void *', handle, 'void *', 'void *'],
  cuTensorMapEncodeTiled: ['void *', 'int', 'uint', handle, 'void *', 'void *', 'void *', 'void *', 'int', 'int', 'int', 'int'],
} as const
export type EntryPoint = keyof typeof signatures

/** CUresult values that are states, not errors. */
export const NOT_READY = 600
/** After these the context is dead: every later call fails, and only a new process can use the device. */
const sticky = new Set([214, 220, 700, 702, 709, 710, 714, 715, 716, 717, 718, 719, 721, 999])

/** Typed arrays of one element for outputs. */
export const outHandle = () => new BigUint64Array(1)
export const outInt = () => new Int32Array(1)

export class LibCuda {
  private readonly library: Library
  private readonly functions = new Map<EntryPoint, NativeFunction>()

  /** Throws what the loader says, with the library's name. */
  constructor(private readonly koffi: Koffi, readonly path: string) {
    try {
      // The PTX JIT runs on koffi's stack; this must precede the first load of the process.
      koffi.config({ sync_stack_size: 16 << 20 })
    } catch { /* a library is loaded already: another device was opened before */ }
    try { this.library = koffi.load(path) } catch (error) { throw new Error(`no NVIDIA driver is here: ${path} does not load (${(error as Error).message.replace('Failed to load shared library: ', '')})`) }
  }

  has(name: EntryPoint): boolean {
    try { return this.lookUp(name) !== undefined } catch { return false }
  }

  private lookUp(name: EntryPoint): NativeFunction {
    let fn = this.functions.get(name)
    if (!fn) this.functions.set(name, (fn = this.library.func(name, 'int', [...signatures[name]]) as NativeFunction))
    return fn
  }

  /** The CUresult, whatever it is. */
  result(name: EntryPoint, ...args: unknown[]): number {
    let fn: NativeFunction
    try { fn = this.lookUp(name) } catch { throw new CudaError('CUDA_ERROR_NOT_SUPPORTED', `${this.path} has no ${name}: the driver is too old`, false) }
    return fn(...args) as number
  }

  /** Throws CudaError, by name, unless the call succeeded. */
  call(name: EntryPoint, ...args: unknown[]): void {
    const code = this.result(name, ...args)
    if (code !== 0) throw this.errorOf(code, name)
  }

  errorOf(code: number, where: string, detail = this.text('cuGetErrorString', code)): CudaError {
    return new CudaError(this.text('cuGetErrorName', code) ?? `CUDA_ERROR_${code}`, `${where}: ${detail ?? 'no description'}`, sticky.has(code))
  }

  private text(name: 'cuGetErrorName' | 'cuGetErrorString', code: number): string | undefined {
    const out = outHandle()
    if (this.result(name, code, out) !== 0 || out[0] === 0n) return undefined
    return this.koffi.decode(out[0], 'char', -1) as string
  }

  /** Address of a typed array: stays valid while the array is referenced. */
  addressOf(array: ArrayBufferView): bigint { return this.koffi.address(array) as bigint }
  /** Memory of the driver as bytes. */
  view(address: number, bytes: number): Uint8Array { return new Uint8Array(this.koffi.view(BigInt(address), bytes)) }
}

/** A handle or address that came out: exact as a number, or the binding's assumption is wrong. */
export function numberOf(out: BigUint64Array): number {
  const n = Number(out[0])
  if (!Number.isSafeInteger(n)) throw new Error(`cuda: handle 0x${out[0].toString(16)} does not fit a number`)
  return n
}
