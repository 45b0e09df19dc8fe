// Integer, float and conversion instructions against BigInt and rational arithmetic, on edge values in all 32 lanes.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fma64 } from '../../backends/emulator/numeric/exact64.ts'
import { fmaf } from '../../backends/emulator/numeric/round.ts'
import { runCase } from '../../backends/emulator/run_case.ts'

const edges = [0, 1, 2, 3, 7, 31, 32, 33, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7ffffffe, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff]
const hex = (values: readonly number[]) => Buffer.from(Uint32Array.from(values).buffer).toString('hex')

/** d of `op d, a, b` for every pair of edges, one thread each. */
function all(instruction: string, type: 'b32' | 'f32' = 'b32'): (readonly [number, number, number])[] {
  const pairs = edges.flatMap((a) => edges.map((b) => [a, b] as const))
  const text = `.version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k(.param .u64 a, .param .u64 b, .param .u64 d)\n{
    .reg .${type} %x, %y, %z; .reg .b32 %t; .reg .b64 %a, %b, %d, %o;
    ld.param.u64 %a, [a]; ld.param.u64 %b, [b]; ld.param.u64 %d, [d]; mov.u32 %t, %tid.x; mul.wide.u32 %o, %t, 4;
    add.s64 %a, %a, %o; add.s64 %b, %b, %o; add.s64 %d, %d, %o; ld.global.${type} %x, [%a]; ld.global.${type} %y, [%b];
    ${instruction} st.global.${type} [%d], %z; ret; }`
  const result = runCase({
    name: 'k', ptx: 'k.ptx', kernel: 'k', grid: [1, 1, 1], block: [pairs.length, 1, 1], args: [{ ptr: 'a' }, { ptr: 'b' }, { ptr: 'd' }],
    buffers: [{ name: 'a', type: 'u32', hex: hex(pairs.map((p) => p[0])) }, { name: 'b', type: 'u32', hex: hex(pairs.map((p) => p[1])) }, { name: 'd', type: 'u32', count: pairs.length }],
  }, text)
  const d = new Uint32Array(result.buffers.get('d')!.buffer)
  return pairs.map(([a, b], i) => [a, b, d[i]] as const)
}

const u = (x: bigint) => Number(BigInt.asUintN(32, x))
const s = (x: number) => BigInt.asIntN(32, BigInt(x))
const models: Record<string, (a: number, b: number) => number> = {
  'add.u32': (a, b) => u(BigInt(a) + BigInt(b)),
  'sub.s32': (a, b) => u(BigInt(a) - BigInt(b)),
  'mul.lo.u32': (a, b) => u(BigInt(a) * BigInt(b)),
  'mul.hi.u32': (a, b) => u((BigInt(a) * BigInt(b)) >> 32n),
  'mul.hi.s32': (a, b) => u((s(a) * s(b)) >> 32n),
  'min.s32': (a, b) => u(s(a) < s(b) ? s(a) : s(b)),
  'max.u32': (a, b) => Math.max(a, b),
  'and.b32': (a, b) => u(BigInt(a) & BigInt(b)),
  'xor.b32': (a, b) => u(BigInt(a) ^ BigInt(b)),
  'shl.b32': (a, b) => (b >= 32 ? 0 : u(BigInt(a) << BigInt(b))),
  'shr.u32': (a, b) => (b >= 32 ? 0 : u(BigInt(a) >> BigInt(b))),
  'shr.s32': (a, b) => u(s(a) >> BigInt(Math.min(b, 31))),
  'div.u32': (a, b) => (b === 0 ? 0xffffffff : u(BigInt(a) / BigInt(b))),
  'div.s32': (a, b) => (b === 0 ? 0xffffffff : u(s(a) / s(b))),
  'rem.u32': (a, b) => (b === 0 ? a : a % b),
}

describe('32-bit integers', () => {
  for (const [name, model] of Object.entries(models)) {
    it(name, () => { for (const [a, b, d] of all(`${name} %z, %x, %y;`)) expect([a, b, d]).toEqual([a, b, model(a, b)]) })
  }
  it('selp, setp and predicates', () => {
    for (const [a, b, d] of all('.reg .pred %p, %q, %r; setp.lt.s32 %p|%q, %x, %y; not.pred %r, %q; and.pred %r, %r, %p; selp.b32 %z, 1, 0, %r;')) expect([a, b, d]).toEqual([a, b, s(a) < s(b) ? 1 : 0])
  })
  it('64-bit products by mul.wide and mad.wide', () => {
    for (const [a, b, d] of all('.reg .b64 %w; mul.wide.s32 %w, %x, %y; shr.u64 %w, %w, 16; cvt.u32.u64 %z, %w;')) expect([a, b, d]).toEqual([a, b, u(BigInt.asUintN(64, s(a) * s(b)) >> 16n)])
  })
})

describe('bits', () => {
  const bits = (x: number) => x.toString(2).padStart(32, '0')
  const fields: Record<string, [string, (a: number, b: number) => number]> = {
    popc: ['popc.b32 %z, %x;', (a) => bits(a).replaceAll('0', '').length],
    clz: ['clz.b32 %z, %x;', (a) => (a === 0 ? 32 : bits(a).indexOf('1'))],
    brev: ['brev.b32 %z, %x;', (a) => parseInt([...bits(a)].reverse().join(''), 2)],
    'bfind.u32': ['bfind.u32 %z, %x;', (a) => (a === 0 ? 0xffffffff : 31 - bits(a).indexOf('1'))],
    'bfe.u32, 5 bits from 3': ['bfe.u32 %z, %x, 3, 5;', (a) => (a >>> 3) & 31],
    'bfe.s32, 5 bits from 3': ['bfe.s32 %z, %x, 3, 5;', (a) => ((a << 24) >> 27) >>> 0],
    'bfe.s32 past the top': ['bfe.s32 %z, %x, 28, 12;', (a) => (a >> 28) >>> 0],
    bfi: ['bfi.b32 %z, %x, %y, 4, 8;', (a, b) => ((b & ~0xff0) | ((a & 255) << 4)) >>> 0],
    prmt: ['prmt.b32 %z, %x, %y, 0x7410;', (a, b) => ((a & 0xffff) | ((b & 0xff) << 16) | (b & 0xff000000)) >>> 0],
    'lop3 majority': ['lop3.b32 %z, %x, %y, 0x0f0f0f0f, 0xE8;', (a, b) => ((a & b) | (a & 0x0f0f0f0f) | (b & 0x0f0f0f0f)) >>> 0],
    'shf.l.wrap': ['shf.l.wrap.b32 %z, %x, %y, 36;', (a, b) => ((b << 4) | (a >>> 28)) >>> 0],
    'shf.r.clamp': ['shf.r.clamp.b32 %z, %x, %y, 36;', (_, b) => b],
    'dp4a.s32.u32': ['dp4a.s32.u32 %z, %x, %y, 5;', (a, b) => u(BigInt([0, 8, 16, 24].reduce((t, k) => t + ((a << (24 - k)) >> 24) * ((b >>> k) & 255), 5)))],
    'dp2a.hi.u32.u32': ['dp2a.hi.u32.u32 %z, %x, %y, 1;', (a, b) => u(BigInt((a & 65535) * ((b >>> 16) & 255) + (a >>> 16) * (b >>> 24) + 1))],
  }
  for (const [name, [text, model]] of Object.entries(fields)) it(name, () => { for (const [a, b, d] of all(text)) expect([a, b, d]).toEqual([a, b, model(a, b)]) })
})

describe('conversions', () => {
  it('cvt.u16.u32 zero-extends, cvt.s32.s16 sign-extends', () => {
    for (const [a, , d] of all('.reg .b16 %h; cvt.u16.u32 %h, %x; cvt.s32.s16 %z, %h;')) expect([a, d]).toEqual([a, u(BigInt.asIntN(16, BigInt(a)))])
  })
  it('cvt.rn.f32.u32 rounds to even', () => {
    for (const [a, , d] of all('.reg .f32 %f; cvt.rn.f32.u32 %f, %x; mov.b32 %z, %f;')) expect([a, d]).toEqual([a, new Uint32Array(Float32Array.of(a).buffer)[0]])
  })
  it('cvt.rzi.s32.f32 saturates, NaN gives 0', () => {
    const text = (value: string) => all(`.reg .f32 %f; mov.f32 %f, ${value}; cvt.rzi.s32.f32 %z, %f;`)[0][2] | 0
    expect(['0f7FC00000', '0f7F800000', '0fFF800000', '0fBFC00000', '0f4F000000'].map(text)).toEqual([0, 0x7fffffff, -0x80000000, -1, 0x7fffffff])
  })
})

/** a * b + c exactly, as an integer multiple of 2^-400, then rounded once to f32 (nearest even, subnormals included). */
function exactFma(a: number, b: number, c: number): number {
  const scale = (x: number) => { const [m, e] = parts(x); return [m, e] as const }
  const [ma, ea] = scale(a), [mb, eb] = scale(b), [mc, ec] = scale(c)
  const total = ((ma * mb) << BigInt(ea + eb + 400)) + (mc << BigInt(ec + 400))
  if (total === 0n) return a * b + c
  const magnitude = total < 0n ? -total : total
  const bits = magnitude.toString(2).length
  const drop = Math.max(bits - 24, 400 - 149)
  let kept = magnitude >> BigInt(drop)
  const rest = magnitude - (kept << BigInt(drop))
  const half = 1n << BigInt(drop - 1)
  if (rest > half || (rest === half && kept & 1n)) kept++
  const value = Math.fround(Number(kept) * 2 ** (drop - 400))
  return total < 0n ? -value : value
}
function parts(x: number): [bigint, number] {
  const bits = new Int32Array(Float32Array.of(x).buffer)[0]
  const exponent = (bits >> 23) & 255
  const mantissa = BigInt((bits & 0x7fffff) | (exponent ? 0x800000 : 0)) * (bits < 0 ? -1n : 1n)
  return [mantissa, Math.max(exponent, 1) - 150]
}

describe('carries', () => {
  it('add.cc, addc and sub.cc, subc chain', () => {
    for (const [a, b, d] of all('.reg .b32 %l, %h; add.cc.u32 %l, %x, %y; addc.u32 %h, 0, 0; sub.cc.u32 %l, %x, %y; subc.u32 %l, 0, 0; shl.b32 %h, %h, 8; and.b32 %l, %l, 1; or.b32 %z, %h, %l;')) {
      expect([a, b, d]).toEqual([a, b, (a + b > 0xffffffff ? 256 : 0) | (a < b ? 1 : 0)])
    }
  })
  it('mad.lo.cc and madc.hi make a 64-bit product and sum', () => {
    for (const [a, b, d] of all('.reg .b32 %l; mad.lo.cc.u32 %l, %x, %y, %x; madc.hi.u32 %z, %x, %y, %y;')) {
      expect([a, b, d]).toEqual([a, b, u((BigInt(a) * BigInt(b) + BigInt(a) + (BigInt(b) << 32n)) >> 32n)])
    }
  })
})

describe('fma of doubles', () => {
  it('equals the plain sum or product where those are single roundings', () => {
    fc.assert(fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), (a, b) => {
      expect(fma64(a, 1, b)).toBe(a + b)
      if (a * b !== 0) expect(fma64(a, b, 0)).toBe(a * b)
    }), { numRuns: 2000 })
  })
  it('rounds once, and in the direction asked for', () => {
    const e = 2 ** -30
    expect(fma64(1 + e, 1 - e, -1)).toBe(-(2 ** -60))
    expect([fma64(1, 1, 2 ** -60, 'rp'), fma64(1, 1, -(2 ** -60), 'rz'), fma64(-1, 1, 2 ** -60, 'rm'), fma64(1, 1, -1, 'rm')]).toEqual([1 + 2 ** -52, 1 - 2 ** -53, -1, -0])
  })
})

describe('fma', () => {
  it('rounds once: the subnormal midpoint of ptx-isa-notes 2.10', () => {
    const a = (1 + 2 ** -20) * 2 ** -75, b = (1 - 2 ** -20) * 2 ** -75, c = 2 ** -130 + 2 ** -149
    expect(fmaf(a, b, c)).toBe(524289 * 2 ** -149)
  })
  it('equals exact rational arithmetic', () => {
    const float = fc.integer({ min: -0x80000000, max: 0x7fffffff }).map((n) => new Float32Array(Int32Array.of(n).buffer)[0]).filter(Number.isFinite)
    const near = fc.tuple(fc.integer({ min: 0x3f000000, max: 0x40800000 }), fc.integer({ min: 0x3f000000, max: 0x40800000 }), fc.integer({ min: 0x30000000, max: 0x40800000 }), fc.boolean())
      .map(([x, y, z, n]) => { const f = new Float32Array(Int32Array.of(x, y, z).buffer); return [f[0], f[1], n ? -f[2] : f[2]] as const })
    fc.assert(fc.property(fc.oneof(fc.tuple(float, float, float), near), ([a, b, c]) => {
      const want = exactFma(a, b, c)
      if (Number.isFinite(want) && Math.abs(want) < 3e38) expect(Object.is(fmaf(a, b, c), want) || fmaf(a, b, c) === want).toBe(true)
    }), { numRuns: 3000 })
  })
})
