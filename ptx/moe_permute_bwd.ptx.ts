import type { Item } from './item.ts'

/** H counts items of a row. */
export const moePermuteBwdPtx = (item: Item): string => `// moe_permute_bwd: dx[t] = sum over j of dxp[slot_row[t topk + j]].
//   dxp       [P, H]      f32  in
//   slot_row  [T * topk]  i32  in
//   dx        [T, H]      f32  out
// grid      (ceil(T * H / ${256 * item.per}), 1, 1)
// block     (256, 1, 1)    ${item.words} a thread
// smem      0 bytes
// regs      ${item.per === 4 ? '32' : '22'}         ptxas 13.0, sm_80, no spills
// source    transpose of moe_permute; reference in src/ops/moe_permute_bwd.ts
.version 8.0
.target sm_80
.address_size 64

.visible .entry moe_permute_bwd(.param .u64 dxp, .param .u64 slot_row, .param .u64 dx, .param .u32 N, .param .u32 H, .param .u32 topk)
.reqntid 256, 1, 1
{
  .reg .pred %outside, %real, %more;
  .reg .b32 %i, %block, %N, %H, %topk, %t, %h, %row, %j;
  .reg .b64 %dxp, %slot_row, %dx, %at;
  .reg .f32 %sum<4>, %v<4>;

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
  ld.param.u64 %slot_row, [slot_row];
  mul.lo.u32 %t, %t, %topk;
  mul.wide.u32 %at, %t, 4;
  add.s64 %slot_row, %slot_row, %at;
  ld.param.u64 %dxp, [dxp];
${item.each('mov.f32 %sum$, 0f00000000;')}
  mov.u32 %j, 0;
next:
  ld.global.nc.u32 %row, [%slot_row];
  setp.ge.s32 %real, %row, 0;
  mad.lo.u32 %row, %row, %H, %h;
  mul.wide.u32 %at, %row, ${item.bytes};
  add.s64 %at, %dxp, %at;
${item.each('mov.f32 %v$, 0f00000000;')}
  @%real ld.global.nc${item.f32} ${item.of('%v')}, [%at];
${item.each('add.rn.f32 %sum$, %sum$, %v$;')}
  add.s64 %slot_row, %slot_row, 4;
  add.u32 %j, %j, 1;
  setp.lt.u32 %more, %j, %topk;
  @%more bra next;
  ld.param.u64 %dx, [dx];
  mul.wide.u32 %at, %i, ${item.bytes};
  add.s64 %dx, %dx, %at;
  st.global${item.f32} [%dx], ${item.of('%sum')};
  ret;
}
`
