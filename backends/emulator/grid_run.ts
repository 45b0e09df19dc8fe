// The blocks of one launch, made as the emulated GPU would hold them and run to the end in seeded order; deadlocks are told.
import type { Agents } from './async_agents.ts'
import { endBlock, restartBlock, startCluster } from './blocks.ts'
import { coordinates, product } from './dims.ts'
import { EmulatorFault, lowestLane, showLanes } from './diagnostics.ts'
import type { EntryImage } from './image.ts'
import type { Cta, Diagnostic, LaunchState, Machine } from './machine.ts'
import { OutOfMemory } from './memory.ts'
import { runWarp, waits, type Meter, type Turns } from './scheduler.ts'

/** A machine that lands asynchronous work itself. */
export interface EmulatorMachine extends Machine { readonly agents: Agents }

/** An H800: SMs, threads and shared memory of one SM. */
const numSms = 132
const threadsPerSm = 2048
const sharedPerSm = 233472

/** Turns without a finished block after which more blocks start: those there may be waiting for others of the grid. */
const patience = { spinning: 2, plain: 64 }

/** Where a run takes the clusters of its grid from. */
export interface ClusterSource { /** The next one's index, or undefined when there are no more. */ next(): number | undefined }
/** One after the other, alone. */
export function inOrder(launch: LaunchState): ClusterSource {
  const count = product(launch.grid) / product(launch.clusterDims)
  let started = 0
  return { next: () => (started < count ? started++ : undefined) }
}

export class Run {
  private readonly resident: Cta[] = []
  /** A block that has ended, to become the next one. */
  private readonly spare: Cta[] = []
  private readonly recycles: boolean
  private readonly clusters: readonly [number, number, number]
  private capacity: number
  /** Of `source`; one that found no memory waits here for its turn. */
  private hasMore = true
  private held: number | undefined
  private readonly meter: Meter
  private readonly turns: Turns
  private readonly shuffles: boolean
  private idleTurns = 0
  private turnsSinceLanding = 0

  constructor(private readonly emulator: EmulatorMachine, private readonly image: EntryImage, private readonly launch: LaunchState, private readonly source: ClusterSource) {
    const { options } = emulator
    const { grid, block, clusterDims } = launch
    const perCluster = product(clusterDims)
    const shared = launch.staticSharedBytes + launch.dynamicSharedBytes
    const perSm = Math.max(1, Math.min(32, Math.floor(threadsPerSm / (Math.ceil(product(block) / 32) * 32)), Math.floor(sharedPerSm / (shared + 1024))))
    this.capacity = Math.max(1, Math.floor(numSms * perSm / perCluster))
    this.clusters = [grid[0] / clusterDims[0], grid[1] / clusterDims[1], grid[2] / clusterDims[2]]
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
      while (resident.length || this.hasMore) {
        while (this.residentClusters < Math.min(least, this.capacity) && this.start()) { /* more */ }
        if (!resident.length) break
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
    if (!this.hasMore || this.residentClusters >= this.capacity) return false
    const index = this.held ?? this.source.next()
    this.held = undefined
    if (index === undefined) { this.hasMore = false; return false }
    const id = coordinates(index, this.clusters)
    const spare = this.spare.pop()
    if (spare) {
      restartBlock(spare, id)
      this.resident.push(spare)
      return true
    }
    try { this.resident.push(...startCluster(this.emulator, this.launch, id)) } catch (error) {
      if (!(error instanceof OutOfMemory) || !this.resident.length) throw error
      this.capacity = this.residentClusters
      this.held = index
      return false
    }
    return true
  }

  /** The first of the blocks that are not done, in the order of the grid. */
  get firstResident(): number { return this.resident.reduce((first, cta) => Math.min(first, cta.index), Infinity) }

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
      if (this.recycles && this.hasMore) this.spare.push(cta)
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
