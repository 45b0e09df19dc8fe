// st.async and red.async: stores and reductions in the shared memory of a cluster that an mbarrier hears of (PTX ISA 9.7.9.12,
// 9.7.13.15). They work in the generic proxy; the value is taken at the instruction.
import type { Operand } from '../ast.ts'
import type { Chapter, DecodeContext, Decoder } from '../decode.ts'
import type { Warp } from '../machine.ts'
import type { AddressParts } from '../decode_context.ts'
import { found, isOwnBlock, linear, rangeInside, resolve } from './addresses.ts'
import { operationOf, type AtomicName, type AtomicType } from './atomic_operations.ts'
import { sharedRange, startCopy } from './copies.ts'
import { since, takeAll } from './free_modifiers.ts'
import { forLanes } from './lanes.ts'
import { barrierPlaces } from './mbarrier.ts'
import { signalOf } from './bulk_copy.ts'

const completion = ['mbarrier::complete_tx::bytes'] as const
const spaces = ['shared::cluster', 'shared::cta', 'shared'] as const
const types = ['b32', 'b64', 'u32', 'u64', 's32', 's64', 'f32', 'f64'] as const
const operations = {
  inc: ['u32'], dec: ['u32'], min: ['u32', 's32'], max: ['u32', 's32'], add: ['u32', 's32', 'u64', 's64'], and: ['b32'], or: ['b32'], xor: ['b32'],
} as const satisfies Partial<Record<AtomicName, readonly AtomicType[]>>
type Operation = keyof typeof operations

interface Operands { readonly to: AddressParts; readonly values: readonly number[]; readonly barrier: AddressParts; readonly named: string | undefined; readonly each: number }

function operandsOf(ctx: DecodeContext, operands: readonly Operand[], type: string, count: number, named: string | undefined): Operands {
  ctx.operands(3)
  const values = count === 1 ? [ctx.src(operands[1], type)] : ctx.srcVector(operands[1], type, count)
  return { to: ctx.address(operands[0]), values, barrier: ctx.address(operands[2]), named, each: Number(type.slice(1)) / 8 }
}

/** `write` moves the element at a lane's slot to its place in shared memory. */
function remote(o: Operands, what: string, kind: 'write' | 'atomic', write: (w: Warp, to: number, from: number) => void): ReturnType<Decoder> {
  const bytes = o.each * o.values.length
  return {
    touchesMemory: true,
    exec(w, mask) {
      const { memory } = w.machine
      let go = resolve(w, mask, o.to, { space: o.named ? 'shared' : 'generic', kind: 'write', bytes, order: 'weak', scope: 'cta', untold: true, ownBlock: isOwnBlock(o.named) })
      go &= found.shared
      const to = linear.slice()
      const b = { go: barrierPlaces(w, go, o.barrier, o.named), at: linear.slice() }
      forLanes(go, (lane) => {
        if (!rangeInside(w, lane, 'shared', to[lane], bytes)) return
        const barrier = signalOf(w, lane, b, to[lane])
        const kept = memory.reserve(bytes)
        o.values.forEach((slot, i) => { const from = w.base + slot + lane * o.each; memory.u8.copyWithin(kept + i * o.each, from, from + o.each) })
        startCopy(w, lane, {
          what, proxy: 'generic', ranges: () => [sharedRange(w, kind, to[lane], bytes)], signal: barrier && { barrier, bytes },
          land() {
            for (let x = 0; x < bytes; x += o.each) write(w, to[lane] + x, kept + x)
            memory.release(kept)
          },
        })
      })
    },
  }
}

export const remoteStore: Chapter = {
  'st.async'(s, ctx) {
    ctx.modifiers.flag('async')
    since(ctx, 'st.async', 8.1, 90)
    const t = takeAll(ctx, { weak: ['weak'], space: spaces, completion, vector: ['v2', 'v4'], type: types })
    if (t.completion === undefined) ctx.modifiers.need(completion, 'completion')
    if (t.type === undefined) ctx.modifiers.need(types, 'type')
    if (t.vector === 'v4' && t.type!.endsWith('64')) ctx.error(`.v4 is not for .${t.type}`)
    const o = operandsOf(ctx, s.operands, t.type!, t.vector ? Number(t.vector[1]) : 1, t.space)
    return remote(o, 'st.async', 'write', (w, to, from) => w.machine.memory.u8.copyWithin(to, from, from + o.each))
  },
  'red.async'(s, ctx) {
    ctx.modifiers.flag('async')
    since(ctx, 'red.async', 8.1, 90)
    const names = Object.keys(operations) as Operation[]
    const t = takeAll(ctx, { order: ['relaxed'], scope: ['cluster'], space: ['shared::cluster'], completion, name: names, type: ['b32', 'u32', 's32', 'u64', 's64'] })
    if (t.completion === undefined) ctx.modifiers.need(completion, 'completion')
    if (t.name === undefined) ctx.modifiers.need(names, 'operation')
    if (t.order === undefined || t.scope === undefined) ctx.error('red.async needs .relaxed.cluster')
    const known: readonly string[] = operations[t.name!]
    if (t.type === undefined || !known.includes(t.type)) ctx.error(`red.async.${t.name} needs a type of ${known.map((x) => `.${x}`).join(' ')}`)
    // Sums of .s64 are those of .u64.
    const operation = operationOf(t.name!, t.type as AtomicType, false)
    return remote(operandsOf(ctx, s.operands, t.type!, 1, t.space), 'red.async', 'atomic', (w, to, from) => operation(w.machine.memory, to, from, from))
  },
}
