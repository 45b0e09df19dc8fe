import type { FloatOut } from '../src/ops/gemm.ts'
import type { GroupedLayout } from '../src/ops/grouped_gemm.ts'
import type { TileText } from './tile_body.ts'
import { groupRegisters, placeRegisters, placeRows } from './tile_place.ts'

export const groupedGemmText = (layout: GroupedLayout, dtype: FloatOut, out: FloatOut, tile: TileText) => `// grouped_gemm: y[p] = sum over k of x(p, k) w[e](n, k), offsets[e] <= p < offsets[e + 1], layout ${layout}; zeros from offsets[E] on.
//   x        [P, K]     ${dtype}  in
//   w        [E, N, K]  ${dtype}  in    [E, K, N] in nn
//   offsets  [E + 1]    i32  in
//   y        [P, N]     ${out}  out
// grid      ((floor(P / ${tile.rows}) + E + 1) * ceil(N / ${tile.columns}), 1, 1)   an upper bound; blocks without a tile leave
// block     (${tile.threads}, 1, 1)
// smem      ${tile.smemBytes} bytes, dynamic
// regs      at most ${tile.maxRegisters}   ptxas 13.0, sm_80, no spills
// requires  rows of x and w in multiples of ${tile.copyBytes.a} and ${tile.copyBytes.b} bytes
// source    deepseek-v3.md section 1.4; reference in src/ops/grouped_gemm.ts
.version 8.0
.target sm_80
.address_size 64

.extern .shared .align 16 .b8 smem[];

.visible .entry grouped_gemm(.param .u64 x, .param .u64 w, .param .u64 offsets, .param .u64 y, .param .u32 P, .param .u32 E, .param .u32 N, .param .u32 K)
.reqntid ${tile.threads}, 1, 1
.minnctapersm ${tile.residentBlocks}
{${placeRegisters}${groupRegisters}

  ld.param.u64 %a, [x];
  ld.param.u64 %b, [w];
  ld.param.u64 %offsets, [offsets];
  ld.param.u64 %c, [y];
  ld.param.u32 %P, [P];
  ld.param.u32 %E, [E];
  ld.param.u32 %N, [N];
  ld.param.u32 %K, [K];
  mov.u32 %aLd, %K;
  mov.u32 %bLd, ${layout === 'nt' ? '%K' : '%N'};
  mov.u32 %cLd, %N;
${placeRows(tile.rows, tile.columns)}
  // The expert's rows of x and y, and its w.
  mul.wide.u32 %at, %first, %aLd;
  mad.lo.s64 %a, %at, ${tile.elementBytes}, %a;
  mul.wide.u32 %at, %first, %cLd;
  mad.lo.s64 %c, %at, ${out === 'f32' ? 4 : 2}, %c;
  mul.wide.u32 %at, %N, %aLd;
  cvt.u64.u32 %offsets, %expert;
  mul.lo.s64 %at, %at, %offsets;
  mad.lo.s64 %b, %at, ${tile.elementBytes}, %b;
${tile.body}
}
`
