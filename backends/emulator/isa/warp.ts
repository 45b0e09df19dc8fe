// Between lanes of a warp (PTX ISA 9.7.9, 9.7.13): shfl, vote, activemask, elect, match, redux, bar.warp.sync.
import type { Chapter, Decoded, DecodeContext } from '../decode.ts'
import { NEXT, RETRY, type Exec, type Group, type Warp } from '../machine.ts'

/**
 * A .sync instruction: waits until all living lanes that its membermask names stand here, then runs. Each lane gives the mask; they
 * must agree, so the lowest running lane's counts.
 */
function synchronised(memberSlot: number, run: Exec): Decoded {
  return {
    control(w: Warp, g: Group, mask: number) {
      if (mask === 0) { g.pc++; return NEXT }
      const lane = 31 - Math.clz32(mask & -mask)
      const members = w.machine.memory.i32[((w.base + memberSlot) >> 2) + lane]
      const missing = members & w.alive & ~g.mask
      if (missing !== 0) {
        const pc = g.pc
        g.wait = { what: `${w.current.name}: lanes 0x${(missing >>> 0).toString(16)} have not arrived`, ready: () => (members & w.alive & ~g.mask) === 0 || g.pc !== pc }
        return RETRY
      }
      run(w, mask)
      w.machine.sanitizer?.warpSync(w, mask & members)
      g.pc++
      return NEXT
    },
  }
}

const values = new Uint32Array(32)
const needSync = (ctx: DecodeContext) => { if (!ctx.modifiers.flag('sync')) ctx.error(`${ctx.modifiers.all.length ? '' : 'this instruction '}needs .sync from sm_70 on; the form without it is not emulated`) }

export const warp: Chapter = {
  shfl(s, ctx) {
    needSync(ctx)
    const mode = ctx.modifiers.need(['up', 'down', 'bfly', 'idx'] as const, 'mode')
    ctx.modifiers.need(['b32'] as const, 'type')
    ctx.operands(5)
    const [d, p] = ctx.dstPair(s.operands[0], 'b32', 'pred')
    const [a, b, c, members] = [ctx.src(s.operands[1], 'b32'), ctx.src(s.operands[2], 'b32'), ctx.src(s.operands[3], 'b32'), ctx.src(s.operands[4], 'b32')]
    return synchronised(members, (w, mask) => {
      const u = w.machine.memory.u32
      const index = (slot: number) => (w.base + slot) >> 2
      const [from, to, bs, cs] = [index(a), index(d), index(b), index(c)]
      for (let lane = 0; lane < 32; lane++) values[lane] = u[from + lane]
      let inRange = 0
      for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
        if (!(m & 1)) continue
        const bval = u[bs + lane] & 31
        const cval = u[cs + lane] & 31
        const segment = (u[cs + lane] >>> 8) & 31
        const maxLane = (lane & segment) | (cval & ~segment)
        const minLane = lane & segment
        let j: number
        let ok: boolean
        if (mode === 'up') { j = lane - bval; ok = j >= maxLane } else if (mode === 'down') { j = lane + bval; ok = j <= maxLane }
        else if (mode === 'bfly') { j = lane ^ bval; ok = j <= maxLane } else { j = minLane | (bval & ~segment); ok = j <= maxLane }
        if (!ok) j = lane
        else inRange |= 1 << lane
        u[to + lane] = values[j]
      }
      if (p !== null) { const at = index(p); u[at] = (u[at] & ~mask) | inRange }
    })
  },
  vote(s, ctx) {
    needSync(ctx)
    const mode = ctx.modifiers.need(['all', 'any', 'uni', 'ballot'] as const, 'mode')
    ctx.modifiers.need([mode === 'ballot' ? 'b32' : 'pred'] as const, 'type')
    ctx.operands(3)
    const d = ctx.dst(s.operands[0], mode === 'ballot' ? 'b32' : 'pred')
    const [p, members] = [ctx.predicate(s.operands[1]), ctx.src(s.operands[2], 'b32')]
    return synchronised(members, (w, mask) => {
      const i = w.machine.memory.i32
      const word = i[(w.base + p.slot) >> 2]
      const yes = (p.negate ? ~word : word) & mask
      const at = (w.base + d) >> 2
      if (mode === 'ballot') { for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) i[at + lane] = yes; return }
      const result = mode === 'all' ? yes === mask : mode === 'any' ? yes !== 0 : yes === mask || yes === 0
      i[at] = (i[at] & ~mask) | (result ? mask : 0)
    })
  },
  activemask(s, ctx) {
    ctx.modifiers.need(['b32'] as const, 'type')
    ctx.operands(1)
    const d = ctx.dst(s.operands[0], 'b32')
    return { exec: (w, mask) => { const i = w.machine.memory.i32; for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) i[((w.base + d) >> 2) + lane] = w.group.mask } }
  },
  elect(s, ctx) {
    needSync(ctx)
    ctx.operands(2)
    const [d, p] = ctx.dstPair(s.operands[0], 'b32', 'pred')
    const members = ctx.src(s.operands[1], 'b32')
    return synchronised(members, (w, mask) => {
      const i = w.machine.memory.i32
      const leader = 31 - Math.clz32(mask & -mask)
      for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) i[((w.base + d) >> 2) + lane] = leader
      if (p !== null) { const at = (w.base + p) >> 2; i[at] = (i[at] & ~mask) | (1 << leader) }
    })
  },
  redux(s, ctx) {
    needSync(ctx)
    const operation = ctx.modifiers.need(['add', 'min', 'max', 'and', 'or', 'xor'] as const, 'operation')
    const type = ctx.modifiers.need(['and', 'or', 'xor'].includes(operation) ? ['b32'] as const : ['u32', 's32'] as const, 'type')
    ctx.operands(3)
    const [d, a, members] = [ctx.dst(s.operands[0], 'b32'), ctx.src(s.operands[1], 'b32'), ctx.src(s.operands[2], 'b32')]
    const join: Record<string, (x: number, y: number) => number> = { add: (x, y) => x + y, min: Math.min, max: Math.max, and: (x, y) => x & y, or: (x, y) => x | y, xor: (x, y) => x ^ y }
    return synchronised(members, (w, mask) => {
      const words = type === 's32' ? w.machine.memory.i32 : w.machine.memory.u32
      const from = (w.base + a) >> 2
      let total: number | undefined
      for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) total = total === undefined ? words[from + lane] : join[operation](total, words[from + lane])
      for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) words[((w.base + d) >> 2) + lane] = total!
    })
  },
  match(s, ctx) {
    const all = ctx.modifiers.need(['any', 'all'] as const, 'mode') === 'all'
    needSync(ctx)
    const type = ctx.modifiers.need(['b32', 'b64'] as const, 'type')
    ctx.operands(3)
    const [d, p] = all ? ctx.dstPair(s.operands[0], 'b32', 'pred') : [ctx.dst(s.operands[0], 'b32'), null]
    const [a, members] = [ctx.src(s.operands[1], type), ctx.src(s.operands[2], 'b32')]
    return synchronised(members, (w, mask) => {
      const { u32, u64, i32 } = w.machine.memory
      const value = (lane: number) => (type === 'b32' ? u32[((w.base + a) >> 2) + lane] : u64[((w.base + a) >> 3) + lane])
      const own = Array.from({ length: 32 }, (_, lane) => value(lane))
      let equal = 0
      for (let lane = 0; lane < 32; lane++) {
        if (!((mask >>> lane) & 1)) continue
        let same = 0
        for (let other = 0; other < 32; other++) if ((mask >>> other) & 1 && own[other] === own[lane]) same |= 1 << other
        if (same === mask) equal = mask
        i32[((w.base + d) >> 2) + lane] = all ? (same === mask ? mask : 0) : same
      }
      if (p !== null) { const at = (w.base + p) >> 2; i32[at] = (i32[at] & ~mask) | equal }
    })
  },
  'bar.warp'(s, ctx) {
    ctx.modifiers.flag('warp')
    ctx.modifiers.need(['sync'] as const, 'form')
    ctx.operands(1)
    return synchronised(ctx.src(s.operands[0], 'b32'), () => { /* arriving was all */ })
  },
}
