// mma.sync against plain sums of small integers: every shape and type, fragments by the ISA, sparse A by its metadata.
import { describe, expect, it } from 'vitest'
import { LinearMemory } from '../../../backends/emulator/memory.ts'
import { LoadedModule } from '../../../backends/emulator/loader.ts'
import { parsePtx } from '../../../backends/emulator/parser.ts'
import { encodeFloat, formats } from '../../../backends/emulator/numeric/small_float.ts'
import { integers, product, rangeOf, sizeOf, type Matrix } from './operands.ts'
import { fragmentA, fragmentB, runTile } from './warp_tile.ts'

const list = (prefix: string, n: number) => `{${Array.from({ length: n }, (_, i) => `%${prefix}${i}`).join(', ')}}`
const half = (x: number) => encodeFloat(x, formats.f16)
const f32Bits = (x: number) => new Uint32Array(Float32Array.of(x).buffer)[0]
/** Registers of an accumulator: pairs of columns of row g, then of row g + 8. */
const accumulator = (type: string, at: (row: number, column: number) => number) => (lane: number, r: number): number => {
  const [g, t] = [lane >> 2, lane & 3]
  if (type === 'f16') return (half(at(g + 8 * r, 2 * t)) | (half(at(g + 8 * r, 2 * t + 1)) << 16)) >>> 0
  const x = at(g + 8 * (r >> 1), 2 * t + (r & 1))
  return type === 'f32' ? f32Bits(x) : x >>> 0
}
const dense: [shape: [number, number], types: string[], results: string[]][] = [
  [[16, 8], ['f16'], ['f32', 'f16']], [[16, 16], ['f16'], ['f32', 'f16']], [[16, 8], ['bf16'], ['f32']], [[16, 16], ['bf16'], ['f32']], [[16, 4], ['tf32'], ['f32']], [[16, 8], ['tf32'], ['f32']],
  [[16, 16], ['e4m3', 'e5m2'], ['f32', 'f16']], [[16, 32], ['e4m3', 'e5m2'], ['f32', 'f16']], [[8, 16], ['s8', 'u8'], ['s32']], [[16, 16], ['s8', 'u8'], ['s32']], [[16, 32], ['s8', 'u8'], ['s32']],
  [[8, 32], ['s4', 'u4'], ['s32']], [[16, 32], ['s4', 'u4'], ['s32']], [[16, 64], ['s4', 'u4'], ['s32']], [[8, 128], ['b1'], ['s32']], [[16, 128], ['b1'], ['s32']], [[16, 256], ['b1'], ['s32']],
]

function check(M: number, K: number, a: string, b: string, d: string, compile: boolean): void {
  const [A, B, C] = [integers(M, K, 1, ...rangeOf[a]), integers(8, K, 2, ...rangeOf[b]), integers(M, 8, 3, -20, 20)]
  const counts = { a: (M * K * sizeOf[a]) / 1024, b: (8 * K * sizeOf[b]) / 1024, c: (d === 'f16' ? 2 : 4) / (16 / M) }
  for (const op of a === 'b1' ? ['.xor.popc', '.and.popc'] : ['']) {
    // D takes the registers of C in one run, of its own in the other.
    for (const inPlace of [false, true]) {
      const C4 = accumulator(d, (r, c) => C.at(r, c))
      const got = runTile({ a: { count: counts.a, value: fragmentA(A, a, M === 16 ? 2 : 1) }, b: { count: counts.b, value: fragmentB(B, b) }, c: { count: counts.c, value: C4 }, d: { count: counts.c, value: C4 } },
        `mma.sync.aligned.m${M}n8k${K}.row.col.${d}.${a}.${b}.${d}${op} ${list('d', counts.c)}, ${list('a', counts.a)}, ${list('b', counts.b)}, ${list(inPlace ? 'd' : 'c', counts.c)};`, { compile })
      const sum = (r: number, c: number) => (op === '.xor.popc' ? xor(A, B, r, c) : product(A, B, r, c))
      const want = accumulator(d, (r, c) => C.at(r, c) + sum(r, c))
      expect(Array.from(got)).toEqual(Array.from(got, (_, i) => want(Math.floor(i / counts.c), i % counts.c)))
    }
  }
}
function xor(A: Matrix, B: Matrix, m: number, n: number): number { let sum = 0; for (let k = 0; k < A.columns; k++) sum += A.at(m, k) ^ B.at(n, k); return sum }

describe('dense', () => {
  for (const [[M, K], types, results] of dense) for (const a of types) for (const b of types) for (const d of results) {
    it(`m${M}n8k${K} ${d}.${a}.${b}`, () => { check(M, K, a, b, d, true); if (a === b) check(M, K, a, b, d, false) })
  }
  it('integers saturate with .satfinite and wrap without', () => {
    const run = (sat: string, c: number) => runTile({ a: { count: 2, value: () => 0x7f7f7f7f }, b: { count: 1, value: () => 0x7f7f7f7f }, c: { count: 4, value: () => c }, d: { count: 4 } }, `mma.sync.aligned.m16n8k16.row.col${sat}.s32.s8.s8.s32 ${list('d', 4)}, {%a0, %a1}, {%b0}, ${list('c', 4)};`, { compile: true })[5]
    expect([run('', 0x7fffffff), run('.satfinite', 0x7fffffff), run('.satfinite', 5)]).toEqual([(0x7fffffff + 16 * 127 * 127) >>> 0, 0x7fffffff, 5 + 16 * 127 * 127])
  })
})

describe('doubles', () => {
  const word64 = (x: number) => new BigUint64Array(Float64Array.of(x).buffer)[0]
  for (const [M, K] of [[8, 4], [16, 4], [16, 8], [16, 16]]) {
    const blocks = M / 8
    const run = (A: Matrix, B: Matrix, C: Matrix, rounding = '') => {
      const tile = (X: Matrix, n: number) => (lane: number, r: number) => word64(X.at((lane >> 2) + 8 * (r % n), (lane & 3) + 4 * Math.floor(r / n)))
      const got = runTile({ a: { count: (blocks * K) / 4, wide: true, value: tile(A, blocks) }, b: { count: K / 4, wide: true, value: tile(B, 1) }, c: { count: 2 * blocks, wide: true, value: (lane, r) => word64(C.at((lane >> 2) + 8 * (r >> 1), 2 * (lane & 3) + (r & 1))) }, d: { count: 2 * blocks, wide: true } },
        `mma.sync.aligned.m${M}n8k${K}.row.col${rounding}.f64.f64.f64.f64 ${list('d', 2 * blocks)}, ${list('a', (blocks * K) / 4)}, ${list('b', K / 4)}, ${list('c', 2 * blocks)};`)
      return Array.from(new Float64Array(got.buffer))
    }
    const place = (i: number): [number, number] => { const [lane, r] = [Math.floor(i / (2 * blocks)), i % (2 * blocks)]; return [(lane >> 2) + 8 * (r >> 1), 2 * (lane & 3) + (r & 1)] }
    it(`m${M}n8k${K}`, () => {
      const [A, B, C] = [integers(M, K, 4, -1e6, 1e6), integers(8, K, 5, -1e6, 1e6), integers(M, 8, 6, -1e9, 1e9)]
      expect(run(A, B, C)).toEqual(Array.from({ length: 64 * blocks }, (_, i) => { const [r, c] = place(i); return C.at(r, c) + product(A, B, r, c) }))
    })
    it(`m${M}n8k${K} rounds each step once, in the direction that it says`, () => {
      const tiny: Matrix = { rows: M, columns: K, at: (_, k) => (k === 0 ? 2 ** -60 : 0) }
      const ones: Matrix = { rows: 8, columns: K, at: () => 1 }
      const c: Matrix = { rows: M, columns: 8, at: () => 1 }
      expect([run(tiny, ones, c)[0], run(tiny, ones, c, '.rp')[0], run(tiny, ones, c, '.rz')[0]]).toEqual([1, 1 + 2 ** -52, 1])
    })
  }
})

describe('m8n8k4 in four groups of lanes', () => {
  for (const [la, lb] of [['row', 'col'], ['col', 'row'], ['row', 'row'], ['col', 'col']]) for (const [d, c] of [['f32', 'f32'], ['f32', 'f16'], ['f16', 'f16']]) {
    it(`${la}.${lb} ${d} from ${c}`, () => {
      const As = [0, 1, 2, 3].map((q) => integers(8, 4, 10 + q, -4, 4)), Bs = [0, 1, 2, 3].map((q) => integers(8, 4, 20 + q, -4, 4)), Cs = [0, 1, 2, 3].map((q) => integers(8, 8, 30 + q, -9, 9))
      const [quad, high] = [(lane: number) => (lane & 15) >> 2, (lane: number) => (lane >> 4) * 4]
      // 9.7.14.5.1: the row (or the other index) of elements i of a lane.
      const operand = (X: Matrix[], own: boolean) => (lane: number, r: number) => [0, 1].reduce((word, e) => word | (half(own ? X[quad(lane)].at((lane & 3) + high(lane), 2 * r + e) : X[quad(lane)].at(2 * r + e + high(lane), lane & 3)) << (16 * e)), 0) >>> 0
      const halves = (f: (q: number, r: number, c: number) => number) => (lane: number, r: number) => (half(f(quad(lane), (lane & 3) + high(lane), 2 * r)) | (half(f(quad(lane), (lane & 3) + high(lane), 2 * r + 1)) << 16)) >>> 0
      const singles = (f: (q: number, r: number, c: number) => number) => (lane: number, i: number) => f32Bits(f(quad(lane), (lane & 1) + (i & 2) + high(lane), (i & 4) + (lane & 2) + (i & 1)))
      const [dCount, cCount] = [d, c].map((t) => (t === 'f32' ? 8 : 4))
      const C = (q: number, r: number, n: number) => Cs[q].at(r, n)
      const got = runTile({ a: { count: 2, value: operand(As, la === 'row') }, b: { count: 2, value: operand(Bs, lb === 'col') }, c: { count: cCount, value: (c === 'f32' ? singles : halves)(C) }, d: { count: dCount } },
        `mma.sync.aligned.m8n8k4.${la}.${lb}.${d}.f16.f16.${c} ${list('d', dCount)}, {%a0, %a1}, {%b0, %b1}, ${list('c', cCount)};`)
      const want = (d === 'f32' ? singles : halves)((q, r, n) => C(q, r, n) + product(As[q], Bs[q], r, n))
      expect(Array.from(got)).toEqual(Array.from(got, (_, i) => want(Math.floor(i / dCount), i % dCount)))
    })
  }
})

describe('sparse A', () => {
  /** Units of the four of a group that are stored: all six pairs occur. */
  const pairs = [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
  const forms: [K: number, types: string[], results: string[]][] = [
    [16, ['f16'], ['f32', 'f16']], [32, ['f16'], ['f32', 'f16']], [16, ['bf16'], ['f32']], [32, ['bf16'], ['f32']], [8, ['tf32'], ['f32']], [16, ['tf32'], ['f32']],
    [32, ['s8', 'u8'], ['s32']], [64, ['s8', 'u8'], ['s32']], [64, ['s4', 'u4'], ['s32']], [128, ['s4', 'u4'], ['s32']], [64, ['e4m3', 'e5m2'], ['f32']],
  ]
  for (const [K, types, results] of forms) for (const a of types) for (const b of types) for (const d of results) {
    it(`m16n8k${K} ${d}.${a}.${b}`, () => {
      const bits = sizeOf[a]
      // A group of 4 units: elements, pairs of 4-bit ones; tf32 stores one of two.
      const unit = bits === 4 ? 2 : 1
      const groups = a === 'tf32' ? K / 2 : K / (4 * unit)
      const chosen = (row: number, group: number) => (a === 'tf32' ? ((row * 7 + group) % 2 ? [2, 3] : [0, 1]) : pairs[(row * 5 + group * 3 + (row >> 2)) % 6])
      const S = integers(16, K / 2, 7, ...rangeOf[a])
      const perGroup = (K / 2) / groups
      const A: Matrix = {
        rows: 16, columns: K,
        at(r, k) {
          const width = K / groups
          const group = Math.floor(k / width)
          if (a === 'tf32') return k % 2 === (chosen(r, group)[0] >> 1) ? S.at(r, group) : 0
          const slot = chosen(r, group).indexOf(Math.floor((k % width) / unit))
          return slot < 0 ? 0 : S.at(r, group * perGroup + slot * unit + (k % unit))
        },
      }
      const B = integers(8, K, 8, ...rangeOf[b]), C = integers(16, 8, 9, -9, 9)
      const nibble = (row: number, group: number) => chosen(row, group)[0] | (chosen(row, group)[1] << 2)
      const wordOf = (row: number, from: number, n: number) => Array.from({ length: n }, (_, i) => nibble(row, from + i) << (4 * i)).reduce((x, y) => x | y, 0)
      const lanes = groups >= 8 ? (bits < 16 && groups === 16 ? 4 : 2) : 1
      for (let selector = 0; selector < 4 / lanes; selector++) {
        // Lanes that the selector does not name hold nonsense.
        const metadata = (lane: number) => {
          const [g, t] = [lane >> 2, (lane & 3) - selector * lanes]
          if (t < 0 || t >= lanes) return 0x12345678
          if (bits >= 16) return (wordOf(g, 4 * t, 4) | (wordOf(g + 8, 4 * t, 4) << 16)) >>> 0
          return wordOf(g + 8 * (t & 1), 8 * (t >> 1), 8) >>> 0
        }
        const counts = { a: (16 * (K / 2) * bits) / 1024, b: (8 * K * bits) / 1024, c: d === 'f16' ? 2 : 4 }
        const got = runTile({ a: { count: counts.a, value: fragmentA(S, a, 2) }, b: { count: counts.b, value: fragmentB(B, b) }, c: { count: counts.c, value: accumulator(d, (r, c) => C.at(r, c)) }, d: { count: counts.c }, e: { count: 1, value: metadata } },
          `mma.sp${bits === 8 ? '::ordered_metadata' : ''}.sync.aligned.m16n8k${K}.row.col.${d}.${a}.${b}.${d} ${list('d', counts.c)}, ${list('a', counts.a)}, ${list('b', counts.b)}, ${list('c', counts.c)}, %e0, ${selector};`, { compile: true })
        const want = accumulator(d, (r, c) => C.at(r, c) + product(A, B, r, c))
        expect(Array.from(got)).toEqual(Array.from(got, (_, i) => want(Math.floor(i / counts.c), i % counts.c)))
      }
    })
  }
})

describe('forms, as ptxas decides', () => {
  const decode = (text: string, target = 'sm_90a', version = '8.7') => new LoadedModule(parsePtx(`.version ${version}\n.target ${target}\n.address_size 64\n.visible .entry k()\n{ .reg .b32 %r<20>; .reg .f32 %f<20>; .reg .f64 %g<20>;\n${text} ret; }`, 'k.ptx'), new LinearMemory()).functionNamed('k')
  const tile = '{%f0,%f1,%f2,%f3},{%r0,%r1,%r2,%r3},{%r4,%r5},{%f0,%f1,%f2,%f3};'
  for (const text of [`mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 ${tile}`, `mma.aligned.sync.f32.f16.f16.f32.m16n8k16.row.col ${tile}`, 'mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f0,%f1,%f2,%f3},{%r0,%r1,%r2,%r3},{%r4,%r5},{0f00000000,0f00000000,0f00000000,0f00000000};']) it(`accepts ${text}`, () => { expect(decode(text).instructions.length).toBe(2) })
  const refused: [text: string, problem: RegExp, target?: string, version?: string][] = [
    [`mma.sync.aligned.m16n8k16.row.row.f32.f16.f16.f32 ${tile}`, /is \.row\.col/], [`mma.sync.aligned.m16n8k32.row.col.f32.f16.f16.f32 ${tile}`, /no shape \.m16n8k32; it has/], [`mma.sync.aligned.m16n8k16.row.col.f32.f16.bf16.f32 ${tile}`, /do not go together/],
    [`mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f32 ${tile}`, /has C of \.f16/], [`mma.sync.m16n8k16.row.col.f32.f16.f16.f32 ${tile}`, /needs \.aligned/], [`mma.sync.aligned.m16n8k16.f32.f16.f16.f32 ${tile}`, /needs the layouts/],
    [`mma.sync.aligned.m16n8k16.row.col.rn.f32.f16.f16.f32 ${tile}`, /\.rn is for \.f64/], [`mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32 ${tile}`, /sm_89/, 'sm_80'], [`mma.sync.aligned.m16n8k32.row.col.kind::f8f6f4.f32.e4m3.e4m3.f32 ${tile}`, /unknown modifier \.kind::f8f6f4/],
    [`mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 ${tile}`, /sm_80/, 'sm_75', '7.0'], ['mma.sync.aligned.m8n8k128.row.col.s32.b1.b1.s32 {%r0,%r1},{%r2},{%r3},{%r0,%r1};', /\.xor\.popc/],
    ['mma.sp.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f0,%f1,%f2,%f3},{%r0,%r1},{%r2,%r3},{%f0,%f1,%f2,%f3},%r4,4;', /selector is 4, must be 0 to 3/], ['mma.sp.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%f0,%f1,%f2,%f3},{%r0},{%r2},{%f0,%f1,%f2,%f3},%r4,0;', /no shape/],
  ]
  for (const [text, problem, target, version] of refused) it(`refuses ${text}`, () => { expect(() => decode(text, target, version)).toThrow(problem) })
})
