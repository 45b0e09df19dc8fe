// Kernels of one thread or two warps in the style of older texts (PTX 6.5, sm_30 on, with and without 64-bit addresses).
import { describe, expect, it } from 'vitest'
import { runCase, type CaseArg } from '../../backends/emulator/run_case.ts'

interface Shape { version?: string; target?: string; size?: 32 | 64; before?: string; input?: number[]; threads?: number; dynamic?: number; words?: number }
/** %in and %out are pointers; the output's words are returned. */
function run(body: string, { version = '6.5', target = 'sm_30', size = 64, before = '', input = [0], threads = 1, dynamic = 0, words = 4 }: Shape = {}): number[] {
  const u = `u${size}`
  const text = `.version ${version}\n.target ${target}\n.address_size ${size}\n${before}\n.visible .entry k(.param .${u} input, .param .${u} output)\n{\n.reg .${u} in, out; ld.param.${u} in, [input]; ld.param.${u} out, [output];\n${body}\nret;\n}\n`
  const args: CaseArg[] = [{ ptr: 'in' }, { ptr: 'out' }]
  const r = runCase({
    name: 'k', ptx: 'k.ptx', kernel: 'k', grid: [1, 1, 1], block: [threads, 1, 1], dynamicSharedBytes: dynamic, args,
    buffers: [{ name: 'in', type: 'u32', hex: Buffer.from(Uint32Array.from(input).buffer).toString('hex') }, { name: 'out', type: 'u32', count: Math.max(words, threads) }],
  }, text)
  return Array.from(new Uint32Array(r.buffers.get('out')!.slice().buffer))
}

describe('32-bit addresses', () => {
  const flat = { size: 32 } as const
  it('global, with offsets and atomics', () => {
    expect(run('.reg .u32 a, b; ld.global.u32 a, [in]; add.u32 in, in, 4; ld.u32 b, [in]; add.u32 a, a, b; st.global.u32 [out+4], a; atom.global.add.u32 b, [out+4], 5; st.u32 [out], b;', { ...flat, input: [7, 30] }).slice(0, 2)).toEqual([37, 42])
  })
  it('shared, static and dynamic; constants; arrays of addresses', () => {
    const before = '.extern .shared .b32 dyn[];\n.const .align 8 .b8 four[4] = {10, 20, 30, 40};\n.global .u32 value = 99;\n.global .u32 table[2] = {value, value+4};'
    expect(run(`.shared .align 8 .b8 own[16]; .reg .u64 t; .reg .u32 a; .reg .b16 h; ld.global.u64 t, [in]; st.shared.u64 [own], t; ld.shared.u64 t, [own]; st.shared.u64 [dyn], t; ld.shared.u64 t, [dyn]; st.global.u64 [out], t;
      ld.const.b8 h, [four+2]; st.u16 [out+8], h; ld.global.u32 a, [table]; ld.global.u32 a, [a]; st.u32 [out+12], a;`, { ...flat, before, input: [5, 6], dynamic: 8 })).toEqual([5, 6, 30, 99])
  })
  it('generic: cvta, isspacep, local and shared behind one pointer', () => {
    expect(run(`.shared .u32 s; .local .u32 l; .reg .u32 a, b, x, y; .reg .pred p, q; mov.u32 a, s; cvta.shared.u32 a, a; mov.u32 b, l; cvta.local.u32 b, b; st.u32 [a], 11; st.u32 [b], 22;
      ld.shared.u32 x, [s]; ld.local.u32 y, [l]; st.u32 [out], x; st.u32 [out+4], y; isspacep.shared p, a; isspacep.global q, a; selp.u32 x, 1, 0, p; @q add.u32 x, x, 2; isspacep.local p, b; @p add.u32 x, x, 4; isspacep.global q, out; @q add.u32 x, x, 8; st.u32 [out+8], x;
      cvta.to.shared.u32 a, a; ld.shared.u32 x, [a]; st.u32 [out+12], x;`, flat)).toEqual([11, 22, 13, 11])
  })
  it('an address outside is told', () => expect(() => run('st.global.u32 [out+64], 1;', flat)).toThrow(/outside every live allocation/))
})

it('no .address_size: 64-bit registers hold 64-bit addresses all the same', () => {
  const text = `.version 2.1\n.target sm_20\n.file 1 "<command-line>"\n.entry k (.param .u64 __cudaparm_in, .param .u64 __cudaparm_out)\n{\n.reg .u32 %r<5>; .reg .u64 %rd<5>; .reg .f32 %f<5>; .reg .pred %p<3>;\n.loc 1 4 0\n$LBB1_k:
    ld.param.u64 %rd1, [__cudaparm_in]; ld.param.u64 %rd2, [__cudaparm_out]; ld.global.f32 %f1, [%rd1+0]; ld.global.f32 %f2, [%rd1+4]; setp.gt.f32 %p1, %f1, %f2; @!%p1 bra $Lt_0_2; mad.rn.f32 %f3, %f1, %f2, %f2; bra.uni $Lt_0_1;\n$Lt_0_2: mul.f32 %f3, %f1, %f2;\n$Lt_0_1: st.global.f32 [%rd2+0], %f3; cvt.u32.u16 %r1, %tid.x; mul24.lo.u32 %r2, %r1, 4; st.global.u32 [%rd2+4], %r2; exit;\n$LDWend_k:\n}\n`
  const r = runCase({ name: 'k', ptx: 'k.ptx', kernel: 'k', grid: [1, 1, 1], block: [1, 1, 1], args: [{ ptr: 'in' }, { ptr: 'out' }], buffers: [{ name: 'in', type: 'f32', hex: Buffer.from(Float32Array.of(3, 2).buffer).toString('hex') }, { name: 'out', type: 'f32', count: 2 }] }, text)
  expect(Array.from(new Float32Array(r.buffers.get('out')!.slice().buffer))).toEqual([8, 0])
})

describe('functions with register parameters', () => {
  it('declared ahead under other names, with two results', () => {
    const before = '.func (.reg.u64 sum, .reg.u32 product) both (.reg.u32 a, .reg.u32 b);'
    expect(run(`.reg .u32 x, y, m; .reg .u64 s; ld.u32 x, [in]; ld.u32 y, [in+4]; call (s, m), both, (x, y); st.u64 [out], s; st.u32 [out+8], m; ret; }
      .func (.reg.u64 add, .reg.u32 mul) both (.reg.u32 x, .reg.u32 y) { .reg .u32 t; add.u32 t, x, y; cvt.u64.u32 add, t; mul.lo.u32 mul, x, y;`, { before, input: [9, 5] })).toEqual([14, 0, 45, 0])
  })
  it('shared memory of functions and dynamic shared memory are different places', () => {
    const before = '.extern .shared .align 8 .b32 dyn[];\n.func (.reg .b64 r) f(.reg .u64 v) { .shared .align 8 .u64 own; .reg .u64 a; st.shared.u64 [own], v; ld.shared.u64 a, [own]; ld.shared.u64 v, [dyn]; add.u64 r, v, a; ret; }'
    expect(run('.reg .u64 a, b; ld.u64 a, [in]; ld.u64 b, [in+8]; st.shared.u64 [dyn], a; call (a), f, (b); st.u64 [out], a;', { before, input: [100, 0, 23, 0], dynamic: 8 })[0]).toBe(123)
  })
})

describe('vectors', () => {
  it('mov between vector registers and lists, in any order', () => {
    expect(run('.reg .u16 a, b, c, d; .reg .v4 .u16 v; ld.global.v4.u8 {a, b, c, d}, [in]; mov.v4.u16 v, {b, c, d, a}; mov.v4.u16 {c, d, a, b}, v; mov.v4.u16 {d, a, b, c}, {c, d, a, b}; st.global.v4.u8 [out], {a, b, c, d};', { input: [0x04030201] })[0]).toBe(0x02010403)
  })
  it('packing with constants, components and whole registers', () => {
    expect(run('.reg .b16 h; .reg .b32 w; .reg .v2 .b32 p; .reg .b64 d; ld.b16 h, [in]; mov.b32 w, {0x5678, h}; st.b32 [out], w; mov.b32 p.x, 7; mov.b32 p.y, w; mov.b64 d, p; st.b64 [out+4], d;'.replace('st.b64 [out+4], d;', 'st.b64 [out+8], d;'), { input: [0x1234], target: 'sm_60' })).toEqual([0x12345678, 0, 7, 0x12345678])
  })
  it('the address of a parameter', () => {
    expect(run('.reg .b64 p, v; mov.b64 p, input; ld.param.b64 v, [p]; sub.u64 v, v, in; st.u64 [out], v; ld.param.b64 v, [p+8]; sub.u64 v, v, out; st.u64 [out+8], v;')).toEqual([0, 0, 0, 0])
  })
})

describe('initial contents', () => {
  it('nested, short, negative and with addresses', () => {
    const before = '.global .u32 a[4][2] = {{-1, 2}, {3}};\n.global .u64 b[4][2] = {{-1, 2}, {3}, {a}};\n.const .u64 x = 1;\n.const .u64 y[4] = {4, 5, 6};\n.const .u64 at[4] = {x, y};'
    expect(run(`.reg .u64 p, q, r; .reg .u32 w; mov.u64 p, b; ld.global.u32 w, [p+4]; st.u32 [out], w; ld.global.u64 q, [p+32]; ld.global.u32 w, [q+8]; st.u32 [out+4], w;
      ld.const.u64 q, [at+8]; mov.u64 r, y; xor.b64 q, q, r; st.u32 [out+8], q; ld.const.u64 q, [y+16]; st.u32 [out+12], q;`.replaceAll(/st\.u32 (\[out\+\d+\]), q;/g, 'cvt.u32.u64 w, q; st.u32 $1, w;'), { before })).toEqual([0xffffffff, 3, 0, 6])
  })
})

it('special registers read as 16 bits, as old compilers did', () => {
  expect(run('.reg .u16 h; .reg .u32 w; cvt.u32.u16 w, %ntid.x; st.u32 [out], w; mov.u16 h, %lanemask_ge; cvt.u32.u16 w, h; st.u32 [out+4], w; cvt.s32.s16 w, %lanemask_ge; st.u32 [out+8], w;', { version: '2.3', target: 'sm_20', threads: 1 })).toEqual([1, 0xffff, 0xffffffff, 0])
})

describe('two warps', () => {
  it('a vote whose mask names a lane that has left', () => {
    const r = run('.reg .u32 lane, t, v; .reg .pred first, p; mov.u32 lane, %laneid; mov.u32 t, %tid.x; setp.eq.u32 first, lane, 0; mov.pred p, 0; @first bra away; vote.sync.all.pred p, 1, 0xFFFFFFFF; away: selp.u32 v, 1, 0, p; .reg .u64 o; mul.wide.u32 o, t, 4; add.u64 out, out, o; st.u32 [out], v;', { version: '7.0', target: 'sm_70', threads: 64 })
    expect(r).toEqual(Array.from({ length: 64 }, (_, i) => (i % 32 ? 1 : 0)))
  })
  it('the forms without .sync of sm_30', () => {
    const own = '.reg .u64 o; mul.wide.u32 o, t, 4; add.u64 out, out, o; st.u32 [out], v;'
    expect(run(`.reg .u32 t, v, w; .reg .pred p, q; mov.u32 t, %tid.x; shfl.up.b32 v|p, t, 3, 0; @!p add.u32 v, v, 1000; vote.ballot.b32 w, p; setp.gt.u32 q, t, 40; vote.any.pred q, q; @q add.u32 v, v, 100; popc.b32 w, w; add.u32 v, v, w; ${own}`, { version: '5.0', threads: 64 }).map((x, i) => x - 29 - (i > 31 ? 100 : 0)))
      .toEqual(Array.from({ length: 64 }, (_, i) => (i % 32 < 3 ? i + 1000 : i - 3)))
  })
})
