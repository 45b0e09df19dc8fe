// The products of the tensor cores: WebAssembly against the definition in TypeScript, bit for bit, and that against plain sums.
import { describe, expect, it } from 'vitest'
import { LinearMemory } from '../../../backends/emulator/memory.ts'
import { elementBits, elementNames, perPiece } from '../../../backends/emulator/products/elements.ts'
import { plainProducts } from '../../../backends/emulator/products/plain.ts'
import { adds, saturates, type Accumulator } from '../../../backends/emulator/products/products.ts'
import { wasmProducts } from '../../../backends/emulator/products/wasm.ts'

const memory = new LinearMemory()
const plain = plainProducts(memory)
const wasm = wasmProducts(memory)
let state = 12345
const random = () => { state ^= state << 13; state ^= state >>> 17; state ^= state << 5; return (state >>> 0) / 2 ** 32 }
const wordsAt = (at: number, n: number) => Array.from(memory.u32.slice(at >> 2, (at >> 2) + n))

describe('expand', () => {
  for (const type of elementNames) {
    it(`${type}: every pattern, the same numbers in WebAssembly`, () => {
      const patterns = elementBits[type] === 32 ? 4096 : 2 ** elementBits[type]
      const bytes = Math.max(16, (patterns * elementBits[type]) / 8)
      const [from, table] = [memory.reserve(bytes), memory.reserve(bytes / 4)]
      for (let i = 0; i < bytes / 4; i++) memory.u32[(from >> 2) + i] = random() * 2 ** 32
      if (elementBits[type] === 16) for (let i = 0; i < patterns; i++) memory.u16[(from >> 1) + i] = i
      if (elementBits[type] === 8) for (let i = 0; i < patterns; i++) memory.u8[from + i] = i
      const pieces = bytes / 16
      // Backwards, so that the table is looked at.
      for (let i = 0; i < pieces; i++) memory.u32[(table >> 2) + i] = 16 * (pieces - 1 - i)
      const count = pieces * perPiece(type)
      const [a, b] = [memory.reserve(4 * count), memory.reserve(4 * count)]
      plain.expand[type](table, from, pieces, a)
      wasm.expand[type](table, from, pieces, b)
      const [x, y] = [memory.f32.slice(a >> 2, (a >> 2) + count), memory.f32.slice(b >> 2, (b >> 2) + count)]
      expect(Array.from(y)).toEqual(Array.from(x))
      expect(Array.from(x, (v) => 1 / v)).toEqual(Array.from(y, (v) => 1 / v))
      for (const at of [from, table, a, b]) memory.release(at)
    })
  }
})

describe('moves', () => {
  for (const [rows, columns] of [[8, 16], [64, 8], [256, 32], [16, 4]]) {
    it(`transpose [${rows}, ${columns}]`, () => {
      const [from, a, b] = [1, 2, 3].map(() => memory.reserve(4 * rows * columns))
      for (let i = 0; i < rows * columns; i++) memory.u32[(from >> 2) + i] = i
      for (const name of ['transpose', 'transposePairs'] as const) {
        plain[name](from, rows, columns, a)
        wasm[name](from, rows, columns, b)
        expect(wordsAt(b, rows * columns)).toEqual(wordsAt(a, rows * columns))
      }
      expect(wordsAt(a, 8)).toEqual([0, 2, 4, 6, 1, 3, 5, 7].map((r) => r * columns))
      plain.transpose(from, rows, columns, a)
      expect(wordsAt(a, 8)).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((r) => r * columns))
      plain.pairColumns(from, rows * columns)
      expect(wordsAt(from, 16)).toEqual([0, 2, 4, 6, 1, 3, 5, 7, 8, 10, 12, 14, 9, 11, 13, 15])
      for (let i = 0; i < rows * columns; i++) memory.u32[(b >> 2) + i] = i
      wasm.pairColumns(b, rows * columns)
      expect(wordsAt(b, rows * columns)).toEqual(wordsAt(from, rows * columns))
      for (const at of [from, a, b]) memory.release(at)
    })
  }
  it('registers are lent and given back', () => {
    const [base, table] = [memory.reserve(1024), memory.reserve(64)]
    memory.u32.set([0, 512, 256, 640], table >> 2)
    for (const products of [plain, wasm]) {
      for (let i = 0; i < 256; i++) memory.u32[(base >> 2) + i] = i
      products.lend(table, base, 2, 0x7fdb7fdb)
      expect(wordsAt(base, 192)).toEqual(Array.from({ length: 192 }, (_, i) => (i < 32 || (i >= 64 && i < 96) ? 0x7fdb7fdb : i >= 128 && i < 160 ? i - 128 : i >= 160 ? i - 96 : i)))
      memory.u32[(base + 512) >> 2] = 99
      products.giveBack(table, base, 2)
      expect(wordsAt(base, 96)).toEqual(Array.from({ length: 96 }, (_, i) => (i === 0 ? 99 : i)))
    }
  })
})

describe('multiply', () => {
  const run = (kind: Accumulator, N: number, K: number, flags: number, number: () => number, accumulator: () => number) => {
    const registers = kind === 'f16' ? N / 4 : N / 2
    const [a, b, c, d, base] = [memory.reserve(64 * K), memory.reserve(4 * K * N), memory.reserve(4 * registers), memory.reserve(4 * registers), memory.reserve(256 * registers)]
    for (let i = 0; i < 16 * K; i++) memory.f32[(a >> 2) + i] = number()
    for (let i = 0; i < K * N; i++) memory.f32[(b >> 2) + i] = number()
    for (let i = 0; i < 32 * registers; i++) memory.u32[(base >> 2) + i] = accumulator()
    // Registers in another order than they lie; results to others, then over the operands.
    for (let i = 0; i < registers; i++) { memory.u32[(c >> 2) + i] = 128 * (registers - 1 - i); memory.u32[(d >> 2) + i] = 128 * (registers + i) }
    const A = Array.from(memory.f32.slice(a >> 2, (a >> 2) + 16 * K))
    const B = Array.from(memory.f32.slice(b >> 2, (b >> 2) + K * N))
    const C = Array.from({ length: registers }, (_, i) => wordsAt(base + memory.u32[(c >> 2) + i], 32))
    plain.multiply[kind](a, K, b, N, base, c, d, flags)
    const D = Array.from({ length: registers }, (_, i) => wordsAt(base + memory.u32[(d >> 2) + i], 32))
    wasm.multiply[kind](a, K, b, N, base, c, d, flags)
    expect(Array.from({ length: registers }, (_, i) => wordsAt(base + memory.u32[(d >> 2) + i], 32))).toEqual(D)
    // In place, then to the registers of C in another order, as one instruction of 8 columns may have it.
    const before = memory.u32.slice(base >> 2, (base >> 2) + 32 * registers)
    const table = Array.from(memory.u32.slice(c >> 2, (c >> 2) + registers))
    for (const target of N === 8 ? [table, [...table].reverse()] : [table]) for (const products of [wasm, plain]) {
      memory.u32.set(before, base >> 2)
      memory.u32.set(target, d >> 2)
      products.multiply[kind](a, K, b, N, base, c, d, flags)
      expect(target.map((slot) => wordsAt(base + slot, 32))).toEqual(D)
    }
    for (const at of [a, b, c, d, base]) memory.release(at)
    return { A, B, C, D }
  }
  const f32 = (bits: number) => new Float32Array(Uint32Array.of(bits).buffer)[0]
  const bits = (x: number) => new Uint32Array(Float32Array.of(x).buffer)[0]
  const shapes = [[8, 4], [8, 16], [16, 8], [24, 16], [128, 32], [256, 16]]
  for (const [N, K] of shapes) {
    it(`m16n${N}k${K}: small integers give plain sums in rows and columns of the ISA's fragments`, () => {
      const { A, B, C, D } = run('f32', N, K, adds, () => Math.floor(random() * 17) - 8, () => bits(Math.floor(random() * 100) - 50))
      for (let r = 0; r < N / 2; r++) for (let lane = 0; lane < 32; lane++) {
        const [row, column] = [(lane >> 2) + 8 * ((r >> 1) & 1), 8 * (r >> 2) + 2 * (lane & 3) + (r & 1)]
        const place = (column & ~7) | ((column & 1) << 2) | ((column & 7) >> 1)
        let sum = f32(C[r][lane])
        for (let k = 0; k < K; k++) sum += A[row * K + k] * B[k * N + place]
        expect(f32(D[r][lane])).toBe(sum)
      }
    })
    const wild = () => { const x = random(); return x < 0.02 ? Infinity : x < 0.03 ? NaN : x < 0.1 ? 0 : (random() - 0.5) * 2 ** (random() * 30 - 15) }
    const any = () => random() * 2 ** 32
    for (const kind of ['f32', 'f16'] as const) {
      it(`${kind} m16n${N}k${K}: any numbers, infinities and NaN too`, () => { for (const flags of [0, adds]) for (let i = 0; i < 3; i++) run(kind, N, K, flags, wild, any) })
      it(`${kind} m16n${N}k${K}: without NaN`, () => { for (let i = 0; i < 4; i++) run(kind, N, K, adds, () => (random() - 0.5) * 2 ** (random() * 18 - 14), () => (any() & 0x3fff3fff) >>> 0) })
    }
    it(`s32 m16n${N}k${K}: wrapping and saturating`, () => {
      const near = () => (random() < 0.3 ? 0x7ffffff0 : random() < 0.5 ? 0x80000010 : random() * 2 ** 32)
      for (const flags of [0, adds, adds | saturates]) {
        const { C, D } = run('s32', N, K, flags, () => Math.floor(random() * 511) - 255, near)
        if (flags === (adds | saturates)) expect(D.flat().some((x, i) => x !== C.flat()[i] && (x === 0x7fffffff || x === 0x80000000))).toBe(true)
      }
    })
  }
  it('f16 results are rounded to nearest even, down to subnormal ones', () => {
    for (let e = -30; e < 18; e++) run('f16', 8, 4, 0, () => Math.fround((random() - 0.5) * 2 ** (e / 2)), () => 0)
  })
})
