import type { Item } from './item.ts'

/** H counts items of a row. */
export const moeUnpermuteBwdPtx = (item: Item): string => `// moe_unpermute_bwd: dyp[r] = w[s] dy[s / topk] with s = row_slot[r], zeros where s is -1; dw[s] = dy[s / topk] . yp[slot_row[s]].
//   dy            [T, H]      f32  in
//   yp            [P, H]      f32  in
//   topk_weights  [T, topk]   f32  in
//   slot_row      [T * topk]  i32  in
//   row_slot      [P]         i32  in
//   dyp           [P, H]      f32  out
//   dw            [T, topk]   f32  out
// grid      dyp (ceil(P * H / ${256 * item.per}), 1, 1), dw (ceil(T * topk / 4), 1, 1)
// block     dyp (256, 1, 1) ${item.words} a thread, dw (128, 1, 1) one slot a warp
// smem      0 bytes
// regs      ${item.per === 4 ? '14, 34' : '14, 23'}         ptxas 13.0, sm_80, no spills
// source    derivative of moe_unpermute; reference in src/ops/moe_unpermute_bwd.ts
.version 8.0
.target sm_80
.address_size 64

.visible .entry moe_unpermute_bwd(.param .u64 dy, .param .u64 topk_weights, .param .u64 row_slot, .param .u64 dyp, .param .u32 N, .param .u32 H, .param .u32 topk)
.reqntid 256, 1, 1
{
  .reg .pred %outside, %real;
  .reg .b32 %i, %block, %N, %H, %r, %h, %slot, %t, %topk;
  .reg .b64 %dy, %weights, %row_slot, %dyp, %at;
  .reg .f32 %value<4>, %weight;

  mov.u32 %i, %tid.x;
  mov.u32 %block, %ctaid.x;
  mad.lo.u32 %i, %block, 256, %i;
  ld.param.u32 %N, [N];
  setp.ge.u32 %outside, %i, %N;
  @%outside ret;
  ld.param.u32 %H, [H];
  ld.param.u32 %topk, [topk];
  div.u32 %r, %i, %H;
  mul.lo.u32 %h, %r, %H;
  sub.u32 %h, %i, %h;
  ld.param.u64 %row_slot, [row_slot];
  mul.wide.u32 %at, %r, 4;
  add.s64 %row_slot, %row_slot, %at;
  ld.global.nc.u32 %slot, [%row_slot];
  // Padding rows have slot -1: their loads are left out, not their zeros.
  setp.ge.s32 %real, %slot, 0;
  ld.param.u64 %weights, [topk_weights];
  mul.wide.u32 %at, %slot, 4;
  add.s64 %weights, %weights, %at;
  div.u32 %t, %slot, %topk;
  mad.lo.u32 %t, %t, %H, %h;
  ld.param.u64 %dy, [dy];
  mul.wide.u32 %at, %t, ${item.bytes};
  add.s64 %dy, %dy, %at;
${item.each('mov.f32 %value$, 0f00000000;')}
  @%real ld.global.nc.f32 %weight, [%weights];
  @%real ld.global.nc${item.f32} ${item.of('%value')}, [%dy];
${item.each('@%real mul.rn.f32 %value$, %value$, %weight;')}
  ld.param.u64 %dyp, [dyp];
  mul.wide.u32 %at, %i, ${item.bytes};
  add.s64 %dyp, %dyp, %at;
  st.global${item.f32} [%dyp], ${item.of('%value')};
  ret;
}

.visible .entry moe_unpermute_bwd_w(.param .u64 dy, .param .u64 yp, .param .u64 slot_row, .param .u64 dw, .param .u32 slots, .param .u32 H, .param .u32 topk)
.reqntid 128, 1, 1
{
  .reg .pred %outside, %more, %first;
  .reg .b32 %thread, %lane, %slot, %slots, %H, %topk, %row, %t, %h;
  .reg .b64 %dy, %yp, %slot_row, %dw, %at, %p;
  .reg .f32 %dot, %a<4>, %b<4>, %other;

  // Phase 1: slot and lane; the warp of an absent slot leaves as a whole.
  mov.u32 %thread, %tid.x;
  and.b32 %lane, %thread, 31;
  shr.u32 %thread, %thread, 5;
  mov.u32 %slot, %ctaid.x;
  mad.lo.u32 %slot, %slot, 4, %thread;
  ld.param.u32 %slots, [slots];
  setp.ge.u32 %outside, %slot, %slots;
  @%outside ret;
  ld.param.u32 %H, [H];
  ld.param.u32 %topk, [topk];
  ld.param.u64 %slot_row, [slot_row];
  mul.wide.u32 %at, %slot, 4;
  add.s64 %slot_row, %slot_row, %at;
  ld.global.nc.u32 %row, [%slot_row];
  ld.param.u64 %dw, [dw];
  add.s64 %dw, %dw, %at;

  // Phase 2: the dot product, lanes apart, then a butterfly. A slot of no row has weight gradient zero.
  mov.f32 %dot, 0f00000000;
  mov.u32 %h, %lane;
  setp.ge.u32 %outside, %h, %H;
  setp.lt.or.s32 %outside, %row, 0, %outside;
  @%outside bra summed;
  ld.param.u64 %dy, [dy];
  ld.param.u64 %yp, [yp];
  cvt.u64.u32 %p, %lane;
  div.u32 %t, %slot, %topk;
  mul.wide.u32 %at, %t, %H;
  add.s64 %at, %at, %p;
  shl.b64 %at, %at, ${item.per === 4 ? 4 : 2};
  add.s64 %dy, %dy, %at;
  mul.wide.u32 %at, %row, %H;
  add.s64 %at, %at, %p;
  shl.b64 %at, %at, ${item.per === 4 ? 4 : 2};
  add.s64 %yp, %yp, %at;
next:
  ld.global.nc${item.f32} ${item.of('%a')}, [%dy];
  ld.global.nc${item.f32} ${item.of('%b')}, [%yp];
${item.each('fma.rn.f32 %dot, %a$, %b$, %dot;')}
  add.s64 %dy, %dy, ${32 * item.bytes};
  add.s64 %yp, %yp, ${32 * item.bytes};
  add.u32 %h, %h, 32;
  setp.lt.u32 %more, %h, %H;
  @%more bra next;
summed:
  shfl.sync.bfly.b32 %other, %dot, 16, 31, 0xffffffff;
  add.rn.f32 %dot, %dot, %other;
  shfl.sync.bfly.b32 %other, %dot, 8, 31, 0xffffffff;
  add.rn.f32 %dot, %dot, %other;
  shfl.sync.bfly.b32 %other, %dot, 4, 31, 0xffffffff;
  add.rn.f32 %dot, %dot, %other;
  shfl.sync.bfly.b32 %other, %dot, 2, 31, 0xffffffff;
  add.rn.f32 %dot, %dot, %other;
  shfl.sync.bfly.b32 %other, %dot, 1, 31, 0xffffffff;
  add.rn.f32 %dot, %dot, %other;
  setp.eq.u32 %first, %lane, 0;
  @%first st.global.f32 [%dw], %dot;
  ret;
}
`
