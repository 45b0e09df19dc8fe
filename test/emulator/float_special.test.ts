// Approximate functions inside the ISA's bounds with the special values of its tables; min, max, signs, tests and comparisons of floats.
import { describe, expect, it } from 'vitest'
import { evaluate, pairs, patterns } from './evaluate.ts'
import { edges, layouts } from './float_model.ts'

const f32 = (x: number): bigint => BigInt(new Uint32Array(Float32Array.of(x).buffer)[0])
const float = (bits: bigint): number => new Float32Array(Uint32Array.of(Number(bits)).buffer)[0]
const f64 = (x: number): bigint => new BigUint64Array(Float64Array.of(x).buffer)[0]
const double = (bits: bigint): number => new Float64Array(BigUint64Array.of(bits).buffer)[0]
const unary = (instruction: string, rows: readonly bigint[]) => evaluate(`${instruction} %z, %a;`, ['b32'], 'b32', rows.map((x) => [x])).map(float)

describe('approximations', () => {
  const usual = [...edges(layouts.f32), ...patterns(400, 32, 8)].filter((x) => Number.isFinite(float(x)))
  const bounded = (instruction: string, f: (x: number) => number, bound: (want: number, x: number) => number, inputs: readonly bigint[]) => {
    const got = unary(instruction, inputs)
    const wrong = inputs.filter((x, i) => { const want = f(float(x)); return Number.isFinite(Math.fround(want)) && !(Math.abs(got[i] - want) <= bound(want, float(x)) + 2 ** -149) })
    expect(wrong.map((x) => x.toString(16)).slice(0, 3)).toEqual([])
  }
  const ulps = (n: number) => (want: number) => n * 2 ** (Math.floor(Math.log2(Math.max(Math.abs(want), 2 ** -126))) - 23)
  const relative = (r: number) => (want: number) => r * Math.abs(want)
  const between = (low: number, high: number) => patterns(500, 24, 4).map((x) => f32(low + (Number(x) / 2 ** 24) * (high - low)))
  it('ex2, rcp, sqrt, rsqrt, lg2, tanh, sin, cos', () => {
    bounded('ex2.approx.f32', (x) => 2 ** x, ulps(2), [...between(-140, 128), ...usual])
    bounded('rcp.approx.f32', (x) => 1 / x, ulps(1), usual)
    bounded('sqrt.approx.f32', Math.sqrt, relative(2 ** -23), usual.filter((x) => float(x) >= 0))
    bounded('rsqrt.approx.f32', (x) => 1 / Math.sqrt(x), relative(2 ** -22.9), usual.filter((x) => float(x) > 0))
    bounded('lg2.approx.f32', Math.log2, (want, x) => (x > 0.5 && x < 2 ? 2 ** -22 : 2 ** -22 * Math.abs(want)), [...between(0.01, 4), ...usual.filter((x) => float(x) > 0)])
    bounded('tanh.approx.f32', Math.tanh, relative(2 ** -11), [...between(-6, 6), ...usual])
    bounded('sin.approx.f32', Math.sin, () => 2 ** -20.5, between(-Math.PI, Math.PI))
    bounded('cos.approx.f32', Math.cos, () => 2 ** -20.5, between(-Math.PI, Math.PI))
  })
  it('div.approx and div.full within 2 ulp', () => {
    const rows = patterns(300, 32, 5).map((x, i) => [x, patterns(300, 32, 6)[i]])
    for (const form of ['approx', 'full']) {
      const got = evaluate(`div.${form}.f32 %z, %a, %b;`, ['b32', 'b32'], 'b32', rows).map(float)
      rows.forEach(([x, y], i) => { const want = float(x) / float(y); if (Number.isFinite(Math.fround(want)) && Math.abs(float(y)) <= 2 ** 126) expect(Math.abs(got[i] - want)).toBeLessThanOrEqual(ulps(2)(want) + 2 ** -149) })
    }
  })
  const special: [string, [number, number][]][] = [
    ['ex2.approx.ftz.f32', [[-Infinity, 0], [-130, 0], [-0, 1], [0, 1], [2 ** -130, 1], [Infinity, Infinity], [NaN, NaN]]],
    ['lg2.approx.ftz.f32', [[-Infinity, NaN], [-1, NaN], [-(2 ** -130), -Infinity], [-0, -Infinity], [0, -Infinity], [2 ** -130, -Infinity], [Infinity, Infinity], [NaN, NaN]]],
    ['rcp.approx.ftz.f32', [[-Infinity, -0], [-(2 ** -130), -Infinity], [-0, -Infinity], [0, Infinity], [2 ** -130, Infinity], [Infinity, 0], [NaN, NaN]]],
    ['rsqrt.approx.ftz.f32', [[-Infinity, NaN], [-1, NaN], [-0, -Infinity], [-(2 ** -130), -Infinity], [0, Infinity], [2 ** -130, Infinity], [Infinity, 0], [NaN, NaN]]],
    ['sqrt.approx.ftz.f32', [[-Infinity, NaN], [-1, NaN], [-(2 ** -130), -0], [-0, -0], [0, 0], [2 ** -130, 0], [Infinity, Infinity], [NaN, NaN]]],
    ['sin.approx.ftz.f32', [[-Infinity, NaN], [-0, -0], [-(2 ** -130), -0], [0, 0], [2 ** -130, 0], [Infinity, NaN], [NaN, NaN]]],
    ['cos.approx.ftz.f32', [[-Infinity, NaN], [-0, 1], [2 ** -130, 1], [Infinity, NaN], [NaN, NaN]]],
    ['tanh.approx.f32', [[-Infinity, -1], [-0, -0], [0, 0], [Infinity, 1], [NaN, NaN]]],
  ]
  for (const [name, table] of special) it(`${name}: special values`, () => expect(unary(name, table.map(([x]) => f32(x)))).toEqual(table.map(([, y]) => Math.fround(y))))
  it('div.approx by what is above 2^126', () => {
    const got = evaluate('div.approx.f32 %z, %a, %b;', ['b32', 'b32'], 'b32', [[f32(3), f32(2 ** 127)], [f32(-3), f32(2 ** 127)], [f32(Infinity), f32(-(2 ** 127))], [f32(1), f32(2 ** 126)]])
    expect(got.map(float)).toEqual([0, -0, NaN, 2 ** -126])
  })
  it('gross approximations of doubles: upper words only', () => {
    const rows = [3, -7.25, 1e300, 1e-300, 0, -0, Infinity, 2 ** -1040].map((x) => [f64(x)])
    const got = evaluate('rcp.approx.ftz.f64 %z, %a;', ['b64'], 'b64', rows)
    expect(got.every((x) => (x & 0xffffffffn) === 0n)).toBe(true)
    got.slice(0, 4).forEach((x, i) => expect(Math.abs(double(x) * double(rows[i][0]) - 1)).toBeLessThan(2 ** -19))
    expect(got.slice(4).map(double)).toEqual([Infinity, -Infinity, 0, Infinity])
  })
})

describe('min and max', () => {
  const all = [...edges(layouts.f32).filter((_, i) => i % 2 === 0 || i < 6), 0x7fc00000n, 0xffffffffn]
  const rows = pairs(all, all)
  const isNaN = (x: bigint) => (x & 0x7fffffffn) > 0x7f800000n
  /** A total order of all but NaN: -0 below +0. */
  const key = (x: bigint) => (x >> 31n ? -(x & 0x7fffffffn) - 1n : x)
  const model = (least: boolean, nan: boolean) => (a: bigint, b: bigint): bigint => {
    if (isNaN(a) || isNaN(b)) return nan || (isNaN(a) && isNaN(b)) ? 0x7fffffffn : isNaN(a) ? b : a
    return key(a) < key(b) === least ? a : b
  }
  const forms: [string, (a: bigint, b: bigint) => bigint][] = [['min.f32', model(true, false)], ['max.f32', model(false, false)], ['min.NaN.f32', model(true, true)], ['max.NaN.f32', model(false, true)]]
  for (const [name, f] of forms) it(name, () => expect(evaluate(`${name} %z, %a, %b;`, ['b32', 'b32'], 'b32', rows)).toEqual(rows.map(([a, b]) => f(a, b))))
  it('xorsign.abs', () => {
    const got = evaluate('max.xorsign.abs.f32 %z, %a, %b;', ['b32', 'b32'], 'b32', rows)
    expect(got).toEqual(rows.map(([a, b]) => { const m = model(false, false)(a & 0x7fffffffn, b & 0x7fffffffn); return isNaN(m) ? m : m ^ ((a ^ b) & 0x80000000n) }))
  })
  it('xorsign.abs of 16 bits', () => {
    const h = pairs(edges(layouts.bf16), edges(layouts.bf16))
    const nan = (x: bigint) => (x & 0x7fffn) > 0x7f80n
    const want = (a: bigint, b: bigint) => { const [x, y] = [a & 0x7fffn, b & 0x7fffn]; if (nan(a) && nan(b)) return 0x7fffn; return (nan(a) ? y : nan(b) ? x : x < y ? x : y) ^ ((a ^ b) & 0x8000n) }
    expect(evaluate('min.xorsign.abs.bf16 %z, %a, %b;', ['b16', 'b16'], 'b16', h)).toEqual(h.map(([a, b]) => want(a, b)))
    expect(evaluate('min.xorsign.abs.bf16x2 %z, %a, %b;', ['b32', 'b32'], 'b32', h.map(([a, b]) => [a | (b << 16n), b | (a << 16n)]))).toEqual(h.map(([a, b]) => want(a, b) | (want(b, a) << 16n)))
  })
  it('of 16 bits', () => {
    const h = pairs(edges(layouts.f16), edges(layouts.f16))
    const nan16 = (x: bigint) => (x & 0x7fffn) > 0x7c00n
    const key16 = (x: bigint) => (x >> 15n ? -(x & 0x7fffn) - 1n : x)
    expect(evaluate('min.f16 %z, %a, %b;', ['b16', 'b16'], 'b16', h)).toEqual(h.map(([a, b]) => (nan16(a) && nan16(b) ? 0x7fffn : nan16(a) ? b : nan16(b) ? a : key16(a) < key16(b) ? a : b)))
  })
})

it('fma.oob: what a tensor copy marked as out of bounds makes 0', () => {
  const rows = [[0x3c00n, 0x4000n, 0x3c00n], [0x7fffn, 0x4000n, 0x3c00n], [0x3c00n, 0x4000n, 0x7fffn], [0x7e00n, 0x4000n, 0n], [0xc000n, 0x4000n, 0n]]
  expect(evaluate('fma.rn.oob.f16 %z, %a, %b, %c;', ['b16', 'b16', 'b16'], 'b16', rows)).toEqual([0x4200n, 0n, 0n, 0x7fffn, 0xc400n])
  expect(evaluate('fma.rn.oob.relu.f16x2 %z, %a, %b, %c;', ['b32', 'b32', 'b32'], 'b32', [[0x7fff3c00n, 0x40004000n, 0x3c003c00n], [0xc0003c00n, 0x40004000n, 0n]])).toEqual([0x4200n, 0x4000n])
})

describe('signs and classes', () => {
  const l = layouts
  it('neg, abs and copysign move one bit', () => {
    const x = [...edges(l.f32), ...patterns(50, 32, 2)].map((v) => [v])
    expect(evaluate('neg.f32 %z, %a;', ['b32'], 'b32', x)).toEqual(x.map(([v]) => v ^ 0x80000000n))
    expect(evaluate('abs.f32 %z, %a;', ['b32'], 'b32', x)).toEqual(x.map(([v]) => v & 0x7fffffffn))
    const y = [...edges(l.f64), ...patterns(50, 64, 2)].map((v) => [v, v * 3n])
    const top = 1n << 63n
    expect(evaluate('neg.f64 %z, %a;', ['b64'], 'b64', y)).toEqual(y.map(([v]) => v ^ top))
    expect(evaluate('copysign.f64 %z, %a, %b;', ['b64', 'b64'], 'b64', y)).toEqual(y.map(([a, b]) => (a & top) | (b & (top - 1n))))
    const h = edges(l.f16).map((v) => [v | (v << 16n)])
    expect(evaluate('neg.f16x2 %z, %a;', ['b32'], 'b32', h)).toEqual(h.map(([v]) => v ^ 0x80008000n))
    expect(evaluate('abs.bf16x2 %z, %a;', ['b32'], 'b32', h)).toEqual(h.map(([v]) => v & 0x7fff7fffn))
  })
  it('testp: zeros are normal numbers', () => {
    const x = [0, -0, 2 ** -140, 2 ** -126, 1, -Infinity, NaN].map((v) => [f32(v)])
    const bits = (test: string) => evaluate(`testp.${test}.f32 %p, %a; selp.b32 %z, 1, 0, %p;`, ['b32'], 'b32', x).join('')
    expect(['finite', 'infinite', 'number', 'notanumber', 'normal', 'subnormal'].map(bits)).toEqual(['1111100', '0000010', '1111110', '0000001', '1101100', '0010000'])
  })
})

describe('comparison', () => {
  const names: Record<string, (a: number, b: number) => boolean> = { eq: (a, b) => a === b, ne: (a, b) => a !== b, lt: (a, b) => a < b, le: (a, b) => a <= b, gt: (a, b) => a > b, ge: (a, b) => a >= b }
  const expected = (name: string, a: number, b: number): boolean => {
    const nan = Number.isNaN(a) || Number.isNaN(b)
    if (name === 'num') return !nan
    if (name === 'nan') return nan
    return nan ? name.endsWith('u') : names[name.replace(/u$/, '')](a, b)
  }
  const all = [...Object.keys(names), ...Object.keys(names).map((n) => `${n}u`), 'num', 'nan']
  const numbers = [0, -0, 1, -1, 2 ** -140, -(2 ** -140), Infinity, -Infinity, NaN, 2 ** -130]
  const crossed = pairs(numbers, numbers)
  it('setp of f32 and f64, with .ftz', () => {
    for (const name of all) {
      const got = evaluate(`setp.${name}.f32 %p, %a, %b; selp.b32 %z, 1, 0, %p; setp.${name}.ftz.f32 %p, %a, %b; @%p add.u32 %z, %z, 2;`, ['b32', 'b32'], 'b32', crossed.map(([a, b]) => [f32(a), f32(b)]))
      const flush = (x: number) => (Math.abs(x) < 2 ** -126 ? x * 0 : x)
      expect([name, ...got]).toEqual([name, ...crossed.map(([a, b]) => BigInt(expected(name, a, b)) + 2n * BigInt(expected(name, flush(a), flush(b))))])
      const wide = evaluate(`.reg .b32 %r; setp.${name}.f64 %p, %a, %b; selp.b64 %z, 1, 0, %p;`, ['b64', 'b64'], 'b64', crossed.map(([a, b]) => [f64(a), f64(b)]))
      expect([name, ...wide]).toEqual([name, ...crossed.map(([a, b]) => BigInt(expected(name, a, b)))])
    }
  })
  it('setp of pairs tests each half; set writes ones, 1.0 or halves of them', () => {
    const one = 0x3c00n, two = 0x4000n, nan = 0x7e00n
    const rows = [[one | (two << 16n), two | (one << 16n)], [nan | (one << 16n), one | (one << 16n)]]
    const join = (text: string) => evaluate(text, ['b32', 'b32'], 'b32', rows).map((x) => x.toString(16))
    expect(join('setp.lt.f16x2 %p|%q, %a, %b; selp.b32 %z, 1, 0, %p; @%q add.u32 %z, %z, 2;')).toEqual(['1', '0'])
    expect(join('setp.leu.f16x2 %p|%q, %a, %b; selp.b32 %z, 1, 0, %p; @%q add.u32 %z, %z, 2;')).toEqual(['1', '3'])
    expect(join('set.lt.u32.f16x2 %z, %a, %b;')).toEqual(['ffff', '0'])
    expect(join('set.leu.f16x2.f16x2 %z, %a, %b;')).toEqual(['3c00', '3c003c00'])
    expect(join('set.ltu.bf16x2.bf16x2 %z, %a, %b;')).toEqual(['3f80', '0'])
    expect(evaluate('set.ge.f16.s32 %z, %a, %b;', ['b32', 'b32'], 'b16', [[5n, 3n], [3n, 5n]])).toEqual([0x3c00n, 0n])
  })
})
