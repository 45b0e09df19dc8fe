// The emulated machine of one module, and its launches: what is asked for is checked, then the grid runs (grid_run.ts).
import { Agents } from './async_agents.ts'
import type { Crew } from './crew.ts'
import { product } from './dims.ts'
import { EmulatorFault, faultOf } from './diagnostics.ts'
import { inOrder, Run } from './grid_run.ts'
import type { EntryImage } from './image.ts'
import type { LoadedModule } from './loader.ts'
import { CLUSTER_SHIFT, MAX_SHARED_BYTES, type Cta, type Diagnostic, type EmulatorOptions, type FaultKind, type FaultTarget, type LaunchState, type Machine, type Memory, type Sanitizer, type Warp } from './machine.ts'

export { EmulatorFault, type FaultPlace } from './diagnostics.ts'

export interface LaunchShape { grid: readonly [number, number, number]; block: readonly [number, number, number]; cluster?: readonly [number, number, number] | null; dynamicSharedBytes?: number }
/** Makes the sanitizer of an emulator: plugged in, so that without it nothing of it is loaded. */
export type SanitizerFactory = (machine: Machine) => Sanitizer

const defaults: EmulatorOptions = { seed: 0, sanitize: false, maxInstructions: 1e11, async: 'random', tensorCore: 'exact', compile: true }

export class Emulator implements Machine {
  readonly options: EmulatorOptions
  readonly agents: Agents
  readonly sanitizer: Sanitizer | null
  readonly target: string
  executed = 0
  /** Threads that share blocks of launches with this one. */
  crew: Crew | undefined
  private state: number

  constructor(readonly memory: Memory, readonly loaded: LoadedModule, options: Partial<EmulatorOptions> = {}, createSanitizer?: SanitizerFactory) {
    this.options = { ...defaults, ...options }
    // The compiler knows 64-bit addresses only.
    if (loaded.ptx.addressSize === 32) this.options = { ...this.options, compile: false }
    this.target = loaded.ptx.target
    this.state = (this.options.seed * 2654435761 + 0x9e3779b9) >>> 0 || 1
    this.agents = new Agents(this)
    this.sanitizer = this.options.sanitize && createSanitizer ? createSanitizer(this) : null
  }

  get module() { return this.loaded.ptx }
  get diagnostics(): readonly Diagnostic[] { return this.sanitizer?.diagnostics ?? [] }

  /** xorshift32, in [0, 1). */
  random(): number {
    let x = this.state
    x ^= x << 13; x ^= x >>> 17; x ^= x << 5
    this.state = x >>> 0
    return this.state / 2 ** 32
  }

  sharedBlock(cta: Cta, sharedAddress: number): Cta | undefined {
    const rank = sharedAddress >>> CLUSTER_SHIFT
    return rank === 0 ? cta : cta.cluster.ctas[rank - 1]
  }

  fault(kind: FaultKind, message: string, warp?: Warp, lane?: number, target?: FaultTarget): never { throw faultOf(this, kind, message, warp, lane, target) }

  /** `params` is the packed parameter block. */
  launch(kernel: string, shape: LaunchShape, params: Uint8Array): void {
    const need = this.loaded.parametersOf(kernel).bytes
    const image = this.loaded.imageOf(kernel)
    const state = this.prepare(image, shape, params, need)
    image.forget()
    const before = this.executed
    this.sanitizer?.launchStarted(state)
    try {
      if (this.crew?.takes(this, image, state)) this.crew.run(this, image, state)
      else new Run(this, image, state, inOrder(state)).toTheEnd()
      image.instructionsPerBlock = (this.executed - before) / product(state.grid)
    } finally {
      this.sanitizer?.launchEnded()
      this.memory.release(state.paramBase)
      image.trim()
    }
  }

  private prepare(image: EntryImage, { grid, block, cluster, dynamicSharedBytes = 0 }: LaunchShape, params: Uint8Array, need: number): LaunchState {
    const { entry, staticSharedBytes } = image
    const bad = (problem: string): never => { throw new EmulatorFault('illegal-instruction', `launch of ${entry.name}: ${problem}`) }
    const { reqntid, maxntid, reqnctapercluster, explicitcluster } = entry.ptx.directives
    const explicitCluster = cluster != null || reqnctapercluster !== undefined || explicitcluster === true
    const dims = cluster ?? reqnctapercluster ?? [1, 1, 1]
    const clusterDims: [number, number, number] = [dims[0], dims[1] ?? 1, dims[2] ?? 1]
    for (const [what, triple] of [['grid', grid], ['block', block], ['cluster', clusterDims]] as const) {
      if (triple.length !== 3 || triple.some((n) => !(Number.isInteger(n) && n >= 1))) bad(`${what} ${triple.join(' x ')} must be three whole numbers from 1 on`)
    }
    if (grid[0] > 2 ** 31 - 1 || grid[1] > 65535 || grid[2] > 65535) bad(`grid ${grid.join(' x ')} must be at most 2147483647 x 65535 x 65535`)
    const threads = product(block)
    if (threads > 1024) bad(`block ${block.join(' x ')} has ${threads} threads, must have 1 to 1024`)
    if (reqntid && [0, 1, 2].some((i) => (reqntid[i] ?? 1) !== block[i])) bad(`block ${block.join(' x ')}, the kernel requires .reqntid ${reqntid.join(', ')}`)
    if (maxntid && threads > maxntid.reduce((a, b) => a * b, 1)) bad(`block of ${threads} threads, the kernel allows .maxntid ${maxntid.join(', ')}`)
    if (cluster && reqnctapercluster && [0, 1, 2].some((i) => (reqnctapercluster[i] ?? 1) !== cluster[i])) bad(`cluster ${cluster.join(' x ')}, the kernel requires .reqnctapercluster ${reqnctapercluster.join(', ')}`)
    if (product(clusterDims) > 16) bad(`cluster ${clusterDims.join(' x ')} has ${product(clusterDims)} blocks, must have at most 16`)
    if (grid.some((n, i) => n % clusterDims[i] !== 0)) bad(`grid ${grid.join(' x ')} is no multiple of the cluster ${clusterDims.join(' x ')}`)
    if (!(Number.isInteger(dynamicSharedBytes) && dynamicSharedBytes >= 0)) bad(`${dynamicSharedBytes} bytes of dynamic shared memory`)
    if (staticSharedBytes + dynamicSharedBytes > MAX_SHARED_BYTES) bad(`${staticSharedBytes} + ${dynamicSharedBytes} bytes of shared memory, a block has at most ${MAX_SHARED_BYTES}`)
    if (params.length !== need) bad(`${params.length} bytes of parameters, the kernel has ${need}`)
    const paramBase = this.memory.reserve(Math.max(16, params.length), 64)
    this.memory.u8.set(params, paramBase)
    return { grid, block, clusterDims, explicitCluster, entry, dynamicSharedBytes, staticSharedBytes, paramBase, paramBytes: params.length }
  }
}
