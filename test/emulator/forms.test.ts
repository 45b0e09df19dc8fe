// Which forms there are: modifiers in any order, what belongs together, versions and targets, kinds of registers. As ptxas 13.0 has it.
import { describe, expect, it } from 'vitest'
import { LoadedModule } from '../../backends/emulator/loader.ts'
import { LinearMemory } from '../../backends/emulator/memory.ts'
import { parsePtx } from '../../backends/emulator/parser.ts'

const registers = '.reg .pred %p<9>; .reg .b8 %c<9>; .reg .b16 %h<9>; .reg .u16 %us<9>; .reg .f16 %hf<9>; .reg .b32 %r<9>; .reg .u32 %ur<9>; .reg .s32 %sr<9>; .reg .f16x2 %hx<9>; .reg .f32 %f<9>; .reg .b64 %d<9>; .reg .f64 %fd<9>;'
const load = (text: string, target = 'sm_90a', version = '9.0') => {
  new LoadedModule(parsePtx(`.version ${version}\n.target ${target}\n.address_size 64\n.global .b32 gv[8];\n.visible .entry k(.param .u64 p)\n{ ${registers}\n${text}\nret; }`, 'k.ptx'), new LinearMemory())
}
const accepted = (list: readonly string[], target?: string, version?: string) => { for (const text of list) expect(() => load(text, target, version), text).not.toThrow() }
const refused = (list: readonly (readonly [string, RegExp])[], target?: string, version?: string) => { for (const [text, why] of list) expect(() => load(text, target, version), text).toThrow(why) }

describe('modifiers', () => {
  it('stand in any order, types in theirs', () => accepted([
    'add.f32.rn.sat %f1, %f2, %f3;', 'add.sat.ftz.rz.f32 %f1, %f2, %f3;', 'setp.u32.lt %p1, %r1, %r2;', 'setp.and.lt.u32 %p1, %r1, %r2, !%p2;', 'set.u32.f32.lt %r1, %f1, %f2;',
    'cvt.s32.f32.rni %r1, %f1;', 'prmt.f4e.b32 %r1, %r2, %r3, %r4;', 'bfind.u32.shiftamt %r1, %r2;', 'min.NaN.abs.xorsign.f32 %f1, %f2, %f3;', 'ex2.ftz.approx.f32 %f1, %f2;',
  ]))
  it('are refused by name, with the place', () => refused([
    ['add.foo.s32 %r1, %r2, %r3;', /^k\.ptx:7:1: add\.foo\.s32: unknown modifier \.foo$/], ['add.rn.rn.f32 %f1, %f2, %f3;', /\.rn stands twice/], ['add.rn.rz.f32 %f1, %f2, %f3;', /\.rn and \.rz exclude each other/],
    ['add.f32.s32 %f1, %f2, %f3;', /add has no form for \.f32\.s32/], ['add %r1, %r2, %r3;', /add lacks its type/], ['add.rn.s32 %r1, %r2, %r3;', /\.rn does not go with/], ['ex2.f32 %f1, %f2;', /\.approx is needed/],
    ['div.f64 %fd1, %fd2, %fd3;', /one of \.rn \.rz \.rm \.rp is needed/], ['mul.u32.wide %d1, %r1, %r2;', /unknown instruction mul|mul has no form|unknown modifier/], ['setp.lt.ftz.u32 %p1, %r1, %r2;', /\.ftz/], ['cvt.f32.f64 %f1, %fd1;', /needed/],
    ['cvt.rn.f32.f32 %f1, %f2;', /\.rn does not go with/], ['cvt.sat.u32.u8 %r1, %r2;', /loses nothing/], ['fma.rn.sat.relu.f16 %h1, %h2, %h3, %h4;', /\.relu|\.sat/], ['min.relu.u16x2 %r1, %r2, %r3;', /\.relu does not go with/],
  ]))
})

describe('versions and targets', () => {
  it('refuse what is newer', () => {
    refused([['fma.rn.relu.f16 %h1, %h2, %h3, %h4;', /needs sm_80/], ['tanh.approx.f32 %f1, %f2;', /needs sm_75/], ['add.rn.bf16 %h1, %h2, %h3;', /needs sm_90/], ['dp4a.u32.u32 %r1, %r2, %r3, %r4;', /needs sm_61/]], 'sm_60', '9.0')
    refused([['cvt.rn.satfinite.e4m3x2.f32 %h1, %f1, %f2;', /needs PTX 7\.8/], ['cvt.rn.satfinite.f16.f32 %h1, %f1;', /needs PTX 8\.1/], ['min.relu.s32 %r1, %r2, %r3;', /needs PTX 8\.0/]], 'sm_90', '7.0')
    accepted(['fma.rn.f16 %h1, %h2, %h3, %h4;', 'mad24.hi.sat.s32 %r1, %r2, %r3, %r4;', 'shf.l.wrap.b32 %r1, %r2, %r3, %r4;', 'lop3.b32 %r1, %r2, %r3, %r4, 0x1e;'], 'sm_53', '4.3')
  })
  it('old texts are read: 2.x headers, sm_20, no .address_size', () => {
    expect(() => new LoadedModule(parsePtx('.version 2.3\n.target sm_20\n.entry k(.param .u32 a) { .reg .u32 %r<3>; ld.param.u32 %r1, [a]; mul24.lo.u32 %r2, %r1, 5; st.global.u32 [%r2], %r1; exit; }', 'k.ptx'), new LinearMemory())).not.toThrow()
  })
  it('video, texture and later instructions say why they are not there', () => refused([
    ['vadd.s32.s32.s32 %r1, %r2, %r3;', /vadd\.s32\.s32\.s32 is not emulated: video/], ['tex.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%d1, {%f5,%f6}];', /is not emulated: there are no textures/],
  ]))
})

describe('operands', () => {
  it('bits go with everything, integers not with floats', () => {
    accepted(['add.s32 %ur1, %sr2, %r3;', 'add.f32 %r1, %f1, %r2;', 'and.b32 %f1, %r1, %f2;', 'add.f16x2 %r1, %hx1, %r2;', 'mov.b64 %d1, {%r1, %f2};', 'mov.b32 {%c1,%c2,%c3,%c4}, %f1;', 'cvt.rn.f16.f32 %r1, %f1;', 'cvt.rni.s8.f32 %d1, %f1;'])
    refused([
      ['add.s32 %f1, %r1, %r2;', /%f1 is \.f32/], ['add.f32 %f1, %ur1, %f2;', /%ur1 is \.u32/], ['add.f16 %hf1, %h1, %us1;', /%us1 is \.u16/], ['add.bf16 %h1, %hf1, %h1;', /%hf1 is \.f16/], ['mov.u32 %r1, %d1;', /needs 32 bits/],
      ['mov.u64 %d1, {%r1, %r2};', /needs a \.b type/], ['add.s32 _, %r1, %r2;', /must be a register/], ['cvt.rn.f32.f64 %fd1, %fd1;', /%fd1 is \.f64/],
    ])
  })
  it('constants are of the instruction\'s kind', () => {
    accepted(['add.f32 %f1, %f2, 1.5;', 'mov.f32 %f1, .5;', 'mov.f32 %f1, 1.5+2.5;', 'mov.b32 %r1, 0f3F800000;', 'mov.b64 %d1, 1.0;', 'add.s16 %h1, %h1, 100000;', 'mov.u32 %r1, (1 << 4) | 3;', 'add.u32 %r1, %r2, WARP_SZ;', 'mov.pred %p1, 1;'])
    refused([['add.s32 %r1, %r2, 1.0;', /floating-point constant where \.s32/], ['add.f32 %f1, %f2, 1;', /an integer where a \.f32/], ['mov.u32 %r1, 0f3F800000;', /floating-point/], ['add.f16 %h1, %h1, 0x3c00;', /an integer where a \.f16/]])
  })
  it('special registers are read by mov and cvt, at their width', () => {
    accepted(['mov.u32 %r1, %tid.x;', 'mov.u64 %d1, %clock64;', 'cvt.u64.u32 %d1, %ntid.y;', 'mov.v4.u32 {%r1, %r2, %r3, %r4}, %tid;', 'mov.pred %p1, %is_explicit_cluster;', 'mov.u16 %us1, %laneid;'])
    refused([['add.u32 %r1, %tid.x, 1;', /read by mov and cvt only/], ['mov.u32 %r1, %clock64;', /has 64 bits/], ['mov.u64 %d1, %clock;', /has 32 bits/], ['mov.f32 %f1, %tid.x;', /32 bits/], ['mov.u32 %r1, %pm0;', /%pm0 is not emulated/]])
  })
})
