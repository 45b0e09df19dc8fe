/** `state` is the dtype of m and v. */
export function adamwPtx(state: 'f32' | 'bf16'): string {
  const packed = state === 'bf16'
  return `// adamw: p = decay p; m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p -= rate m / (sqrt(v) / correction + eps), g = coef * g.
//   p     [N]  f32  inout
//   g     [N]  f32  in
//   m     [N]  ${state}  inout
//   v     [N]  ${state}  inout
//   coef  [1]  f32  in
// grid      (floor(N / 512) + 1, 1, 1)
// block     (128, 1, 1)    four elements a thread
// smem      0 bytes
// regs      37             ptxas 13.0, sm_80, no spills
// source    torch.optim.AdamW; reference in src/ops/adamw.ts
.version 8.0
.target sm_80
.address_size 64

.visible .entry adamw(.param .u64 p, .param .u64 g, .param .u64 m, .param .u64 v, .param .u64 coef, .param .u32 quads, .param .u32 rest,
  .param .f32 decay, .param .f32 rate, .param .f32 perCorrection, .param .f32 eps, .param .f32 b1, .param .f32 c1, .param .f32 b2, .param .f32 c2)
.reqntid 128, 1, 1
{
  .reg .pred %outside, %more, %still;
  .reg .b16 %half;
  .reg .b32 %i, %thread, %block, %quads, %left, %low, %high;
  .reg .b64 %pAt, %gAt, %mAt, %vAt, %coef, %at;
  .reg .f32 %p<4>, %g<4>, %m<4>, %v<4>, %coefficient, %root, %move, %decay, %rate, %perCorrection, %eps, %b1, %c1, %b2, %c2;

  // Phase 1: thread i has elements 4 i .. 4 i + 3, the one behind the last whole four what is left: i fits 32 bits where N does
  // not. A coefficient of 0 leaves everything as it is.
  mov.u32 %thread, %tid.x;
  mov.u32 %block, %ctaid.x;
  mad.lo.u32 %i, %block, 128, %thread;
  ld.param.u32 %quads, [quads];
  ld.param.u32 %left, [rest];
  setp.gt.u32 %outside, %i, %quads;
  @%outside ret;
  ld.param.u64 %coef, [coef];
  ld.global.nc.f32 %coefficient, [%coef];
  setp.eq.f32 %still, %coefficient, 0f00000000;
  @%still ret;
  ld.param.u64 %pAt, [p];
  ld.param.u64 %gAt, [g];
  ld.param.u64 %mAt, [m];
  ld.param.u64 %vAt, [v];
  ld.param.f32 %decay, [decay];
  ld.param.f32 %rate, [rate];
  ld.param.f32 %perCorrection, [perCorrection];
  ld.param.f32 %eps, [eps];
  ld.param.f32 %b1, [b1];
  ld.param.f32 %c1, [c1];
  ld.param.f32 %b2, [b2];
  ld.param.f32 %c2, [c2];
  mul.wide.u32 %at, %i, 16;
  add.s64 %pAt, %pAt, %at;
  add.s64 %gAt, %gAt, %at;
${packed ? '  mul.wide.u32 %at, %i, 8;\n' : ''}  add.s64 %mAt, %mAt, %at;
  add.s64 %vAt, %vAt, %at;

  // Phase 2: all four at once; buffers are 256-byte aligned.
  setp.eq.u32 %more, %i, %quads;
  @%more bra last;
  ld.global.v4.f32 {%p0, %p1, %p2, %p3}, [%pAt];
  ld.global.nc.v4.f32 {%g0, %g1, %g2, %g3}, [%gAt];
${packed ? loadPairs('m') + loadPairs('v') : loadFour('m') + loadFour('v')}
${[0, 1, 2, 3].map(step).join('')}
  st.global.v4.f32 [%pAt], {%p0, %p1, %p2, %p3};
${packed ? storePairs('m') + storePairs('v') : storeFour('m') + storeFour('v')}  ret;

  // Phase 3: the last none to three.
last:
  setp.eq.u32 %outside, %left, 0;
  @%outside ret;
tail:
  ld.global.f32 %p0, [%pAt];
  ld.global.nc.f32 %g0, [%gAt];
${packed ? loadHalf('m') + loadHalf('v') : '  ld.global.f32 %m0, [%mAt];\n  ld.global.f32 %v0, [%vAt];\n'}
${step(0)}
  st.global.f32 [%pAt], %p0;
${packed ? storeHalf('m') + storeHalf('v') : '  st.global.f32 [%mAt], %m0;\n  st.global.f32 [%vAt], %v0;\n'}  add.s64 %pAt, %pAt, 4;
  add.s64 %gAt, %gAt, 4;
  add.s64 %mAt, %mAt, ${packed ? 2 : 4};
  add.s64 %vAt, %vAt, ${packed ? 2 : 4};
  sub.u32 %left, %left, 1;
  setp.ne.u32 %more, %left, 0;
  @%more bra tail;
  ret;
}
`
}

/** Element k: new m, v and p in their registers. */
const step = (k: number) => `  mul.rn.f32 %g${k}, %g${k}, %coefficient;
  mul.rn.f32 %m${k}, %m${k}, %b1;
  fma.rn.f32 %m${k}, %g${k}, %c1, %m${k};
  mul.rn.f32 %move, %g${k}, %c2;
  mul.rn.f32 %v${k}, %v${k}, %b2;
  fma.rn.f32 %v${k}, %move, %g${k}, %v${k};
  sqrt.rn.f32 %root, %v${k};
  fma.rn.f32 %root, %root, %perCorrection, %eps;
  mul.rn.f32 %move, %m${k}, %rate;
  div.rn.f32 %move, %move, %root;
  mul.rn.f32 %p${k}, %p${k}, %decay;
  sub.rn.f32 %p${k}, %p${k}, %move;
`

const loadFour = (x: string) => `  ld.global.v4.f32 {%${x}0, %${x}1, %${x}2, %${x}3}, [%${x}At];\n`
const storeFour = (x: string) => `  st.global.v4.f32 [%${x}At], {%${x}0, %${x}1, %${x}2, %${x}3};\n`

/** bf16 is the upper half of f32: the lower of a pair is shifted up, the upper one masked. */
const loadPairs = (x: string) => `  ld.global.v2.b32 {%low, %high}, [%${x}At];
  shl.b32 %thread, %low, 16;
  mov.b32 %${x}0, %thread;
  and.b32 %thread, %low, 0xffff0000;
  mov.b32 %${x}1, %thread;
  shl.b32 %thread, %high, 16;
  mov.b32 %${x}2, %thread;
  and.b32 %thread, %high, 0xffff0000;
  mov.b32 %${x}3, %thread;
`
const storePairs = (x: string) => `  cvt.rn.bf16x2.f32 %low, %${x}1, %${x}0;
  cvt.rn.bf16x2.f32 %high, %${x}3, %${x}2;
  st.global.v2.b32 [%${x}At], {%low, %high};
`
const loadHalf = (x: string) => `  ld.global.b16 %half, [%${x}At];
  cvt.u32.u16 %low, %half;
  shl.b32 %low, %low, 16;
  mov.b32 %${x}0, %low;
`
const storeHalf = (x: string) => `  cvt.rn.bf16.f32 %half, %${x}0;
  st.global.b16 [%${x}At], %half;
`
