// f16, bf16, f32 and f64 arithmetic in every rounding mode, bit by bit against exact rational arithmetic.
import { describe, expect, it } from 'vitest'
import { evaluate, pairs, patterns } from './evaluate.ts'
import { add, decode, divide, edges, encode, flush, layouts, multiply, negate, squareRoot, type FloatName, type Layout, type Mode, type Value } from './float_model.ts'

type Operation = (x: readonly Value[], mode: Mode) => Value
const operations: Readonly<Record<string, [sources: number, f: Operation]>> = {
  add: [2, ([a, b], m) => add(a, b, m)], sub: [2, ([a, b], m) => add(a, negate(b), m)], mul: [2, ([a, b]) => multiply(a, b)],
  fma: [3, ([a, b, c], m) => add(multiply(a, b), c, m)], div: [2, ([a, b]) => divide(a, b)], rcp: [1, ([a]) => divide({ kind: 'number', negative: false, n: 1n, d: 1n }, a)], sqrt: [1, ([a]) => squareRoot(a)],
}
const register = (type: FloatName) => ({ f16: 'b16', bf16: 'b16', f32: 'b32', f64: 'b64' })[type]
const bitsOf = (l: Layout) => 1 + l.exponent + l.mantissa

/** Operands of n sources: edges crossed, and patterns whose exponents lie near each other. */
function rows(l: Layout, sources: number): bigint[][] {
  const all = edges(l).filter((_, i) => l.mantissa < 50 || i % 8 < 5)
  const random = (seed: number) => patterns(200, bitsOf(l), seed)
  const close = (seed: number) => random(seed).map((x) => (x & ~(((1n << BigInt(l.exponent)) - 1n) << BigInt(l.mantissa))) | ((BigInt(2 ** (l.exponent - 1) - 5) + (x % 9n)) << BigInt(l.mantissa)))
  const third = edges(l).filter((_, i) => i % (l.mantissa < 50 ? 3 : 4) === 0)
  if (sources === 1) return [...all, ...random(1), ...close(2)].map((x) => [x])
  const two = [...pairs(all, all), ...random(3).map((x, i) => [x, random(4)[i]]), ...close(5).map((x, i) => [x, close(6)[i]])]
  if (sources === 2) return two
  const c = [...third, ...close(7).slice(0, 40)]
  return [...pairs(third, third).flatMap(([x, y]) => third.map((z) => [x, y, z])), ...two.slice(-400).map(([x, y], i) => [x, y, c[i % c.length]])]
}

interface Extras { ftz?: boolean; sat?: boolean; relu?: boolean }
function expected(l: Layout, row: readonly bigint[], f: Operation, mode: Mode, { ftz, sat, relu }: Extras): bigint {
  const values = row.map((x) => decode(ftz ? flush(x, l) : x, l))
  let bits = encode(f(values, mode), l, mode)
  if (ftz) bits = flush(bits, l)
  const v = decode(bits, l)
  const negative = v.kind !== 'nan' && (bits >> BigInt(bitsOf(l) - 1)) & 1n
  if (sat) return v.kind === 'nan' || negative ? 0n : bits > encode({ kind: 'number', negative: false, n: 1n, d: 1n }, l) ? encode({ kind: 'number', negative: false, n: 1n, d: 1n }, l) : bits
  return relu && negative ? 0n : bits
}

function check(instruction: string, type: FloatName, sources: number, f: Operation, mode: Mode, extras: Extras = {}): void {
  const l = layouts[type]
  const operands = rows(l, sources)
  const names = ['%a', '%b', '%c'].slice(0, sources)
  const got = evaluate(`${instruction} %z, ${names.join(', ')};`, names.map(() => register(type)), register(type), operands)
  const wrong = operands.map((row, i) => [row, got[i], expected(l, row, f, mode, extras)] as const).filter(([, x, y]) => x !== y)
  const shown = wrong.slice(0, 3).map(([row, x, y]) => `${row.map((r) => r.toString(16)).join(' ')} -> ${x.toString(16)}, must be ${y.toString(16)}`)
  expect(shown).toEqual([])
}

const modes: readonly Mode[] = ['rn', 'rz', 'rm', 'rp']
for (const type of ['f32', 'f64'] as const) {
  describe(type, () => {
    for (const [name, [sources, f]] of Object.entries(operations)) {
      for (const mode of modes) it(`${name}.${mode}`, () => check(`${name}.${mode}.${type}`, type, sources, f, mode))
    }
  })
}
describe('f32 with .ftz and .sat', () => {
  for (const name of ['add', 'mul', 'fma', 'div', 'sqrt'] as const) {
    const [sources, f] = operations[name]
    for (const mode of ['rn', 'rp'] as const) it(`${name}.${mode}.ftz`, () => check(`${name}.${mode}.ftz.f32`, 'f32', sources, f, mode, { ftz: true }))
    if (sources > 1 && name !== 'div') it(`${name}.rz.ftz.sat`, () => check(`${name}.rz.ftz.sat.f32`, 'f32', sources, f, 'rz', { ftz: true, sat: true }))
    if (sources > 1 && name !== 'div') it(`${name}.rn.sat`, () => check(`${name}.rn.sat.f32`, 'f32', sources, f, 'rn', { sat: true }))
  }
})
describe('16 bits', () => {
  for (const name of ['add', 'sub', 'mul', 'fma'] as const) {
    const [sources, f] = operations[name]
    it(`${name}.rn.f16`, () => check(`${name}.rn.f16`, 'f16', sources, f, 'rn'))
    it(`${name}.rn.ftz.sat.f16`, () => check(`${name}.rn.ftz.sat.f16`, 'f16', sources, f, 'rn', { ftz: true, sat: true }))
    it(`${name}.rn.bf16`, () => check(`${name}.rn.bf16`, 'bf16', sources, f, 'rn'))
  }
  it('fma.rn.relu', () => {
    check('fma.rn.relu.f16', 'f16', 3, operations.fma[1], 'rn', { relu: true })
    check('fma.rn.relu.bf16', 'bf16', 3, operations.fma[1], 'rn', { relu: true })
  })
  it('pairs are two of one', () => {
    const operands = patterns(600, 32, 3).map((x, i) => [x, patterns(600, 32, 4)[i]])
    for (const type of ['f16', 'bf16'] as const) {
      const got = evaluate(`add.rn.${type}x2 %z, %a, %b;`, ['b32', 'b32'], 'b32', operands)
      const l = layouts[type]
      const one = (x: bigint, y: bigint) => expected(l, [x & 0xffffn, y & 0xffffn], operations.add[1], 'rn', {})
      expect(got).toEqual(operands.map(([x, y]) => one(x, y) | (one(x >> 16n, y >> 16n) << 16n)))
    }
  })
})
