import type { TileText } from './tile_body.ts'
import { placeDense, placeRegisters } from './tile_place.ts'

export const gemmFp8Text = (layout: 'nt' | 'nn', bTile: '128x128' | '1x128', tile: TileText) => `// gemm_fp8: c = sum over tiles of 128 k of aScale bScale (sum over k of a(m, k) b(n, k)), layout ${layout}, b in ${bTile}.
//   a       [M, K]              e4m3  in
//   aScale  [M, ceil(K / 128)]  f32  in
//   b       [N, K]              e4m3  in    [K, N] in nn
//   bScale  [R, C]              f32  in    a row per row of b (1x128) or per 128 of them, a column per 128 columns of b
//   c       [M, N]              f32  out
// grid      (ceil(M / ${tile.rows}) * ceil(N / ${tile.columns}), 1, 1)
// block     (${tile.threads}, 1, 1)
// smem      ${tile.smemBytes} bytes, dynamic
// regs      at most ${tile.maxRegisters}   ptxas 13.0, sm_80, no spills
// requires  rows of a and b in multiples of ${tile.copyBytes.a} and ${tile.copyBytes.b} bytes; NaN codes under scales that are not finite only
// source    deepseek-v3.md section 2; PTX ISA 9.7.14.5 (fragments); reference in src/ops/gemm_fp8.ts
.version 8.0
.target sm_80
.address_size 64

.extern .shared .align 16 .b8 smem[];

.visible .entry gemm_fp8(.param .u64 a, .param .u64 aScale, .param .u64 b, .param .u64 bScale, .param .u64 c, .param .u32 M, .param .u32 N, .param .u32 K)
.reqntid ${tile.threads}, 1, 1
.minnctapersm ${tile.residentBlocks}
{${placeRegisters}
  .reg .b32 %kTiles;
  .reg .b64 %aScale, %bScale;

  ld.param.u64 %a, [a];
  ld.param.u64 %aScale, [aScale];
  ld.param.u64 %b, [b];
  ld.param.u64 %bScale, [bScale];
  ld.param.u64 %c, [c];
  ld.param.u32 %M, [M];
  ld.param.u32 %N, [N];
  ld.param.u32 %K, [K];
  add.u32 %kTiles, %K, 127;
  shr.u32 %kTiles, %kTiles, 7;
  mov.u32 %aLd, %K;
  mov.u32 %bLd, ${layout === 'nt' ? '%K' : '%N'};
  mov.u32 %cLd, %N;
${placeDense(tile.rows, tile.columns)}
${tile.body}
}
`
