import type { Layout, FloatOut } from '../src/ops/gemm.ts'
import { placeDense, placeRegisters } from './tile_place.ts'
import type { TileText } from './tile_body.ts'

export const gemmText = (layout: Layout, dtype: FloatOut, out: FloatOut, tile: TileText) => `// gemm: c = sum over k of a(m, k) b(n, k), layout ${layout}.
//   a  [M, K]  ${dtype}  in    [K, M] in tn
//   b  [N, K]  ${dtype}  in    [K, N] in nn and tn
//   c  [M, N]  ${out}  out
// grid      (ceil(M / ${tile.rows}) * ceil(N / ${tile.columns}), 1, 1)
// block     (${tile.threads}, 1, 1)
// smem      ${tile.smemBytes} bytes, dynamic
// regs      at most ${tile.maxRegisters}   ptxas 13.0, sm_80, no spills
// requires  rows of a and b in multiples of ${tile.copyBytes.a} and ${tile.copyBytes.b} bytes
// source    PTX ISA 9.7.14.5 (fragments), 9.7.9.25 (cp.async); reference in src/ops/gemm.ts
.version 8.0
.target sm_80
.address_size 64

.extern .shared .align 16 .b8 smem[];

.visible .entry gemm(.param .u64 a, .param .u64 b, .param .u64 c, .param .u32 M, .param .u32 N, .param .u32 K)
.reqntid ${tile.threads}, 1, 1
.minnctapersm ${tile.residentBlocks}
{${placeRegisters}

  ld.param.u64 %a, [a];
  ld.param.u64 %b, [b];
  ld.param.u64 %c, [c];
  ld.param.u32 %M, [M];
  ld.param.u32 %N, [N];
  ld.param.u32 %K, [K];
  mov.u32 %aLd, ${layout === 'tn' ? '%M' : '%K'};
  mov.u32 %bLd, ${layout === 'nt' ? '%K' : '%N'};
  mov.u32 %cLd, %N;
${placeDense(tile.rows, tile.columns)}
${tile.body}
}
`
