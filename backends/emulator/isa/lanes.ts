// Lane loops shared by the chapters: a function of a lane's operands, for every lane of the mask. Values come and go as the
// views have them: i32 signed words, u32 unsigned ones, f32 numbers, i64 and u64 bigints, f64 numbers.
import type { Exec, Memory, Slot } from '../machine.ts'

export type View = 'i32' | 'u32' | 'f32' | 'f64' | 'i64' | 'u64'
const shifts: Readonly<Record<View, number>> = { i32: 2, u32: 2, f32: 2, f64: 3, i64: 3, u64: 3 }
type Value<V extends View> = V extends 'i64' | 'u64' ? bigint : number
type Words = { [n: number]: number | bigint }

const view = (memory: Memory, v: View): Words => memory[v] as unknown as Words

export function map1<D extends View, A extends View>(d: Slot, dv: D, a: Slot, av: A, f: (a: Value<A>) => Value<D>): Exec {
  const [ds, as] = [shifts[dv], shifts[av]]
  return (w, mask) => {
    const [dw, aw] = [view(w.machine.memory, dv), view(w.machine.memory, av)]
    const [dAt, aAt] = [(w.base + d) >> ds, (w.base + a) >> as]
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) dw[dAt + lane] = f(aw[aAt + lane] as Value<A>) as number
  }
}

export function map2<D extends View, A extends View, B extends View>(d: Slot, dv: D, a: Slot, av: A, b: Slot, bv: B, f: (a: Value<A>, b: Value<B>) => Value<D>): Exec {
  const [ds, as, bs] = [shifts[dv], shifts[av], shifts[bv]]
  return (w, mask) => {
    const memory = w.machine.memory
    const [dw, aw, bw] = [view(memory, dv), view(memory, av), view(memory, bv)]
    const [dAt, aAt, bAt] = [(w.base + d) >> ds, (w.base + a) >> as, (w.base + b) >> bs]
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) dw[dAt + lane] = f(aw[aAt + lane] as Value<A>, bw[bAt + lane] as Value<B>) as number
  }
}

export function map3<D extends View, A extends View, B extends View, C extends View>(d: Slot, dv: D, a: Slot, av: A, b: Slot, bv: B, c: Slot, cv: C, f: (a: Value<A>, b: Value<B>, c: Value<C>) => Value<D>): Exec {
  const [ds, as, bs, cs] = [shifts[dv], shifts[av], shifts[bv], shifts[cv]]
  return (w, mask) => {
    const memory = w.machine.memory
    const [dw, aw, bw, cw] = [view(memory, dv), view(memory, av), view(memory, bv), view(memory, cv)]
    const [dAt, aAt, bAt, cAt] = [(w.base + d) >> ds, (w.base + a) >> as, (w.base + b) >> bs, (w.base + c) >> cs]
    for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) dw[dAt + lane] = f(aw[aAt + lane] as Value<A>, bw[bAt + lane] as Value<B>, cw[cAt + lane] as Value<C>) as number
  }
}

/** Calls f for each lane of the mask, the lowest first. For code that is not hot: loops of one line stand where they are needed. */
export function forLanes(mask: number, f: (lane: number) => void): void { for (let lane = 0, m = mask; m !== 0; lane++, m >>>= 1) if (m & 1) f(lane) }

/** The view that reads an integer or bit type of 16 to 64 bits; narrow values are zero-extended in their slots. */
export const integerView = (type: string): View => (type.endsWith('64') ? (type[0] === 's' ? 'i64' : 'u64') : type[0] === 's' ? 'i32' : 'u32')
/** A slot's word as a value of the type. */
export const narrow: Readonly<Record<string, (x: number) => number>> = {
  s8: (x) => (x << 24) >> 24, s16: (x) => (x << 16) >> 16, s32: (x) => x | 0, u8: (x) => x & 0xff, u16: (x) => x & 0xffff, u32: (x) => x >>> 0,
  b8: (x) => x & 0xff, b16: (x) => x & 0xffff, b32: (x) => x >>> 0,
}
/** A value as the slot holds it. */
export const widthMask: Readonly<Record<string, number>> = { s8: 0xff, u8: 0xff, b8: 0xff, s16: 0xffff, u16: 0xffff, b16: 0xffff, s32: -1, u32: -1, b32: -1 }
