// WebAssembly of `transpose`, `transposePairs`, `pairColumns`, `lend` and `giveBack`: f32 numbers and registers moved. See products.ts.
import { Code, I32, op, simd, V128 } from '../codegen/wasm_encoder.ts'
import { countTo } from './emit_expand.ts'

const words = (...lanes: number[]) => lanes.flatMap((l) => [4 * l, 4 * l + 1, 4 * l + 2, 4 * l + 3])
const times4 = (code: Code, local: number) => code.get(local).i32(2).op(op.i32_shl)

/**
 * (from, rows, columns, to): tiles of 4 x 4. `paired`: a tile takes every second row of 8, first the even ones.
 */
export function emitTranspose(paired: boolean): Code {
  const code = new Code([I32, I32, I32, I32])
  const [from, rows, columns, to] = [0, 1, 2, 3]
  const local = () => code.local(I32)
  const [row, column, rowBytes, step, at, out, outBytes] = [local(), local(), local(), local(), local(), local(), local()]
  const r = [0, 1, 2, 3].map(() => code.local(V128))
  const t = [0, 1, 2, 3].map(() => code.local(V128))
  times4(code, columns).set(rowBytes)
  times4(code, rows).set(outBytes)
  code.get(rowBytes).i32(paired ? 1 : 0).op(op.i32_shl).set(step)
  countTo(code, row, (c) => c.get(rows), 4, () => {
    // Row 8 n + 4 of the destination's order is row 8 n + 1 of the source.
    code.get(from)
    if (paired) code.get(row).i32(-8).op(op.i32_and).get(row).i32(2).op(op.i32_shr_u).i32(1).op(op.i32_and).op(op.i32_or)
    else code.get(row)
    code.get(rowBytes).op(op.i32_mul).op(op.i32_add).set(at)
    code.get(to)
    times4(code, row).op(op.i32_add).set(out)
    code.i32(0).set(column)
    countTo(code, column, (c) => c.get(columns), 4, () => {
      code.get(at).vLoad().set(r[0])
      for (let i = 1; i < 4; i++) {
        code.get(at)
        for (let n = 0; n < i; n++) code.get(step).op(op.i32_add)
        code.vLoad().set(r[i])
      }
      code.get(r[0]).get(r[1]).shuffle(words(0, 4, 1, 5)).set(t[0])
      code.get(r[2]).get(r[3]).shuffle(words(0, 4, 1, 5)).set(t[1])
      code.get(r[0]).get(r[1]).shuffle(words(2, 6, 3, 7)).set(t[2])
      code.get(r[2]).get(r[3]).shuffle(words(2, 6, 3, 7)).set(t[3])
      for (const [a, b, lanes] of [[0, 1, words(0, 1, 4, 5)], [0, 1, words(2, 3, 6, 7)], [2, 3, words(0, 1, 4, 5)], [2, 3, words(2, 3, 6, 7)]] as const) {
        code.get(out).get(t[a]).get(t[b]).shuffle(lanes).vStore()
        code.get(out).get(outBytes).op(op.i32_add).set(out)
      }
      code.get(at).i32(16).op(op.i32_add).set(at)
    })
  })
  return code
}

/** (at, count) */
export function emitPairColumns(): Code {
  const code = new Code([I32, I32])
  const [at, end] = [0, 1]
  const [low, high] = [code.local(V128), code.local(V128)]
  times4(code, end).get(at).op(op.i32_add).set(end)
  countTo(code, at, (c) => c.get(end), 32, () => {
    code.get(at).vLoad().set(low).get(at).vLoad(16).set(high)
    code.get(at).get(low).get(high).shuffle(words(0, 2, 4, 6)).vStore()
    code.get(at).get(low).get(high).shuffle(words(1, 3, 5, 7)).vStore(16)
  })
  return code
}

/** (table, base, count, poison) and (table, base, count): 128 bytes a register. */
export function emitLend(back: boolean): Code {
  const code = new Code(back ? [I32, I32, I32] : [I32, I32, I32, I32])
  const [table, base, count, poison] = [0, 1, 2, 3]
  const [slot, shadow] = [code.local(I32), code.local(I32)]
  const fill = code.local(V128)
  if (!back) code.get(poison).simd(simd.i32x4_splat).set(fill)
  code.get(count).i32(3).op(op.i32_shl).get(table).op(op.i32_add).set(count)
  countTo(code, table, (c) => c.get(count), 8, () => {
    code.get(table).i32Load().get(base).op(op.i32_add).set(slot)
    code.get(table).i32Load(4).get(base).op(op.i32_add).set(shadow)
    const [from, to] = back ? [shadow, slot] : [slot, shadow]
    for (let i = 0; i < 128; i += 16) code.get(to).get(from).vLoad(i).vStore(i)
    if (!back) for (let i = 0; i < 128; i += 16) code.get(slot).get(fill).vStore(i)
  })
  return code
}
