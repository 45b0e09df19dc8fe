// atom and red (PTX ISA 9.7.13.15, 9.7.13.16): which forms there are, and the lanes one after the other. The arithmetic of
// one element is in atomic_operations.ts.
import type { Operand } from '../ast.ts'
import type { Chapter, DecodeContext, Decoded, Decoder } from '../decode.ts'
import type { Order, Scope, Slot, Warp } from '../machine.ts'
import { found, isOwnBlock, linear, resolve, spaceOf, type Access } from './addresses.ts'
import { operationOf, type AtomicName, type AtomicType } from './atomic_operations.ts'
import { since, takeAll } from './free_modifiers.ts'
import { scopes } from './memory_modifiers.ts'

const short = ['f16', 'bf16', 'f16x2', 'bf16x2'] as const
const allowed: Readonly<Record<AtomicName, readonly AtomicType[]>> = {
  add: ['u32', 's32', 'u64', 'f32', 'f64', ...short], min: ['u32', 's32', 'u64', 's64'], max: ['u32', 's32', 'u64', 's64'],
  and: ['b32', 'b64'], or: ['b32', 'b64'], xor: ['b32', 'b64'], exch: ['b32', 'b64', 'b128'], cas: ['b16', 'b32', 'b64', 'b128'], inc: ['u32'], dec: ['u32'],
}
/** Elements of the vector forms; halves can also be compared there. */
const vectors: Readonly<Record<string, readonly string[]>> = { f32: ['v2', 'v4'], f16: ['v2', 'v4', 'v8'], bf16: ['v2', 'v4', 'v8'], f16x2: ['v2', 'v4'], bf16x2: ['v2', 'v4'] }
const names = Object.keys(allowed) as AtomicName[]
const types: readonly AtomicType[] = [...new Set(Object.values(allowed).flat())]

const isShort = (type: AtomicType) => (short as readonly string[]).includes(type)
const typeBytes = (type: AtomicType) => (type.endsWith('x2') ? 4 : Number(/\d+/.exec(type)![0]) / 8)

interface Form { readonly name: AtomicName; readonly type: AtomicType; readonly count: number; readonly space: string | undefined; readonly policy: boolean; readonly order: Order; readonly scope: Scope }

function formOf(ctx: DecodeContext, opcode: string): Form {
  const orders = opcode === 'red' ? ['relaxed', 'release'] as const : ['relaxed', 'acquire', 'release', 'acq_rel'] as const
  const t = takeAll(ctx, {
    order: orders, scope: scopes, space: ['global', 'shared', 'shared::cta', 'shared::cluster'], name: names, noftz: ['noftz'], policy: ['L2::cache_hint'], vector: ['v2', 'v4', 'v8'], type: types,
  })
  if (t.name === undefined || t.type === undefined) {
    if (t.name === undefined) ctx.modifiers.need(names, 'operation')
    ctx.modifiers.need(types, 'type')
  }
  const [name, type] = [t.name!, t.type!]
  if (opcode === 'red' && (name === 'exch' || name === 'cas')) ctx.error(`red has no .${name}`)
  if (t.vector === undefined ? !allowed[name].includes(type) : !(vectors[type]?.includes(t.vector) && (name === 'add' || (isShort(type) && (name === 'min' || name === 'max'))))) {
    const list = t.vector === undefined ? `; it has ${allowed[name].map((x) => `.${x}`).join(' ')}` : ''
    ctx.error(`${opcode}.${name} has no form ${t.vector === undefined ? '' : `.${t.vector}`}.${type}${list}`)
  }
  if (isShort(type) !== (t.noftz !== undefined)) ctx.error(isShort(type) ? `.${type} needs .noftz` : `.noftz is not for .${type}`)
  if (t.vector !== undefined && t.space !== undefined && t.space !== 'global') ctx.error(`.${t.vector} is for global memory only`)
  if (t.policy !== undefined) {
    since(ctx, '.L2::cache_hint', 7.4, 80)
    if (t.space !== undefined && t.space !== 'global') ctx.error('.L2::cache_hint is for global memory only')
    if (name === 'cas') ctx.error('.cas has no .L2::cache_hint')
  }
  checkVersions(ctx, `${opcode}.${name}.${type}`, { ...t, name, type })
  return { name, type, count: t.vector ? Number(t.vector[1]) : 1, space: t.space, policy: t.policy !== undefined, order: t.order ?? 'relaxed', scope: t.scope ?? 'gpu' }
}

function checkVersions(ctx: DecodeContext, what: string, t: { order?: string; scope?: string; vector?: string; name: AtomicName; type: AtomicType }): void {
  if (t.order !== undefined) since(ctx, `.${t.order}`, 6.0, 70)
  if (t.scope !== undefined) since(ctx, `scope .${t.scope}`, t.scope === 'cluster' ? 7.8 : 5.0, t.scope === 'cluster' ? 90 : 60)
  if (t.vector !== undefined) since(ctx, `${what}, .${t.vector}`, 8.1, 90)
  else if (t.type.startsWith('bf16')) since(ctx, what, 7.8, 90)
  else if (t.type === 'f16x2') since(ctx, what, 6.2, 60)
  else if (t.type === 'f16' || t.type === 'b16') since(ctx, what, 6.3, 70)
  else if (t.type === 'b128') since(ctx, what, 8.3, 90)
  else if (t.type === 'f64') since(ctx, what, 5.0, 60)
}

/** Slots of the value's elements, which may be sinks among results only. */
function slotsOf(ctx: DecodeContext, o: Operand, form: Form, result: boolean): Slot[] {
  const type = form.type
  if (form.count === 1) return [result ? ctx.dst(o, type) : ctx.src(o, type)]
  return result ? ctx.dstVector(o, type, form.count) : ctx.srcVector(o, type, form.count)
}

/** In order with seed 0, else from a random lane on in random odd steps. */
function orderOf(warp: Warp): readonly [first: number, step: number] {
  const { machine } = warp
  if (machine.options.seed === 0) return [0, 1]
  return [Math.floor(machine.random() * 32), 2 * Math.floor(machine.random() * 16) + 1]
}

/** Bytes of a lane's result before the operation, kept while it writes: a result may be a source too. */
const old = new Uint8Array(32)

const atomic = (returns: boolean): Decoder => (s, ctx): Decoded => {
  if (ctx.modifiers.peek() === 'async') ctx.error(`${s.opcode}.async is not emulated yet`)
  const form = formOf(ctx, s.opcode)
  const { name, type, count } = form
  ctx.operands((returns ? 3 : 2) + (name === 'cas' ? 1 : 0) + (form.policy ? 1 : 0))
  const rest = s.operands.slice(returns ? 1 : 0)
  const at = ctx.address(rest[0])
  const bytes = typeBytes(type)
  const access: Access = { space: atomicSpace(ctx, spaceOf(ctx, form.space, at)), kind: returns ? 'atomic' : 'reduce', bytes: bytes * count, order: form.order, scope: form.scope, ownBlock: isOwnBlock(form.space) }
  const b = slotsOf(ctx, rest[1], form, false)
  const c = name === 'cas' ? slotsOf(ctx, rest[2], form, false) : b
  const d = returns ? slotsOf(ctx, s.operands[0], form, true) : null
  if (form.policy) ctx.src(rest.at(-1)!, 'b64')
  const stride = Math.max(4, bytes)
  const inShared = operationOf(name, type, false)
  // f32 sums in global memory flush subnormals; those in shared memory do not.
  const inGlobal = type === 'f32' ? operationOf(name, type, true) : inShared
  return {
    touchesMemory: true,
    exec(w, mask) {
      const go = resolve(w, mask, at, access)
      const { memory } = w.machine
      const { u8 } = memory
      const { shared } = found
      const [first, step] = orderOf(w)
      for (let k = 0; k < 32; k++) {
        const lane = (first + k * step) & 31
        if (!((go >>> lane) & 1)) continue
        const operation = (shared >>> lane) & 1 ? inShared : inGlobal
        const own = lane * stride
        for (let i = 0; i < count; i++) {
          const place = linear[lane] + i * bytes
          if (d !== null) for (let n = 0; n < bytes; n++) old[i * bytes + n] = u8[place + n]
          operation(memory, place, w.base + b[i] + own, w.base + c[i] + own)
        }
        if (d === null) continue
        for (let i = 0; i < count; i++) {
          const to = w.base + d[i] + own
          for (let n = 0; n < stride; n++) u8[to + n] = n < bytes ? old[i * bytes + n] : 0
        }
      }
      // Lanes that the sanitizer held back read zero.
      if (go !== mask && d !== null) for (const slot of d) for (let lane = 0, m = mask & ~go; m !== 0; lane++, m >>>= 1) if (m & 1) u8.fill(0, w.base + slot + lane * stride, w.base + slot + (lane + 1) * stride)
    },
  }
}

function atomicSpace(ctx: DecodeContext, space: Access['space']): Access['space'] {
  return space === 'global' || space === 'shared' || space === 'generic' ? space : ctx.error(`there are no atomics in .${space} space`)
}

export const atomicChapter: Chapter = { atom: atomic(true), red: atomic(false) }
