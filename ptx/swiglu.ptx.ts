import type { Item } from './item.ts'

/** F counts items of a row. */
export const swigluPtx = (item: Item): string => `// swiglu: y = gate / (1 + exp(-gate)) * up, h = [gate, up].
//   h  [T, 2F]  f32  in
//   y  [T, F]   f32  out
// grid      (ceil(T * F / ${256 * item.per}), 1, 1)
// block     (256, 1, 1)    ${item.words} a thread
// smem      0 bytes
// regs      ${item.per === 4 ? '22' : '16'}         ptxas 13.0, sm_80, no spills
// source    deepseek-v3.md section 1.2; reference in src/ops/swiglu.ts
.version 8.0
.target sm_80
.address_size 64

.visible .entry swiglu(.param .u64 h, .param .u64 y, .param .u32 N, .param .u32 F)
.reqntid 256, 1, 1
{
  .reg .pred %outside;
  .reg .b32 %i, %block, %N, %F, %row, %index;
  .reg .b64 %h, %y, %at;
  .reg .f32 %gate<4>, %up<4>, %e, %s<4>;

  // Phase 1: row t of h starts at 2 t F, so gate i lies at i + t F and its up value F further.
  mov.u32 %i, %tid.x;
  mov.u32 %block, %ctaid.x;
  mad.lo.u32 %i, %block, 256, %i;
  ld.param.u32 %N, [N];
  setp.ge.u32 %outside, %i, %N;
  @%outside ret;
  ld.param.u32 %F, [F];
  div.u32 %row, %i, %F;
  mad.lo.u32 %index, %row, %F, %i;
  ld.param.u64 %h, [h];
  mul.wide.u32 %at, %index, ${item.bytes};
  add.s64 %at, %h, %at;
  ld.global.nc${item.f32} ${item.of('%gate')}, [%at];
  mul.wide.u32 %h, %F, ${item.bytes};
  add.s64 %at, %at, %h;
  ld.global.nc${item.f32} ${item.of('%up')}, [%at];

  // Phase 2: exp(-gate) = 2^(-gate log2 e). It may overflow to infinity: the quotient is then zero, as it should be.
${item.each('mul.rn.f32 %e, %gate$, 0fBFB8AA3B;', 'ex2.approx.f32 %e, %e;', 'add.rn.f32 %e, %e, 0f3F800000;', 'rcp.rn.f32 %s$, %e;', 'mul.rn.f32 %s$, %gate$, %s$;', 'mul.rn.f32 %s$, %s$, %up$;')}
  ld.param.u64 %y, [y];
  mul.wide.u32 %at, %i, ${item.bytes};
  add.s64 %y, %y, %at;
  st.global${item.f32} [%y], ${item.of('%s')};
  ret;
}
`
