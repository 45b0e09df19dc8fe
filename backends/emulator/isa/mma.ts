// Matrix products of one warp: mma.sync m16n8, and ldmatrix that feeds it (PTX ISA 9.7.14, fragments in 9.7.14.5).
import type { Chapter, Decoded } from '../decode.ts'
import { showLanes } from '../diagnostics.ts'
import { NEXT, RETRY, type Exec, type Memory, type Slot } from '../machine.ts'
import { f32Of } from '../numeric/round.ts'
import { decodeFloat, encodeFloat, formats } from '../numeric/small_float.ts'

/** All living lanes of the warp must stand here: .sync.aligned. */
function wholeWarp(run: Exec): Decoded {
  return {
    control(w, g, mask) {
      if (mask === 0) { g.pc++; return NEXT }
      const missing = w.alive & ~g.mask
      if (missing !== 0) {
        g.wait = { what: `${w.current.name}: lanes ${showLanes(missing)} have not arrived`, ready: () => (w.alive & ~g.mask) === 0 }
        return RETRY
      }
      run(w, mask)
      w.machine.sanitizer?.warpSync(w, mask)
      g.pc++
      return NEXT
    },
  }
}

/** Element of a 32-bit word as a number: `i` counts from the low bits. */
type Reader = (word: number, i: number) => number
let halves: Float32Array | undefined
/** Every f16 by its bits: a product reads hundreds of them. Made by the first mma that needs it. */
function makeHalves(): void { halves ??= Float32Array.from({ length: 65536 }, (_, bits) => decodeFloat(bits, formats.f16)) }
const readers: Readonly<Record<string, Reader>> = {
  f16: (x, i) => halves![(x >>> (16 * i)) & 0xffff],
  bf16: (x, i) => f32Of(i ? x & 0xffff0000 : x << 16),
  // The low 13 bits do not count.
  tf32: (x) => f32Of(x & 0xffffe000),
  s8: (x, i) => (x << (24 - 8 * i)) >> 24,
  u8: (x, i) => (x >>> (8 * i)) & 255,
}
const elementBytes: Readonly<Record<string, number>> = { f16: 2, bf16: 2, tf32: 4, s8: 1, u8: 1 }

const a = new Float64Array(16 * 32)
const b = new Float64Array(32 * 8)

/** Row-major A [16, K] and B [K, 8] from the fragments: lane 4 g + t holds row g (A) or column g (B), k from t on. */
function gather(memory: Memory, base: number, slots: readonly Slot[], into: Float64Array, read: Reader, bytes: number, K: number, isA: boolean): void {
  const perWord = 4 / bytes
  slots.forEach((slot, r) => {
    const [row, kStep] = isA ? [8 * (r & 1), r >> 1] : [0, r]
    for (let lane = 0; lane < 32; lane++) {
      const value = memory.u32[((base + slot) >> 2) + lane]
      const [g, t] = [lane >> 2, lane & 3]
      for (let i = 0; i < perWord; i++) {
        const k = perWord * t + i + kStep * 4 * perWord
        into[isA ? (g + row) * K + k : k * 8 + g] = read(value, i)
      }
    }
  })
}

const shapes: Readonly<Record<string, readonly string[]>> = { m16n8k8: ['f16', 'bf16', 'tf32'], m16n8k16: ['f16', 'bf16', 's8', 'u8'], m16n8k4: ['tf32'], m16n8k32: ['s8', 'u8'] }

export const mma: Chapter = {
  'mma.sync'(s, ctx) {
    const m = ctx.modifiers
    for (const f of ['sync', 'aligned']) if (!m.flag(f)) ctx.error(`mma needs .${f}`)
    const shape = m.need(Object.keys(shapes), 'shape')
    for (const f of ['row', 'col']) if (!m.flag(f)) ctx.error(`mma.${shape} needs .row.col`)
    const saturate = m.flag('satfinite')
    const d = m.need(['f32', 'f16', 's32'] as const, 'type of D')
    const at = m.need(shapes[shape], 'type of A')
    const bt = m.need(shapes[shape], 'type of B')
    const c = m.need([d], 'type of C')
    const integer = at === 's8' || at === 'u8'
    if (integer !== (d === 's32') || (!integer && at !== bt) || (d === 'f16' && at !== 'f16')) ctx.error(`mma.${shape}.${d}.${at}.${bt}.${c}: types that do not go together`)
    ctx.operands(4)
    const K = Number(shape.slice(shape.indexOf('k') + 1))
    const bytes = elementBytes[at]
    const packed = d === 'f16'
    if (at === 'f16') makeHalves()
    const type = d === 'f32' ? 'f32' : 'b32'
    const dSlots = ctx.dstVector(s.operands[0], type, packed ? 2 : 4)
    const aSlots = ctx.srcVector(s.operands[1], 'b32', (16 * K * bytes) / 128)
    const bSlots = ctx.srcVector(s.operands[2], 'b32', (8 * K * bytes) / 128)
    const cSlots = ctx.srcVector(s.operands[3], type, packed ? 2 : 4)
    const result = wholeWarp((w) => {
      const memory = w.machine.memory
      const { f32, u32, i32 } = memory
      gather(memory, w.base, aSlots, a, readers[at], bytes, K, true)
      gather(memory, w.base, bSlots, b, readers[bt], bytes, K, false)
      // C is read whole before D is written: they may be the same registers.
      const sums = new Float64Array(128)
      for (let lane = 0; lane < 32; lane++) {
        for (let r = 0; r < 4; r++) {
          const [row, column] = [(lane >> 2) + 8 * (r >> 1), 2 * (lane & 3) + (r & 1)]
          const place = ((w.base + cSlots[packed ? r >> 1 : r]) >> 2) + lane
          let sum = packed ? halves![(u32[place] >>> (16 * (r & 1))) & 0xffff] : integer ? i32[place] : f32[place]
          for (let k = 0; k < K; k++) sum += a[row * K + k] * b[k * 8 + column]
          sums[lane * 4 + r] = sum
        }
      }
      for (let lane = 0; lane < 32; lane++) {
        for (let r = 0; r < (packed ? 2 : 4); r++) {
          const place = ((w.base + dSlots[r]) >> 2) + lane
          if (packed) u32[place] = encodeFloat(sums[lane * 4 + 2 * r], formats.f16) | (encodeFloat(sums[lane * 4 + 2 * r + 1], formats.f16) << 16)
          else if (!integer) f32[place] = sums[lane * 4 + r]
          else i32[place] = saturate ? Math.max(-0x80000000, Math.min(0x7fffffff, sums[lane * 4 + r])) : Number(BigInt.asIntN(32, BigInt(sums[lane * 4 + r])))
        }
      }
    })
    return { ...result, tensorFlop: 2 * 16 * 8 * K }
  },
}
