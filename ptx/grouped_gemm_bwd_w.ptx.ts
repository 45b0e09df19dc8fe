import type { FloatOut } from '../src/ops/gemm.ts'
import type { TileText } from './tile_body.ts'
import { groupRegisters, placeRegisters, placeSum } from './tile_place.ts'

export const groupedGemmBwdWText = (dtype: FloatOut, tile: TileText) => `// grouped_gemm_bwd_w: dw[e](n, k) = sum over the rows p of expert e of dy(p, n) x(p, k).
//   dy       [P, N]     ${dtype}  in
//   x        [P, K]     ${dtype}  in
//   offsets  [E + 1]    i32  in
//   dw       [E, N, K]  f32  out   zeros for an expert without rows
// grid      (ceil(N / ${tile.rows}) * ceil(K / ${tile.columns}), E, 1)
// block     (${tile.threads}, 1, 1)
// smem      ${tile.smemBytes} bytes, dynamic
// regs      at most ${tile.maxRegisters}   ptxas 13.0, sm_80, no spills
// requires  rows of dy and x in multiples of ${tile.copyBytes.a} and ${tile.copyBytes.b} bytes
// source    deepseek-v3.md section 1.4; reference in src/ops/grouped_gemm_bwd_w.ts
.version 8.0
.target sm_80
.address_size 64

.extern .shared .align 16 .b8 smem[];

.visible .entry grouped_gemm_bwd_w(.param .u64 dy, .param .u64 x, .param .u64 offsets, .param .u64 dw, .param .u32 N, .param .u32 K)
.reqntid ${tile.threads}, 1, 1
.minnctapersm ${tile.residentBlocks}
{${placeRegisters}${groupRegisters}

  // The tile's rows are those of dw, N of them; its columns are K; the sum runs over the expert's rows.
  ld.param.u64 %a, [dy];
  ld.param.u64 %b, [x];
  ld.param.u64 %offsets, [offsets];
  ld.param.u64 %c, [dw];
  ld.param.u32 %M, [N];
  ld.param.u32 %N, [K];
  mov.u32 %aLd, %M;
  mov.u32 %bLd, %N;
  mov.u32 %cLd, %N;
${placeSum(tile.rows, tile.columns)}
  mul.wide.u32 %at, %first, %aLd;
  mad.lo.s64 %a, %at, ${tile.elementBytes}, %a;
  mul.wide.u32 %at, %first, %bLd;
  mad.lo.s64 %b, %at, ${tile.elementBytes}, %b;
  mul.wide.u32 %at, %M, %N;
  cvt.u64.u32 %offsets, %expert;
  mul.lo.s64 %at, %at, %offsets;
  mad.lo.s64 %c, %at, 4, %c;
${tile.body}
}
`
