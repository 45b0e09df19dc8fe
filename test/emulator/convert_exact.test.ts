// cvt between all integer and float types in every rounding mode, bit by bit against exact rational arithmetic.
import { describe, expect, it } from 'vitest'
import { evaluate, patterns } from './evaluate.ts'
import { decode, edges, encode, flush, layouts, number, type FloatName, type Mode, type Value } from './float_model.ts'

const u = (x: bigint, n: number) => BigInt.asUintN(n, x)
const sizeOf = (t: string) => Number(/\d+/.exec(t)![0])
const isFloat = (t: string): t is FloatName => t in layouts
const register = (t: string) => `b${Math.max(16, sizeOf(t))}`
const integers = ['u8', 'u16', 'u32', 'u64', 's8', 's16', 's32', 's64']
const valueOf = (t: string, bits: bigint) => (t[0] === 's' ? BigInt.asIntN(sizeOf(t), bits) : u(bits, sizeOf(t)))
const rangeOf = (t: string): [bigint, bigint] => { const n = BigInt(sizeOf(t)); return t[0] === 's' ? [-(1n << (n - 1n)), (1n << (n - 1n)) - 1n] : [0n, (1n << n) - 1n] }
const clamp = (x: bigint, [low, high]: [bigint, bigint]) => (x < low ? low : x > high ? high : x)

/** Source patterns: edges, and floats near every power of two, halves and thirds among them. */
function sources(t: string): bigint[] {
  if (!isFloat(t)) { const n = sizeOf(t); return [...Array.from({ length: n }, (_, i) => [1n << BigInt(i), (1n << BigInt(i)) - 1n, u(-(1n << BigInt(i)), n), u((3n << BigInt(i)) + 1n, n)]).flat(), ...patterns(60, n, 5)] }
  const l = layouts[t]
  const near = [-1, 0, 1, 2, 6, 7, 8, 14, 15, 16, 22, 23, 24, 30, 31, 32, 52, 53, 62, 63, 64].flatMap((e) => [[1n, 1n], [-1n, 1n], [3n, 2n], [-3n, 2n], [5n, 4n], [4n, 3n], [-7n, 4n]].map(([n, d]) => encode(number(e >= 0 ? n << BigInt(e) : n, e >= 0 ? d : d << BigInt(-e)), l)))
  const about = near.flatMap((x) => [x, x + 1n, x - 1n]).map((x) => u(x, sizeOf(t)))
  return [...edges(l), ...about, ...patterns(60, sizeOf(t), 6)]
}

function roundToInteger(v: Value & { kind: 'number' }, mode: string): bigint {
  const [whole, rest] = [v.n / v.d, v.n % v.d]
  const up = mode === 'rni' ? 2n * rest > v.d || (2n * rest === v.d && whole % 2n === 1n) : mode === 'rpi' ? rest > 0n && !v.negative : mode === 'rmi' ? rest > 0n && v.negative : false
  const m = up ? whole + 1n : whole
  return v.negative ? -m : m
}

function check(form: string, from: string, to: string, f: (bits: bigint) => bigint): void {
  const rows = sources(from).map((x) => [x])
  const got = evaluate(`cvt.${form}${to}.${from} %z, %a;`, [register(from)], register(to), rows)
  const wrong = rows.map(([x], i) => { const want = u(f(x), sizeOf(register(to))); return got[i] === want ? '' : `${form}${to}.${from}: 0x${x.toString(16)} -> 0x${got[i].toString(16)}, must be 0x${want.toString(16)}` }).filter(Boolean)
  expect(wrong.slice(0, 3)).toEqual([])
}
const extended = (t: string, x: bigint) => valueOf(t, x)

describe('integers', () => {
  for (const from of integers) {
    it(`from ${from}`, () => {
      for (const to of integers) {
        check('', from, to, (x) => extended(to, valueOf(from, x)))
        const [a, b] = [rangeOf(from), rangeOf(to)]
        if (a[0] < b[0] || a[1] > b[1]) check('sat.', from, to, (x) => clamp(valueOf(from, x), rangeOf(to)))
        else expect(() => check('sat.', from, to, () => 0n)).toThrow(/\.sat/)
      }
    })
  }
})

const modes: readonly Mode[] = ['rn', 'rz', 'rm', 'rp']
describe('integers to floats', () => {
  for (const to of ['f16', 'bf16', 'f32', 'f64'] as const) {
    it(`to ${to}`, () => {
      for (const from of integers.filter((t) => to !== 'bf16' || sizeOf(t) > 8)) for (const mode of modes) check(`${mode}.`, from, to, (x) => encode(number(valueOf(from, x)), layouts[to], mode))
    })
  }
})

describe('floats to integers', () => {
  for (const from of ['f16', 'bf16', 'f32', 'f64'] as const) {
    it(`from ${from}`, () => {
      for (const to of integers) {
        const ofNaN = sizeOf(to) === 64 || from === 'f64' ? extended(to, 1n << BigInt(sizeOf(to) - 1)) : 0n
        for (const mode of ['rni', 'rzi', 'rmi', 'rpi']) {
          check(`${mode}.`, from, to, (x) => {
            const v = decode(x, layouts[from])
            if (v.kind === 'nan') return ofNaN
            return clamp(v.kind === 'inf' ? (v.negative ? rangeOf(to)[0] : rangeOf(to)[1]) : roundToInteger(v, mode), rangeOf(to))
          })
        }
      }
    })
  }
})

describe('floats to floats', () => {
  const narrowing: [FloatName, FloatName][] = [['f64', 'f32'], ['f64', 'f16'], ['f64', 'bf16'], ['f32', 'f16'], ['f32', 'bf16']]
  for (const [from, to] of narrowing) it(`${from} to ${to}`, () => { for (const mode of modes) check(`${mode}.`, from, to, (x) => encode(decode(x, layouts[from]), layouts[to], mode)) })
  it('f16 and bf16 into each other', () => {
    for (const mode of modes) {
      check(`${mode}.`, 'f16', 'bf16', (x) => encode(decode(x, layouts.f16), layouts.bf16, mode))
      check(`${mode}.`, 'bf16', 'f16', (x) => encode(decode(x, layouts.bf16), layouts.f16, mode))
    }
  })
  const widening: [FloatName, FloatName][] = [['f16', 'f32'], ['bf16', 'f32'], ['f16', 'f64'], ['bf16', 'f64'], ['f32', 'f64']]
  for (const [from, to] of widening) it(`${from} to ${to}`, () => check('', from, to, (x) => encode(decode(x, layouts[from]), layouts[to])))
  it('to whole numbers of the same type', () => {
    for (const t of ['f16', 'bf16', 'f32', 'f64'] as const) {
      for (const mode of ['rni', 'rzi', 'rmi', 'rpi']) check(`${mode}.`, t, t, (x) => { const v = decode(x, layouts[t]); return v.kind === 'number' ? encode(number(roundToInteger(v, mode), 1n, v.negative), layouts[t]) : encode(v, layouts[t]) })
    }
  })
  const one = (t: FloatName) => encode(number(1n), layouts[t])
  it('.sat', () => {
    for (const [from, to] of [['f32', 'f32'], ['f16', 'f32'], ['f64', 'f64'], ['f32', 'f64']] as const) {
      check('sat.', from, to, (x) => { const v = decode(x, layouts[from]); return v.kind === 'nan' || v.negative ? 0n : v.kind === 'inf' || v.n >= v.d ? one(to) : encode(v, layouts[to]) })
    }
  })
  it('.ftz', () => {
    const { f32, f64, f16 } = layouts
    check('ftz.', 'f32', 'f64', (x) => encode(decode(flush(x, f32), f32), f64))
    check('rn.ftz.', 'f64', 'f32', (x) => flush(encode(decode(x, f64), f32), f32))
    check('rn.ftz.', 'f32', 'f16', (x) => encode(decode(flush(x, f32), f32), f16))
    check('rpi.ftz.', 'f32', 'f32', (x) => { const v = decode(flush(x, f32), f32); return v.kind === 'number' ? encode(number(roundToInteger(v, 'rpi'), 1n, v.negative), f32) : encode(v, f32) })
    check('rpi.ftz.', 'f32', 's32', (x) => { const v = decode(flush(x, f32), f32); return v.kind === 'nan' ? 0n : clamp(v.kind === 'inf' ? (v.negative ? -(1n << 40n) : 1n << 40n) : roundToInteger(v, 'rpi'), rangeOf('s32')) })
  })
  it('.relu and .satfinite', () => {
    for (const to of ['f16', 'bf16'] as const) {
      for (const mode of ['rn', 'rz'] as const) {
        check(`${mode}.relu.`, 'f32', to, (x) => { const v = decode(x, layouts.f32); return v.kind !== 'nan' && v.negative ? 0n : encode(v, layouts[to], mode) })
        check(`${mode}.satfinite.`, 'f32', to, (x) => encode(decode(x, layouts.f32), layouts[to], mode, true))
      }
    }
  })
})

describe('pairs', () => {
  const { f16, bf16, f32 } = layouts
  const rows = sources('f32').map((x, i, all) => [x, all[(i * 17 + 5) % all.length]])
  it('f16x2 and bf16x2: the first operand goes up', () => {
    for (const [name, l] of [['f16x2', f16], ['bf16x2', bf16]] as const) {
      for (const mode of ['rn', 'rz'] as const) {
        const got = evaluate(`cvt.${mode}.${name}.f32 %z, %a, %b;`, ['b32', 'b32'], 'b32', rows)
        expect(got).toEqual(rows.map(([a, b]) => (encode(decode(a, f32), l, mode) << 16n) | encode(decode(b, f32), l, mode)))
      }
    }
  })
  /** Finite values of an 8-bit float, by its definition. */
  const small = (name: string) => Array.from({ length: 127 }, (_, code) => {
    const mantissa = name === 'e4m3' ? 3 : 2
    const bias = name === 'e4m3' ? 7 : 15
    const [e, m] = [code >> mantissa, code % (1 << mantissa)]
    return name === 'e5m2' && e === 31 ? null : (e === 0 ? m : m + (1 << mantissa)) * 2 ** (Math.max(e, 1) - bias - mantissa)
  }).filter((x): x is number => x !== null)
  it('e4m3x2 and e5m2x2: nearest even, saturated', () => {
    for (const name of ['e4m3', 'e5m2']) {
      const table = small(name)
      const code = (bits: bigint, relu: boolean): bigint => {
        const x = new Float32Array(new Uint32Array([Number(bits)]).buffer)[0]
        if (Number.isNaN(x)) return 0x7fn
        const negative = bits >> 31n ? 128n : 0n
        if (relu && negative) return 0n
        const m = Math.abs(x)
        let best = 0
        for (let i = 1; i < table.length; i++) { const [d, e] = [Math.abs(table[i] - m), Math.abs(table[best] - m)]; if (d < e || (d === e && i % 2 === 0)) best = i }
        return negative | BigInt(m > table.at(-1)! ? table.length - 1 : best)
      }
      for (const relu of [false, true]) {
        const got = evaluate(`cvt.rn.satfinite${relu ? '.relu' : ''}.${name}x2.f32 %z, %a, %b;`, ['b32', 'b32'], 'b16', rows)
        expect(got.map((x) => x.toString(16))).toEqual(rows.map(([a, b]) => ((code(a, relu) << 8n) | code(b, relu)).toString(16)))
      }
      const back = evaluate(`cvt.rn.f16x2.${name}x2 %z, %a;`, ['b16'], 'b32', table.map((_, i) => [BigInt(i) | (BigInt(i + 128) << 8n)]))
      const half = (x: number, negative: boolean) => encode({ ...number(BigInt(Math.round(x * 2 ** 30)), 1n << 30n), negative } as Value, f16)
      expect(back).toEqual(table.map((x) => half(x, false) | (half(x, true) << 16n)))
    }
  })
  it('tf32', () => {
    const away = evaluate('cvt.rna.tf32.f32 %z, %a;', ['b32'], 'b32', rows)
    expect(away).toEqual(rows.map(([x]) => { const v = decode(x, f32); return v.kind === 'nan' ? f32.nan : v.kind === 'inf' ? x : (x + 0x1000n) & 0xffffe000n }))
    const even = evaluate('cvt.rn.tf32.f32 %z, %a;', ['b32'], 'b32', rows)
    expect(even).toEqual(rows.map(([x]) => { const v = decode(x, f32); return v.kind === 'nan' ? f32.nan : v.kind === 'inf' ? x : (x + 0xfffn + ((x >> 13n) & 1n)) & 0xffffe000n }))
  })
  it('cvt.pack', () => {
    const ints = sources('s32').map((x, i, all) => [x, all[(i * 7 + 3) % all.length], all[(i * 5 + 1) % all.length]])
    for (const t of ['s16', 'u16']) {
      expect(evaluate(`cvt.pack.sat.${t}.s32 %z, %a, %b;`, ['b32', 'b32'], 'b32', ints.map((r) => r.slice(0, 2)))).toEqual(ints.map(([a, b]) => (u(clamp(valueOf('s32', a), rangeOf(t)), 16) << 16n) | u(clamp(valueOf('s32', b), rangeOf(t)), 16)))
    }
    for (const t of ['s8', 'u8', 's4', 'u4', 's2', 'u2']) {
      const n = sizeOf(t)
      const one = (x: bigint) => u(clamp(valueOf('s32', x), rangeOf(t)), n)
      expect(evaluate(`cvt.pack.sat.${t}.s32.b32 %z, %a, %b, %c;`, ['b32', 'b32', 'b32'], 'b32', ints)).toEqual(ints.map(([a, b, c]) => u((c << BigInt(2 * n)) | (one(a) << BigInt(n)) | one(b), 32)))
    }
  })
})
