import type { GroupedLayout } from '../src/ops/grouped_gemm.ts'
import type { TileText } from './tile_body.ts'
import { groupRegisters, placeRegisters, placeRows } from './tile_place.ts'

export const groupedGemmFp8Text = (layout: GroupedLayout, tile: TileText) => `// grouped_gemm_fp8: y[p] = x[p] times w of the row's expert, sums of 128 k promoted with both scales, layout ${layout}; zeros from offsets[E] on.
//   x        [P, K]              e4m3  in
//   xScale   [P, ceil(K / 128)]  f32  in
//   w        [E, N, K]           e4m3  in    [E, K, N] in nn
//   wScale   [E, R, C]           f32  in    R, C: rows and columns of an expert's w in 128s, rounded up
//   offsets  [E + 1]             i32  in
//   y        [P, N]              f32  out
// grid      ((floor(P / ${tile.rows}) + E + 1) * ceil(N / ${tile.columns}), 1, 1)   an upper bound; blocks without a tile leave
// block     (${tile.threads}, 1, 1)
// smem      ${tile.smemBytes} bytes, dynamic
// regs      at most ${tile.maxRegisters}   ptxas 13.0, sm_80, no spills
// requires  rows of x and w in multiples of ${tile.copyBytes.a} and ${tile.copyBytes.b} bytes; NaN codes under scales that are not finite only
// source    deepseek-v3.md section 2; reference in src/ops/grouped_gemm_fp8.ts
.version 8.0
.target sm_80
.address_size 64

.extern .shared .align 16 .b8 smem[];

.visible .entry grouped_gemm_fp8(.param .u64 x, .param .u64 xScale, .param .u64 w, .param .u64 wScale, .param .u64 offsets, .param .u64 y, .param .u32 P, .param .u32 E, .param .u32 N, .param .u32 K)
.reqntid ${tile.threads}, 1, 1
.minnctapersm ${tile.residentBlocks}
{${placeRegisters}${groupRegisters}
  .reg .b32 %kTiles, %nTiles;
  .reg .b64 %aScale, %bScale;

  ld.param.u64 %a, [x];
  ld.param.u64 %aScale, [xScale];
  ld.param.u64 %b, [w];
  ld.param.u64 %bScale, [wScale];
  ld.param.u64 %offsets, [offsets];
  ld.param.u64 %c, [y];
  ld.param.u32 %P, [P];
  ld.param.u32 %E, [E];
  ld.param.u32 %N, [N];
  ld.param.u32 %K, [K];
  add.u32 %kTiles, %K, 127;
  shr.u32 %kTiles, %kTiles, 7;
  mov.u32 %aLd, %K;
  mov.u32 %bLd, ${layout === 'nt' ? '%K' : '%N'};
  mov.u32 %cLd, %N;
${placeRows(tile.rows, tile.columns)}
  // The expert's rows of x and y with their scales, its w with its.
  mul.wide.u32 %at, %first, %aLd;
  add.s64 %a, %a, %at;
  mul.wide.u32 %at, %first, %kTiles;
  mad.lo.s64 %aScale, %at, 4, %aScale;
  mul.wide.u32 %at, %first, %cLd;
  mad.lo.s64 %c, %at, 4, %c;
  cvt.u64.u32 %offsets, %expert;
  mul.wide.u32 %at, %N, %aLd;
  mad.lo.s64 %b, %at, %offsets, %b;
  add.u32 %nTiles, %N, 127;
  shr.u32 %nTiles, %nTiles, 7;
  mul.wide.u32 %at, %nTiles, %kTiles;
  mul.lo.s64 %at, %at, %offsets;
  mad.lo.s64 %bScale, %at, 4, %bScale;
${tile.body}
}
`
