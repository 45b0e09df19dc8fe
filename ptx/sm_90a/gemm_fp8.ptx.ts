// The text of gemm_fp8 for Hopper: e4m3 operands through TMA and wgmma, promoted to float32 registers every 128 of K.
import { awaitStage, barriersOf, claimStage, consumerPlace, descriptorHigh, descriptors, drain, lines, list, loadBox, loadParameters, nextBlock, nextStep, nextTile, startRoles, tileOrigin, tileRegisters, waitFor } from './pieces.ts'
import { stagingBytes, storeAddresses, storeRegisters, storeTile } from './store_tile.ts'
import { rowsOf, threadsOf } from './tiles.ts'

export interface GemmFp8Tile {
  /** Consumer warp groups: each takes 64 rows. */
  readonly groups: 1 | 2
  /** At most the 128 columns of one scale block. */
  readonly bn: 64 | 128
  readonly stages: number
}
/** `adds`: c += the product, else c = it. */
export interface GemmFp8Text { readonly bTile: '128x128' | '1x128'; readonly tile: GemmFp8Tile; readonly adds: boolean }

/** K of a stage: the 128 that share a scale, and the 128 bytes of a swizzled row. */
export const bk = 128

export function layoutOf({ bTile, tile }: Omit<GemmFp8Text, 'adds'>) {
  const aBytes = rowsOf(tile) * bk
  const bBytes = tile.bn * bk
  const staging = tile.stages * (aBytes + bBytes)
  const perGroup = stagingBytes('f32', tile.bn)
  const scales = staging + tile.groups * perGroup
  const scaleBytes = 4 * (rowsOf(tile) + (bTile === '1x128' ? tile.bn : 4))
  const barriers = scales + tile.stages * scaleBytes
  return { aBytes, stageBytes: aBytes + bBytes, staging, perGroup, scales, scaleBytes, barriers, smemBytes: barriers + 16 * tile.stages }
}

export function gemmFp8Text(kernel: GemmFp8Text): string {
  const { bTile, tile, adds } = kernel
  const { groups, bn, stages } = tile
  const { aBytes, stageBytes, staging, perGroup, scales, scaleBytes, barriers, smemBytes } = layoutOf(kernel)
  const bm = rowsOf(tile)
  const perColumn = bTile === '1x128'
  /** A scale of one row, 32 rows apart a lane: rows beyond the matrix take the last one's (their products are dropped). */
  const loadScales = (count: number, origin: string, extent: string, pointer: string, name: string) => lines(count / 32, (i) => `  add.u32 %row, ${origin}, ${32 * i};
  add.u32 %row, %row, %lane;
  min.u32 %row, %row, ${extent};
  mad.lo.u32 %row, %row, %kTiles, %kTile;
  mad.wide.u32 %at, %row, 4, ${pointer};
  ld.global.nc.f32 ${name}${i}, [%at];`)
  const keepScales = (count: number, at: number, name: string) => lines(count / 32, (i) => `  st.shared.f32 [%laneSlot+${at + 128 * i}], ${name}${i};`)
  return `// gemm_fp8: c ${adds ? '+=' : '='} sum over blocks of 128 of K of (aScale bScale) (a b^T), each block summed by wgmma, then promoted to float32.
//   a       [M, K]  e4m3  in
//   aScale  [M, K / 128]  f32  in
//   b       [N, K]  e4m3  in
//   bScale  [${perColumn ? 'N' : 'N / 128'}, K / 128]  f32  in
//   c       [M, N]  f32  out${adds ? ', added to' : ''}
// grid      (min(numSms, tiles), 1, 1)   persistent: each block takes tiles %ctaid.x, + %nctaid.x, ...
// block     (${threadsOf(tile)}, 1, 1)
// smem      ${smemBytes} bytes           ${stages} stages of ${stageBytes}, staging of c, scales, barriers
// regs      168             ptxas 13.0, sm_90a, no spills; then 40 (producer) and 232 (consumers)
// roles     warp group 0: thread 0 issues TMA, warp 1 brings the scales; warp groups 1-${groups}: wgmma m64n${bn}k32, 64 rows each
// requires  rows of a, b and c of a multiple of 16 bytes; layout nt (wgmma takes 8-bit operands K-major only)
// source    DeepSeek-V3 3.3.2 (promotion every 128); PTX ISA 9.7.15 (wgmma); reference in src/ops/gemm_fp8.ts
.version 8.1
.target sm_90a
.address_size 64

.extern .shared .align 1024 .b8 gemm_fp8_smem[];

.visible .entry gemm_fp8(
  .param .align 64 .b8 a_map[128],
  .param .align 64 .b8 b_map[128],
  .param .align 64 .b8 c_map[128],
  .param .u64 aScale,
  .param .u64 bScale,
  .param .u32 M_param,
  .param .u32 N_param,
  .param .u32 K_param
)
.reqntid ${threadsOf(tile)}, 1, 1
.maxnreg 168
{
  .reg .pred %other, %more, %wraps, %replace, %always, %leader, %first;
  .reg .b32 %thread, %lane, %group, %warpInGroup, %smem, %M, %N, %K, %k, %slot, %to, %groupBarrier, %consumer, %aLow, %bLow, %high;
  .reg .b32 %row, %lastRow, %lastColumn, %kTiles, %kTile, %laneSlot, %scaleSlot, %rowScales, %warp;
${tileRegisters}
${storeRegisters('f32')}
  .reg .b64 %aMap, %bMap, %cMap, %aDesc, %bDesc, %aScale, %bScale, %at;
  .reg .f32 %d<${bn / 2}>, %sum<${bn / 2}>, %sa<4>, %sb<4>, %upper, %lower, %blockScale, %s<4>, %cs0, %cs1;

  // Phase 1: barriers, by one thread. A stage is full when its bytes and the 32 lanes that bring its scales have arrived.
${loadParameters('gemm_fp8_smem')}
  and.b32 %lane, %thread, 31;
${startRoles(tile, barriers, 33)}

  // Phase 2 (warp group 0): one thread and one warp keep the ring full. The first wait on an empty barrier is for the phase before its first.
  setmaxnreg.dec.sync.aligned.u32 40;
  mov.u32 %parity, 1;
  shr.u32 %warp, %thread, 5;
  setp.eq.u32 %other, %warp, 1;
  @%other bra SCALES;
  setp.ne.u32 %other, %thread, 0;
  @%other bra DONE;
FILL_TILE:
  setp.ge.u32 %more, %tile, %numTiles;
  @%more bra DONE;
${tileOrigin(bm, bn)}
  mov.u32 %k, 0;
FILL:
${claimStage(stages, barriers, stageBytes)}
${loadBox('%slot', '%aMap', '%k', '%m0', '%full')}
  add.u32 %slot, %slot, ${aBytes};
${loadBox('%slot', '%bMap', '%k', '%n0', '%full')}
${nextBlock(stages, '%k', bk, '%K', 'FILL')}
${nextTile('FILL_TILE')}

  // Phase 3 (warp 1): a column of scales per block of K. TMA cannot: its rows are K / 128 floats, seldom a multiple of 16 bytes.
SCALES:
  ld.param.u64 %aScale, [aScale];
  ld.param.u64 %bScale, [bScale];
  cvta.to.global.u64 %aScale, %aScale;
  cvta.to.global.u64 %bScale, %bScale;
  add.u32 %kTiles, %K, 127;
  shr.u32 %kTiles, %kTiles, 7;
  sub.u32 %lastRow, %M, 1;
  sub.u32 %lastColumn, %N, 1;
SCALES_TILE:
  setp.ge.u32 %more, %tile, %numTiles;
  @%more bra DONE;
${tileOrigin(bm, bn)}
  mov.u32 %kTile, 0;
SCALES_BLOCK:
${loadScales(bm, '%m0', '%lastRow', '%aScale', '%sa')}
${perColumn ? loadScales(bn, '%n0', '%lastColumn', '%bScale', '%sb') : `  shr.u32 %row, %n0, 7;
  mad.lo.u32 %row, %row, %kTiles, %kTile;
  mad.wide.u32 %at, %row, 4, %bScale;
  ld.global.nc.f32 %sb0, [%at];`}
${barriersOf(stages, barriers)}
${waitFor('%empty', '%parity')}
  mad.lo.u32 %scaleSlot, %stage, ${scaleBytes}, %smem;
  shl.b32 %laneSlot, %lane, 2;
  add.u32 %laneSlot, %laneSlot, %scaleSlot;
${keepScales(bm, scales, '%sa')}
${perColumn ? keepScales(bn, scales + 4 * bm, '%sb') : `  setp.eq.u32 %first, %lane, 0;
  @%first st.shared.f32 [%scaleSlot+${scales + 4 * bm}], %sb0;`}
  mbarrier.arrive.shared::cta.b64 _, [%full];
${nextBlock(stages, '%kTile', 1, '%kTiles', 'SCALES_BLOCK')}
${nextTile('SCALES_TILE')}

  // Phase 4 (warp groups 1-${groups}): products of 64 rows of the tile. While one group promotes, the other multiplies.
CONSUMER:
  setmaxnreg.inc.sync.aligned.u32 232;
  mov.u32 %parity, 0;
  setp.eq.u32 %always, %thread, %thread;
  setp.ne.u32 %replace, %thread, %thread;
  sub.u32 %consumer, %group, 1;
  mov.u32 %groupBarrier, %group;
${consumerPlace(staging, perGroup)}
${storeAddresses('f32')}
  // Fragment rows of this thread: 16 w + l / 4 and 8 further; its columns: 8 j + 2 (l % 4) and the next.
  mad.lo.u32 %rowScales, %consumer, 64, %rowInWarp;
  mad.lo.u32 %rowScales, %warpInGroup, 16, %rowScales;
  shl.b32 %rowScales, %rowScales, 2;
  add.u32 %rowScales, %rowScales, %smem;
  mov.u32 %high, ${descriptorHigh};
MULTIPLY_TILE:
  setp.ge.u32 %more, %tile, %numTiles;
  @%more bra DRAIN;
${tileOrigin(bm, bn)}
${lines(bn / 2, (i) => `  mov.f32 %sum${i}, 0f00000000;`)}
  mov.u32 %k, 0;
MULTIPLY:
${awaitStage(stages, barriers, stageBytes)}
${descriptors(aBytes, false, false)}
  wgmma.fence.sync.aligned;
${lines(bk / 32, (step) => `  wgmma.mma_async.sync.aligned.m64n${bn}k32.f32.e4m3.e4m3 {${list(bn / 2, (i) => `%d${i}`)}}, %aDesc, %bDesc, ${step ? '%always' : '%replace'}, 1, 1;${step < bk / 32 - 1 ? `\n${nextStep(false, false)}` : ''}`)}
  wgmma.commit_group.sync.aligned;
  // The scales are read while the products run.
  mad.lo.u32 %scaleSlot, %stage, ${scaleBytes}, %rowScales;
  ld.shared.f32 %upper, [%scaleSlot+${scales}];
  ld.shared.f32 %lower, [%scaleSlot+${scales + 32}];
  mad.lo.u32 %scaleSlot, %stage, ${scaleBytes}, %smem;
${perColumn ? `  shl.b32 %to, %columnPair, 3;
  add.u32 %scaleSlot, %scaleSlot, %to;` : `  ld.shared.f32 %blockScale, [%scaleSlot+${scales + 4 * bm}];
  mul.rn.f32 %upper, %upper, %blockScale;
  mul.rn.f32 %lower, %lower, %blockScale;`}
  wgmma.wait_group.sync.aligned 0;
  // Promotion: the block's sum, scaled, into float32 registers. Tensor cores keep too few bits over a long K.
${lines(bn / 8, (j) => (perColumn ? `  ld.shared.v2.f32 {%cs0, %cs1}, [%scaleSlot+${scales + 4 * bm + 32 * j}];
  mul.rn.f32 %s0, %upper, %cs0;
  mul.rn.f32 %s1, %upper, %cs1;
  mul.rn.f32 %s2, %lower, %cs0;
  mul.rn.f32 %s3, %lower, %cs1;
${lines(4, (i) => `  fma.rn.f32 %sum${4 * j + i}, %d${4 * j + i}, %s${i}, %sum${4 * j + i};`)}`
    : lines(4, (i) => `  fma.rn.f32 %sum${4 * j + i}, %d${4 * j + i}, ${i < 2 ? '%upper' : '%lower'}, %sum${4 * j + i};`)))}
  // Operands and scales are read: the stage goes back.
  bar.warp.sync -1;
  @%first mbarrier.arrive.shared::cta.b64 _, [%empty];
${nextBlock(stages, '%k', bk, '%K', 'MULTIPLY')}

  // Phase 5: the tile goes out; rows and columns beyond c are dropped by the copy.
  mad.lo.u32 %rowOut, %consumer, 64, %m0;
${storeTile({ bn, columns: bn, out: 'f32', adds, value: (i) => `%sum${i}` })}
${nextTile('MULTIPLY_TILE')}
${drain}
}
`
}
