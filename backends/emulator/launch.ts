// One kernel launch: blocks made as the emulated GPU would hold them, run to the end in seeded order, deadlocks told.
import { Agents } from './async_agents.ts'
import { endBlock, restartBlock, startCluster } from './blocks.ts'
import { coordinates, product } from './dims.ts'
import { EmulatorFault, faultOf, lowestLane, showLanes } from './diagnostics.ts'
import type { EntryImage } from './image.ts'
import type { LoadedModule } from './loader.ts'
import { CLUSTER_SHIFT, MAX_SHARED_BYTES, type Cta, type Diagnostic, type EmulatorOptions, type FaultKind, type FaultTarget, type LaunchState, type Machine, type Memory, type Sanitizer, type Warp } from './machine.ts'
import { OutOfMemory } from './memory.ts'
import { runWarp, waits, type Meter, type Turns } from './scheduler.ts'

export { EmulatorFault, type FaultPlace } from './diagnostics.ts'

export interface LaunchShape { grid: readonly [number, number, number]; block: readonly [number, number, number]; cluster?: readonly [number, number, number] | null; dynamicSharedBytes?: number }
/** Makes the sanitizer of an emulator: plugged in, so that without it nothing of it is loaded. */
export type SanitizerFactory = (machine: Machine) => Sanitizer

/** An H800: SMs, threads and shared memory of one SM. */
const numSms = 132
const threadsPerSm = 2048
const sharedPerSm = 233472

const defaults: EmulatorOptions = { seed: 0, sanitize: false, maxInstructions: 1e11, async: 'random', tensorCore: 'exact', compile: true }

export class Emulator implements Machine {
  readonly options: EmulatorOptions
  readonly agents: Agents
  readonly sanitizer: Sanitizer | null
  readonly target: string
  executed = 0
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
    this.sanitizer?.launchStarted(state)
    try { new Run(this, image, state).toTheEnd() } finally {
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

/** Turns without a finished block after which more blocks start: those there may be waiting for others of the grid. */
const patience = { spinning: 2, plain: 64 }

class Run {
  private readonly resident: Cta[] = []
  /** A block that has ended, to become the next one. */
  private readonly spare: Cta[] = []
  private readonly recycles: boolean
  private readonly clusters: readonly [number, number, number]
  private readonly numClusters: number
  private capacity: number
  private started = 0
  private readonly meter: Meter
  private readonly turns: Turns
  private readonly shuffles: boolean
  private idleTurns = 0
  private turnsSinceLanding = 0

  constructor(private readonly emulator: Emulator, private readonly image: EntryImage, private readonly launch: LaunchState) {
    const { options } = emulator
    const { grid, block, clusterDims } = launch
    const perCluster = product(clusterDims)
    const shared = launch.staticSharedBytes + launch.dynamicSharedBytes
    const perSm = Math.max(1, Math.min(32, Math.floor(threadsPerSm / (Math.ceil(product(block) / 32) * 32)), Math.floor(sharedPerSm / (shared + 1024))))
    this.capacity = Math.max(1, Math.floor(numSms * perSm / perCluster))
    this.clusters = [grid[0] / clusterDims[0], grid[1] / clusterDims[1], grid[2] / clusterDims[2]]
    this.numClusters = product(this.clusters)
    this.shuffles = options.seed !== 0
    this.recycles = perCluster === 1 && emulator.sanitizer === null
    this.turns = { quantum: image.spins ? 512 : 4096, backEdges: image.spins ? 32 : 1024 }
    this.meter = {
      max: emulator.executed + options.maxInstructions,
      tooMany: (warp) => emulator.fault('too-many-instructions', `more than ${options.maxInstructions} thread instructions (--max-instructions)`, warp),
    }
  }

  private get residentClusters(): number { return this.resident.length / product(this.launch.clusterDims) }

  /** With seed 0 a block runs before the next starts, as far as it can; other seeds mix some from the beginning. */
  toTheEnd(): void {
    const { emulator, resident } = this
    const { agents } = emulator
    const least = Math.min(this.capacity, this.shuffles ? 4 : 1)
    try {
      while (resident.length || this.started < this.numClusters) {
        while (this.residentClusters < Math.min(least, this.capacity) && this.start()) { /* more */ }
        const ran = this.turn()
        const ended = this.endFinished()
        this.idleTurns = ended ? 0 : this.idleTurns + 1
        if (!ran && !ended) {
          if (agents.step() || this.start() || this.givenUp()) continue
          this.deadlock()
        }
        if (this.idleTurns >= (this.image.spins ? patience.spinning : patience.plain)) {
          this.idleTurns = 0
          for (let n = this.residentClusters; n > 0 && this.start(); n--) { /* twice as many */ }
        }
      }
      while (agents.step()) { /* what was issued and never waited for still lands */ }
    } catch (error) {
      agents.forget()
      throw error
    } finally { for (const cta of [...resident, ...this.spare]) endBlock(cta) }
  }

  /** Starts the next cluster of the grid if there is one and the GPU holds it. */
  private start(): boolean {
    if (this.started >= this.numClusters || this.residentClusters >= this.capacity) return false
    const spare = this.spare.pop()
    if (spare) {
      restartBlock(spare, coordinates(this.started++, this.clusters))
      this.resident.push(spare)
      return true
    }
    try { this.resident.push(...startCluster(this.emulator, this.launch, coordinates(this.started, this.clusters))) } catch (error) {
      if (!(error instanceof OutOfMemory) || !this.resident.length) throw error
      this.capacity = this.residentClusters
      return false
    }
    this.started++
    return true
  }

  /** Every warp of the resident blocks gets a quantum, in seeded order. */
  private turn(): boolean {
    const { emulator, shuffles, turns, meter } = this
    const { agents } = emulator
    const most = turns.quantum
    const lands = emulator.options.async === 'random'
    let ran = false
    for (const cta of shuffles ? this.shuffled(this.resident) : this.resident) {
      for (const warp of shuffles ? this.shuffled(cta.warps) : cta.warps) {
        if (warp.groups.length === 0) continue
        // Short turns as often as long ones.
        if (shuffles) turns.quantum = Math.ceil(most ** emulator.random())
        if (runWarp(warp, meter, turns)) ran = true
        if (lands && agents.pending && emulator.random() < 0.25) this.land()
      }
    }
    turns.quantum = most
    // A loop on test_wait never waits: what it looks for must land without being waited for, however late.
    if (agents.pending === 0) this.turnsSinceLanding = 0
    else if (++this.turnsSinceLanding > 8) this.land()
    return ran
  }

  /** Polls that wait say no: what their threads do next may be what others wait for. */
  private givenUp(): boolean {
    let any = false
    for (const { group } of waits(this.resident)) if (group.wait!.giveUp?.()) any = true
    return any
  }

  private land(): void {
    this.turnsSinceLanding = 0
    this.emulator.agents.step()
  }

  private shuffled<T>(items: readonly T[]): T[] {
    const all = [...items]
    for (let i = all.length - 1; i > 0; i--) {
      const j = Math.floor(this.emulator.random() * (i + 1))
      ;[all[i], all[j]] = [all[j], all[i]]
    }
    return all
  }

  /** Shared memory of a block lives as long as its cluster: others may still read it. */
  private endFinished(): boolean {
    const { resident, emulator } = this
    let any = false
    for (let i = resident.length - 1; i >= 0; i--) {
      const cta = resident[i]
      if (cta.aliveThreads !== 0 || cta.cluster.ctas.some((c) => c.aliveThreads !== 0)) continue
      resident.splice(i, 1)
      // Copies into its shared memory that nobody waited for land before the memory is another block's.
      if (emulator.agents.pending) while (emulator.agents.step()) { /* all */ }
      emulator.sanitizer?.ctaEnded(cta)
      if (this.recycles && this.started < this.numClusters) this.spare.push(cta)
      else endBlock(cta)
      any = true
    }
    return any
  }

  private deadlock(): never {
    const { emulator } = this
    const stuck = waits(this.resident)
    const shown = stuck.slice(0, 8).map(({ warp, group }) => `block (${warp.cta.id.join(', ')}) warp ${warp.index} lanes ${showLanes(group.mask)}: ${group.wait!.what}`)
    const text = `${shown.join('; ')}${stuck.length > shown.length ? `; and ${stuck.length - shown.length} more` : ''}`
    const first = stuck[0]
    if (emulator.sanitizer && first) {
      const report = ({ warp, group }: typeof first, cls: Diagnostic['class'], message: string, other: string | null) => {
        // A wait behind its instruction has moved the pc on already.
        const instructions = group.frame.fn.instructions
        warp.current = instructions[group.retry ? group.pc : group.pc - 1] ?? instructions[group.pc] ?? warp.current
        emulator.sanitizer!.report(cls, warp, lowestLane(group.mask), null, message, other)
      }
      report(first, 'deadlock', 'no thread can make progress', text)
      const barrier = stuck.find(({ group }) => group.wait!.alsoReport !== undefined)
      if (barrier) report(barrier, barrier.group.wait!.alsoReport!, barrier.group.wait!.what, null)
    }
    throw new EmulatorFault('deadlock', `no thread can make progress: ${text}`)
  }
}
