// Integer instructions of 16, 32 and 64 bits on edge values and patterns, against definitions in big integers.
import { describe, expect, it } from 'vitest'
import { evaluate, pairs, patterns } from './evaluate.ts'

const u = (x: bigint, n: number) => BigInt.asUintN(n, x)
const s = (x: bigint, n: number) => BigInt.asIntN(n, x)
const abs = (x: bigint) => (x < 0n ? -x : x)
const bit = (x: bigint, i: number) => (x >> BigInt(i)) & 1n
const clamp = (x: bigint, low: bigint, high: bigint) => (x < low ? low : x > high ? high : x)

const values = (n: number): bigint[] => [0n, 1n, 2n, 7n, 15n, 31n, 32n, 33n, 63n, 64n, 100n, (1n << BigInt(n - 1)) - 1n, 1n << BigInt(n - 1), (1n << BigInt(n - 1)) + 1n, u(-2n, n), u(-1n, n), u(-100n, n), ...patterns(6, n, n)]

/** Every type of the instruction against f on values of that type. */
type F = (x: readonly bigint[], n: number, signed: boolean) => bigint
function check(instruction: string, sources: number, type: string, f: F, { sourceSizes = [] as number[], resultSize = 0, rows = [] as bigint[][], text = '' } = {}): void {
  const n = Number(/\d+/.exec(type)![0])
  const sizes = Array.from({ length: sources }, (_, i) => sourceSizes[i] ?? n)
  const [a, b, c] = sizes.map(values)
  const operands = rows.length ? rows : sources === 1 ? [...a, ...patterns(100, n, 9)].map((x) => [x]) : sources === 2 ? pairs(a, b) : pairs(a.slice(0, 18), b.slice(0, 18)).flatMap(([x, y], i) => [[x, y, c[i % c.length]], [x, y, c[(i * 7 + 3) % c.length]]])
  const names = ['%a', '%b', '%c'].slice(0, sources)
  const got = evaluate(text || `${instruction} %z, ${names.join(', ')};`, sizes.map((x) => `b${x}`), `b${resultSize || n}`, operands)
  const signed = type[0] === 's'
  const wrong = operands.map((row, i) => {
    const want = u(f(row.map((x, k) => (signed ? s(x, sizes[k]) : x)), n, signed), resultSize || n)
    return got[i] === want ? '' : `${row.map((x) => `0x${x.toString(16)}`).join(' ')} -> 0x${got[i].toString(16)}, must be 0x${want.toString(16)}`
  }).filter(Boolean)
  expect(wrong.slice(0, 3)).toEqual([])
}

const integers = ['u16', 'u32', 'u64', 's16', 's32', 's64']
const every = (name: string, sources: number, types: readonly string[], f: F, options: Parameters<typeof check>[4] = {}) => it(`${name}: ${types.join(' ')}`, () => { for (const t of types) check(`${name}.${t}`, sources, t, f, options) })

describe('arithmetic', () => {
  every('add', 2, integers, ([a, b]) => a + b)
  every('sub', 2, integers, ([a, b]) => a - b)
  every('min', 2, integers, ([a, b]) => (a < b ? a : b))
  every('max', 2, integers, ([a, b]) => (a > b ? a : b))
  every('mul.lo', 2, integers, ([a, b]) => a * b)
  every('mul.hi', 2, integers, ([a, b], n) => (a * b) >> BigInt(n))
  every('mad.lo', 3, integers, ([a, b, c]) => a * b + c)
  every('mad.hi', 3, integers, ([a, b, c], n) => ((a * b) >> BigInt(n)) + c)
  every('div', 2, integers, ([a, b], n) => (b === 0n ? u(-1n, n) : a / b))
  every('rem', 2, integers, ([a, b]) => (b === 0n ? a : a % b))
  every('sad', 3, integers, ([a, b, c]) => abs(a - b) + c)
  every('neg', 1, ['s16', 's32', 's64'], ([a]) => -a)
  every('abs', 1, ['s16', 's32', 's64'], ([a]) => abs(a))
  it('mul.wide and mad.wide', () => {
    for (const t of ['u16', 's16', 'u32', 's32']) {
      const n = Number(t.slice(1))
      check(`mul.wide.${t}`, 2, t, ([a, b]) => a * b, { resultSize: 2 * n })
      check(`mad.wide.${t}`, 3, t, ([a, b, c]) => a * b + c, { resultSize: 2 * n, sourceSizes: [n, n, 2 * n] })
    }
  })
  it('saturation', () => {
    const [low, high] = [-(1n << 31n), (1n << 31n) - 1n]
    check('add.sat.s32', 2, 's32', ([a, b]) => clamp(a + b, low, high))
    check('sub.sat.s32', 2, 's32', ([a, b]) => clamp(a - b, low, high))
    check('mad.hi.sat.s32', 3, 's32', ([a, b, c]) => clamp(((a * b) >> 32n) + c, low, high))
    check('min.relu.s32', 2, 's32', ([a, b]) => { const m = a < b ? a : b; return m < 0n ? 0n : m })
    check('max.relu.s32', 2, 's32', ([a, b]) => { const m = a > b ? a : b; return m < 0n ? 0n : m })
  })
  it('24 bits', () => {
    for (const t of ['u32', 's32']) {
      const cut = (x: bigint) => (t === 's32' ? s(x, 24) : u(x, 24))
      check(`mul24.lo.${t}`, 2, t, ([a, b]) => cut(a) * cut(b))
      check(`mul24.hi.${t}`, 2, t, ([a, b]) => (cut(a) * cut(b)) >> 16n)
      check(`mad24.lo.${t}`, 3, t, ([a, b, c]) => cut(a) * cut(b) + c)
      check(`mad24.hi.${t}`, 3, t, ([a, b, c]) => ((cut(a) * cut(b)) >> 16n) + c)
    }
    check('mad24.hi.sat.s32', 3, 's32', ([a, b, c]) => clamp(s((s(a, 24) * s(b, 24)) >> 16n, 32) + c, -(1n << 31n), (1n << 31n) - 1n))
  })
  it('pairs of 16', () => {
    const both = (f: (x: bigint, y: bigint) => bigint, signed: boolean): F => ([a, b]) => { const one = (k: bigint) => { const cut = (x: bigint) => (signed ? s(x >> k, 16) : u(x >> k, 16)); return u(f(cut(a), cut(b)), 16) }; return one(0n) | (one(16n) << 16n) }
    for (const [t, signed] of [['u16x2', false], ['s16x2', true]] as const) {
      check(`add.${t}`, 2, 'b32', both((x, y) => x + y, signed))
      check(`min.${t}`, 2, 'b32', both((x, y) => (x < y ? x : y), signed))
      check(`max.${t}`, 2, 'b32', both((x, y) => (x > y ? x : y), signed))
    }
    check('max.relu.s16x2', 2, 'b32', both((x, y) => { const m = x > y ? x : y; return m < 0n ? 0n : m }, true))
  })
})

describe('carries', () => {
  const three = '.reg .b32 %l, %h; '
  it('chains of 32 bits', () => {
    const words = (c: string) => `${three} add.cc.u32 %l, %a, %b; addc.cc.u32 %l, %b, %c; addc.u32 %z, 0, 0; ${c}`
    check('', 3, 'u32', ([a, b, c]) => (b + c + ((a + b) >> 32n)) >> 32n, { text: words('') })
    check('', 3, 'u32', ([a, b, c]) => b - c - (a < b ? 1n : 0n), { text: `${three} sub.cc.u32 %l, %a, %b; subc.u32 %z, %b, %c;` })
    check('', 3, 'u32', ([a, b, c]) => ((a * b + (c << 32n) + a) >> 32n) & 0xffffffffn, { text: `${three} mad.lo.cc.u32 %l, %a, %b, %a; madc.hi.u32 %z, %a, %b, %c;` })
    check('', 3, 's32', ([a, b, c]) => ((a * b) >> 32n) + c + ((u(a * b, 32) + u(b, 32)) >> 32n), { text: `${three} mad.lo.cc.s32 %l, %a, %b, %b; madc.hi.s32 %z, %a, %b, %c;` })
  })
  it('a difference carries where it does not borrow, and sums may read that', () => {
    const after = (first: string) => [evaluate(`.reg .b32 %l; ${first} addc.u32 %z, 0, 0;`, [], 'b32', [[]])[0], evaluate(`.reg .b32 %l; ${first} subc.u32 %z, 0, 0;`, [], 'b32', [[]])[0]]
    const [yes, no] = [[1n, 0n], [0n, 0xffffffffn]]
    expect(['sub.cc.u32 %l, 0, 0;', 'sub.cc.u32 %l, 0, 1;', 'add.cc.u32 %l, 0, 0;', 'add.cc.u32 %l, 4294967295, 4294967295;', 'mad.lo.cc.u32 %l, 0, 0, 0;', 'mad.lo.cc.u32 %l, 1, 4294967295, 4294967295;', 'add.cc.u32 %l, 0, 0; subc.cc.u32 %l, 0, 0;', 'add.cc.u32 %l, 0, 0; subc.cc.u32 %l, 1, 0;'].map(after))
      .toEqual([yes, no, no, yes, no, yes, no, yes])
    check('', 2, 'u32', ([a, b]) => (a >= b ? 1n : 0n), { text: `${three} sub.cc.u32 %l, %a, %b; addc.u32 %z, 0, 0;` })
  })
  it('chains of 64 bits', () => {
    check('', 3, 'u64', ([a, b, c]) => b + c + ((a + b) >> 64n), { text: '.reg .b64 %l; add.cc.u64 %l, %a, %b; addc.u64 %z, %b, %c;' })
    check('', 3, 'u64', ([a, b, c]) => ((a * b + c) >> 64n) + b, { text: '.reg .b64 %l; mad.lo.cc.u64 %l, %a, %b, %c; madc.hi.u64 %z, %a, %b, %b;' })
  })
  it('the flag stays until it is set again, and follows each lane', () => {
    check('', 2, 'u32', ([a, b]) => ((a + b) >> 32n) * 2n, { text: `${three} add.cc.u32 %l, %a, %b; add.u32 %h, %a, 5; addc.u32 %l, 0, 0; addc.u32 %h, 0, 0; add.u32 %z, %l, %h;` })
  })
})

describe('logic and shifts', () => {
  const bits = ['b16', 'b32', 'b64']
  every('and', 2, bits, ([a, b]) => a & b)
  every('or', 2, bits, ([a, b]) => a | b)
  every('xor', 2, bits, ([a, b]) => a ^ b)
  every('not', 1, bits, ([a]) => ~a)
  every('cnot', 1, bits, ([a]) => (a === 0n ? 1n : 0n))
  it('shl and shr clamp', () => {
    for (const t of ['b16', 'b32', 'b64', 'u16', 'u32', 'u64', 's16', 's32', 's64']) {
      const n = Number(t.slice(1))
      const by = { sourceSizes: [n, 32] }
      const amount = (x: bigint) => { const k = u(x, 32); return k > BigInt(n) ? BigInt(n) : k }
      if (t[0] === 'b') check(`shl.${t}`, 2, t, ([a, b]) => a << amount(b), by)
      check(`shr.${t}`, 2, t, ([a, b]) => a >> amount(b), by)
    }
  })
  it('shf', () => {
    const both = (a: bigint, b: bigint) => (b << 32n) | a
    check('shf.l.wrap.b32', 3, 'b32', ([a, b, c]) => (both(a, b) << (c & 31n)) >> 32n)
    check('shf.r.wrap.b32', 3, 'b32', ([a, b, c]) => both(a, b) >> (c & 31n))
    check('shf.l.clamp.b32', 3, 'b32', ([a, b, c]) => (both(a, b) << (c > 32n ? 32n : c)) >> 32n)
    check('shf.r.clamp.b32', 3, 'b32', ([a, b, c]) => both(a, b) >> (c > 32n ? 32n : c))
  })
  it('lop3 in all 256 tables, with and without a predicate', () => {
    const rows = [[0xf0f0f0f0n, 0xccccccccn, 0xaaaaaaaan]]
    const text = Array.from({ length: 256 }, (_, t) => `lop3.b32 %t, %a, %b, %c, ${t}; and.b32 %t, %t, 255; setp.ne.u32 %p, %t, ${t}; @%p mov.u32 %z, ${t + 1};`).join('\n')
    expect(evaluate(`mov.u32 %z, 0; ${text}`, ['b32', 'b32', 'b32'], 'b32', rows)).toEqual([0n])
    check('', 3, 'b32', ([a, b, c]) => (a ^ b ^ c) + (a ^ b ^ c || c & 1n ? 5n : 0n), { text: 'and.b32 %t, %c, 1; setp.ne.u32 %q, %t, 0; lop3.or.b32 %z|%p, %a, %b, %c, 0x96, %q; @%p add.u32 %z, %z, 5;' })
    check('', 3, 'b32', ([a, b, c]) => (a & b & c) + ((a & b & c) && !(c & 1n) ? 5n : 0n), { text: 'and.b32 %t, %c, 1; setp.ne.u32 %q, %t, 0; lop3.and.b32 %z|%p, %a, %b, %c, 0x80, !%q; @%p add.u32 %z, %z, 5;' })
  })
})

describe('fields', () => {
  const positions = [0n, 1n, 5n, 8n, 31n, 32n, 33n, 63n, 64n, 255n, 256n + 3n]
  const rows = (n: number) => values(n).flatMap((a) => pairs(positions, positions).map(([p, l]) => [a, p, l]))
  it('bfe', () => {
    for (const t of ['u32', 's32', 'u64', 's64']) {
      const n = Number(t.slice(1))
      check(`bfe.${t}`, 3, t, ([a, position, length]) => {
        const [x, p, l] = [u(a, n), Number(u(position, 8)), Number(u(length, 8))]
        const sign = t[0] === 'u' || l === 0 ? 0n : bit(x, Math.min(p + l - 1, n - 1))
        let d = 0n
        for (let i = 0; i < n; i++) d |= (i < l && p + i < n ? bit(x, p + i) : sign) << BigInt(i)
        return d
      }, { sourceSizes: [n, 32, 32], rows: rows(n) })
    }
  })
  it('bfi', () => {
    for (const n of [32, 64]) {
      check('', 3, `b${n}`, ([a, position, length]) => {
        const [p, l] = [Number(u(position, 8)), Number(u(length, 8))]
        let d = u(~a, n)
        for (let i = 0; i < l && p + i < n; i++) d = (d & ~(1n << BigInt(p + i))) | (bit(a, i) << BigInt(p + i))
        return d
      }, { sourceSizes: [n, 32, 32], rows: rows(n), text: `.reg .b${n} %y; not.b${n} %y, %a; bfi.b${n} %z, %a, %y, %b, %c;` })
    }
  })
  it('bmsk and szext', () => {
    const by = [0n, 1n, 5n, 31n, 32n, 33n, 40n, 0xffffffffn]
    const two = pairs(by, by)
    check('bmsk.clamp.b32', 2, 'b32', ([a, b]) => ((1n << (b > 32n ? 32n : b)) - 1n) << (a > 32n ? 32n : a), { rows: two })
    check('bmsk.wrap.b32', 2, 'b32', ([a, b]) => ((1n << (b & 31n)) - 1n) << (a & 31n), { rows: two })
    const rows = pairs(values(32), by)
    check('szext.clamp.u32', 2, 'u32', ([a, b]) => (b >= 32n ? a : u(a, Number(b))), { rows })
    check('szext.clamp.s32', 2, 's32', ([a, b]) => { const n = u(b, 32); return n >= 32n ? a : n === 0n ? (a < 0n ? -1n : 0n) : s(a, Number(n)) }, { rows })
    check('szext.wrap.u32', 2, 'u32', ([a, b]) => u(a, Number(b & 31n)), { rows })
    check('szext.wrap.s32', 2, 's32', ([a, b]) => { const n = Number(b & 31n); return n === 0 ? (a < 0n ? -1n : 0n) : s(a, n) }, { rows })
  })
  it('popc, clz, brev, bfind', () => {
    const binary = (x: bigint, n: number) => u(x, n).toString(2).padStart(n, '0')
    for (const n of [32, 64]) {
      const to = { resultSize: 32 }
      check(`popc.b${n}`, 1, `b${n}`, ([a]) => BigInt(binary(a, n).replaceAll('0', '').length), to)
      check(`clz.b${n}`, 1, `b${n}`, ([a]) => BigInt(a === 0n ? n : binary(a, n).indexOf('1')), to)
      check(`brev.b${n}`, 1, `b${n}`, ([a]) => BigInt(`0b${[...binary(a, n)].reverse().join('')}`))
      const find = (a: bigint, signed: boolean) => { const at = binary(signed && a < 0n ? ~a : a, n).indexOf('1'); return at < 0 ? -1 : n - 1 - at }
      for (const t of [`u${n}`, `s${n}`]) {
        check(`bfind.${t}`, 1, t, ([a]) => BigInt(find(a, t[0] === 's')), to)
        check(`bfind.shiftamt.${t}`, 1, t, ([a]) => { const p = find(a, t[0] === 's'); return BigInt(p < 0 ? -1 : n - 1 - p) }, to)
      }
    }
  })
  it('fns', () => {
    const rows = [0x12345678n, 0xffffffffn, 0n, 0x80000001n].flatMap((m) => pairs([0n, 3n, 17n, 31n], [0n, 1n, 2n, 5n, u(-1n, 32), u(-3n, 32)]).map(([b, o]) => [m, b, o]))
    check('fns.b32', 3, 'b32', ([mask, base, offset]) => {
      const by = Number(s(offset, 32))
      if (by === 0) return bit(mask, Number(base)) ? base : -1n
      const found = Array.from({ length: 32 }, (_, i) => i).filter((i) => bit(mask, i) && (by > 0 ? i >= Number(base) : i <= Number(base)))
      if (by < 0) found.reverse()
      return BigInt(found[Math.abs(by) - 1] ?? -1)
    }, { rows })
  })
  it('prmt in every mode', () => {
    const rows = pairs([0n, 1n, 2n, 3n, 0x7410n, 0xfedcn, 0x3210n, 0x89abn], [0x12f4d678n, 0x80ff7f01n]).map(([c, a]) => [a, u(~a * 3n, 32), c])
    const bytes = ([a, b]: readonly bigint[]) => Array.from({ length: 8 }, (_, i) => (((b << 32n) | a) >> BigInt(8 * i)) & 255n)
    const join = (x: readonly bigint[]) => x.reduce((r, v, i) => r | (v << BigInt(8 * i)), 0n)
    check('prmt.b32', 3, 'b32', (x) => join([0, 1, 2, 3].map((i) => { const sel = Number((x[2] >> BigInt(4 * i)) & 15n); const v = bytes(x)[sel & 7]; return sel & 8 ? (v & 128n ? 255n : 0n) : v })), { rows })
    const table: Record<string, (k: number, i: number) => number> = {
      f4e: (k, i) => k + i, b4e: (k, i) => (k - i) & 7, rc8: (k) => k, ecl: (k, i) => Math.max(k, i), ecr: (k, i) => Math.min(k, i), rc16: (k, i) => 2 * (k & 1) + (i & 1),
    }
    for (const [mode, pick] of Object.entries(table)) check(`prmt.b32.${mode}`, 3, 'b32', (x) => join([0, 1, 2, 3].map((i) => bytes(x)[pick(Number(x[2] & 3n), i)])), { rows })
  })
  it('dp4a and dp2a', () => {
    const cut = (x: bigint, at: number, n: number, signed: boolean) => { const v = x >> BigInt(at); return signed ? s(v, n) : u(v, n) }
    for (const [at, bt] of pairs(['u32', 's32'], ['u32', 's32'])) {
      const [x, y] = [at === 's32', bt === 's32']
      check(`dp4a.${at}.${bt}`, 3, 'b32', ([a, b, c]) => [0, 8, 16, 24].reduce((t, k) => t + cut(a, k, 8, x) * cut(b, k, 8, y), c))
      for (const [half, k] of [['lo', 0], ['hi', 16]] as const) check(`dp2a.${half}.${at}.${bt}`, 3, 'b32', ([a, b, c]) => c + cut(a, 0, 16, x) * cut(b, k, 8, y) + cut(a, 16, 16, x) * cut(b, k + 8, 8, y))
    }
  })
})

describe('comparison and choice', () => {
  const tests: Record<string, (a: bigint, b: bigint) => boolean> = { eq: (a, b) => a === b, ne: (a, b) => a !== b, lt: (a, b) => a < b, le: (a, b) => a <= b, gt: (a, b) => a > b, ge: (a, b) => a >= b }
  it('setp and set of every integer type', () => {
    for (const t of integers) {
      const b = t.slice(1)
      for (const [name, test] of Object.entries(tests)) {
        check('', 2, t, ([x, y]) => (test(x, y) ? 3n : 4n), { resultSize: 32, text: `setp.${name}.${t} %p|%q, %a, %b; selp.b32 %z, 1, 0, %p; @%p add.u32 %z, %z, 2; @%q add.u32 %z, %z, 4;` })
        check(`set.${name}.u32.${t}`, 2, t, ([x, y]) => (test(x, y) ? -1n : 0n), { resultSize: 32 })
        check(`set.${name}.f32.${t}`, 2, t, ([x, y]) => (test(x, y) ? 0x3f800000n : 0n), { resultSize: 32 })
      }
      if (t[0] === 'u') for (const [name, as] of [['lo', 'lt'], ['ls', 'le'], ['hi', 'gt'], ['hs', 'ge']] as const) check('', 2, t, ([x, y]) => (tests[as](x, y) ? 1n : 0n), { resultSize: 32, text: `setp.${name}.u${b} %p, %a, %b; selp.b32 %z, 1, 0, %p;` })
    }
  })
  it('joined with a third', () => {
    for (const [join, f] of [['and', (x: boolean, y: boolean) => x && y], ['or', (x: boolean, y: boolean) => x || y], ['xor', (x: boolean, y: boolean) => x !== y]] as const) {
      check('', 3, 's32', ([a, b, c]) => (f(a < b, c >= 0n) ? 1n : 0n) + (f(a >= b, c >= 0n) ? 2n : 0n), { text: `setp.lt.s32 %p, %c, 0; setp.lt.${join}.s32 %p|%q, %a, %b, !%p; selp.b32 %z, 1, 0, %p; @%q add.u32 %z, %z, 2;` })
    }
  })
  it('slct', () => {
    for (const t of ['b16', 'u32', 's64', 'b64']) {
      const n = Number(t.slice(1))
      check(`slct.${t}.s32`, 3, t, ([a, b, c]) => (s(c, 32) >= 0n ? a : b), { sourceSizes: [n, n, 32] })
    }
    const c = [0n, 0x80000000n, 1n, 0x80000001n, 0x7f800000n, 0xff800000n, 0x7fc00000n]
    check('slct.b32.f32', 3, 'b32', ([a, b, x]) => (x < 0x80000000n ? x <= 0x7f800000n : x === 0x80000000n) ? a : b, { rows: c.map((x) => [5n, 6n, x]) })
    check('slct.ftz.b32.f32', 3, 'b32', ([a, b, x]) => (x <= 0x7f800000n || x === 0x80000000n || x === 0x80000001n ? a : b), { rows: c.map((x) => [5n, 6n, x]) })
  })
})
