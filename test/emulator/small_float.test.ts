// Short floats against the encoders of src/core/dtype.ts (integer arithmetic, checked by golden tables), and roundings by hand.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeFloat, encodeFloat, formats, sumToOdd } from '../../backends/emulator/numeric/small_float.ts'
import { runCase } from '../../backends/emulator/run_case.ts'
import { fromBf16, fromF16, toBf16, toE4m3, toE5m2, toF16, e4m3Values, e5m2Values } from '../../src/core/dtype.ts'

const float = fc.integer({ min: -0x80000000, max: 0x7fffffff }).map((n) => new Float32Array(Int32Array.of(n).buffer)[0]).filter((x) => x === x)
const ordinary = fc.oneof(float, fc.float({ noNaN: true, min: -70000, max: 70000 }))

describe('encode and decode', () => {
  it('every 16-bit and 8-bit pattern decodes to the value of the core', () => {
    for (let b = 0; b < 65536; b++) {
      if (!Object.is(decodeFloat(b, formats.f16), fromF16(b))) expect([b, decodeFloat(b, formats.f16)]).toEqual([b, fromF16(b)])
      if (!Object.is(decodeFloat(b, formats.bf16), fromBf16(b))) expect([b, decodeFloat(b, formats.bf16)]).toEqual([b, fromBf16(b)])
    }
    for (let b = 0; b < 256; b++) expect([b, decodeFloat(b, formats.e4m3), decodeFloat(b, formats.e5m2)]).toEqual([b, e4m3Values[b], e5m2Values[b]])
  })
  it('nearest even, as the core encodes', () => {
    fc.assert(fc.property(ordinary, (x) => {
      expect([x, encodeFloat(x, formats.f16), encodeFloat(x, formats.bf16)]).toEqual([x, toF16(x), toBf16(x)])
      if (Number.isFinite(x)) expect([x, encodeFloat(x, formats.e4m3, 'rn', true), encodeFloat(x, formats.e5m2, 'rn', true)]).toEqual([x, toE4m3(x), toE5m2(x)])
    }), { numRuns: 3000 })
  })
  it('f32 to nearest is Math.fround', () => {
    fc.assert(fc.property(fc.double({ noNaN: true }), (x) => { expect(encodeFloat(x, formats.f32) | 0).toBe(new Int32Array(Float32Array.of(x).buffer)[0]) }), { numRuns: 3000 })
  })
  it('directed roundings bracket the value', () => {
    fc.assert(fc.property(fc.double({ noNaN: true, min: -1e30, max: 1e30 }), (x) => {
      const [down, up, zero] = (['rm', 'rp', 'rz'] as const).map((m) => decodeFloat(encodeFloat(x, formats.f32, m), formats.f32))
      expect(down <= x && x <= up && Math.abs(zero) <= Math.abs(x)).toBe(true)
      expect(zero).toBe(x < 0 ? up : down)
      // Neighbours: nothing lies between.
      if (down !== up) expect(Math.abs(encodeFloat(up, formats.f32) - encodeFloat(down, formats.f32))).toBe(1)
    }), { numRuns: 2000 })
  })
  it('a sum rounded to odd keeps what a double loses', () => {
    expect(Math.fround(sumToOdd(1 + 2 ** -24, 2 ** -90))).toBe(1 + 2 ** -23)
    expect(Math.fround(sumToOdd(1 + 2 ** -24, -(2 ** -90)))).toBe(1)
  })
})

/** One instruction on one thread: result bits of `%z`. */
function one(text: string): number {
  const ptx = `.version 8.0\n.target sm_90\n.address_size 64\n.visible .entry k(.param .u64 d)\n{ .reg .f32 %a, %b; .reg .b32 %z, %u; .reg .b16 %h, %g; .reg .b64 %d, %l; ld.param.u64 %d, [d]; ${text} st.global.b32 [%d], %z; ret; }`
  const r = runCase({ name: 'k', ptx: 'k.ptx', kernel: 'k', grid: [1, 1, 1], block: [1, 1, 1], args: [{ ptr: 'd' }], buffers: [{ name: 'd', type: 'u32', count: 1 }] }, ptx)
  return new Uint32Array(r.buffers.get('d')!.buffer)[0]
}

describe('instructions', () => {
  const cases: [string, string, number][] = [
    ['cvt.rn.bf16x2.f32 puts the first operand above', 'mov.f32 %a, 1.0; mov.f32 %b, -2.0; cvt.rn.bf16x2.f32 %z, %a, %b;', 0x3f80c000],
    ['cvt.rn.satfinite.e4m3x2.f32 saturates', 'mov.f32 %a, 1000.0; mov.f32 %b, 1.0; cvt.rn.satfinite.e4m3x2.f32 %h, %a, %b; cvt.u32.u16 %z, %h;', 0x7e38],
    ['cvt.rn.f16x2.e4m3x2 is exact', 'mov.b16 %h, 0x7e38; cvt.rn.f16x2.e4m3x2 %z, %h;', 0x5f003c00],
    ['cvt.rn.f16.f32', 'mov.f32 %a, 65520.0; cvt.rn.f16.f32 %h, %a; cvt.u32.u16 %z, %h;', 0x7c00],
    ['cvt.rz.f16.f32 stays finite', 'mov.f32 %a, 65520.0; cvt.rz.f16.f32 %h, %a; cvt.u32.u16 %z, %h;', 0x7bff],
    ['cvt.f32.f16', 'mov.b16 %h, 0x3555; .reg .f32 %c; cvt.f32.f16 %c, %h; mov.b32 %z, %c;', 0x3eaaa000],
    ['cvt.rna.tf32.f32', 'mov.b32 %a, 0x3f801000; cvt.rna.tf32.f32 %z, %a;', 0x3f802000],
    ['cvt.sat.u8.s32 by register', 'mov.b32 %u, 300; cvt.sat.u8.s32 %z, %u;', 255],
    ['add.rz against add.rp', 'mov.f32 %a, 0f3F800000; mov.f32 %b, 0f30800000; .reg .f32 %c, %e; add.rz.f32 %c, %a, %b; add.rp.f32 %e, %a, %b; .reg .b32 %i, %j; mov.b32 %i, %c; mov.b32 %j, %e; sub.u32 %z, %j, %i;', 1],
    ['div.rz of 2 / 3', 'mov.f32 %a, 2.0; mov.f32 %b, 3.0; .reg .f32 %c; div.rz.f32 %c, %a, %b; mov.b32 %z, %c;', 0x3f2aaaaa],
    ['sqrt.rm of 2', 'mov.f32 %a, 2.0; .reg .f32 %c; sqrt.rm.f32 %c, %a; mov.b32 %z, %c;', 0x3fb504f3],
    ['mul.ftz flushes a subnormal result', 'mov.f32 %a, 0f00800000; mov.f32 %b, 0f3F000000; .reg .f32 %c; mul.rn.ftz.f32 %c, %a, %b; mov.b32 %z, %c;', 0],
    ['fma.sat clamps', 'mov.f32 %a, 3.0; .reg .f32 %c; fma.rn.sat.f32 %c, %a, %a, %a; mov.b32 %z, %c;', 0x3f800000],
    ['fma.rn.f16x2', 'mov.b32 %u, 0x3c004000; fma.rn.f16x2 %z, %u, %u, %u;', 0x40004600],
    ['add.rn.bf16x2 rounds once', 'mov.b32 %u, 0x3f804380; .reg .b32 %v; mov.b32 %v, 0x3b804000; add.rn.bf16x2 %z, %u, %v;', 0x3f804381],
    ['max.NaN.f16', 'mov.b16 %h, 0x7e00; mov.b16 %g, 0x3c00; max.NaN.f16 %h, %h, %g; cvt.u32.u16 %z, %h;', 0x7fff],
  ]
  for (const [name, text, bits] of cases) it(name, () => expect(one(text).toString(16)).toBe(bits.toString(16)))
  it('names what it does not have', () => expect(() => one('add.rn.f32x2 %l, %l, %l; mov.b32 %z, 0;')).toThrow(/unknown instruction|f32x2/))
})
