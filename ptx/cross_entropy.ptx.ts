/** `wide`: rows are read four columns at a time, for V a multiple of 4. */
export function crossEntropyPtx(wide: boolean): string {
  const per = wide ? 4 : 1
  const all = [...Array(per).keys()]
  const load = wide ? 'ld.global.nc.v4.f32 {%x0, %x1, %x2, %x3}, [%p];' : 'ld.global.nc.f32 %x0, [%p];'
  const store = wide ? 'st.global.v4.f32 [%q], {%x0, %x1, %x2, %x3};' : 'st.global.f32 [%q], %x0;'
  const exponentials = (base: string) => all.map((k) => `  sub.rn.f32 %x${k}, %x${k}, ${base};\n  mul.rn.f32 %x${k}, %x${k}, 0f3FB8AA3B;\n  ex2.approx.f32 %x${k}, %x${k};\n`).join('')
  return `// cross_entropy: losses = log sum exp(logits) - logits[target], total = scale sum of losses, dlogits = scale (softmax(logits) - onehot).
//   logits   [T, V]  f32  in
//   targets  [T]     i32  in, -1 leaves a row out
//   losses   [T]     f32  out
//   total    [1]     f32  out of a second pass (sum_all)
//   dlogits  [T, V]  f32  out
// grid      (T, 1, 1)      one row a block, read twice: largest logit and sum together, then the gradient
// block     (128, 1, 1)
// smem      32 bytes
// regs      ${wide ? 24 : 28}             ptxas 13.0, sm_80, no spills
// source    reference in src/ops/cross_entropy.ts; the running sum as in Milakov and Gimelshein, arXiv 1805.02867
.version 8.0
.target sm_80
.address_size 64

.visible .entry cross_entropy(.param .u64 logits, .param .u64 targets, .param .u64 losses, .param .u64 dlogits, .param .u32 V, .param .f32 scale)
.reqntid 128, 1, 1
{
  .reg .pred %none, %more, %first, %goal, %ignored;
  .reg .b32 %thread, %lane, %row, %V, %target, %i, %to, %tops, %sums, %exponent, %bits;
  .reg .b64 %logits, %targets, %losses, %dlogits, %at, %p, %q;
  .reg .f32 %x<4>, %top, %sum, %newTop, %other, %scale, %weight, %loss, %ratio, %square, %series;
  .shared .align 16 .b8 warp_tops[16];
  .shared .align 16 .b8 warp_sums[16];

  // Phase 1: this thread's first column of the row.
  mov.u32 %thread, %tid.x;
  and.b32 %lane, %thread, 31;
  mov.u32 %row, %ctaid.x;
  ld.param.u32 %V, [V];
  ld.param.u64 %targets, [targets];
  ld.param.u64 %logits, [logits];
  ld.param.u64 %dlogits, [dlogits];
  ld.param.f32 %scale, [scale];
  mul.wide.u32 %at, %row, 4;
  add.s64 %targets, %targets, %at;
  ld.global.nc.u32 %target, [%targets];
  setp.lt.s32 %ignored, %target, 0;
  mul.wide.u32 %at, %row, %V;
  shl.b64 %at, %at, 2;
  add.s64 %logits, %logits, %at;
  add.s64 %dlogits, %dlogits, %at;
  mul.wide.u32 %at, %thread, ${4 * per};
  add.s64 %p, %logits, %at;
  add.s64 %q, %dlogits, %at;
  ${wide ? 'shl.b32 %i, %thread, 2;' : 'mov.u32 %i, %thread;'}
  setp.ge.u32 %none, %i, %V;
  mov.f32 %weight, 0f00000000;
  mov.f32 %loss, 0f00000000;
  mov.f32 %top, 0fFF7FFFFF;
  // The whole block has one row: it branches together.
  @%ignored bra weighed;

  // Phase 2: largest logit so far and sum of exp(x - largest), rescaled when a larger one comes; from the least finite number,
  // so that no infinity is taken from another.
  mov.f32 %sum, 0f00000000;
  @%none bra read;
next:
  ${load}
${wide ? '  max.f32 %newTop, %x0, %x1;\n  max.f32 %other, %x2, %x3;\n  max.f32 %newTop, %newTop, %other;\n  max.f32 %newTop, %newTop, %top;' : '  max.f32 %newTop, %x0, %top;'}
  sub.rn.f32 %other, %top, %newTop;
  mul.rn.f32 %other, %other, 0f3FB8AA3B;
  ex2.approx.f32 %other, %other;
  mov.f32 %top, %newTop;
${exponentials('%top')}${wide ? '  add.rn.f32 %x0, %x0, %x1;\n  add.rn.f32 %x2, %x2, %x3;\n  add.rn.f32 %x0, %x0, %x2;\n' : ''}  fma.rn.f32 %sum, %sum, %other, %x0;
  add.s64 %p, %p, ${512 * per};
  add.u32 %i, %i, ${128 * per};
  setp.lt.u32 %more, %i, %V;
  @%more bra next;
read:

  // Phase 3: the row's largest logit, over lanes and warps.
  mov.f32 %newTop, %top;
${butterfly('max.f32', '%newTop', [16, 8, 4, 2, 1])}  mov.u32 %tops, warp_tops;
  mov.u32 %sums, warp_sums;
  shr.u32 %to, %thread, 5;
  shl.b32 %to, %to, 2;
  add.u32 %tops, %tops, %to;
  add.u32 %sums, %sums, %to;
  setp.eq.u32 %first, %lane, 0;
  @%first st.shared.f32 [%tops], %newTop;
  bar.sync 0;
  ld.shared.v4.f32 {%x0, %x1, %x2, %x3}, [warp_tops];
  max.f32 %x0, %x0, %x1;
  max.f32 %x2, %x2, %x3;
  max.f32 %newTop, %x0, %x2;

  // Phase 4: the row's sum, in the same tree.
  sub.rn.f32 %other, %top, %newTop;
  mul.rn.f32 %other, %other, 0f3FB8AA3B;
  ex2.approx.f32 %other, %other;
  mul.rn.f32 %sum, %sum, %other;
  mov.f32 %top, %newTop;
${butterfly('add.rn.f32', '%sum', [16, 8, 4, 2, 1])}  @%first st.shared.f32 [%sums], %sum;
  bar.sync 0;
  ld.shared.v4.f32 {%x0, %x1, %x2, %x3}, [warp_sums];
  add.rn.f32 %x0, %x0, %x1;
  add.rn.f32 %x2, %x2, %x3;
  add.rn.f32 %sum, %x0, %x2;
  div.rn.f32 %weight, %scale, %sum;

  // Phase 5: log(sum) = exponent ln 2 + 2 artanh((m - 1) / (m + 1)), 2/3 <= m < 4/3; lg2.approx is too coarse near 1, where good
  // predictions are. A NaN reaches the loss through sum * 0.
  mov.b32 %bits, %sum;
  sub.u32 %exponent, %bits, 0x3f2aaaab;
  and.b32 %exponent, %exponent, 0xff800000;
  sub.u32 %bits, %bits, %exponent;
  mov.b32 %series, %bits;
  shr.s32 %exponent, %exponent, 23;
  add.rn.f32 %ratio, %series, 0fBF800000;
  add.rn.f32 %other, %series, 0f3F800000;
  div.rn.f32 %ratio, %ratio, %other;
  mul.rn.f32 %square, %ratio, %ratio;
  mov.f32 %series, 0f3DE38E39;
  fma.rn.f32 %series, %series, %square, 0f3E124925;
  fma.rn.f32 %series, %series, %square, 0f3E4CCCCD;
  fma.rn.f32 %series, %series, %square, 0f3EAAAAAB;
  mul.rn.f32 %series, %series, %square;
  add.rn.f32 %ratio, %ratio, %ratio;
  fma.rn.f32 %series, %series, %ratio, %ratio;
  cvt.rn.f32.s32 %other, %exponent;
  fma.rn.f32 %loss, %other, 0f3F317218, %series;
  fma.rn.f32 %loss, %sum, 0f00000000, %loss;
  mul.wide.u32 %at, %target, 4;
  add.s64 %p, %logits, %at;
  ld.global.nc.f32 %x0, [%p];
  sub.rn.f32 %x0, %x0, %top;
  sub.rn.f32 %loss, %loss, %x0;

  // Phase 6: the loss, by one thread.
weighed:
  setp.eq.u32 %first, %thread, 0;
  ld.param.u64 %losses, [losses];
  mul.wide.u32 %at, %row, 4;
  add.s64 %losses, %losses, %at;
  @%first st.global.f32 [%losses], %loss;

  // Phase 7: the gradient; an ignored row gets zeros, whatever its logits are.
  @%none ret;
  mul.wide.u32 %at, %thread, ${4 * per};
  add.s64 %p, %logits, %at;
  ${wide ? 'shl.b32 %i, %thread, 2;' : 'mov.u32 %i, %thread;'}
gradient:
  ${load}
${exponentials('%top')}${all.map((k) => gradient(k)).join('')}  ${store}
  add.s64 %p, %p, ${512 * per};
  add.s64 %q, %q, ${512 * per};
  add.u32 %i, %i, ${128 * per};
  setp.lt.u32 %more, %i, %V;
  @%more bra gradient;
  ret;
}
`
}

/** All lanes get the same bits: the operation is commutative. */
const butterfly = (operation: string, register: string, steps: readonly number[]) => steps.map((s) =>
  `  shfl.sync.bfly.b32 %other, ${register}, ${s}, 31, 0xffffffff;\n  ${operation} ${register}, ${register}, %other;\n`).join('')

/** Column i + k: weight * exp, minus scale at the target. */
const gradient = (k: number) => `  add.u32 %to, %i, ${k};
  setp.eq.u32 %goal, %to, %target;
  mul.rn.f32 %x${k}, %x${k}, %weight;
  @%goal sub.rn.f32 %x${k}, %x${k}, %scale;
  selp.f32 %x${k}, 0f00000000, %x${k}, %ignored;
`
