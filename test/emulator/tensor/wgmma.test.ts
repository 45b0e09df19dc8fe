// wgmma against plain sums of small integers: every type, every layout of the descriptors, A in registers, scales, sizes.
import { describe, expect, it } from 'vitest'
import { encodeFloat, formats } from '../../../backends/emulator/numeric/small_float.ts'
import { bitsOf, descriptor, integers, product, rangeOf, sizeOf, store, type Matrix, type Placing } from './operands.ts'
import { accumulatorPlace, accumulators, runWarpgroup, whole } from './warpgroup.ts'

interface Case { N: number; a: string; b: string; d: 'f32' | 'f16' | 's32'; A: Placing; B: Placing; scaleD?: string; scales?: [number, number]; satfinite?: boolean; inRegisters?: boolean; compile?: boolean; async?: 'early' | 'late' }

const halfBits = (x: number) => encodeFloat(x, formats.f16)
const f32Bits = (x: number) => new Uint32Array(Float32Array.of(x).buffer)[0]

function check({ N, a, b, d, A, B, scaleD = '1', scales = [1, 1], satfinite, inRegisters, compile = true, async = 'late' }: Case): void {
  const K = a === 'b1' ? 256 : 256 / sizeOf[a]
  const [MA, MB] = [integers(64, K, 1, ...rangeOf[a]), integers(N, K, 2, ...rangeOf[b])]
  const image = new Uint8Array(16384 + Math.max(8192, N * 160))
  if (!inRegisters) store(image, a, MA, A)
  store(image, b, MB, B)
  const registers = d === 'f16' ? N / 4 : N / 2
  const C = integers(64, N, 3, -20, 20)
  const write = d === 'f32' ? f32Bits : (x: number) => x >>> 0
  const wordOf = (M: (r: number, c: number) => number) => (thread: number, r: number) => {
    const [row, column] = accumulatorPlace(thread, r, d === 'f16')
    return d === 'f16' ? (halfBits(M(row, column)) | (halfBits(M(row, column + 1)) << 16)) >>> 0 : write(M(row, column))
  }
  const transposes = a === 'f16' || a === 'bf16'
  const flags = d === 's32' ? '' : `, ${scales[0]}, ${scales[1]}${transposes ? `${inRegisters ? '' : `, ${A.major === 'mn' ? 1 : 0}`}, ${B.major === 'mn' ? 1 : 0}` : ''}`
  const form = `wgmma.mma_async.sync.aligned.m64n${N}k${K}${satfinite ? '.satfinite' : ''}.${d}.${a}.${b}${a === 'b1' ? '.and.popc' : ''}`
  const result = runWarpgroup({
    image, registers, before: wordOf((r, c) => C.at(r, c)), a: fragmentOf(MA, a), descriptors: [...(inRegisters ? [0n] : [descriptor(A)]), descriptor(B)],
    body: whole(`setp.eq.u32 %p1, %r0, %r0; ${form} ${accumulators(registers)}, ${inRegisters ? accumulators(4, '%a') : '%desc0'}, %desc1, ${scaleD}${flags};`), options: { compile, async },
  })
  const sign = scales[0] * scales[1]
  const adds = scaleD === '1' || scaleD === '%p1'
  const want = wordOf((r, c) => (adds ? C.at(r, c) : 0) + sign * product(MA, MB, r, c))
  const wrong = Array.from(result.words).findIndex((x, i) => x !== want(Math.floor(i / registers), i % registers))
  if (wrong >= 0) expect.fail(`thread ${Math.floor(wrong / registers)} register ${wrong % registers} is 0x${result.words[wrong].toString(16)}, must be 0x${want(Math.floor(wrong / registers), wrong % registers).toString(16)}`)
}

/** Registers of A: two rows of 8 by two halves of K, in each 32 bits along K. (ptx-isa-notes 2.2) */
const fragmentOf = (A: Matrix, type: string) => (thread: number, r: number): number => {
  const each = 32 / sizeOf[type]
  const row = 16 * (thread >> 5) + ((thread & 31) >> 2) + 8 * (r & 1)
  let word = 0
  for (let i = 0; i < each; i++) word |= bitsOf[type](A.at(row, (thread & 3) * each + i + 4 * each * (r >> 1))) << (sizeOf[type] * i)
  return word >>> 0
}

const k = (swizzle: Placing['swizzle'], start: number, rows: number): Placing =>
  swizzle === 0 ? { major: 'k', swizzle, leading: Math.ceil(rows / 8) * 144 + 64, stride: 144, start } : { major: 'k', swizzle, leading: 16, stride: 8 * swizzle, start }
/** Dense blocks, but with gaps of a block along M or N. */
const mn = (swizzle: Placing['swizzle'], start: number, extent: number): Placing =>
  swizzle === 0 ? { major: 'mn', swizzle, leading: (extent / 8) * 160 + 128, stride: 160, start } : { major: 'mn', swizzle, leading: 2 * 16 * swizzle, stride: 8 * swizzle, start }
const swizzles = [0, 32, 64, 128] as const
const kinds: [string, string, 'f32' | 'f16' | 's32'][] = [
  ['f16', 'f16', 'f32'], ['f16', 'f16', 'f16'], ['bf16', 'bf16', 'f32'], ['tf32', 'tf32', 'f32'], ['e4m3', 'e4m3', 'f32'], ['e4m3', 'e5m2', 'f32'], ['e5m2', 'e4m3', 'f16'], ['e5m2', 'e5m2', 'f32'],
  ['s8', 's8', 's32'], ['s8', 'u8', 's32'], ['u8', 's8', 's32'], ['u8', 'u8', 's32'], ['b1', 'b1', 's32'],
]

describe('types, K-major, all swizzles', () => {
  for (const [a, b, d] of kinds) for (const swizzle of swizzles) {
    it(`${d}.${a}.${b}, ${swizzle ? `${swizzle} bytes` : 'not swizzled'}`, () => {
      check({ N: 16, a, b, d, A: k(swizzle, 0, 64), B: k(swizzle, 16384, 16) })
      if (swizzle === 128 || swizzle === 0) check({ N: 24, a, b, d, A: k(swizzle, 0, 64), B: k(swizzle, 16384, 24), inRegisters: true })
    })
  }
})

describe('transposed operands', () => {
  for (const [a, b, d] of kinds.slice(0, 3)) for (const swizzle of swizzles) {
    it(`${d}.${a}.${b}, ${swizzle ? `${swizzle} bytes` : 'not swizzled'}`, () => {
      check({ N: 128, a, b, d, A: mn(swizzle, 0, 64), B: mn(swizzle, 16384, 128) })
      check({ N: 64, a, b, d, A: k(swizzle, 0, 64), B: mn(swizzle, 16384, 64) })
      check({ N: 72, a, b, d, A: mn(swizzle, 0, 64), B: k(swizzle, 16384, 72) })
      check({ N: 64, a, b, d, A: k(swizzle, 0, 64), B: mn(swizzle, 16384, 64), inRegisters: true })
    })
  }
})

describe('addresses', () => {
  it('a step along K inside a swizzled row is an offset of the start address', () => {
    for (const swizzle of [64, 128] as const) for (let step = 0; step < swizzle / 32; step++) check({ N: 8, a: 'bf16', b: 'bf16', d: 'f32', A: k(swizzle, 32 * step, 64), B: k(swizzle, 16384 + 32 * step, 8) })
  })
  it('a pattern that does not begin at a multiple of its size has a base offset', () => {
    for (const swizzle of [32, 64, 128] as const) for (const rows of [1, 3, 6]) {
      const start = 128 * rows
      const baseOffset = (start >> 7) & 7
      check({ N: 16, a: 'f16', b: 'f16', d: 'f32', A: { ...k(swizzle, start, 64), baseOffset }, B: { ...k(swizzle, 16384 + start, 16), baseOffset } })
      check({ N: 64, a: 'f16', b: 'f16', d: 'f32', A: { ...mn(swizzle, start, 64), baseOffset }, B: { ...mn(swizzle, 16384 + start, 64), baseOffset } })
    }
  })
})

describe('sparse A', () => {
  const pairs = [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
  for (const [a, b, d] of kinds.filter(([a]) => a !== 'b1')) {
    const K = 512 / sizeOf[a]
    const chosen = (row: number, group: number) => (a === 'tf32' ? ((row + group) % 2 ? [2, 3] : [0, 1]) : pairs[(row * 5 + group * 3 + (row >> 2)) % 6])
    const S = integers(64, K / 2, 5, ...rangeOf[a]), B = integers(16, K, 6, ...rangeOf[b])
    const A: Matrix = {
      rows: 64, columns: K,
      at(r, k) {
        if (a === 'tf32') return k % 2 === chosen(r, k >> 1)[0] >> 1 ? S.at(r, k >> 1) : 0
        const slot = chosen(r, k >> 2).indexOf(k & 3)
        return slot < 0 ? 0 : S.at(r, 2 * (k >> 2) + slot)
      },
    }
    const nibbles = (row: number, from: number, n: number) => Array.from({ length: n }, (_, i) => (chosen(row, from + i)[0] | (chosen(row, from + i)[1] << 2)) << (4 * i)).reduce((x, y) => x | y, 0)
    /** As mma.sp has it, for the 16 rows of each warp. */
    const metadata = (thread: number, selector: number) => {
      const [row, t] = [16 * (thread >> 5) + ((thread & 31) >> 2), thread & 3]
      if (sizeOf[a] === 8) return nibbles(row + 8 * (t & 1), 8 * (t >> 1), 8)
      return t >> 1 === selector ? nibbles(row, 4 * (t & 1), 4) | (nibbles(row + 8, 4 * (t & 1), 4) << 16) : 0x5a5a5a5a
    }
    const registers = d === 'f16' ? 4 : 8
    const wordOf = (thread: number, r: number) => {
      const [row, column] = accumulatorPlace(thread, r, d === 'f16')
      const sum = product(A, B, row, column)
      return d === 'f16' ? (halfBits(sum) | (halfBits(product(A, B, row, column + 1)) << 16)) >>> 0 : d === 'f32' ? f32Bits(sum) : sum >>> 0
    }
    for (const inRegisters of [false, true]) for (const transposed of sizeOf[a] === 16 ? [false, true] : [false]) {
      it(`m64n16k${K} ${d}.${a}.${b}${inRegisters ? ', A in registers' : ''}${transposed ? ', transposed' : ''}`, () => {
        for (let selector = 0; selector < (sizeOf[a] === 8 ? 1 : 2); selector++) {
          const [placeA, placeB]: Placing[] = transposed ? [mn(128, 0, 64), mn(32, 16384, 16)] : [k(64, 0, 64), k(128, 16384, 16)]
          const image = new Uint8Array(16384 + 8192)
          if (!inRegisters) store(image, a, S, placeA)
          store(image, b, B, placeB)
          const flags = d === 's32' ? '' : `, 1, 1${sizeOf[a] === 16 ? `${inRegisters ? '' : `, ${transposed ? 1 : 0}`}, ${transposed ? 1 : 0}` : ''}`
          // The metadata travels as one more register of the accumulators, which is not one of them.
          const result = runWarpgroup({
            image, registers: registers + 1, before: (thread, r) => (r === registers ? metadata(thread, selector) : 0), a: fragmentOf(S, a), descriptors: [descriptor(placeA), descriptor(placeB)], options: { compile: true, async: 'late' },
            body: whole(`wgmma.mma_async.sp.sync.aligned.m64n16k${K}.${d}.${a}.${b} ${accumulators(registers)}, ${inRegisters ? accumulators(4, '%a') : '%desc0'}, %desc1, %d${registers}, ${selector}, 0${flags};`),
          })
          const got = Array.from(result.words).filter((_, i) => i % (registers + 1) !== registers)
          expect(got).toEqual(got.map((_, i) => wordOf(Math.floor(i / registers), i % registers)))
        }
      })
    }
  }
})

describe('sizes, scales and modes', () => {
  for (const N of [8, 24, 40, 88, 96, 200, 248, 256]) it(`N = ${N}`, () => check({ N, a: 'bf16', b: 'bf16', d: 'f32', A: k(128, 0, 64), B: k(128, 16384, N) }))
  it('scale-d as constant, predicate, negated predicate', () => { for (const scaleD of ['0', '1', '%p1', '!%p1']) check({ N: 16, a: 'f16', b: 'f16', d: 'f32', A: k(128, 0, 64), B: k(128, 16384, 16), scaleD }) })
  it('imm-scale negates', () => { for (const scales of [[-1, 1], [1, -1], [-1, -1]] as [number, number][]) for (const d of ['f32', 'f16'] as const) check({ N: 16, a: 'f16', b: 'f16', d, A: k(64, 0, 64), B: k(64, 16384, 16), scales }) })
  it('the plain products do the same, early and late', () => {
    for (const [a, b, d] of kinds) check({ N: 16, a, b, d, A: k(128, 0, 64), B: k(128, 16384, 16), compile: false, async: 'early' })
    check({ N: 64, a: 'bf16', b: 'bf16', d: 'f32', A: mn(128, 0, 64), B: mn(32, 16384, 64), compile: false })
  })
})
