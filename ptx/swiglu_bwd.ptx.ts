import type { Item } from './item.ts'

/** F counts items of a row. */
export const swigluBwdPtx = (item: Item): string => `// swiglu_bwd: dgate = dy up s (1 + gate (1 - s)), dup = dy gate s, s = 1 / (1 + exp(-gate)).
//   dy  [T, F]   f32  in
//   h   [T, 2F]  f32  in
//   dh  [T, 2F]  f32  out
// grid      (ceil(T * F / ${256 * item.per}), 1, 1)
// block     (256, 1, 1)    ${item.words} a thread
// smem      0 bytes
// regs      ${item.per === 4 ? '29' : '18'}         ptxas 13.0, sm_80, no spills
// source    derivative of swiglu; reference in src/ops/swiglu_bwd.ts
.version 8.0
.target sm_80
.address_size 64

.visible .entry swiglu_bwd(.param .u64 dy, .param .u64 h, .param .u64 dh, .param .u32 N, .param .u32 F)
.reqntid 256, 1, 1
{
  .reg .pred %outside;
  .reg .b32 %i, %block, %N, %F, %row, %index;
  .reg .b64 %h, %dh, %dy, %at, %width;
  .reg .f32 %gate<4>, %up<4>, %d<4>, %e, %s, %slope, %dgate<4>, %dup<4>;

  // Phase 1: gate i lies at i + t F of h, its up value F further; dh alike.
  mov.u32 %i, %tid.x;
  mov.u32 %block, %ctaid.x;
  mad.lo.u32 %i, %block, 256, %i;
  ld.param.u32 %N, [N];
  setp.ge.u32 %outside, %i, %N;
  @%outside ret;
  ld.param.u32 %F, [F];
  ld.param.u64 %dy, [dy];
  ld.param.u64 %h, [h];
  ld.param.u64 %dh, [dh];
  mul.wide.u32 %at, %i, ${item.bytes};
  add.s64 %dy, %dy, %at;
  div.u32 %row, %i, %F;
  mad.lo.u32 %index, %row, %F, %i;
  mul.wide.u32 %at, %index, ${item.bytes};
  add.s64 %h, %h, %at;
  add.s64 %dh, %dh, %at;
  mul.wide.u32 %width, %F, ${item.bytes};
  ld.global.nc${item.f32} ${item.of('%d')}, [%dy];
  ld.global.nc${item.f32} ${item.of('%gate')}, [%h];
  add.s64 %h, %h, %width;
  ld.global.nc${item.f32} ${item.of('%up')}, [%h];

  // Phase 2: s = 1 / (1 + 2^(-gate log2 e)); an infinite power gives s = 0.
${item.each(
    'mul.rn.f32 %e, %gate$, 0fBFB8AA3B;', 'ex2.approx.f32 %e, %e;', 'add.rn.f32 %e, %e, 0f3F800000;', 'rcp.rn.f32 %s, %e;',
    'sub.rn.f32 %slope, 0f3F800000, %s;', 'fma.rn.f32 %slope, %gate$, %slope, 0f3F800000;',
    'mul.rn.f32 %dgate$, %d$, %up$;', 'mul.rn.f32 %dgate$, %dgate$, %s;', 'mul.rn.f32 %dgate$, %dgate$, %slope;', 'mul.rn.f32 %dup$, %d$, %gate$;', 'mul.rn.f32 %dup$, %dup$, %s;',
  )}
  st.global${item.f32} [%dh], ${item.of('%dgate')};
  add.s64 %dh, %dh, %width;
  st.global${item.f32} [%dh], ${item.of('%dup')};
  ret;
}
`
