import type { TileText } from './tile_body.ts'
import { groupRegisters, placeRegisters, placeSum } from './tile_place.ts'

export const groupedGemmFp8BwdWText = (tile: TileText) => `// grouped_gemm_fp8_bwd_w: dw[e](n, k) = sum over the rows p of expert e of dyT(n, p) xT(k, p), 128 rows at a time, promoted with both scales.
//   dyT       [N, P]              e4m3  in
//   dyScale   [N, ceil(P / 128)]  f32  in
//   xT        [K, P]              e4m3  in
//   xScale    [K, ceil(P / 128)]  f32  in
//   offsets   [E + 1]             i32  in    multiples of 128: a scale's 128 rows belong to one expert
//   dw        [E, N, K]           f32  out   zeros for an expert without rows
// grid      (ceil(N / ${tile.rows}) * ceil(K / ${tile.columns}), E, 1)
// block     (${tile.threads}, 1, 1)
// smem      ${tile.smemBytes} bytes, dynamic
// regs      at most ${tile.maxRegisters}   ptxas 13.0, sm_80, no spills
// requires  P in multiples of ${tile.copyBytes.a} bytes; NaN codes under scales that are not finite only
// source    deepseek-v3.md section 2; reference in src/ops/grouped_gemm_fp8_bwd_w.ts
.version 8.0
.target sm_80
.address_size 64

.extern .shared .align 16 .b8 smem[];

.visible .entry grouped_gemm_fp8_bwd_w(.param .u64 dyT, .param .u64 dyScale, .param .u64 xT, .param .u64 xScale, .param .u64 offsets, .param .u64 dw, .param .u32 N, .param .u32 K, .param .u32 P)
.reqntid ${tile.threads}, 1, 1
.minnctapersm ${tile.residentBlocks}
{${placeRegisters}${groupRegisters}
  .reg .b32 %kTiles;
  .reg .b64 %aScale, %bScale;

  // The tile's rows are those of dw, N of them; its columns are K; the sum runs over the expert's rows, columns of dyT and xT.
  ld.param.u64 %a, [dyT];
  ld.param.u64 %aScale, [dyScale];
  ld.param.u64 %b, [xT];
  ld.param.u64 %bScale, [xScale];
  ld.param.u64 %offsets, [offsets];
  ld.param.u64 %c, [dw];
  ld.param.u32 %M, [N];
  ld.param.u32 %N, [K];
  ld.param.u32 %P, [P];
  add.u32 %kTiles, %P, 127;
  shr.u32 %kTiles, %kTiles, 7;
  mov.u32 %aLd, %P;
  mov.u32 %bLd, %P;
  mov.u32 %cLd, %N;
${placeSum(tile.rows, tile.columns)}
  cvt.u64.u32 %at, %first;
  add.s64 %a, %a, %at;
  add.s64 %b, %b, %at;
  shr.u32 %first, %first, 7;
  mul.wide.u32 %at, %first, 4;
  add.s64 %aScale, %aScale, %at;
  add.s64 %bScale, %bScale, %at;
  mul.wide.u32 %at, %M, %N;
  cvt.u64.u32 %offsets, %expert;
  mul.lo.s64 %at, %at, %offsets;
  mad.lo.s64 %c, %at, 4, %c;
${tile.body}
}
`
