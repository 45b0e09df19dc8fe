import type { Item } from './item.ts'

/** H counts items of a row. */
export const moePermutePtx = (item: Item): string => `// moe_permute: xp[r] = x[row_slot[r] / topk], zero where row_slot is -1 (padding).
//   x         [T, H]      f32  in
//   row_slot  [P]         i32  in
//   slot_row  [T * topk]  i32  in
//   xp        [P, H]      f32  out
// grid      (ceil(P * H / ${256 * item.per}), 1, 1)
// block     (256, 1, 1)    ${item.words} a thread
// smem      0 bytes
// regs      14             ptxas 13.0, sm_80, no spills
// source    deepseek-v3.md section 1.4; reference in src/ops/moe_permute.ts (slot_row serves its gradient only)
.version 8.0
.target sm_80
.address_size 64

.visible .entry moe_permute(.param .u64 x, .param .u64 row_slot, .param .u64 xp, .param .u32 N, .param .u32 H, .param .u32 topk)
.reqntid 256, 1, 1
{
  .reg .pred %outside, %real;
  .reg .b32 %i, %block, %N, %H, %topk, %r, %h, %slot;
  .reg .b64 %x, %row_slot, %xp, %at;
  .reg .f32 %v<4>;

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
  setp.ge.s32 %real, %slot, 0;
  div.u32 %slot, %slot, %topk;
  mad.lo.u32 %slot, %slot, %H, %h;
  ld.param.u64 %x, [x];
  mul.wide.u32 %at, %slot, ${item.bytes};
  add.s64 %x, %x, %at;
${item.each('mov.f32 %v$, 0f00000000;')}
  @%real ld.global.nc${item.f32} ${item.of('%v')}, [%x];
  ld.param.u64 %xp, [xp];
  mul.wide.u32 %at, %i, ${item.bytes};
  add.s64 %xp, %xp, %at;
  st.global${item.f32} [%xp], ${item.of('%v')};
  ret;
}
`
