// shfl: values from other lanes of the warp (PTX ISA 9.7.9.6).
import type { Operand } from '../ast.ts'
import type { Decoder } from '../decode.ts'
import type { Exec } from '../machine.ts'
import { writePredicate } from '../slots.ts'
import { since, takeAll } from './free_modifiers.ts'
import { isSync, synchronised } from './warp_sync.ts'

type Mode = 'up' | 'down' | 'bfly' | 'idx'

/** The lane that `lane` reads, or -1 where it is out of range: then the lane keeps its own value and its predicate is false. */
export function sourceLane(mode: Mode, lane: number, b: number, c: number): number {
  const by = b & 31
  const segment = (c >>> 8) & 31
  const bound = (lane & segment) | (c & 31 & ~segment)
  switch (mode) {
    case 'up': return lane - by >= bound ? lane - by : -1
    case 'down': return lane + by <= bound ? lane + by : -1
    case 'bfly': return (lane ^ by) <= bound ? lane ^ by : -1
    case 'idx': {
      const from = (lane & segment) | (by & ~segment)
      return from <= bound ? from : -1
    }
  }
}

/** The source lanes for constants b and c, and the lanes that are in range. */
function table(mode: Mode, b: Operand, c: Operand): { from: Uint8Array; inRange: number } | null {
  if (b.kind !== 'int' || c.kind !== 'int') return null
  const [by, bound] = [Number(BigInt.asIntN(32, b.value)), Number(BigInt.asIntN(32, c.value))]
  let inRange = 0
  const from = Uint8Array.from({ length: 32 }, (_, lane) => {
    const j = sourceLane(mode, lane, by, bound)
    if (j >= 0) inRange |= 1 << lane
    return j < 0 ? lane : j
  })
  return { from, inRange }
}

/** What all lanes hold before any is written: the result may be the source. */
const values = new Uint32Array(32)

export const shfl: Decoder = (s, ctx) => {
  const sync = isSync(ctx, 'shfl')
  if (sync) since(ctx, 'shfl.sync', 6.0, 30)
  const modes = ['up', 'down', 'bfly', 'idx'] as const
  const t = takeAll(ctx, { sync: ['sync'], mode: modes, type: ['b32'] })
  if (t.mode === undefined) ctx.modifiers.need(modes, 'mode')
  if (t.type === undefined) ctx.modifiers.need(['b32'] as const, 'type')
  const mode = t.mode!
  ctx.operands(sync ? 5 : 4)
  const [target, source, by, bound] = s.operands
  if (target.kind === 'sink' || (target.kind === 'pair' && target.first.kind === 'sink')) ctx.error('the result of shfl must be a register', target.at)
  const [d, p] = ctx.dstPair(target, 'b32', 'pred')
  const [a, b, c] = [ctx.src(source, 'b32'), ctx.src(by, 'b32'), ctx.src(bound, 'b32')]
  const fixed = table(mode, by, bound)
  const run: Exec = (w, mask) => {
    const { u32 } = w.machine.memory
    const [from, to] = [(w.base + a) >> 2, (w.base + d) >> 2]
    for (let lane = 0; lane < 32; lane++) values[lane] = u32[from + lane]
    let inRange = 0
    if (fixed !== null) {
      const lanes = fixed.from
      inRange = fixed.inRange
      if (mask === -1) for (let lane = 0; lane < 32; lane++) u32[to + lane] = values[lanes[lane]]
      else for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) u32[to + lane] = values[lanes[lane]]
    } else {
      const [bs, cs] = [(w.base + b) >> 2, (w.base + c) >> 2]
      for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
        if (!(m & 1)) continue
        const j = sourceLane(mode, lane, u32[bs + lane], u32[cs + lane])
        if (j >= 0) inRange |= 1 << lane
        // b or c may be the result too, but of this lane only.
        u32[to + lane] = values[j < 0 ? lane : j]
      }
    }
    if (p !== null) writePredicate(w.machine.memory, w.base + p, mask, inRange)
  }
  return sync ? synchronised(ctx.src(s.operands[4], 'b32'), run) : { exec: run }
}
