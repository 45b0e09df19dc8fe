// Counts what a kernel does while it runs: it stands where the sanitizer stands, is shown every access and, because it watches
// every warp, every instruction. The interpreter must run the launch (`compile: false`).
import { popcount } from '../diagnostics.ts'
import type { AccessKind, AsyncHandle, AsyncOp, AsyncRange, Cta, Diagnostic, DiagnosticClass, Instruction, LaunchState, Machine, Sanitizer, Warp } from '../machine.ts'
import { classOf, flopOf, tensorTypeOf, type InstructionClass, type TensorType } from './classes.ts'
import { NumberSet, passesOf, SECTOR_BYTES, sectorsOf } from './traffic.ts'

export interface GlobalTraffic { requests: number; bytes: number; sectors: number; idealSectors: number }
export interface SharedTraffic { requests: number; bytes: number; passes: number; idealPasses: number; worstWays: number }
/** One line of the kernel. */
export interface LineProfile { line: number; name: string; warpInstructions: number; lanes: number; global: GlobalTraffic | null; shared: SharedTraffic | null }

/** What one launch did. Kinds of access: read, write, atomic; `async` by copies and products beside the threads. */
export interface LaunchProfile {
  readonly kernel: string
  readonly grid: readonly [number, number, number]; readonly block: readonly [number, number, number]; readonly cluster: readonly [number, number, number]
  readonly staticSharedBytes: number; readonly dynamicSharedBytes: number
  warpInstructions: number; threadInstructions: number
  /** Warp instructions whose lanes were not all active. */
  partial: number
  readonly classes: Map<InstructionClass, { warps: number; lanes: number }>
  floatFlop: number; halfFlop: number; doubleFlop: number
  readonly tensorFlop: Map<TensorType, number>
  readonly global: Record<'read' | 'write' | 'atomic' | 'async', GlobalTraffic>
  readonly shared: Record<'read' | 'write' | 'atomic', SharedTraffic>
  asyncSharedBytes: number
  localBytes: number
  /** Different bytes (whole sectors) of global memory: what must come from or go to device memory at least once. */
  uniqueReadBytes: number; uniqueWrittenBytes: number
  readonly lines: LineProfile[]
}

const noGlobal = (): GlobalTraffic => ({ requests: 0, bytes: 0, sectors: 0, idealSectors: 0 })
const noShared = (): SharedTraffic => ({ requests: 0, bytes: 0, passes: 0, idealPasses: 0, worstWays: 0 })

export class Profiler implements Sanitizer {
  readonly diagnostics: readonly Diagnostic[] = []
  readonly dropped = 0
  private current!: LaunchProfile
  private readonly lines = new Map<Instruction, LineProfile>()
  private readSectors = new NumberSet()
  private writtenSectors = new NumberSet()
  private products = new WarpgroupReads()

  /** `finished` is given each launch at its end. */
  constructor(private readonly machine: Machine, private readonly finished: (profile: LaunchProfile) => void) {}

  launchStarted({ entry, grid, block, clusterDims, staticSharedBytes, dynamicSharedBytes }: LaunchState): void {
    this.lines.clear()
    this.products = new WarpgroupReads()
    this.readSectors = new NumberSet()
    this.writtenSectors = new NumberSet()
    this.current = {
      kernel: entry.name, grid, block, cluster: clusterDims, staticSharedBytes, dynamicSharedBytes, warpInstructions: 0, threadInstructions: 0, partial: 0, classes: new Map(),
      floatFlop: 0, halfFlop: 0, doubleFlop: 0, tensorFlop: new Map(), global: { read: noGlobal(), write: noGlobal(), atomic: noGlobal(), async: noGlobal() },
      shared: { read: noShared(), write: noShared(), atomic: noShared() }, asyncSharedBytes: 0, localBytes: 0, uniqueReadBytes: 0, uniqueWrittenBytes: 0, lines: [],
    }
  }

  launchEnded(): void {
    const { current } = this
    current.uniqueReadBytes = this.readSectors.size * SECTOR_BYTES
    current.uniqueWrittenBytes = this.writtenSectors.size * SECTOR_BYTES
    current.lines.push(...[...this.lines.values()].sort((a, b) => a.line - b.line))
    this.finished(current)
  }

  ctaStarted(cta: Cta): void { for (const warp of cta.warps) warp.watched = true }

  /** Every instruction, before it runs; `mask` may be 0: it is issued all the same. */
  registersUsed(_warp: Warp, instruction: Instruction, mask: number): void {
    const { current } = this
    const lanes = popcount(mask)
    current.warpInstructions++
    current.threadInstructions += lanes
    if (lanes < 32) current.partial++
    const cls = classOf(instruction)
    const of = current.classes.get(cls)
    if (of) { of.warps++; of.lanes += lanes } else current.classes.set(cls, { warps: 1, lanes })
    if (cls === 'float') current.floatFlop += flopOf(instruction) * lanes
    else if (cls === 'half') current.halfFlop += flopOf(instruction) * lanes
    else if (cls === 'double') current.doubleFlop += flopOf(instruction) * lanes
    if (instruction.tensorFlop !== undefined && mask !== 0) {
      const type = tensorTypeOf(instruction.name)
      current.tensorFlop.set(type, (current.tensorFlop.get(type) ?? 0) + instruction.tensorFlop)
    }
    const line = this.lineOf(instruction)
    line.warpInstructions++
    line.lanes += lanes
  }

  private lineOf(instruction: Instruction): LineProfile {
    let line = this.lines.get(instruction)
    if (!line) this.lines.set(instruction, (line = { line: instruction.statement.at.line, name: instruction.name, warpInstructions: 0, lanes: 0, global: null, shared: null }))
    return line
  }

  access(warp: Warp, mask: number, space: 'global' | 'shared' | 'local', kind: AccessKind, linear: Uint32Array, bytes: number): number {
    const { current } = this
    const how = kind === 'read' || kind === 'write' ? kind : 'atomic'
    if (space === 'local') current.localBytes += popcount(mask) * bytes
    else if (space === 'shared') this.addShared(warp.current, how, linear, mask, bytes)
    else {
      this.inside(warp, mask, linear, bytes)
      this.addGlobal(warp.current, how, linear, mask, bytes)
    }
    return mask
  }

  private addGlobal(instruction: Instruction, how: keyof LaunchProfile['global'], linear: ArrayLike<number>, mask: number, bytes: number, written = how !== 'read'): void {
    const seen = (s: number) => { if (!written || how === 'atomic') this.readSectors.add(s); if (written) this.writtenSectors.add(s) }
    const { sectors, ideal, bytes: asked } = sectorsOf(linear, mask, bytes, seen)
    const line = this.lineOf(instruction)
    for (const t of [this.current.global[how], (line.global ??= noGlobal())]) { t.requests++; t.bytes += asked; t.sectors += sectors; t.idealSectors += ideal }
  }

  private addShared(instruction: Instruction, how: keyof LaunchProfile['shared'], linear: ArrayLike<number>, mask: number, bytes: number): void {
    const { passes, ideal, ways } = passesOf(linear, mask, bytes)
    const line = this.lineOf(instruction)
    for (const t of [this.current.shared[how], (line.shared ??= noShared())]) {
      t.requests++; t.bytes += popcount(mask) * bytes; t.passes += passes; t.idealPasses += ideal; t.worstWays = Math.max(t.worstWays, ways)
    }
  }

  /** With a sanitizer, bounds of global memory are its own to check. */
  private inside(warp: Warp, mask: number, linear: Uint32Array, bytes: number): void {
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
      if (!(m & 1)) continue
      const a = this.machine.memory.allocationAt(linear[lane])
      if (a === undefined || linear[lane] + bytes > a.start + a.bytes) this.machine.fault('illegal-address', `${bytes} bytes at linear offset ${linear[lane]} are outside every live allocation`, warp, lane)
    }
  }

  asyncIssue(op: AsyncOp, proxy: 'async' | 'generic', ranges: readonly AsyncRange[]): AsyncHandle {
    if (proxy === 'generic') this.addLanes(op, ranges)
    else for (const r of classOf(op.instruction) === 'tensor core' ? this.products.firstOf(op, ranges) : ranges) this.addRange(op.instruction, r)
    return op
  }

  /** A range of a bulk or tensor copy, or of a wgmma operand: whole sectors, no conflicts of banks. */
  private addRange(instruction: Instruction, { space, kind, start, bytes }: AsyncRange): void {
    if (space === 'shared') { this.current.asyncSharedBytes += bytes; return }
    this.addGlobal(instruction, 'async', [start], 1, bytes, kind !== 'read')
  }

  /** The lanes' pieces of a cp.async or st.async as one request a size: sectors that it reads, banks that it writes. */
  private addLanes(op: AsyncOp, ranges: readonly AsyncRange[]): void {
    for (const [space, kind] of [['global', 'read'], ['global', 'write'], ['shared', 'write'], ['shared', 'read']] as const) {
      const own = ranges.filter((r) => r.space === space && r.kind === kind)
      for (const bytes of new Set(own.map((r) => r.bytes))) {
        const starts = new Array<number>(32).fill(0)
        let mask = 0
        for (const r of own) if (r.bytes === bytes) { const lane = r.lane ?? op.lane; starts[lane] = r.start; mask |= 1 << lane }
        if (space === 'global') this.addGlobal(op.instruction, 'async', starts, mask, bytes, kind === 'write')
        else this.addShared(op.instruction, kind, starts, mask, bytes)
      }
    }
  }

  report(cls: DiagnosticClass, warp: Warp, lane: number, _address: string | null, message: string): void {
    if (cls === 'misaligned-address') this.machine.fault('misaligned-address', message, warp, lane)
  }
  badAddress(warp: Warp, lane: number, space: 'global' | 'shared' | 'local', address: bigint, bytes: number): void {
    this.machine.fault('illegal-address', `address 0x${address.toString(16)} (${bytes} bytes) is outside ${space} memory`, warp, lane, { space, address: `0x${address.toString(16)}` })
  }

  // What orders accesses costs nothing that is counted here.
  ctaEnded(): void { /* nothing */ }
  warpSync(): void { /* nothing */ }
  barrierArrive(): void { /* nothing */ }
  barrierLeave(): void { /* nothing */ }
  fence(): void { /* nothing */ }
  proxyFence(): void { /* nothing */ }
  mbarrierLive(): void { /* nothing */ }
  mbarrierGone(): void { /* nothing */ }
  mbarrierArrive(): void { /* nothing */ }
  mbarrierObserved(): void { /* nothing */ }
  asyncDone(): void { /* nothing */ }
  asyncObserved(): void { /* nothing */ }
  asyncRegisters(): void { /* nothing */ }
}

/** wgmma: each of the four warps names what it reads; B, which all four name, is read once for the warpgroup. */
class WarpgroupReads {
  private readonly turns = new Map<Instruction, Map<Warp, number>>()
  private readonly seen = new Map<string, { starts: Set<number>; warps: number }>()

  /** The ranges that no other warp of the group has named for this very product. */
  firstOf({ warp, instruction }: AsyncOp, ranges: readonly AsyncRange[]): AsyncRange[] {
    const turns = this.turns.get(instruction) ?? new Map<Warp, number>()
    this.turns.set(instruction, turns)
    const turn = turns.get(warp) ?? 0
    turns.set(warp, turn + 1)
    const key = `${warp.cta.index} ${warp.index >> 2} ${instruction.statement.at.line}:${instruction.statement.at.column} ${turn}`
    const product = this.seen.get(key) ?? { starts: new Set<number>(), warps: 0 }
    const fresh = ranges.filter((r) => !product.starts.has(r.start))
    for (const r of fresh) product.starts.add(r.start)
    if (++product.warps === 4) this.seen.delete(key)
    else this.seen.set(key, product)
    return fresh
  }
}
