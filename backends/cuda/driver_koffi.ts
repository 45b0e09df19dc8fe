// libcuda through koffi: the CUDA driver API with no toolkit and no native addon of our own. Launches are synchronous calls that
// enqueue; waits poll events on the event loop, so the context stays current on the one thread that calls.
import { CudaError, type CudaDriver, type CudaEvent, type CudaFunction, type CudaGraph, type CudaInfo, type CudaModule, type CudaStream, type DevicePointer, type FunctionAttributes, type LaunchConfig, type TensorMapSpec } from './driver.ts'
import { entryParams } from './entry_params.ts'
import { LaunchBlock } from './launch_block.ts'
import { LibCuda, NOT_READY, numberOf, outHandle, outInt } from './libcuda.ts'
import { TensorMapEncoder } from './tensor_map.ts'

/** CUdevice_attribute, CUfunction_attribute and CUjit_option numbers of cuda.h. */
const deviceAttribute = { numSms: 16, ccMajor: 75, ccMinor: 76, smemOptIn: 97, memoryPools: 115 } as const
const functionAttribute = { maxThreads: 0, staticSmem: 1, local: 3, registers: 4, maxDynamicSmem: 8, nonPortableCluster: 14 } as const
const jit = { infoLog: 3, infoLogBytes: 4, errorLog: 5, errorLogBytes: 6 } as const
const RELEASE_THRESHOLD = 4
const NON_BLOCKING = 1
const CAPTURE_THREAD_LOCAL = 1
const logBytes = 64 * 1024

interface LoadedFunction extends CudaFunction { readonly handle: number }
interface Graph extends CudaGraph { readonly exec: number }

/** Opens `cuda:<ordinal>`. Rejects with one sentence when there is no driver, no koffi or no such device. */
export async function openCuda(ordinal = 0): Promise<KoffiDriver> {
  const { default: koffi } = await import('koffi').catch(() => { throw new Error('the optional package koffi is not installed (npm install koffi)') })
  const path = process.env.WEFT_LIBCUDA ?? (process.platform === 'win32' ? 'nvcuda.dll' : 'libcuda.so.1')
  return KoffiDriver.open(new LibCuda(koffi, path), ordinal)
}

const laterMs = (ms: number) => new Promise<void>((resolve) => { if (ms === 0) setImmediate(resolve); else setTimeout(resolve, ms) })

export class KoffiDriver implements CudaDriver {
  readonly name: string
  private readonly block: LaunchBlock
  private readonly maps: TensorMapEncoder
  /** Page-locked memory by its bytes, and free pieces for reads by their size. */
  private readonly pinned = new Map<Uint8Array, number>()
  private readonly staging = new Map<number, Uint8Array[]>()

  private constructor(private readonly cuda: LibCuda, private readonly ordinal: number, readonly attributes: CudaInfo, readonly description: string, private readonly own: number, private readonly pools: boolean) {
    this.name = `cuda:${ordinal}`
    this.block = new LaunchBlock(cuda)
    this.maps = new TensorMapEncoder(cuda)
  }

  static open(cuda: LibCuda, ordinal: number): KoffiDriver {
    cuda.call('cuInit', 0)
    const [version, count, device] = [outInt(), outInt(), outInt()]
    cuda.call('cuDriverGetVersion', version)
    cuda.call('cuDeviceGetCount', count)
    if (ordinal >= count[0]) throw new Error(`there ${count[0] === 1 ? 'is 1 CUDA device' : `are ${count[0]} CUDA devices`}, no device ${ordinal}`)
    cuda.call('cuDeviceGet', device, ordinal)
    const context = outHandle()
    cuda.call('cuDevicePrimaryCtxRetain', context, device[0])
    cuda.call('cuCtxSetCurrent', numberOf(context))
    const attribute = (which: number) => { const out = outInt(); cuda.call('cuDeviceGetAttribute', out, which, device[0]); return out[0] }
    const name = new Uint8Array(256)
    cuda.call('cuDeviceGetName', name, name.length, device[0])
    const sm = 10 * attribute(deviceAttribute.ccMajor) + attribute(deviceAttribute.ccMinor)
    const info: CudaInfo = { sm, numSms: attribute(deviceAttribute.numSms), maxSmemBytes: attribute(deviceAttribute.smemOptIn), emulated: false, exactTensorCores: false }
    if (sm < 80) throw new Error(`${text(name)} is sm_${sm}; Weft's PTX needs sm_80 (Ampere) or newer`)
    const pools = attribute(deviceAttribute.memoryPools) === 1
    if (pools) {
      const pool = outHandle()
      cuda.call('cuDeviceGetDefaultMemPool', pool, device[0])
      // Freed memory stays in the pool: a training step frees and takes the same sizes again and again.
      cuda.call('cuMemPoolSetAttribute', numberOf(pool), RELEASE_THRESHOLD, BigUint64Array.of(2n ** 64n - 1n))
    }
    const stream = outHandle()
    cuda.call('cuStreamCreate', stream, NON_BLOCKING)
    const driverVersion = `${Math.floor(version[0] / 1000)}.${Math.floor((version[0] % 1000) / 10)}`
    return new KoffiDriver(cuda, ordinal, info, `${text(name)}, sm_${sm}, ${info.numSms} SMs, driver for CUDA ${driverVersion}`, numberOf(stream), pools)
  }

  // -- modules

  async loadModule(ptx: string, name: string): Promise<CudaModule> {
    const { cuda } = this
    const module = outHandle()
    const [info, error] = [new Uint8Array(logBytes), new Uint8Array(logBytes)]
    const options = Int32Array.of(jit.infoLog, jit.infoLogBytes, jit.errorLog, jit.errorLogBytes)
    const values = BigUint64Array.of(cuda.addressOf(info), BigInt(logBytes), cuda.addressOf(error), BigInt(logBytes))
    const code = cuda.result('cuModuleLoadDataEx', module, new TextEncoder().encode(`${ptx}\0`), options.length, options, values)
    if (code !== 0) throw cuda.errorOf(code, `${name}.ptx`, text(error).trim() || undefined)
    const functions = new Map<string, CudaFunction>()
    for (const entry of entryParams(ptx)) {
      const handle = outHandle()
      cuda.call('cuModuleGetFunction', handle, numberOf(module), entry.name)
      const fn: LoadedFunction = { ...entry, handle: numberOf(handle), attributes: this.prepare(numberOf(handle)) }
      functions.set(entry.name, fn)
    }
    return { functions }
  }

  /** Reads what the assembler made, and opts in to all the shared memory and cluster sizes the device has. */
  private prepare(handle: number): FunctionAttributes {
    const { cuda } = this
    const get = (which: number) => { const out = outInt(); cuda.call('cuFuncGetAttribute', out, which, handle); return out[0] }
    const staticSmemBytes = get(functionAttribute.staticSmem)
    cuda.call('cuFuncSetAttribute', handle, functionAttribute.maxDynamicSmem, this.attributes.maxSmemBytes - staticSmemBytes)
    if (this.attributes.sm >= 90) cuda.call('cuFuncSetAttribute', handle, functionAttribute.nonPortableCluster, 1)
    return { registers: get(functionAttribute.registers), localBytes: get(functionAttribute.local), staticSmemBytes, maxThreads: get(functionAttribute.maxThreads) }
  }

  // -- memory

  /** Stream-ordered where the device has pools: then nothing waits, and memory freed is taken again by what follows. */
  alloc(bytes: number): DevicePointer {
    const out = outHandle()
    if (this.pools) this.cuda.call('cuMemAllocAsync', out, bytes, this.own)
    else this.cuda.call('cuMemAlloc_v2', out, bytes)
    return numberOf(out)
  }
  free(pointer: DevicePointer): void {
    if (this.pools) this.cuda.call('cuMemFreeAsync', pointer, this.own)
    else this.cuda.call('cuMemFree_v2', pointer)
  }
  copyToDevice(pointer: DevicePointer, bytes: Uint8Array, stream?: CudaStream): void {
    if (bytes.length) this.cuda.call('cuMemcpyHtoDAsync_v2', pointer, bytes, bytes.length, this.of(stream))
  }
  fill(pointer: DevicePointer, byte: number, bytes: number, stream?: CudaStream): void {
    if (bytes) this.cuda.call('cuMemsetD8Async', pointer, byte, bytes, this.of(stream))
  }

  async copyFromDevice(pointer: DevicePointer, bytes: number, stream?: CudaStream): Promise<Uint8Array> {
    if (bytes === 0) return new Uint8Array(0)
    const size = 2 ** Math.ceil(Math.log2(Math.max(bytes, 4096)))
    const staged = this.staging.get(size)?.pop() ?? this.allocHost(size)
    this.cuda.call('cuMemcpyDtoHAsync_v2', staged, pointer, bytes, this.of(stream))
    await this.synchronize(stream)
    const result = staged.slice(0, bytes)
    this.staging.set(size, [...this.staging.get(size) ?? [], staged])
    return result
  }

  allocHost(bytes: number): Uint8Array {
    const out = outHandle()
    this.cuda.call('cuMemHostAlloc', out, bytes, 0)
    const memory = this.cuda.view(numberOf(out), bytes)
    this.pinned.set(memory, numberOf(out))
    return memory
  }
  freeHost(memory: Uint8Array): void {
    const address = this.pinned.get(memory)
    if (address === undefined) throw new CudaError('CUDA_ERROR_INVALID_VALUE', 'freeHost of memory that allocHost did not give', false)
    this.pinned.delete(memory)
    this.cuda.call('cuMemFreeHost', address)
  }

  // -- launches and waits

  encodeTensorMap(spec: TensorMapSpec): Uint8Array { return this.maps.encode(spec) }

  launch(fn: CudaFunction, config: LaunchConfig, params: Uint8Array, stream?: CudaStream): void {
    const { smemBytes = 0 } = config
    const room = this.attributes.maxSmemBytes - fn.attributes!.staticSmemBytes
    if (smemBytes > room) throw new CudaError('CUDA_ERROR_INVALID_VALUE', `${fn.name}: ${smemBytes} bytes of dynamic shared memory, the device leaves ${room}`, false)
    if (params.length !== fn.paramBytes) throw new CudaError('CUDA_ERROR_INVALID_VALUE', `${fn.name}: ${params.length} bytes of parameters, the kernel has ${fn.paramBytes}`, false)
    this.block.set(config, this.of(stream), params)
    const code = this.cuda.result('cuLaunchKernelEx', this.block.config, (fn as LoadedFunction).handle, null, this.block.extra)
    if (code !== 0) throw this.cuda.errorOf(code, `launch of ${fn.name} with grid ${config.grid.join(' x ')}, block ${config.block.join(' x ')}`)
  }

  async synchronize(stream?: CudaStream): Promise<void> { await this.poll('cuStreamQuery', this.of(stream)) }

  /** Often at first, then once a millisecond: a wait must not take a core, nor add much to a short one. */
  private async poll(query: 'cuStreamQuery' | 'cuEventQuery', handle: number): Promise<void> {
    for (let polls = 0; ; polls++) {
      const code = this.cuda.result(query, handle)
      if (code === 0) return
      if (code !== NOT_READY) throw this.cuda.errorOf(code, 'work on the device')
      await laterMs(polls < 200 ? 0 : 1)
    }
  }

  // -- streams, events, graphs

  private of(stream: CudaStream | undefined): number { return stream?.stream ?? this.own }
  createStream(): CudaStream { const out = outHandle(); this.cuda.call('cuStreamCreate', out, NON_BLOCKING); return { stream: numberOf(out) } }
  destroyStream({ stream }: CudaStream): void { this.cuda.call('cuStreamDestroy_v2', stream) }
  createEvent(): CudaEvent { const out = outHandle(); this.cuda.call('cuEventCreate', out, 0); return { event: numberOf(out) } }
  destroyEvent({ event }: CudaEvent): void { this.cuda.call('cuEventDestroy_v2', event) }
  record({ event }: CudaEvent, stream?: CudaStream): void { this.cuda.call('cuEventRecord', event, this.of(stream)) }
  waitEvent({ event }: CudaEvent, stream?: CudaStream): void { this.cuda.call('cuStreamWaitEvent', this.of(stream), event, 0) }

  async elapsedSec(from: CudaEvent, to: CudaEvent): Promise<number> {
    for (const { event } of [from, to]) await this.poll('cuEventQuery', event)
    const ms = new Float32Array(1)
    this.cuda.call(this.cuda.has('cuEventElapsedTime_v2') ? 'cuEventElapsedTime_v2' : 'cuEventElapsedTime', ms, from.event, to.event)
    return ms[0] / 1000
  }

  beginCapture({ stream }: CudaStream): void { this.cuda.call('cuStreamBeginCapture_v2', stream, CAPTURE_THREAD_LOCAL) }
  endCapture({ stream }: CudaStream): CudaGraph {
    const [graph, exec, nodes] = [outHandle(), outHandle(), outHandle()]
    this.cuda.call('cuStreamEndCapture', stream, graph)
    this.cuda.call('cuGraphGetNodes', numberOf(graph), null, nodes)
    this.cuda.call('cuGraphInstantiateWithFlags', exec, numberOf(graph), 0)
    const made: Graph = { graph: numberOf(graph), numNodes: Number(nodes[0]), exec: numberOf(exec) }
    return made
  }
  replay(graph: CudaGraph, stream?: CudaStream): void { this.cuda.call('cuGraphLaunch', (graph as Graph).exec, this.of(stream)) }
  destroyGraph(graph: CudaGraph): void {
    this.cuda.call('cuGraphExecDestroy', (graph as Graph).exec)
    this.cuda.call('cuGraphDestroy', graph.graph)
  }

  /** Gives the context back; after a sticky error there is nothing left to give. */
  async destroy(): Promise<void> {
    try {
      await this.synchronize()
      for (const address of this.pinned.values()) this.cuda.call('cuMemFreeHost', address)
      this.cuda.call('cuStreamDestroy_v2', this.own)
    } catch (error) {
      if (!(error instanceof CudaError && error.sticky)) throw error
    } finally { this.cuda.result('cuDevicePrimaryCtxRelease_v2', this.ordinal) }
  }
}

/** A zero-terminated string. */
function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end))
}
