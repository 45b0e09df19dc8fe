// The text of gemm for Hopper: bf16 operands through TMA and wgmma, one kernel per layout, output type and tile.
import { awaitStage, claimStage, consumerPlace, descriptorHigh, descriptors, drain, lines, list, loadBox, loadParameters, nextBlock, nextStep, nextTile, startRoles, tileOrigin, tileRegisters } from './pieces.ts'
import { stagingBytes, storeAddresses, storeRegisters, storeTile } from './store_tile.ts'
import { rowsOf, threadsOf } from './tiles.ts'

export interface GemmTile {
  /** Consumer warp groups: each takes 64 rows. */
  readonly groups: 1 | 2
  readonly bn: 64 | 128 | 256
  readonly stages: number
}
export interface GemmText { readonly layout: 'nt' | 'nn' | 'tn'; readonly out: 'f32' | 'bf16'; readonly tile: GemmTile }

/** K of a stage: 64 bf16 are the 128 bytes of a swizzled row. */
export const bk = 64
/** Columns staged at a time: all that fits beside the stages. */
const stagedColumns = ({ bn }: GemmTile, out: 'f32' | 'bf16'): number => (bn === 256 ? (out === 'f32' ? 64 : 128) : bn)

export function layoutOf({ out, tile }: GemmText) {
  const aBytes = rowsOf(tile) * bk * 2
  const bBytes = tile.bn * bk * 2
  const staging = tile.stages * (aBytes + bBytes)
  const perGroup = stagingBytes(out, stagedColumns(tile, out))
  const barriers = staging + tile.groups * perGroup
  return { aBytes, bBytes, stageBytes: aBytes + bBytes, staging, perGroup, barriers, smemBytes: barriers + 16 * tile.stages }
}

export function gemmText(kernel: GemmText): string {
  const { layout, out, tile } = kernel
  const { groups, bn, stages } = tile
  const { aBytes, stageBytes, staging, perGroup, barriers, smemBytes } = layoutOf(kernel)
  const [aMn, bMn] = [layout === 'tn', layout !== 'nt']
  const bm = rowsOf(tile)
  // A box holds 64 elements of the contiguous dimension: K for K-major operands, rows or columns for the others.
  const loadA = aMn ? Array.from({ length: groups }, (_, g) => ({ at: 8192 * g, inner: g ? '%boxM' + g : '%m0', outer: '%k' })) : [{ at: 0, inner: '%k', outer: '%m0' }]
  const loadB = bMn ? Array.from({ length: bn / 64 }, (_, g) => ({ at: aBytes + 8192 * g, inner: g ? '%boxN' + g : '%n0', outer: '%k' })) : [{ at: aBytes, inner: '%k', outer: '%n0' }]
  const boxes = (operand: typeof loadA, map: string) => operand.map((b) => `  add.u32 %to, %slot, ${b.at};\n${loadBox('%to', map, b.inner, b.outer, '%full')}`).join('\n')
  const moreBoxes = [...loadA, ...loadB].filter((b) => b.inner.startsWith('%box')).map((b) => ({ name: b.inner, from: b.inner.startsWith('%boxM') ? '%m0' : '%n0', step: 64 * Number(b.inner.slice(5)) }))
  return `// gemm: c = a b with a and b as ${layout} says (n rows of it are as they stand, t transposed), summed in float32.
//   a  [${aMn ? 'K, M' : 'M, K'}]  bf16  in
//   b  [${bMn ? 'K, N' : 'N, K'}]  bf16  in
//   c  [M, N]  ${out}  out
// grid      (min(numSms, tiles), 1, 1)   persistent: each block takes tiles %ctaid.x, + %nctaid.x, ...
// block     (${threadsOf(tile)}, 1, 1)
// smem      ${smemBytes} bytes           ${stages} stages of ${stageBytes}, staging of c, barriers
// regs      168             ptxas 13.0, sm_90a, no spills; then 40 (producer) and 232 (consumers)
// roles     warp group 0: thread 0 issues TMA; warp groups 1-${groups}: wgmma m64n${bn}k16, 64 rows each
// requires  rows of a, b and c of a multiple of 16 bytes
// source    PTX ISA 9.7.15 (wgmma), 9.7.9.27 (TMA); reference in src/ops/gemm.ts
.version 8.1
.target sm_90a
.address_size 64

.extern .shared .align 1024 .b8 gemm_smem[];

.visible .entry gemm(
  .param .align 64 .b8 a_map[128],
  .param .align 64 .b8 b_map[128],
  .param .align 64 .b8 c_map[128],
  .param .u32 M_param,
  .param .u32 N_param,
  .param .u32 K_param
)
.reqntid ${threadsOf(tile)}, 1, 1
.maxnreg 168
{
  .reg .pred %other, %more, %wraps, %accumulate, %always, %leader, %first;
  .reg .b32 %thread, %lane, %group, %warpInGroup, %smem, %M, %N, %K, %k, %slot, %to, %before, %groupBarrier, %consumer, %aLow, %bLow;
${tileRegisters}
${storeRegisters(out)}
  .reg .b32 ${[...moreBoxes.map((b) => b.name), '%high'].join(', ')};
  .reg .b64 %aMap, %bMap, %cMap, %aDesc, %bDesc;
  .reg .f32 %d<${bn / 2}>;

  // Phase 1: barriers, by one thread.
${loadParameters('gemm_smem')}
${startRoles(tile, barriers, 1)}

  // Phase 2 (warp group 0): one thread keeps the ring full. The first wait on each empty barrier is for the phase before its first.
  setmaxnreg.dec.sync.aligned.u32 40;
  mov.u32 %parity, 1;
  setp.ne.u32 %other, %thread, 0;
  @%other bra DONE;
FILL_TILE:
  setp.ge.u32 %more, %tile, %numTiles;
  @%more bra DONE;
${tileOrigin(bm, bn)}
${moreBoxes.map((b) => `  add.u32 ${b.name}, ${b.from}, ${b.step};`).join('\n')}
  mov.u32 %k, 0;
FILL:
${claimStage(stages, barriers, stageBytes)}
${boxes(loadA, '%aMap')}
${boxes(loadB, '%bMap')}
${nextBlock(stages, '%k', bk, '%K', 'FILL')}
${nextTile('FILL_TILE')}

  // Phase 3 (warp groups 1-${groups}): products of 64 rows of the tile.
CONSUMER:
  setmaxnreg.inc.sync.aligned.u32 232;
  mov.u32 %parity, 0;
  setp.eq.u32 %always, %thread, %thread;
  sub.u32 %consumer, %group, 1;
  mov.u32 %groupBarrier, %group;
  and.b32 %lane, %thread, 31;
${consumerPlace(staging, perGroup)}
${storeAddresses(out)}
  mov.u32 %high, ${descriptorHigh};
MULTIPLY_TILE:
  setp.ge.u32 %more, %tile, %numTiles;
  @%more bra DRAIN;
${tileOrigin(bm, bn)}
  mov.u32 %k, 0;
MULTIPLY:
${awaitStage(stages, barriers, stageBytes)}
${descriptors(aBytes, aMn, bMn)}
  // The first product of a tile replaces what the registers hold.
  setp.ne.u32 %accumulate, %k, 0;
  wgmma.fence.sync.aligned;
${lines(bk / 16, (step) => `  wgmma.mma_async.sync.aligned.m64n${bn}k16.f32.bf16.bf16 {${list(bn / 2, (i) => `%d${i}`)}}, %aDesc, %bDesc, ${step ? '%always' : '%accumulate'}, 1, 1, ${aMn ? 1 : 0}, ${bMn ? 1 : 0};${step < bk / 16 - 1 ? `\n${nextStep(aMn, bMn)}` : ''}`)}
  wgmma.commit_group.sync.aligned;
  // One group stays in flight; the one before has read its stage, which goes back to the producer.
  wgmma.wait_group.sync.aligned 1;
  and.pred %more, %accumulate, %first;
  @%more mbarrier.arrive.shared::cta.b64 _, [%before];
  mov.u32 %before, %empty;
${nextBlock(stages, '%k', bk, '%K', 'MULTIPLY')}
  wgmma.wait_group.sync.aligned 0;
  @%first mbarrier.arrive.shared::cta.b64 _, [%before];

  // Phase 4: the tile goes out; rows and columns beyond c are dropped by the copy.
  mad.lo.u32 %rowOut, %consumer, 64, %m0;
${storeTile({ bn, columns: stagedColumns(tile, out), out, value: (i) => `%d${i}` })}
${nextTile('MULTIPLY_TILE')}
${drain}
}
`
}
