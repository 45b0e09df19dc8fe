// What all asynchronous copies share: how one is issued and told to the sanitizer, the groups that a thread waits for, and the
// ranges that it may touch (PTX ISA 9.7.9.25).
import { NEXT, type AsyncHandle, type AsyncOp, type AsyncRange, type Warp } from '../machine.ts'
import type { AddressParts } from '../decode_context.ts'
import type { DecodeContext, Decoder } from '../decode.ts'
import { linear, resolve, sharedOwner, type AddressSpace } from './addresses.ts'
import { since } from './free_modifiers.ts'
import { forLanes } from './lanes.ts'
import { completeTx, type Barrier } from './mbarrier_state.ts'

export interface Copy {
  readonly what: string
  /** 'async' needs a proxy fence after generic writes. */
  readonly proxy: 'async' | 'generic'
  /** What it touches; asked only with a sanitizer. */
  ranges(): AsyncRange[]
  /** Takes its sources, see AsyncOp. */
  read?(): void
  land(): void
  /** Told of `bytes` when it has landed. */
  readonly signal?: { readonly barrier: Barrier; readonly bytes: number } | null
}
export interface CopyOp extends AsyncOp { readonly lanes: number; handle: AsyncHandle | null; followed?: boolean }

/** Issues a copy of one lane, or of several whose `ranges` say which is whose. */
export function startCopy(w: Warp, lane: number, copy: Copy, lanes = 1 << lane): CopyOp {
  const { sanitizer, agents } = w.machine
  const { signal } = copy
  const op: CopyOp = {
    what: copy.what, warp: w, lane, lanes, instruction: w.current, order: null, done: false, handle: null, read: copy.read && (() => copy.read!()),
    perform() {
      copy.land()
      if (!signal) return
      if (op.handle !== null) sanitizer!.asyncDone(op.handle, signal.barrier)
      completeTx(w, lane, signal.barrier, signal.bytes)
    },
  }
  if (sanitizer !== null) op.handle = sanitizer.asyncIssue(op, copy.proxy, copy.ranges())
  agents.issue(op)
  return op
}

/** Copies of one warp by the lanes that issued them, not yet in a group, and its groups, oldest first. */
export class CopyGroups {
  private open: { readonly op: CopyOp; mask: number }[] = []
  private readonly closed: { readonly ops: readonly CopyOp[]; mask: number; read: number }[] = []

  /** The groups of a kind ('cp.async', 'cp.async.bulk'). */
  static of(w: Warp, kind: string): CopyGroups {
    let own = w.state.get(kind) as CopyGroups | undefined
    if (!own) w.state.set(kind, (own = new CopyGroups()))
    return own
  }

  add(op: CopyOp): void { this.open.push({ op, mask: op.lanes }) }

  commit(w: Warp, mask: number): void {
    const ops: CopyOp[] = []
    for (const o of this.open) if (o.mask & mask) { ops.push(o.op); o.mask &= ~mask }
    if (ops.length) this.open = this.open.filter((o) => o.mask !== 0)
    // A program that waits only for reads never takes groups out itself; a sanitizer may still hear of a full wait.
    while (w.machine.sanitizer === null && this.closed.length && this.closed[0].ops.every((op) => op.done) && this.closed[0].read === this.closed[0].mask) this.closed.shift()
    this.closed.push({ ops, mask, read: 0 })
  }

  /** All but the newest `keep` groups of each lane have landed, or with `readOnly` have read their sources. */
  wait(w: Warp, mask: number, keep: number, readOnly: boolean): void {
    if (this.closed.some((g) => (g.mask & mask) !== 0 && (g.mask & mask) !== mask)) { forLanes(mask, (lane) => this.wait(w, 1 << lane, keep, readOnly)); return }
    const { agents, sanitizer } = w.machine
    let newer = 0
    for (let i = this.closed.length - 1; i >= 0; i--) {
      const g = this.closed[i]
      if ((g.mask & mask) === 0 || newer++ < keep) continue
      // So have all older ones, then.
      if (readOnly && (g.read & mask) === mask) break
      for (const op of g.ops) {
        if (readOnly) agents.read(op)
        else agents.force(op)
        if (sanitizer !== null && op.handle !== null) sanitizer.asyncObserved(w, mask & op.lanes, op.handle, readOnly)
      }
      if (readOnly) g.read |= mask
      else if ((g.mask &= ~mask) === 0) this.closed.splice(i, 1)
    }
  }

  /** For an arrival that follows the lanes' copies: those that have not landed, or that no arrival has followed yet. */
  followed(mask: number): CopyOp[] {
    const all = [...this.closed.flatMap((g) => (g.mask & mask ? g.ops : [])), ...this.open.filter((o) => o.mask & mask).map((o) => o.op)]
    const own = all.filter((op) => !(op.done && op.followed))
    for (const op of own) op.followed = true
    // A program that waits by mbarriers only never closes a group.
    if (this.open.length > 256) this.open = this.open.filter(({ op }) => !(op.done && op.followed))
    return own
  }
}

const groupsExist = (ctx: DecodeContext, kind: string): void => (kind === 'cp.async' ? since(ctx, kind, 7.0, 80) : since(ctx, kind, 8.0, 90))

/** commit_group, wait_group and wait_all of one kind. */
export const commitGroup = (kind: string): Decoder => (_, ctx) => {
  groupsExist(ctx, kind)
  takeWords(ctx, 'commit_group')
  ctx.operands(0)
  return { exec: (w, mask) => CopyGroups.of(w, kind).commit(w, mask) }
}
export const waitGroup = (kind: string, canRead: boolean): Decoder => (s, ctx) => {
  groupsExist(ctx, kind)
  takeWords(ctx, 'wait_group')
  const readOnly = canRead && ctx.modifiers.flag('read')
  ctx.operands(1)
  const keep = ctx.constant(s.operands[0], 'the number of groups')
  if (keep < 0) ctx.error(`${keep} groups may stay open; the number must be 0 or more`)
  return waiting((w, mask) => CopyGroups.of(w, kind).wait(w, mask, keep, readOnly))
}
export const waitAll = (kind: string): Decoder => (_, ctx) => {
  groupsExist(ctx, kind)
  takeWords(ctx, 'wait_all')
  ctx.operands(0)
  return waiting((w, mask) => { const groups = CopyGroups.of(w, kind); groups.commit(w, mask); groups.wait(w, mask, 0, false) })
}
/** What lands here writes memory: the instruction is a control one, so that compiled code keeps nothing across it. */
const waiting = (run: (w: Warp, mask: number) => void): ReturnType<Decoder> => ({ control(w, g, mask) { if (mask !== 0) run(w, mask); g.pc++; return NEXT } })

/** The words of the opcode up to its last one. */
export function takeWords(ctx: DecodeContext, last: string): void { while (!ctx.modifiers.flag(last)) ctx.modifiers.flag(ctx.modifiers.peek()!) }

/** Linear offsets of the lanes' addresses, which are multiples of `align`; `go` are those that are addresses at all. */
export function offsets(w: Warp, mask: number, at: AddressParts, space: AddressSpace, align: number, ownBlock = false): { go: number; at: Uint32Array } {
  const go = resolve(w, mask, at, { space, kind: 'read', bytes: align, order: 'weak', scope: 'cta', untold: true, ownBlock })
  return { go, at: linear.slice() }
}

export const sharedRange = (w: Warp, kind: AsyncRange['kind'], start: number, bytes: number): AsyncRange => ({ space: 'shared', kind, cta: sharedOwner(w.cta, start) ?? w.cta, start, bytes })
export const globalRange = (w: Warp, kind: AsyncRange['kind'], start: number, bytes: number): AsyncRange => ({ space: 'global', kind, cta: w.cta, start, bytes })

/** A copy of the sources of one that waits for its turn to write; `place` keeps the low ten bits, which swizzling looks at. */
export interface Staged { readonly base: number; readonly place: number }
export function stage(w: Warp, at: number, bytes: number): Staged {
  const { memory } = w.machine
  const base = memory.reserve(bytes + 1024, 1024)
  const place = base + (at & 1023)
  memory.u8.copyWithin(place, at, at + bytes)
  return { base, place }
}
