// The emulator as a CUDA driver: modules are parsed PTX, memory is its linear memory, launches run to their end at the call.
import { CudaError, type CudaDriver, type CudaFunction, type CudaInfo, type CudaEvent, type CudaGraph, type CudaModule, type CudaStream, type DevicePointer, type LaunchConfig, type TensorMapSpec } from '../cuda/driver.ts'
import { PtxError } from './ast.ts'
import { sayDiagnostic } from './diagnostics.ts'
import type { Crew } from './crew.ts'
import { Emulator, EmulatorFault, type SanitizerFactory } from './launch.ts'
import { LoadedModule } from './loader.ts'
import { GLOBAL_HIGH, MAX_SHARED_BYTES, type EmulatorOptions } from './machine.ts'
import { LinearMemory, OutOfMemory } from './memory.ts'
import { parsePtx } from './parser.ts'
import { Streams } from './streams.ts'
import { encodeTensorMapOf, TensorMapError } from './tensor_map.ts'

/** Starts threads that help with launches, in a memory that is shared. */
export type StartCrew = (memory: LinearMemory) => Crew

interface EmulatedFunction extends CudaFunction { readonly emulator: Emulator }

const high = GLOBAL_HIGH * 2 ** 32
const codes: Readonly<Record<string, string>> = {
  'illegal-address': 'CUDA_ERROR_ILLEGAL_ADDRESS', 'misaligned-address': 'CUDA_ERROR_MISALIGNED_ADDRESS', trap: 'CUDA_ERROR_LAUNCH_FAILED',
  'illegal-instruction': 'CUDA_ERROR_ILLEGAL_INSTRUCTION', 'too-many-instructions': 'CUDA_ERROR_LAUNCH_TIMEOUT', deadlock: 'CUDA_ERROR_LAUNCH_TIMEOUT',
}

export class EmulatorDriver implements CudaDriver {
  readonly description: string
  readonly attributes: CudaInfo
  private readonly memory: LinearMemory
  private readonly emulators: Emulator[] = []
  private readonly crew: Crew | undefined
  private readonly streams = new Streams()
  private fault: CudaError | undefined

  /** `target`: sm_80 or sm_90a. With a sanitizer its first diagnostic is an error that the next wait tells, as a fault is. */
  constructor(readonly target: string, private readonly options: Partial<EmulatorOptions> = {}, private readonly createSanitizer?: SanitizerFactory, startCrew?: StartCrew) {
    const sm = /^sm_(\d+)a?$/.exec(target)
    if (!sm) throw new Error(`emulator: target ${target} must look like sm_80 or sm_90a`)
    // Without shared memory (a page that is not isolated) one thread does all; a sanitizer watches one.
    const crewed = startCrew !== undefined && createSanitizer === undefined && typeof SharedArrayBuffer !== 'undefined'
    this.memory = new LinearMemory({ shared: crewed })
    if (crewed) this.crew = startCrew(this.memory)
    this.description = `PTX emulator of ${target}, ${this.crew ? `${this.crew.helpers + 1} threads` : 'one thread'}`
    this.attributes = { sm: Number(sm[1]), numSms: 132, maxSmemBytes: MAX_SHARED_BYTES, emulated: true, exactTensorCores: this.options.tensorCore !== 'hopper' }
  }

  /** Thread instructions that all launches have executed. */
  get executed(): number { return this.emulators.reduce((sum, e) => sum + e.executed, 0) }
  /** Those of them that the last shared launch had from helpers. */
  get executedByHelpers(): number { return this.crew?.control.executedByHelpers ?? 0 }
  get name(): string { return `emu:${this.target}` }

  async loadModule(ptx: string, name: string): Promise<CudaModule> {
    try {
      const parsed = parsePtx(ptx, `${name}.ptx`)
      const needs = Number(/^sm_(\d+)/.exec(parsed.target)![1])
      if (needs > this.attributes.sm) throw new CudaError('CUDA_ERROR_NO_BINARY_FOR_GPU', `${name}.ptx is for ${parsed.target}, the device is ${this.target}`, false)
      const loaded = new LoadedModule(parsed, this.memory)
      // Copies that land when they are issued are the fastest of the schedules allowed; with a sanitizer all are tried.
      const emulator = new Emulator(this.memory, loaded, { async: this.createSanitizer ? 'random' : 'early', ...this.options, sanitize: this.createSanitizer !== undefined }, this.createSanitizer)
      this.emulators.push(emulator)
      emulator.crew = this.crew
      this.crew?.know(loaded, ptx)
      const functions = new Map<string, EmulatedFunction>()
      for (const fn of parsed.functions.values()) {
        if (fn.kind !== 'entry' || !fn.body) continue
        loaded.functionNamed(fn.name)
        const { params, bytes } = loaded.parametersOf(fn.name)
        functions.set(fn.name, { name: fn.name, params, paramBytes: bytes, emulator })
      }
      return { functions }
    } catch (error) {
      if (error instanceof PtxError) throw new CudaError('CUDA_ERROR_INVALID_PTX', error.message, false)
      throw error
    }
  }

  alloc(bytes: number): DevicePointer {
    try { return high + this.memory.allocate(bytes, `allocation of ${bytes} bytes`) } catch (error) {
      if (error instanceof OutOfMemory) throw new CudaError('CUDA_ERROR_OUT_OF_MEMORY', error.message, false)
      throw error
    }
  }
  free(pointer: DevicePointer): void { this.memory.deallocate(pointer - high) }
  copyToDevice(pointer: DevicePointer, bytes: Uint8Array, stream?: CudaStream): void {
    this.streams.enqueue(stream, () => this.memory.u8.set(bytes, pointer - high))
  }
  async copyFromDevice(pointer: DevicePointer, bytes: number): Promise<Uint8Array> {
    if (this.fault) throw this.fault
    return this.memory.u8.slice(pointer - high, pointer - high + bytes)
  }
  fill(pointer: DevicePointer, byte: number, bytes: number, stream?: CudaStream): void {
    this.streams.enqueue(stream, () => this.memory.u8.fill(byte, pointer - high, pointer - high + bytes))
  }

  encodeTensorMap(spec: TensorMapSpec): Uint8Array {
    if (this.attributes.sm < 90) throw new CudaError('CUDA_ERROR_NOT_SUPPORTED', `tensor maps need sm_90, the device is ${this.target}`, false)
    try { return encodeTensorMapOf(this.memory, spec) } catch (error) {
      if (error instanceof TensorMapError) throw new CudaError('CUDA_ERROR_INVALID_VALUE', error.message, false)
      throw error
    }
  }

  launch(fn: CudaFunction, config: LaunchConfig, params: Uint8Array, stream?: CudaStream): void {
    this.streams.enqueue(stream, () => this.run(fn, config, params))
  }

  /** A fault is kept: as on a GPU, the next wait tells it and nothing runs any more. */
  private run(fn: CudaFunction, { grid, block, cluster, smemBytes }: LaunchConfig, params: Uint8Array): void {
    if (this.fault) return
    const { emulator } = fn as EmulatedFunction
    try {
      emulator.launch(fn.name, { grid, block, cluster, dynamicSharedBytes: smemBytes }, params)
      if (emulator.diagnostics.length > 0) this.fault = new CudaError('CUDA_ERROR_LAUNCH_FAILED', sayDiagnostic(emulator.diagnostics[0]), true)
    } catch (error) {
      if (!(error instanceof EmulatorFault)) throw error
      this.fault = new CudaError(codes[error.kind] ?? 'CUDA_ERROR_LAUNCH_FAILED', error.message, true)
    }
  }

  async synchronize(): Promise<void> { if (this.fault) throw this.fault }

  allocHost(bytes: number): Uint8Array { return new Uint8Array(bytes) }
  freeHost(): void { /* the collector's */ }
  createStream(): CudaStream { return this.streams.createStream() }
  destroyStream(stream: CudaStream): void { this.streams.destroy(stream) }
  createEvent(): CudaEvent { return this.streams.createEvent() }
  destroyEvent(event: CudaEvent): void { this.streams.destroy(event) }
  record(event: CudaEvent, stream?: CudaStream): void { this.streams.record(event, stream) }
  waitEvent(): void { /* what was enqueued before has run */ }
  async elapsedSec(from: CudaEvent, to: CudaEvent): Promise<number> {
    if (this.fault) throw this.fault
    return this.streams.elapsedSec(from, to)
  }
  beginCapture(stream: CudaStream): void { this.streams.beginCapture(stream) }
  endCapture(stream: CudaStream): CudaGraph { return this.streams.endCapture(stream) }
  replay(graph: CudaGraph, stream?: CudaStream): void { this.streams.replay(graph, stream) }
  destroyGraph(graph: CudaGraph): void { this.streams.destroy(graph) }
  /** Memory goes with the object. */
  async destroy(): Promise<void> { this.crew?.end() }
}
