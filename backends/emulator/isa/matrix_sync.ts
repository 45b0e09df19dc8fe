// What matrix instructions share: all lanes of the warp execute them together; modifiers in any order; pieces of operands that lie
// in registers.
import type { DecodeContext, Decoded } from '../decode.ts'
import { lowestLane, showLanes } from '../diagnostics.ts'
import { NEXT, RETRY, type Exec, type Slot } from '../machine.ts'

/** All living lanes of the warp must stand here: .sync.aligned. */
export function wholeWarp(run: Exec): Decoded {
  return {
    control(w, g, mask) {
      if (mask === 0) { g.pc++; return NEXT }
      const missing = w.alive & ~g.mask
      if (missing !== 0) {
        const { name } = w.current
        g.wait = { what: `${name}: lanes ${showLanes(missing)} have not arrived`, alsoReport: 'barrier-divergence', ready: () => (w.alive & ~g.mask) === 0 }
        return RETRY
      }
      const { sanitizer } = w.machine
      const idle = g.mask & ~mask
      if (idle !== 0) sanitizer?.report('barrier-divergence', w, lowestLane(idle), null, `lanes ${showLanes(idle)} do not execute ${w.current.name}, which is for the whole warp: their guard is false`)
      run(w, mask)
      sanitizer?.warpSync(w, mask)
      g.pc++
      return NEXT
    },
  }
}

export interface Words<K extends string> {
  /** The word of each kind, where it stands. */
  readonly one: Readonly<Partial<Record<K, string>>>
  /** Element types in their order: of D, A, B (and C). */
  readonly types: readonly string[]
  /** .row and .col in their order: of A, of B. */
  readonly layouts: readonly string[]
}

/** The assembler takes modifiers in any order; only types and layouts mean something by their places. */
export function matrixModifiers<K extends string>(ctx: DecodeContext, kinds: Readonly<Record<K, readonly string[] | RegExp>>, types: readonly string[]): Words<K> {
  const one: Partial<Record<K, string>> = {}
  const found: string[] = []
  const layouts: string[] = []
  for (;;) {
    const next = ctx.modifiers.peek()
    if (next === undefined) break
    const kind = (Object.keys(kinds) as K[]).find((k) => { const names: readonly string[] | RegExp = kinds[k]; return names instanceof RegExp ? names.test(next) : names.includes(next) })
    if (kind !== undefined) {
      if (one[kind] !== undefined) ctx.error(one[kind] === next ? `.${next} stands twice` : `.${one[kind]} and .${next} exclude each other`)
      one[kind] = next
    } else if (types.includes(next)) found.push(next)
    else if (next === 'row' || next === 'col') layouts.push(next)
    else break
    ctx.modifiers.flag(next)
  }
  ctx.modifiers.done()
  return { one, types: found, layouts }
}

/** `.sync` and `.aligned`, which all of them have. */
export const together = { sync: ['sync'], aligned: ['aligned'] } as const
export function needTogether(ctx: DecodeContext, opcode: string, one: { readonly sync?: string; readonly aligned?: string }): void {
  if (one.sync === undefined) ctx.error(`${opcode} needs .sync`)
  if (one.aligned === undefined) ctx.error(`${opcode} needs .aligned`)
}

export interface Shape { readonly M: number; readonly N: number; readonly K: number }
export const shapePattern = /^m\d+n\d+k\d+$/
export function shapeOf(ctx: DecodeContext, name: string | undefined): Shape {
  const m = /^m(\d+)n(\d+)k(\d+)$/.exec(name ?? '')
  if (!m) return ctx.error('the instruction lacks its shape, as .m16n8k16')
  return { M: Number(m[1]), N: Number(m[2]), K: Number(m[3]) }
}

/**
 * Where the pieces of 16 bytes of an operand in registers lie: four lanes of one register hold one piece of a row of A (a column of
 * B). Registers go first over rows g and g + 8, then over pieces along K.
 */
export function registerPieces(slots: ArrayLike<Slot>, rows: number): Uint32Array {
  const blocks = Math.ceil(rows / 8)
  const along = slots.length / blocks
  const all = new Uint32Array(rows * along)
  for (let row = 0; row < rows; row++) for (let p = 0; p < along; p++) all[row * along + p] = slots[p * blocks + (row >> 3)] + 16 * (row & 7)
  return all
}
