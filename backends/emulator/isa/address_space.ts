// Addresses as values: cvta, isspacep, mapa, getctarank (PTX ISA 9.7.9.20-24), and the stack of alloca (9.7.14).
import type { Operand, Variable } from '../ast.ts'
import type { Chapter, DecodeContext, Decoder } from '../decode.ts'
import type { DecodedFunction } from '../image.ts'
import { CLUSTER_SHIFT, FLAT_WINDOWS, GLOBAL_HIGH, LOCAL_HIGH, PARAM_HIGH, SHARED_HIGH, SHARED_OFFSET_MASK, type Exec, type LoadedFunction, type Slot } from '../machine.ts'
import { popcount } from '../diagnostics.ts'
import { writePredicate } from '../slots.ts'
import { since, takeAll } from './free_modifiers.ts'

/** The low and high words of each lane's 64-bit value, changed by `high`. */
function withHigh(d: Slot, a: Slot, high: (high: number) => number): Exec {
  return (w, mask) => {
    const { u32 } = w.machine.memory
    const [to, from] = [(w.base + d) >> 2, (w.base + a) >> 2]
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
      if (!(m & 1)) continue
      u32[to + 2 * lane] = u32[from + 2 * lane]
      u32[to + 2 * lane + 1] = high(u32[from + 2 * lane + 1])
    }
  }
}

/** The same of 32-bit addresses, whose highest byte names the window; null: the windows are one. */
function withTop(d: Slot, a: Slot, top: number | null, back: boolean): Exec {
  return (w, mask) => {
    const { u32 } = w.machine.memory
    const [to, from] = [(w.base + d) >> 2, (w.base + a) >> 2]
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
      if (!(m & 1)) continue
      const x = u32[from + lane]
      u32[to + lane] = top === null ? x : back ? (x >>> 24 === top ? x & 0xffffff : x) : x >>> 24 === 0 ? x | (top << 24) : x
    }
  }
}
const flatTop = (high: number): number => Number(Object.keys(FLAT_WINDOWS).find((top) => FLAT_WINDOWS[Number(top)] === high))

const inFunction = (ctx: DecodeContext) => (ctx.function as DecodedFunction).ptx.kind === 'func'

const cvta: Decoder = (s, ctx) => {
  const back = ctx.modifiers.flag('to')
  const space = ctx.modifiers.need(['global', 'shared', 'shared::cta', 'shared::cluster', 'local', 'const', 'param', 'param::entry'] as const, 'state space')
  if (space.startsWith('shared::')) since(ctx, `.${space}`, 7.8, space === 'shared::cluster' ? 90 : 0)
  if (space.startsWith('param')) since(ctx, `.${space}`, space === 'param' ? 7.7 : 8.3, 70)
  const type = ctx.modifiers.need(['u64', 'u32'] as const, 'type')
  if (type === 'u32' && ctx.addressSize === 64) ctx.error('32-bit addresses need .address_size 32')
  ctx.operands(2)
  const source = s.operands[1]
  if (source.kind === 'symbol' && back) ctx.error('a register is needed here', source.at)
  if (source.kind === 'symbol' && source.variable.space !== space.split('::')[0]) ctx.error(`${source.variable.name} is in .${source.variable.space} space, not .${space}`, source.at)
  const [d, a] = [ctx.dst(s.operands[0], type), ctx.src(source, type)]
  // Global, constant and kernel parameter addresses are generic ones already; others have zeros above 32 bits.
  const high = space.startsWith('shared') ? SHARED_HIGH : space === 'local' || (space === 'param' && inFunction(ctx)) ? LOCAL_HIGH : 0
  if (type === 'u32') return { exec: withTop(d, a, high === 0 ? null : flatTop(high), back) }
  if (high === 0) return { exec: withHigh(d, a, (h) => h) }
  if (back) return { exec: withHigh(d, a, (h) => (h === high ? 0 : h)) }
  // Null stays no address of any window.
  return { exec: withHigh(d, a, (h) => (h === 0 ? high : h)) }
}

/** Linear byte ranges of the module's .const variables: they share the window of global memory. */
function constRanges({ image }: DecodedFunction): [number, number][] {
  const all = [...image.ptx.globals, ...[...image.ptx.functions.values()].flatMap((fn) => fn.body?.variables ?? [])]
  return all.filter((v) => v.space === 'const').map((v) => { const at = image.place(v, undefined); return [at, at + v.bytes] })
}

const isspacep: Decoder = (s, ctx) => {
  const space = ctx.modifiers.need(['const', 'global', 'local', 'shared', 'shared::cta', 'shared::cluster', 'param', 'param::entry'] as const, 'state space')
  if (space.startsWith('shared::')) since(ctx, `.${space}`, 7.8, space === 'shared::cluster' ? 90 : 30)
  if (space === 'const') since(ctx, '.const', 3.1)
  if (space.startsWith('param')) since(ctx, `.${space}`, space === 'param' ? 7.7 : 8.3, 70)
  ctx.operands(2)
  if (s.operands[1].kind === 'symbol') ctx.error('a register is needed here', s.operands[1].at)
  const flat = ctx.addressSize === 32 && ctx.registerBytes(s.operands[1]) === 4
  const [d, a] = [ctx.dst(s.operands[0], 'pred'), ctx.src(s.operands[1], flat ? 'b32' : 'b64')]
  const ranges = constRanges(ctx.function as DecodedFunction)
  const isConst = (low: number) => ranges.some(([start, end]) => low >= start && low < end)
  const cluster = space === 'shared::cluster'
  return {
    exec(w, mask) {
      const { u32 } = w.machine.memory
      const { cta } = w
      const own = cta.rankInCluster + 1
      const test = (low: number, high: number): boolean => {
        if (space === 'global') return high === GLOBAL_HIGH && !isConst(low)
        if (space === 'const') return high === GLOBAL_HIGH && isConst(low)
        if (space === 'local') return high === LOCAL_HIGH
        if (space.startsWith('param')) return high === PARAM_HIGH
        const rank = low >>> CLUSTER_SHIFT
        return high === SHARED_HIGH && (cluster ? rank <= cta.cluster.ctas.length : rank === 0 || rank === own)
      }
      let bits = 0
      for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
        if (!(m & 1)) continue
        const at = ((w.base + a) >> 2) + (flat ? lane : 2 * lane)
        const window = flat ? FLAT_WINDOWS[u32[at] >>> 24] ?? GLOBAL_HIGH : u32[at + 1]
        if (test(flat && window !== GLOBAL_HIGH ? u32[at] & 0xffffff : u32[at], window)) bits |= 1 << lane
      }
      writePredicate(w.machine.memory, w.base + d, mask, bits)
    },
  }
}

/** [.shared::cluster] .u32|.u64, in any order; the address operand may name a shared variable. */
function clusterForm(ctx: DecodeContext, opcode: string): { wide: boolean; generic: boolean } {
  since(ctx, opcode, 7.8, 90)
  const t = takeAll(ctx, { space: ['shared::cluster'], type: ['u32', 'u64'] })
  if (t.type === undefined) ctx.modifiers.need(['u32', 'u64'] as const, 'type')
  const generic = t.space === undefined
  if (generic && t.type === 'u32') ctx.error('32-bit generic addresses are not emulated')
  return { wide: t.type === 'u64', generic }
}
function sharedSymbol(ctx: DecodeContext, o: Operand): void {
  if (o.kind === 'symbol' && o.variable.space !== 'shared') ctx.error(`${o.variable.name} is in .${o.variable.space} space, not in .shared`, o.at)
}

const mapa: Decoder = (s, ctx) => {
  const { wide, generic } = clusterForm(ctx, 'mapa')
  ctx.operands(3)
  sharedSymbol(ctx, s.operands[1])
  const type = wide ? 'u64' : 'u32'
  const [d, a, b] = [ctx.dst(s.operands[0], type), ctx.src(s.operands[1], type), ctx.src(s.operands[2], 'u32')]
  const words = wide ? 2 : 1
  return {
    exec(w, mask) {
      const { u32 } = w.machine.memory
      for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
        if (!(m & 1)) continue
        const to = ((w.base + d) >> 2) + lane * words
        const rank = u32[((w.base + b) >> 2) + lane]
        const low = u32[((w.base + a) >> 2) + lane * words] & SHARED_OFFSET_MASK
        // A rank that no cluster has gives an address that no block owns.
        u32[to] = low | (Math.min(rank + 1, 0xff) << CLUSTER_SHIFT)
        if (wide) u32[to + 1] = generic ? SHARED_HIGH : 0
      }
    },
  }
}

const getctarank: Decoder = (s, ctx) => {
  const { wide } = clusterForm(ctx, 'getctarank')
  ctx.operands(2)
  sharedSymbol(ctx, s.operands[1])
  const [d, a] = [ctx.dst(s.operands[0], 'u32'), ctx.src(s.operands[1], wide ? 'u64' : 'u32')]
  return {
    exec(w, mask) {
      const { u32 } = w.machine.memory
      for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
        if (!(m & 1)) continue
        const rank = u32[((w.base + a) >> 2) + lane * (wide ? 2 : 1)] >>> CLUSTER_SHIFT
        u32[((w.base + d) >> 2) + lane] = rank === 0 ? w.cta.rankInCluster : rank - 1
      }
    },
  }
}

/** Bytes that one activation of a function can take with alloca. */
const stackBytes = 16384

/**
 * The stack of one function: a part of its local memory, given back when it returns, with the bytes used so far in a register of
 * its frame, which is zero at the start.
 */
const stacks = new WeakMap<LoadedFunction, { variable: Variable; used: Slot }>()
function stackOf(ctx: DecodeContext, s: Parameters<Decoder>[0]): { base: Slot; used: Slot } {
  let stack = stacks.get(ctx.function)
  if (!stack) {
    const variable: Variable = { space: 'local', type: 'b8', vector: 1, name: 'alloca', dims: [stackBytes], elementBytes: 1, bytes: stackBytes, align: 16, init: null, linking: null, at: s.at }
    stacks.set(ctx.function, (stack = { variable, used: ctx.scratch(4) }))
  }
  return { base: ctx.src({ kind: 'symbol', variable: stack.variable, offset: 0, at: s.at }, 'u32'), used: stack.used }
}

function stackForm(ctx: DecodeContext, opcode: string): 'u32' | 'u64' {
  since(ctx, opcode, 7.3, 52)
  return ctx.modifiers.need(['u64', 'u32'] as const, 'type')
}

/** f(base, used, lane) for each lane: the address to return and the bytes used from now on. */
function onStack(stack: { base: Slot; used: Slot }, d: Slot | null, wide: boolean, f: (w: Parameters<Exec>[0], lane: number, base: number, used: number) => [number, number]): Exec {
  return (w, mask) => {
    const { u32 } = w.machine.memory
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) {
      if (!(m & 1)) continue
      const at = ((w.base + stack.used) >> 2) + lane
      const [address, used] = f(w, lane, u32[((w.base + stack.base) >> 2) + lane], u32[at])
      u32[at] = used
      if (d === null) continue
      u32[((w.base + d) >> 2) + lane * (wide ? 2 : 1)] = address
      if (wide) u32[((w.base + d) >> 2) + 2 * lane + 1] = 0
    }
  }
}

const word = (slot: Slot, wide: boolean) => (w: Parameters<Exec>[0], lane: number) => w.machine.memory.u32[((w.base + slot) >> 2) + lane * (wide ? 2 : 1)]

export const addressSpace: Chapter = {
  cvta, isspacep, mapa, getctarank,
  alloca(s, ctx) {
    const type = stackForm(ctx, 'alloca')
    ctx.operands(2, 3)
    const stack = stackOf(ctx, s)
    const [d, size] = [ctx.dst(s.operands[0], type), word(ctx.src(s.operands[1], type), type === 'u64')]
    const align = s.operands[2] ? ctx.constant(s.operands[2], 'the alignment') : 8
    if (align < 1 || align > stackBytes || popcount(align) !== 1) ctx.error(`an alignment of ${align}; it must be a power of two`, s.at)
    return {
      exec: onStack(stack, d, type === 'u64', (w, lane, base, used) => {
        const at = Math.ceil((base + used) / align) * align
        const end = at + size(w, lane) - base
        if (end > stackBytes) w.machine.fault('out-of-memory', `alloca of ${size(w, lane)} bytes; a function has ${stackBytes}, of which ${used} are used`, w, lane)
        return [at, end]
      }),
    }
  },
  stacksave(s, ctx) {
    const type = stackForm(ctx, 'stacksave')
    ctx.operands(1)
    const stack = stackOf(ctx, s)
    return { exec: onStack(stack, ctx.dst(s.operands[0], type), type === 'u64', (_, __, base, used) => [base + used, used]) }
  },
  stackrestore(s, ctx) {
    const type = stackForm(ctx, 'stackrestore')
    ctx.operands(1)
    const stack = stackOf(ctx, s)
    const saved = word(ctx.src(s.operands[0], type), type === 'u64')
    return {
      exec: onStack(stack, null, false, (w, lane, base, used) => {
        const back = saved(w, lane) - base
        if (!(back >= 0 && back <= used)) w.machine.fault('illegal-address', `stackrestore of 0x${saved(w, lane).toString(16)}, which no stacksave of this function gave`, w, lane)
        return [0, back]
      }),
    }
  },
}
