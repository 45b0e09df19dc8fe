// Barriers of a block (PTX ISA 9.7.13.1): bar and barrier with .sync, .arrive and .red. Clusters and fences: cluster_barrier.ts, fence.ts.
//
// A thread waits for the threads of its own warp that have not exited, then its warp arrives as a whole: counts are in warps. Without
// a count all warps that still have threads take part, so threads that exited do not hold up the others (9.7.13.1; CUDA Programming
// Guide, __syncthreads). The sanitizer tells of the exited ones: the hardware leaves such a program undefined on older targets.
import type { Chapter, DecodeContext, Decoder } from '../decode.ts'
import { lowestLane, popcount, showLanes } from '../diagnostics.ts'
import { product } from '../dims.ts'
import { NEXT, WAIT, type Cta, type Group, type Slot, type Wait, type Warp } from '../machine.ts'
import { split } from '../scheduler.ts'
import { readPredicate, writePredicate } from '../slots.ts'
import { clusterBarrier } from './cluster_barrier.ts'
import { fences } from './fence.ts'
import { since } from './free_modifiers.ts'

/** One use of a named barrier, from its first arrival on; also the sanitizer's key. */
interface Phase { done: boolean; trues: number; threads: number }

/** Lanes of one warp that have arrived, while others of the warp are still missing. */
interface Gathering { mask: number; pc: number; aligned: boolean; samePc: boolean }

class NamedBarrier {
  phase: Phase = { done: false, trues: 0, threads: 0 }
  /** Warps that arrived in this phase. */
  warps = 0
  /** In threads; 0: all of the block. */
  count = 0
  readonly gathering: (Gathering | undefined)[] = []
  private aliveSeen = -1

  constructor(readonly number: number, private readonly cta: Cta) {}

  /** Somebody waits, or arrived. */
  get begun(): boolean { return this.warps > 0 || this.gathering.some((g) => g !== undefined) }

  /** Completes what exits or arrivals have made complete. */
  settle(): void {
    const { cta } = this
    // Only exits change what is expected between arrivals.
    if (this.aliveSeen !== cta.aliveThreads) {
      this.aliveSeen = cta.aliveThreads
      this.gathering.forEach((g, w) => { if (g && (cta.warps[w].alive & ~g.mask) === 0) this.warpArrives(cta.warps[w], g) })
    }
    if (this.warps === 0) return
    const expected = this.count > 0 ? this.count / 32 : cta.warps.reduce((n, w) => n + (w.alive !== 0 ? 1 : 0), 0)
    if (this.warps < expected) return
    if (this.count === 0) this.reportExited()
    this.phase.done = true
    this.phase = { done: false, trues: 0, threads: 0 }
    this.warps = 0
    this.count = 0
  }

  arrive(w: Warp, mask: number, pc: number, aligned: boolean): void {
    const own = (this.gathering[w.index] ??= { mask: 0, pc, aligned, samePc: true })
    own.mask |= mask
    own.samePc &&= own.pc === pc
    own.aligned ||= aligned
    if ((w.alive & ~own.mask) === 0) this.warpArrives(w, own)
    this.settle()
  }

  private warpArrives(w: Warp, own: Gathering): void {
    this.gathering[w.index] = undefined
    this.warps++
    const { sanitizer } = w.machine
    if (sanitizer === null || !own.aligned || own.samePc) return
    sanitizer.report('barrier-divergence', w, lowestLane(own.mask), null, `barrier ${this.number} must be reached by all lanes of the warp at one instruction; lanes ${showLanes(own.mask)} came from several`)
  }

  private reportExited(): void {
    const { cta } = this
    const { sanitizer } = cta.machine
    if (sanitizer === null) return
    const threads = product(cta.launch.block)
    const exited = threads - cta.aliveThreads
    const waiting = exited > 0 ? cta.warps.find((w) => w.alive !== 0) : undefined
    if (waiting) sanitizer.report('barrier-divergence', waiting, lowestLane(waiting.alive), null, `barrier ${this.number} is for the whole block, but ${exited} of its ${threads} threads exited without reaching it`)
  }
}

const threadsOf = (count: number, cta: Cta): number => count || Math.ceil(product(cta.launch.block) / 32) * 32

function named(cta: Cta, number: number): NamedBarrier {
  let all = cta.state.get('barriers') as (NamedBarrier | undefined)[] | undefined
  if (!all) cta.state.set('barriers', (all = []))
  return (all[number] ??= new NamedBarrier(number, cta))
}

class BarrierWait implements Wait {
  readonly alsoReport = 'barrier-divergence'
  constructor(private readonly warp: Warp, private readonly group: Group, private readonly barrier: NamedBarrier, private readonly phase: Phase, private readonly result: Result | null) {}
  ready(): boolean {
    if (!this.phase.done) this.barrier.settle()
    if (!this.phase.done) return false
    const { warp, group, phase, result } = this
    // Nothing of the group has run since: its lanes are those that arrived.
    warp.machine.sanitizer?.barrierLeave(warp, group.mask, phase)
    result?.write(warp, group.frame.base, group.mask, phase)
    return true
  }
  get what(): string {
    const { barrier, warp } = this
    const missing = barrier.gathering[warp.index]
    if (missing) return `barrier ${barrier.number}, lanes ${showLanes(warp.alive & ~missing.mask)} of the warp have not reached it`
    return `barrier ${barrier.number}, ${barrier.count || product(warp.cta.launch.block)} threads of which ${barrier.warps} warps arrived`
  }
}

interface Result { write(w: Warp, base: number, mask: number, phase: Phase): void }

/** .red: the predicate of each lane, and what comes out for all. */
interface Reduction extends Result { readonly source: { slot: Slot; negate: boolean } }

function reduction(s: Parameters<Decoder>[0], ctx: DecodeContext, operation: 'popc' | 'and' | 'or'): Reduction {
  const d = ctx.dst(s.operands[0], operation === 'popc' ? 'u32' : 'pred')
  const source = ctx.predicate(s.operands[s.operands.length - 1])
  return {
    source,
    write(w, base, mask, phase) {
      if (operation !== 'popc') {
        const yes = operation === 'and' ? phase.trues === phase.threads : phase.trues > 0
        writePredicate(w.machine.memory, base + d, mask, yes ? mask : 0)
        return
      }
      const { i32 } = w.machine.memory
      const at = (base + d) >> 2
      for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) i32[at + lane] = phase.trues
    },
  }
}

const barrierOf: Decoder = (s, ctx) => {
  const m = ctx.modifiers
  if (m.flag('cta')) since(ctx, `${s.opcode}.cta`, 7.8)
  const form = m.need(['sync', 'arrive', 'red'] as const, 'form')
  // barrier.red takes .aligned before or after the operation; bar is always aligned.
  let aligned = s.opcode === 'bar' || m.flag('aligned')
  const operation = form === 'red' ? m.need(['popc', 'and', 'or'] as const, 'operation') : null
  if (s.opcode !== 'bar') aligned = m.flag('aligned') || aligned
  if (operation) m.need([operation === 'popc' ? 'u32' : 'pred'] as const, 'type')
  if (form === 'red') ctx.operands(3, 4)
  else ctx.operands(form === 'arrive' ? 2 : 1, 2)
  const at = form === 'red' ? 1 : 0
  const hasCount = form === 'red' ? s.operands.length === 4 : s.operands.length === 2
  const [first, second] = [s.operands[at], s.operands[at + 1]]
  if (first.kind === 'int' && (first.value < 0n || first.value > 15n)) ctx.error(`barrier ${first.value}; there are 16, from 0 to 15`, first.at)
  if (hasCount && second.kind === 'int' && (second.value <= 0n || second.value % 32n !== 0n)) ctx.error(`a barrier of ${second.value} threads; the count must be a positive multiple of 32`, second.at)
  const id = ctx.src(first, 'u32')
  const count = hasCount ? ctx.src(second, 'u32') : null
  const red = operation ? reduction(s, ctx, operation) : null
  return {
    control(w: Warp, g, mask) {
      const pc = g.pc++
      if (mask === 0) return NEXT
      // Lanes that the guard keeps out go on.
      if (mask !== g.mask) split(w, g, g.mask & ~mask, g.pc)
      const { memory, sanitizer } = w.machine
      const lane = lowestLane(mask)
      const number = memory.u32[((w.base + id) >> 2) + lane]
      const wanted = count === null ? 0 : memory.u32[((w.base + count) >> 2) + lane]
      if (number > 15) w.machine.fault('illegal-instruction', `barrier ${number}; there are 16, from 0 to 15`, w, lane)
      if (count !== null && (wanted === 0 || wanted % 32 !== 0)) w.machine.fault('illegal-instruction', `a barrier of ${wanted} threads; the count must be a positive multiple of 32`, w, lane)
      const b = named(w.cta, number)
      const { phase } = b
      if (sanitizer !== null && b.begun && threadsOf(b.count, w.cta) !== threadsOf(wanted, w.cta)) {
        sanitizer.report('barrier-divergence', w, lane, null, `barrier ${number} is waited for with ${threadsOf(wanted, w.cta)} threads, by others with ${threadsOf(b.count, w.cta)}`)
      }
      b.count = Math.max(b.count, wanted)
      if (red) {
        phase.trues += popcount(readPredicate(memory, w.base, red.source) & mask)
        phase.threads += popcount(mask)
      }
      sanitizer?.barrierArrive(w, mask, phase, form === 'arrive' ? 'go' : 'wait')
      b.arrive(w, mask, pc, aligned)
      if (form === 'arrive') return NEXT
      g.wait = new BarrierWait(w, g, b, phase, red)
      return WAIT
    },
  }
}

export const barrier: Chapter = { bar: barrierOf, barrier: barrierOf, ...clusterBarrier, ...fences }
