// One kernel launch: blocks and clusters made as the emulated GPU would hold them, run to the end, deadlocks told.
import type { AsyncAgents, Cluster, Cta, Diagnostic, EmulatorOptions, FaultKind, Frame, Group, LaunchState, LoadedFunction, Machine, Memory, Sanitizer, Warp } from './machine.ts'
import type { DecodedFunction, LoadedModule } from './loader.ts'
import { PtxError } from './ast.ts'
import { runWarp, waits, type Meter } from './scheduler.ts'
import { Agents } from './async_agents.ts'

/** A fault of the kernel: the launch ended there. */
export class EmulatorFault extends Error {
  constructor(readonly kind: FaultKind, message: string, readonly place: FaultPlace | null = null) { super(message); this.name = 'EmulatorFault' }
}
/** Where a thread was when it failed. */
export interface FaultPlace { readonly file: string; readonly line: number; readonly column: number; readonly block: readonly [number, number, number]; readonly thread: number | null }

export interface LaunchShape { grid: readonly [number, number, number]; block: readonly [number, number, number]; cluster?: readonly [number, number, number] | null; dynamicSharedBytes?: number }

/** An H800: SMs, threads and shared memory of one SM. */
const numSms = 132
const threadsPerSm = 2048
const sharedPerSm = 233472

const defaults: EmulatorOptions = { seed: 0, sanitize: false, maxInstructions: 1e11, async: 'random', tensorCore: 'exact', compile: false }

export class Emulator implements Machine {
  readonly options: EmulatorOptions
  readonly agents: AsyncAgents & { step(): boolean }
  readonly sanitizer: Sanitizer | null = null
  readonly target: string
  executed = 0
  private state: number
  constructor(readonly memory: Memory, readonly loaded: LoadedModule, options: Partial<EmulatorOptions> = {}) {
    this.options = { ...defaults, ...options }
    this.target = loaded.ptx.target
    this.state = (this.options.seed * 2654435761 + 0x9e3779b9) >>> 0 || 1
    this.agents = new Agents(this)
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
    const rank = sharedAddress >>> 24
    return rank === 0 ? cta : cta.cluster.ctas[rank - 1]
  }

  fault(kind: FaultKind, message: string, warp?: Warp, lane?: number): never {
    const i = warp?.current
    const place = i ? `${this.module.file}:${i.statement.at.line}:${i.statement.at.column}: ${i.name}: ` : ''
    const who = warp ? `, block (${warp.cta.id.join(', ')})${lane === undefined ? '' : `, thread ${warp.index * 32 + lane}`}` : ''
    const at = i && warp ? { file: this.module.file, ...i.statement.at, block: warp.cta.id, thread: lane === undefined ? null : warp.index * 32 + lane } : null
    throw new EmulatorFault(kind, `${place}${message}${who}`, at)
  }

  /** `params` is the packed parameter block. */
  launch(kernel: string, shape: LaunchShape, params: Uint8Array): void {
    const entry = this.loaded.functionNamed(kernel)
    if (entry.ptx.kind !== 'entry') throw new PtxError(this.module.file, entry.ptx.at, `${kernel} is a .func, not an .entry`)
    const state = this.prepare(entry, shape, params)
    try { this.run(state) } finally { this.memory.release(state.paramBase) }
  }

  private prepare(entry: DecodedFunction, { grid, block, cluster, dynamicSharedBytes = 0 }: LaunchShape, params: Uint8Array): LaunchState {
    const bad = (problem: string): never => { throw new EmulatorFault('illegal-instruction', `launch of ${entry.name}: ${problem}`) }
    // Local memory is laid out while functions are decoded: all of them before the first thread starts.
    for (const fn of this.module.functions.values()) if (fn.kind === 'func' && fn.body) this.loaded.functionNamed(fn.name)
    const threads = block[0] * block[1] * block[2]
    if (!(threads >= 1 && threads <= 1024)) bad(`block ${block.join(' x ')} has ${threads} threads, must have 1 to 1024`)
    if (grid.some((n) => !(n >= 1))) bad(`grid ${grid.join(' x ')} must be at least 1 in each dimension`)
    const { reqntid, maxntid, reqnctapercluster } = entry.ptx.directives
    if (reqntid && reqntid.some((n, i) => n !== block[i])) bad(`block ${block.join(' x ')}, the kernel requires .reqntid ${reqntid.join(', ')}`)
    if (maxntid && threads > maxntid.reduce((a, b) => a * b, 1)) bad(`block of ${threads} threads, the kernel allows .maxntid ${maxntid.join(', ')}`)
    const dims = (cluster ?? reqnctapercluster ?? [1, 1, 1]) as [number, number, number]
    const clusterDims: [number, number, number] = [dims[0], dims[1] ?? 1, dims[2] ?? 1]
    if (grid.some((n, i) => n % clusterDims[i] !== 0)) bad(`grid ${grid.join(' x ')} is no multiple of the cluster ${clusterDims.join(' x ')}`)
    const staticSharedBytes = this.loaded.staticSharedBytes
    if (staticSharedBytes + dynamicSharedBytes > 232448) bad(`${staticSharedBytes} + ${dynamicSharedBytes} bytes of shared memory, a block has at most 232448`)
    const need = entry.ptx.params.reduce((n, p) => Math.ceil(n / p.align) * p.align + p.bytes, 0)
    if (params.length !== need) bad(`${params.length} bytes of parameters, the kernel has ${need}`)
    const paramBase = this.memory.reserve(Math.max(16, params.length), 64)
    this.memory.u8.set(params, paramBase)
    return { grid, block, clusterDims, entry, dynamicSharedBytes, staticSharedBytes, paramBase, paramBytes: params.length }
  }

  private run(launch: LaunchState): void {
    const { grid, block, clusterDims } = launch
    const threads = block[0] * block[1] * block[2]
    const shared = launch.staticSharedBytes + launch.dynamicSharedBytes
    const perSm = Math.max(1, Math.min(32, Math.floor(threadsPerSm / (Math.ceil(threads / 32) * 32)), Math.floor(sharedPerSm / (shared + 1024))))
    const perCluster = clusterDims[0] * clusterDims[1] * clusterDims[2]
    const clusters = grid.map((n, i) => n / clusterDims[i])
    const numClusters = clusters[0] * clusters[1] * clusters[2]
    const resident: Cta[] = []
    const capacity = Math.max(perCluster, numSms * perSm)
    const meter: Meter = {
      executed: this.executed, max: this.executed + this.options.maxInstructions,
      tooMany: (warp) => this.fault('too-many-instructions', `more than ${this.options.maxInstructions} thread instructions (--max-instructions)`, warp),
    }
    let started = 0
    const start = () => {
      const [cx, cy] = [started % clusters[0], Math.floor(started / clusters[0]) % clusters[1]]
      resident.push(...this.startCluster(launch, [cx, cy, Math.floor(started / (clusters[0] * clusters[1]))]))
      started++
    }
    // With seed 0 a new block starts only when those there wait: blocks run one after the other. Other seeds mix them.
    const eager = this.options.seed === 0 ? 1 : 4
    try {
      while (resident.length || started < numClusters) {
        while (started < numClusters && resident.length < Math.min(capacity, eager * perCluster)) start()
        let ran = this.turn(resident, meter)
        if (!ran && this.agents.step()) ran = true
        for (let i = resident.length - 1; i >= 0; i--) if (resident[i].aliveThreads === 0 && resident[i].cluster.ctas.every((c) => c.aliveThreads === 0)) this.endBlock(resident.splice(i, 1)[0])
        if (ran || !resident.length) continue
        if (started < numClusters && resident.length + perCluster <= capacity) { start(); continue }
        this.deadlock(resident)
      }
      while (this.agents.step()) { /* what was issued and never waited for still lands */ }
    } finally { for (const cta of resident) this.endBlock(cta) }
  }

  /** Every warp of the resident blocks gets a quantum, in seeded order. */
  private turn(resident: readonly Cta[], meter: Meter): boolean {
    let ran = false
    const shuffled = this.options.seed !== 0
    for (const cta of shuffled ? this.shuffle(resident) : [...resident]) {
      for (const warp of shuffled ? this.shuffle(cta.warps) : cta.warps) {
        if (warp.groups.length && runWarp(warp, meter)) ran = true
        if (this.agents.pending && this.options.async === 'random' && this.random() < 0.25) this.agents.step()
      }
    }
    this.executed = meter.executed
    return ran
  }

  private shuffle<T>(items: readonly T[]): T[] {
    const all = [...items]
    for (let i = all.length - 1; i > 0; i--) {
      const j = Math.floor(this.random() * (i + 1))
      ;[all[i], all[j]] = [all[j], all[i]]
    }
    return all
  }

  private startCluster(launch: LaunchState, id: [number, number, number]): Cta[] {
    const dims = launch.clusterDims
    const ctas: Cta[] = []
    const cluster: Cluster = { ctas, dims, id, state: new Map() }
    for (let rank = 0; rank < dims[0] * dims[1] * dims[2]; rank++) {
      const at: [number, number, number] = [id[0] * dims[0] + rank % dims[0], id[1] * dims[1] + Math.floor(rank / dims[0]) % dims[1], id[2] * dims[2] + Math.floor(rank / (dims[0] * dims[1]))]
      ctas.push(this.startBlock(launch, cluster, rank, at))
    }
    for (const cta of ctas) this.sanitizer?.ctaStarted(cta)
    return ctas
  }

  private startBlock(launch: LaunchState, cluster: Cluster, rank: number, id: [number, number, number]): Cta {
    const threads = launch.block[0] * launch.block[1] * launch.block[2]
    const sharedBytes = launch.staticSharedBytes + launch.dynamicSharedBytes
    const warps: Warp[] = []
    const index = id[0] + launch.grid[0] * (id[1] + launch.grid[1] * id[2])
    const cta: Cta = {
      machine: this, launch, index, id, cluster, rankInCluster: rank, sharedBase: this.memory.reserve(Math.max(16, sharedBytes), 1024), sharedBytes, warps,
      aliveThreads: threads, state: new Map(),
    }
    const numWarps = Math.ceil(threads / 32)
    const localStride = Math.ceil(this.loaded.localBytes / 16) * 16
    for (let w = 0; w < numWarps; w++) {
      const lanes = Math.min(32, threads - 32 * w)
      warps.push(this.startWarp(cta, w, index * numWarps + w, lanes === 32 ? -1 : (1 << lanes) - 1, localStride, launch.entry))
    }
    for (const warp of warps) launch.entry.fillConstants(warp, warp.base)
    return cta
  }

  private startWarp(cta: Cta, index: number, id: number, lanes: number, localStride: number, entry: LoadedFunction): Warp {
    const base = this.memory.reserve(Math.max(16, entry.frameBytes))
    const frame: Frame = { fn: entry, base, parent: null, returnPc: 0 }
    const group: Group = { pc: 0, mask: lanes, frame, wait: null }
    return {
      machine: this, cta, index, id, base, frame, alive: lanes, group, groups: [group], current: entry.instructions[0], registers: entry.instructions.length ? 255 : 0,
      localBase: localStride ? this.memory.reserve(32 * localStride) : 0, localStride, state: new Map(),
    }
  }

  private endBlock(cta: Cta): void {
    this.sanitizer?.ctaEnded(cta)
    this.memory.release(cta.sharedBase)
    for (const warp of cta.warps) {
      this.memory.release(warp.frame.parent ? rootFrame(warp.frame).base : warp.frame.base)
      if (warp.localStride) this.memory.release(warp.localBase)
    }
  }

  private deadlock(resident: readonly Cta[]): never {
    const stuck = waits(resident)
    const shown = stuck.slice(0, 8).map(({ warp, group }) => `block (${warp.cta.id.join(', ')}) warp ${warp.index} lanes 0x${(group.mask >>> 0).toString(16)}: ${group.wait!.what}`)
    const more = stuck.length > shown.length ? `; and ${stuck.length - shown.length} more` : ''
    const first = stuck[0]?.warp
    if (first) this.sanitizer?.report('deadlock', first, 0, null, 'no thread can make progress', `${shown.join('; ')}${more}`)
    throw new EmulatorFault('deadlock', `no thread can make progress: ${shown.join('; ')}${more}`)
  }
}

function rootFrame(frame: Frame): Frame { return frame.parent ? rootFrame(frame.parent) : frame }
