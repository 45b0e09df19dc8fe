import type { Item } from './item.ts'

/** H counts items of a row. */
export const moeUnpermutePtx = (item: Item): string => `// moe_unpermute: y[t] = sum over j of topk_weights[t, j] yp[slot_row[t topk + j]].
//   yp            [P, H]      f32  in
//   topk_weights  [T, topk]   f32  in
//   slot_row      [T * topk]  i32  in
//   row_slot      [P]         i32  in
//   y             [T, H]      f32  out
// grid      (ceil(T * H / ${256 * item.per}), 1, 1)
// block     (256, 1, 1)    ${item.words} a thread
// smem      0 bytes
// regs      ${item.per === 4 ? '32' : '26'}         ptxas 13.0, sm_80, no spills
// source    deepseek-v3.md section 1.4; reference in src/ops/moe_unpermute.ts (row_slot serves its gradient only)
.version 8.0
.target sm_80
.address_size 64

.visible .entry moe_unpermute(.param .u64 yp, .param .u64 topk_weights, .param .u64 slot_row, .param .u64 y, .param .u32 N, .param .u32 H, .param .u32 topk)
.reqntid 256, 1, 1
{
  .reg .pred %outside, %real, %more;
  .reg .b32 %i, %block, %N, %H, %topk, %t, %h, %row, %j;
  .reg .b64 %yp, %weights, %slot_row, %y, %at;
  .reg .f32 %sum<4>, %v<4>, %weight;

  mov.u32 %i, %tid.x;
  mov.u32 %block, %ctaid.x;
  mad.lo.u32 %i, %block, 256, %i;
  ld.param.u32 %N, [N];
  setp.ge.u32 %outside, %i, %N;
  @%outside ret;
  ld.param.u32 %H, [H];
  ld.param.u32 %topk, [topk];
  div.u32 %t, %i, %H;
  mul.lo.u32 %h, %t, %H;
  sub.u32 %h, %i, %h;
  mul.lo.u32 %t, %t, %topk;
  mul.wide.u32 %at, %t, 4;
  ld.param.u64 %slot_row, [slot_row];
  ld.param.u64 %weights, [topk_weights];
  add.s64 %slot_row, %slot_row, %at;
  add.s64 %weights, %weights, %at;
  ld.param.u64 %yp, [yp];
${item.each('mov.f32 %sum$, 0f00000000;')}
  mov.u32 %j, 0;
next:
  ld.global.nc.u32 %row, [%slot_row];
  ld.global.nc.f32 %weight, [%weights];
  setp.ge.s32 %real, %row, 0;
  mad.lo.u32 %row, %row, %H, %h;
  mul.wide.u32 %at, %row, ${item.bytes};
  add.s64 %at, %yp, %at;
${item.each('mov.f32 %v$, 0f00000000;')}
  @%real ld.global.nc${item.f32} ${item.of('%v')}, [%at];
${item.each('@%real fma.rn.f32 %sum$, %weight, %v$, %sum$;')}
  add.s64 %slot_row, %slot_row, 4;
  add.s64 %weights, %weights, 4;
  add.u32 %j, %j, 1;
  setp.lt.u32 %more, %j, %topk;
  @%more bra next;
  ld.param.u64 %y, [y];
  mul.wide.u32 %at, %i, ${item.bytes};
  add.s64 %y, %y, %at;
  st.global${item.f32} [%y], ${item.of('%sum')};
  ret;
}
`
