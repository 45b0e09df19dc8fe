// The sanitizer: what the chapters tell it (Sanitizer in machine.ts), handed to the parts that know what to do with it.
import { lowestLane } from '../diagnostics.ts'
import type { AccessKind, AsyncHandle, AsyncOp, AsyncRange, Cta, DiagnosticClass, Instruction, LaunchState, Machine, MbarrierKey, Order, Sanitizer, Scope, SlotUse, Stored, Warp } from '../machine.ts'
import { insideGlobal, insideLocal, outOfBounds } from './bounds.ts'
import { Core } from './core.ts'
import { Entries } from './entries.ts'
import { scopeLevel } from './events.ts'
import { Lifetimes } from './lifetimes.ts'
import { MbarrierObjects } from './mbarriers.ts'
import { Operations, type Handle } from './operations.ts'
import { ProxyFences } from './proxy_fences.ts'
import { Races } from './races.ts'
import { BusyRegisters } from './registers.ts'
import { Barriers, Places, Signals } from './synchronisation.ts'

class HappensBefore implements Sanitizer {
  private readonly core: Core
  private readonly lifetimes: Lifetimes
  private readonly races: Races
  private readonly fences: ProxyFences
  private readonly operations: Operations
  private readonly barriers: Barriers
  private readonly places = new Places()
  private readonly signals: Signals
  private readonly objects: MbarrierObjects
  private readonly registers: BusyRegisters

  constructor(machine: Machine) {
    const core = (this.core = new Core(machine))
    const entries = new Entries(core)
    this.lifetimes = new Lifetimes(core)
    this.races = new Races(core, entries, this.lifetimes)
    this.fences = new ProxyFences(core)
    this.operations = new Operations(core, entries, this.fences, this.lifetimes)
    this.barriers = new Barriers(core)
    this.signals = new Signals(core)
    this.objects = new MbarrierObjects(core, this.races, entries)
    this.registers = new BusyRegisters(core.reports)
    core.forgetful.push(this.fences, this.lifetimes)
  }

  get diagnostics() { return this.core.reports.diagnostics }
  get dropped() { return this.core.reports.dropped }
  report(cls: DiagnosticClass, warp: Warp, lane: number, address: string | null, message: string, other: string | null = null): void {
    this.core.reports.add(cls, warp, lane, address, message, other, '')
  }

  /** The end of a launch orders all that was in it before the next: nothing of it is kept. */
  launchStarted(launch: LaunchState): void {
    this.core.start(launch)
    for (const part of [this.fences, this.operations, this.places, this.registers, this.lifetimes]) part.clear()
  }
  launchEnded(): void { this.core.end() }
  ctaStarted(cta: Cta): void { this.core.ctaStarted(cta) }
  ctaEnded(cta: Cta): void {
    this.operations.ctaEnded(cta)
    this.lifetimes.ctaEnded(cta)
    this.registers.ctaEnded(cta)
    this.core.ctaEnded(cta)
  }

  access(warp: Warp, mask: number, space: 'global' | 'shared' | 'local', kind: AccessKind, linear: Uint32Array, bytes: number, order: Order, scope: Scope, stored: Stored | null = null): number {
    const { core } = this
    if (space === 'local') return insideLocal(core.reports, warp, mask, linear, bytes)
    const w = core.of(warp)
    if (kind === 'mbarrier') {
      if (space === 'shared') for (let m = mask; m !== 0; m &= m - 1) this.objects.used(warp, w, m & -m, linear[lowestLane(m)])
      return mask
    }
    const allowed = space === 'global' ? insideGlobal(core.reports, warp, mask, linear, bytes) : mask
    if (allowed === 0) return 0
    this.races.check(warp, w, allowed, space, kind, linear, bytes, order, scope, stored)
    if (order !== 'weak') this.places.access(w, allowed, linear, kind, order, scope)
    return allowed
  }
  badAddress(warp: Warp, lane: number, space: 'global' | 'shared' | 'local', address: bigint, bytes: number): void {
    outOfBounds(this.core.reports, warp, lane, space, `0x${address.toString(16)}`, bytes, '')
  }

  warpSync(warp: Warp, mask: number): void { this.core.of(warp).sync(mask) }
  barrierArrive(warp: Warp, mask: number, key: object, how: 'wait' | 'go' | 'relaxed'): void { this.barriers.arrive(this.core.of(warp), mask, key, how) }
  barrierLeave(warp: Warp, mask: number, key: object): void { this.barriers.leave(this.core.of(warp), mask, key) }
  fence(warp: Warp, mask: number, order: Order, scope: Scope): void { this.core.of(warp).fence(mask, scopeLevel(scope), order !== 'release', order !== 'acquire') }
  proxyFence(warp: Warp, mask: number, space: 'all' | 'global' | 'shared'): void { this.fences.add(this.core.of(warp), mask, space) }

  mbarrierLive(warp: Warp, lane: number, _cta: Cta, linear: number): void { this.objects.live(warp, this.core.of(warp), lane, linear) }
  mbarrierGone(_cta: Cta, linear: number): void { this.objects.gone(linear) }
  mbarrierArrive(warp: Warp, mask: number, key: MbarrierKey, order: Order): void {
    const w = this.core.of(warp)
    this.objects.used(warp, w, mask, key.at)
    this.signals.arrive(w, mask, key, order)
  }
  mbarrierObserved(warp: Warp, mask: number, key: MbarrierKey, _phase: number, order: Order): void {
    const w = this.core.of(warp)
    this.objects.used(warp, w, mask, key.at)
    this.signals.observed(w, mask, key, order)
  }

  asyncIssue(op: AsyncOp, proxy: 'async' | 'generic', ranges: readonly AsyncRange[]): AsyncHandle { return this.operations.issue(this.core.of(op.warp), op, proxy, ranges) }
  asyncDone(handle: AsyncHandle, key: MbarrierKey): void {
    const { object, stamp } = this.signals.complete(key)
    this.operations.signalled(handle as Handle, object, stamp)
  }
  asyncObserved(warp: Warp, mask: number, handle: AsyncHandle, readOnly: boolean): void {
    this.operations.observed(this.core.of(warp), mask, handle as Handle, readOnly)
    this.registers.free(warp, handle)
  }
  asyncRegisters(warp: Warp, handle: AsyncHandle, slots: readonly SlotUse[], kind: 'read' | 'write'): void { this.registers.add(warp, handle, slots, kind) }
  registersUsed(warp: Warp, instruction: Instruction, mask: number): void { this.registers.used(warp, instruction, mask) }
}

/** For `new Emulator(...)` and `runCase`: the sanitizer of one emulator. */
export const createSanitizer = (machine: Machine): Sanitizer => new HappensBefore(machine)
