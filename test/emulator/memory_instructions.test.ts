// ld and st: widths, extension, vectors, modifiers; what the assembler accepts and refuses.
import { describe, expect, it } from 'vitest'
import { LinearMemory } from '../../backends/emulator/memory.ts'
import { LoadedModule } from '../../backends/emulator/loader.ts'
import { parsePtx } from '../../backends/emulator/parser.ts'
import { run, words, type Shape } from './support.ts'

/** 16 bytes 0x80 ... 0x8f in shared memory at sh, and out[0..] after the body. */
const bytes = `.shared .align 16 .b8 sh[64]; .reg .b16 %h<8>; .reg .b8 %c<8>; .reg .f32 %f<8>; .reg .f64 %fd<8>; .reg .b128 %q<4>;
  mov.u32 %r30, 0x83828180; mov.u32 %r31, 0x87868584; mov.u32 %r32, 0x8b8a8988; mov.u32 %r33, 0x8f8e8d8c; st.shared.v4.u32 [sh], {%r30, %r31, %r32, %r33};`
const one = (body: string, shape: Shape = {}) => words(run(`${bytes} ${body} ret;`, { block: [1, 1, 1], ...shape }))

describe('loads', () => {
  const cases: [load: string, low: number, high: number][] = [
    ['ld.shared.u8 %rd1, [sh+1]', 0x81, 0], ['ld.shared.s8 %rd1, [sh+1]', 0xffffff81, 0xffffffff], ['ld.shared.b8 %rd1, [sh+1]', 0x81, 0],
    ['ld.shared.u16 %rd1, [sh+2]', 0x8382, 0], ['ld.shared.s16 %rd1, [sh+2]', 0xffff8382, 0xffffffff], ['ld.shared.u32 %rd1, [sh+4]', 0x87868584, 0],
    ['ld.shared.s32 %rd1, [sh+4]', 0x87868584, 0xffffffff], ['ld.shared.b32 %rd1, [sh+4]', 0x87868584, 0], ['ld.shared.u64 %rd1, [sh+8]', 0x8b8a8988, 0x8f8e8d8c],
    ['ld.shared.f64 %rd1, [sh+8]', 0x8b8a8988, 0x8f8e8d8c],
  ]
  for (const [load, low, high] of cases) it(`${load}`, () => expect(one(`mov.u64 %rd1, -1; ${load}; st.global.u64 [%out], %rd1;`).slice(0, 2)).toEqual([low, high]))

  const narrow: [load: string, register: string, value: number][] = [
    ['ld.shared.s8', '%r1', 0xffffff83], ['ld.shared.u8', '%r1', 0x83], ['ld.shared.s8', '%h1', 0xff83], ['ld.shared.u8', '%h1', 0x83], ['ld.shared.s8', '%c1', 0x83],
  ]
  for (const [load, register, value] of narrow) {
    const widen = register === '%r1' ? 'mov.b32 %r2, %r1;' : register === '%h1' ? 'mov.b32 %r2, {%h1, %h0};' : 'st.shared.u8 [sh+20], %c1; ld.shared.u8 %r2, [sh+20];'
    it(`${load} into ${register}`, () => expect(one(`mov.u16 %h0, 0; ${load} ${register}, [sh+3]; ${widen} st.global.u32 [%out], %r2;`)[0]).toBe(value))
  }
  it('vectors go element by element, sinks take nothing', () => {
    expect(one('ld.shared.v4.u8 {%r1, _, %r2, %r3}, [sh+4]; st.global.v2.u32 [%out], {%r1, %r2}; st.global.u32 [%out+8], %r3;').slice(0, 3)).toEqual([0x84, 0x86, 0x87])
    expect(one('ld.shared.v4.s16 {%r1, %r2, %r3, %r4}, [sh]; st.global.v4.u32 [%out], {%r4, %r3, %r2, %r1};').slice(0, 4)).toEqual([0xffff8786, 0xffff8584, 0xffff8382, 0xffff8180])
    expect(one('ld.shared.v2.u64 {%rd1, %rd2}, [sh]; st.global.v2.u64 [%out], {%rd2, %rd1};').slice(0, 4)).toEqual([0x8b8a8988, 0x8f8e8d8c, 0x83828180, 0x87868584])
    expect(one('ld.shared.v2.u8 {%rd1, _}, [sh]; st.global.u64 [%out], %rd1;').slice(0, 2)).toEqual([0x80, 0])
    expect(one('.reg .v4 .b32 %v; ld.shared.v4.b32 %v, [sh]; st.global.b32 [%out], %v.z; st.global.v4.b32 [%out+16], %v;').slice(0, 8)).toEqual([0x8b8a8988, 0, 0, 0, 0x83828180, 0x87868584, 0x8b8a8988, 0x8f8e8d8c])
  })
  it('b128 in one register', () => expect(one('ld.shared.b128 %q1, [sh]; st.global.b128 [%out+16], %q1;').slice(4, 8)).toEqual([0x83828180, 0x87868584, 0x8b8a8988, 0x8f8e8d8c]))
  it('kernel parameters by name, offset and address; constants', () => {
    expect(one('mov.b64 %rd1, out; ld.param.v2.u32 {%r1, %r2}, [out]; ld.param.u32 %r3, [%rd1+4]; ld.param::entry.u32 %r4, [out+4]; sub.u32 %r3, %r3, %r2; sub.u32 %r4, %r4, %r2; st.global.v2.u32 [%out], {%r3, %r4};').slice(0, 2)).toEqual([0, 0])
    expect(one('ld.const.v2.u16 {%h1, %h2}, [cn+4]; st.global.v2.u16 [%out], {%h2, %h1};', { before: '.const .align 4 .u16 cn[4] = {1, 2, 3, 4};' })[0]).toBe(0x00030004)
  })
  it('parameters of device functions, by lane', () => {
    const f = `.func (.param .b32 o) f(.param .align 8 .b8 i[12]) { .reg .b32 %r<4>; .reg .b64 %rd<2>; ld.param.u32 %r1, [i+8]; mov.b64 %rd1, i; ld.param.u32 %r2, [%rd1+4]; sub.u32 %r1, %r1, %r2; st.param.u32 [o], %r1; ret; }`
    const body = `{ .param .align 8 .b8 p[12]; .param .b32 q; mul.lo.u32 %r1, %ti, 3; st.param.u32 [p+8], %r1; st.param.v2.u32 [p], {%r1, %ti}; call (q), f, (p); ld.param.u32 %r2, [q]; }
      shl.b32 %r3, %ti, 2; cvt.u64.u32 %rd1, %r3; add.u64 %rd1, %rd1, %out; st.global.u32 [%rd1], %r2; ret;`
    expect(words(run(body, { before: f })).slice(0, 32)).toEqual(Array.from({ length: 32 }, (_, l) => 2 * l))
  })
})

describe('stores', () => {
  it('narrow ones keep their neighbours; constants of all kinds', () => {
    expect(one('mov.u32 %r1, 0x12345678; mov.u64 %rd1, 0x1122334455667788; st.global.u32 [%out], -1; st.global.u8 [%out+1], %r1; st.global.u16 [%out+6], %rd1; st.global.u8 [%out+8], 0x1ff; st.global.f32 [%out+12], 1.5; st.global.b32 [%out+16], 0f40000000; st.global.f64 [%out+24], 0.5;').slice(0, 8))
      .toEqual([0xffff78ff, 0x77880000, 0xff, 0x3fc00000, 0x40000000, 0, 0, 0x3fe00000])
  })
  it('of a vector with constants', () => expect(one('mov.f32 %f1, 2.0; st.global.v4.f32 [%out], {%f1, 1.0, 0f3f000000, %f1};').slice(0, 4)).toEqual([0x40000000, 0x3f800000, 0x3f000000, 0x40000000]))
  it('a guarded store leaves other lanes alone', () => {
    expect(words(run('setp.lt.u32 %p1, %ti, 2; shl.b32 %r1, %ti, 2; cvt.u64.u32 %rd1, %r1; add.u64 %rd1, %rd1, %out; @%p1 st.global.cs.L2::cache_hint.u32 [%rd1], %r1, %rd5; ret;')).slice(0, 4)).toEqual([0, 4, 0, 0])
  })
})

const registers = `.reg .pred %p<4>; .reg .b16 %h<9>; .reg .b32 %r<9>; .reg .b64 %rd<12>; .reg .f32 %f<9>; .reg .f64 %fd<9>; .reg .u32 %u<3>; .shared .align 16 .b8 sh[256]; .local .align 16 .b8 lo[64];`
const decode = (text: string, target: string, version: string) => new LoadedModule(parsePtx(`.version ${version}\n.target ${target}\n.address_size 64\n.global .align 16 .b8 gl[64];\n.const .align 16 .b8 cn[64];\n.visible .entry k(.param .u64 out, .param .align 8 .b8 st[32])\n{ ${registers}\n${text} ret; }`, 'k.ptx'), new LinearMemory()).functionNamed('k')

// Each line was given to ptxas 13.0, which accepts the first list and refuses the second.
const accepted = [
  'ld.global.L1::evict_last.L2::cache_hint.L2::128B.u32 %r1,[%rd1],%rd2;', 'ld.global.L2::128B.L2::cache_hint.v4.f32 {%f1,%f2,%f3,%f4},[%rd1],%rd2;', 'ld.L2::cache_hint.u32 %r1,[%rd1],%rd2;',
  'ld.global.nc.L1::no_allocate.L2::256B.v4.u32 {%r1,%r2,%r3,%r4},[%rd1];', 'ld.global.cs.nc.f32 %f1,[%rd1];', 'ld.global.lu.f32 %f1,[%rd1];', 'ld.volatile.shared.v2.f32 {%f1,%f2},[%rd1];',
  'ld.relaxed.gpu.global.L1::evict_last.f32 %f1,[%rd1];', 'ld.acquire.cluster.shared::cluster.f32 %f1,[%rd1];', 'ld.mmio.relaxed.sys.global.u32 %r1,[%rd1];', 'ld.global.f32 %f1,[%rd1].unified;', 'ldu.global.v4.f32 {%f1,%f2,%f3,%f4},[%rd1];',
  'st.global.L1::no_allocate.v4.f32 [%rd1],{%f1,%f2,%f3,%f4};', 'st.release.gpu.global.v2.f32 [%rd1],{%f1,%f2};', 'st.mmio.relaxed.sys.global.u32 [%rd1],%r1;', 'prefetch.global.L2::evict_last [%rd1];', 'prefetch.param.tensormap [st];', 'prefetchu.L1 [%rd1];',
  'applypriority.global.L2::evict_normal [%rd1],128;', 'discard.L2 [%rd1],128;', 'createpolicy.range.global.L2::evict_last.L2::evict_unchanged.b64 %rd2,[%rd1],%r1,%r2;', 'createpolicy.fractional.L2::evict_last.b64 %rd2,0.5;', 'createpolicy.cvt.L2.b64 %rd2,%rd3;',
]
const refused: [text: string, problem: RegExp][] = [
  ['ld.global.ca.L1::evict_last.u32 %r1,[%rd1];', /exclude each other/], ['ld.shared.L2::cache_hint.u32 %r1,[%rd1],%rd2;', /not for \.shared/], ['ld.global.nc.cv.f32 %f1,[%rd1];', /\.nc and \.cv/], ['ld.nc.f32 %f1,[%rd1];', /\.nc needs \.global/],
  ['ld.volatile.global.cs.f32 %f1,[%rd1];', /exclude each other/], ['ld.volatile.const.f32 %f1,[%rd1];', /not for \.const/], ['ld.acquire.global.f32 %f1,[%rd1];', /needs a scope/], ['ld.gpu.global.u32 %r1,[%rd1];', /scope \.gpu goes with/],
  ['ld.mmio.relaxed.gpu.global.u32 %r1,[%rd1];', /\.mmio needs \.relaxed\.sys/], ['ld.global.v4.b64 {%rd3,%rd4,%rd5,%rd6},[%rd1];', /needs sm_100/], ['ld.global.v8.b32 {%r1,%r2,%r3,%r4,%r5,%r6,%r7,%r8},[%rd1];', /needs sm_100/],
  ['ld.global.L2::evict_last.u32 %r1,[%rd1];', /needs sm_100/], ['ld.global.f16 %h1,[%rd1];', /unknown modifier \.f16/], ['ld.global.u32 %f1,[%rd1];', /another kind of register/], ['ld.global.f32 %fd1,[%rd1];', /another kind of register/], ['ld.u32 %r1,[cn+4];', /is in \.const space/],
  ['ld.global.u32 %r1,[sh];', /is in \.shared space/], ['ld.global.u32 %r1,[%rd1],%rd2;', /3 operands/], ['ld.global.L2::cache_hint.u32 %r1,[%rd1];', /2 operands/], ['ldu.shared.u32 %r1,[%rd1];', /unknown modifier|must be one of/], ['st.acquire.sys.f32 [%rd1],%f1;', /must be one of/],
  ['st.global.ca.f32 [%rd1],%f1;', /must be one of/], ['st.const.u32 [cn],%r1;', /must be one of/], ['st.param.u32 [st],%r1;', /read only/], ['st.global.f32 [%rd1],1;', /an integer where/], ['st.global.v2.u32 [%rd1],{%r1,_};', /register or constant/],
  ['prefetch.shared.L2 [%rd1];', /must be one of/], ['prefetch.global.tensormap [%rd1];', /not for \.global/], ['discard.L2 [%rd1],64;', /must be 128/], ['createpolicy.fractional.L2::evict_last.b64 %rd2,1.5;', /at most 1/],
  ['multimem.ld_reduce.global.add.f32 %f1,[%rd1];', /multimem\.ld_reduce/], ['alloca.u64 %rd1,%rd2,12;', /power of two/], ['mapa.shared::cta.u32 %r1,%r2,1;', /must be one of/],
]
const older: [target: string, version: string, text: string, problem: RegExp][] = [
  ['sm_75', '8.0', 'ld.global.L2::cache_hint.u32 %r1,[%rd1],%rd2;', /needs sm_80/], ['sm_75', '8.0', 'ld.global.L2::256B.u32 %r1,[%rd1];', /needs sm_80/], ['sm_80', '8.0', 'ld.shared::cluster.u32 %r1,[%rd1];', /needs sm_90/],
  ['sm_80', '8.0', 'ld.acquire.cluster.global.u32 %r1,[%rd1];', /needs sm_90/], ['sm_80', '8.0', 'ld.mmio.relaxed.sys.global.u32 %r1,[%rd1];', /needs PTX 8\.2/], ['sm_80', '8.0', 'mapa.u64 %rd1,%rd2,%r1;', /needs sm_90/], ['sm_60', '6.0', 'ld.acquire.gpu.u32 %r1,[%rd1];', /needs sm_70/],
  ['sm_75', '8.0', 'createpolicy.fractional.L2::evict_last.b64 %rd2;', /needs sm_80/], ['sm_90', '7.8', 'prefetch.tensormap [%rd1];', /needs PTX 8\.0/],
]
describe('forms', () => {
  for (const text of accepted) it(`accepts ${text}`, () => { expect(decode(text, 'sm_90a', '9.0').instructions.length).toBe(2) })
  for (const [text, problem] of refused) it(`refuses ${text}`, () => { expect(() => decode(text, 'sm_90a', '9.0')).toThrow(problem) })
  for (const [target, version, text, problem] of older) it(`refuses ${text} for ${target}, PTX ${version}`, () => { expect(() => decode(text, target, version)).toThrow(problem) })
})
