// Products rounded as Hopper does (tensorCore: 'hopper'), against numbers worked out by hand and a model in whole numbers.
import { describe, expect, it } from 'vitest'
import { encodeFloat, formats } from '../../../backends/emulator/numeric/small_float.ts'
import { bitsOf, descriptor, store, type Matrix, type Placing } from './operands.ts'
import { fragmentA, fragmentB, runTile } from './warp_tile.ts'
import { accumulators, runWarpgroup, whole } from './warpgroup.ts'

const f32 = (bits: number) => new Float32Array(Uint32Array.of(bits).buffer)[0]
const word = (x: number) => new Uint32Array(Float32Array.of(x).buffer)[0]
/** Row 0 of A times column 0 of B plus c, by mma.sync m16n8k16 (or k32 of bytes). */
function mma(type: string, a: readonly number[], b: readonly number[], c: number, tensorCore: 'exact' | 'hopper' = 'hopper'): number {
  const K = type === 'f16' || type === 'bf16' ? 16 : 32
  const [A, B]: Matrix[] = [a, b].map((x, i) => ({ rows: i ? 8 : 16, columns: K, at: (r, k) => (r === 0 ? x[k] ?? 0 : 0) }))
  const text = `mma.sync.aligned.m16n8k${K}.row.col.f32.${type}.${type}.f32 {%d0, %d1, %d2, %d3}, {%a0, %a1, %a2, %a3}, {%b0, %b1}, {%c0, %c1, %c2, %c3};`
  return f32(runTile({ a: { count: 4, value: fragmentA(A, type, 2) }, b: { count: 2, value: fragmentB(B, type) }, c: { count: 4, value: () => word(c) }, d: { count: 4 } }, text, { tensorCore, compile: true })[0])
}
function wgmma(type: string, a: readonly number[], b: readonly number[], c: number, d: 'f32' | 'f16' = 'f32'): number {
  const K = type === 'e4m3' || type === 'e5m2' ? 32 : 16
  const layout = (start: number): Placing => ({ major: 'k', swizzle: 32, leading: 16, stride: 256, start })
  const image = new Uint8Array(4096)
  store(image, type, { rows: 64, columns: K, at: (r, k) => (r === 0 ? a[k] ?? 0 : 0) }, layout(0))
  store(image, type, { rows: 8, columns: K, at: (r, k) => (r === 0 ? b[k] ?? 0 : 0) }, layout(2048))
  const registers = d === 'f32' ? 4 : 2
  const flags = type === 'f16' ? ', 0, 0' : ''
  const result = runWarpgroup({
    image, registers, before: () => (d === 'f32' ? word(c) : encodeFloat(c, formats.f16)), descriptors: [descriptor(layout(0)), descriptor(layout(2048))],
    body: whole(`wgmma.mma_async.sync.aligned.m64n8k${K}.${d}.${type}.${type} ${accumulators(registers)}, %desc0, %desc1, 1, 1, 1${flags};`), options: { tensorCore: 'hopper', compile: true },
  })
  return d === 'f32' ? f32(result.words[0]) : result.words[0] & 0xffff
}

describe('25 bits below the largest term', () => {
  it('what lies lower is cut off before it is added', () => {
    const tiny = [...Array(15).fill(2 ** -13), 1]
    expect(mma('f16', tiny, tiny, 0)).toBe(1)
    // Fifteen times 2 ** -26 is more than half an ulp: f32 sums see it, in this order.
    expect(mma('f16', tiny, tiny, 0, 'exact')).toBe(1 + 2 ** -22)
    expect(mma('f16', [1, 2 ** -12, 2 ** -12], [1, 2 ** -13, 2 ** -13], 0)).toBe(1)
  })
  it('the sum is rounded towards zero', () => {
    const three = [1, 3 * 2 ** -13]
    expect([mma('f16', three, [1, 2 ** -12], 0), mma('f16', three, [1, 2 ** -12], 0, 'exact')]).toEqual([1, 1 + 2 ** -23])
    expect([mma('f16', three, [-1, -(2 ** -12)], 0), mma('f16', three, [-1, -(2 ** -12)], 0, 'exact')]).toEqual([-1, -1 - 2 ** -23])
  })
  it('the accumulator is one of the terms', () => {
    expect(mma('bf16', [2 ** -20], [2 ** -5], 1)).toBe(1)
    expect(mma('bf16', [1], [1], 2 ** 25 + 2 ** 2)).toBe(2 ** 25 + 4)
    expect(mma('bf16', [1, 1, 1, 1], [1, 1, 1, 1], 2 ** 25)).toBe(2 ** 25 + 4)
    // Aligned to 2 ** 26, a unit is 2: three are cut off to two each, and the sum is a multiple of 8.
    expect(mma('bf16', [3, 3, 3, 3], [1, 1, 1, 1], 2 ** 26)).toBe(2 ** 26 + 8)
  })
  it('infinities and NaN', () => {
    expect(mma('f16', [Infinity, 1], [1, 1], 5)).toBe(Infinity)
    expect(mma('f16', [Infinity, -Infinity], [1, 1], 5)).toBeNaN()
    expect(mma('f16', [Infinity], [0], 5)).toBeNaN()
  })
})

describe('8-bit floats', () => {
  it('wgmma keeps 13 bits, mma.sync 25', () => {
    const [a, b] = [[1, 2 ** -7], [1, 2 ** -7]]
    expect([wgmma('e4m3', a, b, 0), mma('e4m3', a, b, 0)]).toEqual([1, 1 + 2 ** -14])
    expect(wgmma('e4m3', [1, 2 ** -6], [1, 2 ** -7], 0)).toBe(1 + 2 ** -13)
    // The accumulator too: what an earlier product left below is lost.
    expect(wgmma('e5m2', [1], [1], 1 + 2 ** -13)).toBe(2)
    expect(wgmma('e5m2', [], [], 1 + 2 ** -14)).toBe(1)
  })
  it('f16 accumulators are rounded to nearest', () => {
    expect(wgmma('f16', [1, 2 ** -11 + 2 ** -12], [1, 1], 0, 'f16')).toBe(bitsOf.f16(1 + 2 ** -10))
    expect(wgmma('f16', [1, 2 ** -11], [1, 1], 0, 'f16')).toBe(bitsOf.f16(1))
  })
})

it('any numbers: the same as sums of whole numbers', () => {
  let x = 99
  const random = () => { x = (Math.imul(x, 1664525) + 1013904223) >>> 0; return x / 2 ** 32 }
  const half = () => { const e = Math.floor(random() * 22) - 14; const v = (1024 + Math.floor(random() * 1024)) * 2 ** (e - 10); return random() < 0.5 ? -v : v }
  /** Terms as multiples of 2 ** -80. */
  const whole80 = (v: number) => BigInt(v * 2 ** 40) * 2n ** 40n
  for (let n = 0; n < 20; n++) {
    const [a, b, c] = [Array.from({ length: 16 }, half), Array.from({ length: 16 }, half), half() * 3]
    const exponent = (v: number) => Math.floor(Math.log2(Math.abs(v)))
    const top = Math.max(exponent(c), ...a.map((v, k) => exponent(v) + exponent(b[k])))
    const unit = 2n ** BigInt(80 + top - 25)
    // BigInt division cuts off towards zero.
    const sum = [...a.map((v, k) => (whole80(v) * whole80(b[k])) / 2n ** 80n), whole80(c)].reduce((s, t) => s + t / unit, 0n) * unit
    const size = (sum < 0n ? -sum : sum).toString(2).length
    const grid = 2n ** BigInt(Math.max(0, size - 24))
    expect(mma('f16', a, b, c)).toBe(Number((sum / grid) * grid) / 2 ** 80)
  }
})
