// Pieces that the warp-specialised kernels of this folder share, as PTX text: parameters and roles, waits on mbarriers, the ring of
// stages, the order of tiles, wgmma and its descriptors. The registers that a piece names are its kernel's.
import { rowsOf, type Tile } from './tiles.ts'

/** `f(0) .. f(n - 1)`, a line each. */
export const lines = (n: number, f: (i: number) => string): string => Array.from({ length: n }, (_, i) => f(i)).join('\n')
export const list = (n: number, f: (i: number) => string): string => Array.from({ length: n }, (_, i) => f(i)).join(', ')

/** Spins until the phase of `parity` is over; try_wait sleeps in hardware for a while each time. */
export const waitFor = (barrier: string, parity: string): string => `  {
    .reg .pred %passed;
  AGAIN:
    mbarrier.try_wait.parity.shared::cta.b64 %passed, [${barrier}], ${parity};
    @!%passed bra AGAIN;
  }`

/** The next stage of the ring; the parity turns over with it. */
const nextStage = (stages: number): string => `  add.u32 %stage, %stage, 1;
  setp.eq.u32 %wraps, %stage, ${stages};
  @%wraps mov.u32 %stage, 0;
  @%wraps xor.b32 %parity, %parity, 1;`

/** The next block of K, `k` of `K`, in the next stage: the end of the loop at `loop`. */
export const nextBlock = (stages: number, k: string, step: number, K: string, loop: string): string => `${nextStage(stages)}
  add.u32 ${k}, ${k}, ${step};
  setp.lt.u32 %more, ${k}, ${K};
  @%more bra ${loop};`

/** Tiles in a band are neighbours in time: blocks of rows this many at a time, so that A and B panels stay in L2. */
const band = 16

/** %tile -> %m0, %n0 (first row and column). Bands of ${band} row blocks; inside one, rows first. */
export const tileOrigin = (bm: number, bn: number): string => `  mul.lo.u32 %perBand, %numN, ${band};
  div.u32 %band, %tile, %perBand;
  rem.u32 %within, %tile, %perBand;
  mul.lo.u32 %firstM, %band, ${band};
  sub.u32 %bandRows, %numM, %firstM;
  min.u32 %bandRows, %bandRows, ${band};
  rem.u32 %m0, %within, %bandRows;
  add.u32 %m0, %m0, %firstM;
  mul.lo.u32 %m0, %m0, ${bm};
  div.u32 %n0, %within, %bandRows;
  mul.lo.u32 %n0, %n0, ${bn};`

/** Registers of tileOrigin, %numM, %numN, %numTiles and the ring. */
export const tileRegisters = '  .reg .b32 %tile, %numTiles, %numM, %numN, %perBand, %band, %within, %firstM, %bandRows, %m0, %n0, %stage, %parity, %full, %empty;'

/** How many tiles there are, from %M and %N. */
const countTiles = (bm: number, bn: number): string => `  add.u32 %numM, %M, ${bm - 1};
  div.u32 %numM, %numM, ${bm};
  add.u32 %numN, %N, ${bn - 1};
  div.u32 %numN, %numN, ${bn};
  mul.lo.u32 %numTiles, %numM, %numN;`

/** The next tile of this block: the end of the loop at `loop`. */
export const nextTile = (loop: string): string => `  mov.u32 %to, %nctaid.x;
  add.u32 %tile, %tile, %to;
  bra ${loop};`

/** One box of a 2D tensor map to shared memory, its bytes counted on `barrier`. */
export const loadBox = (to: string, map: string, inner: string, outer: string, barrier: string): string =>
  `  cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [${to}], [${map}, {${inner}, ${outer}}], [${barrier}];`
/** `adds`: to what is there, in L2. */
export const storeBox = (map: string, inner: string, outer: string, from: string, adds = false): string =>
  `  ${adds ? 'cp.reduce.async.bulk.tensor.2d.global.shared::cta.add' : 'cp.async.bulk.tensor.2d.global.shared::cta'}.tile.bulk_group [${map}, {${inner}, ${outer}}], [${from}];`

/** High word of a wgmma descriptor: 128-byte swizzle, and the step between groups of 8 rows of 128 bytes. PTX ISA 9.7.15.5. */
export const descriptorHigh = 0x40000000 | (1024 >> 4)
/** Low word but for the address: MN-major operands step ${8192} bytes to the next 64 elements; K-major ones ignore it. */
const descriptorLow = (mnMajor: boolean): number => (mnMajor ? (8192 >> 4) << 16 : 1 << 16)
/** Bytes between two wgmma steps of 32 bytes of K: inside the swizzled row, or 16 rows of 128 bytes further. */
const stepBytes = (mnMajor: boolean): number => (mnMajor ? 16 * 128 : 32)

/** Barriers: full ones count `fullArrivals` (and bytes), empty ones one arrival of each consumer warp. By one thread, before all use them. */
const initBarriers = (stages: number, at: number, fullArrivals: number, consumerWarps: number): string => `${lines(stages, (s) => `  mbarrier.init.shared::cta.b64 [%smem+${at + 8 * s}], ${fullArrivals};
  mbarrier.init.shared::cta.b64 [%smem+${at + 8 * (stages + s)}], ${consumerWarps};`)}
  // The async proxy must see them too before the first copy names one.
  fence.mbarrier_init.release.cluster;
  fence.proxy.async.shared::cta;`

/** Addresses of the stage's two barriers. */
export const barriersOf = (stages: number, at: number): string => `  shl.b32 %full, %stage, 3;
  add.u32 %full, %full, %smem;
  add.u32 %empty, %full, ${at + 8 * stages};
  add.u32 %full, %full, ${at};`

/** %thread, %smem, the extents and the generic addresses of the three tensor maps. */
export const loadParameters = (smem: string): string => `  mov.u32 %thread, %tid.x;
  mov.u32 %smem, ${smem};
  ld.param.u32 %M, [M_param];
  ld.param.u32 %N, [N_param];
  ld.param.u32 %K, [K_param];
  mov.b64 %aMap, a_map;
  mov.b64 %bMap, b_map;
  mov.b64 %cMap, c_map;
  cvta.param.u64 %aMap, %aMap;
  cvta.param.u64 %bMap, %bMap;
  cvta.param.u64 %cMap, %cMap;`

/** Barriers by one thread; then %numTiles, this block's first %tile, stage 0, and warp groups but the first go to CONSUMER. */
export const startRoles = (tile: Tile & { readonly stages: number }, barriers: number, fullArrivals: number): string => `  setp.ne.u32 %other, %thread, 0;
  @%other bra STARTED;
  prefetch.tensormap [%aMap];
  prefetch.tensormap [%bMap];
${initBarriers(tile.stages, barriers, fullArrivals, 4 * tile.groups)}
STARTED:
  bar.sync 0;
${countTiles(rowsOf(tile), tile.bn)}
  mov.u32 %tile, %ctaid.x;
  mov.u32 %stage, 0;
  shr.u32 %group, %thread, 7;
  setp.ne.u32 %other, %group, 0;
  @%other bra CONSUMER;`

/** Waits for a free stage and announces its boxes: %slot is where they go, %full what counts their bytes. */
export const claimStage = (stages: number, barriers: number, stageBytes: number): string => `${barriersOf(stages, barriers)}
${waitFor('%empty', '%parity')}
  // All bytes of the boxes count, also those beyond the matrix, which arrive as zeros.
  mbarrier.arrive.expect_tx.shared::cta.b64 _, [%full], ${stageBytes};
  mad.lo.u32 %slot, %stage, ${stageBytes}, %smem;`

/** Waits for a full stage, at %slot; %empty is where it goes back. */
export const awaitStage = (stages: number, barriers: number, stageBytes: number): string => `${barriersOf(stages, barriers)}
${waitFor('%full', '%parity')}
  mad.lo.u32 %slot, %stage, ${stageBytes}, %smem;`

/** A consumer's warp in its group, its %first lane, the group's %leader, and where the group stages c. */
export const consumerPlace = (staging: number, perGroup: number): string => `  shr.u32 %warpInGroup, %thread, 5;
  and.b32 %warpInGroup, %warpInGroup, 3;
  setp.eq.u32 %first, %lane, 0;
  and.b32 %to, %thread, 127;
  setp.eq.u32 %leader, %to, 0;
  mad.lo.u32 %staging, %consumer, ${perGroup}, %smem;
  add.u32 %staging, %staging, ${staging};`

/** %aDesc and %bDesc of the stage at %slot, b `aBytes` after a. %high is descriptorHigh. */
export const descriptors = (aBytes: number, aMn: boolean, bMn: boolean): string => `  // Descriptors: addresses in units of 16 bytes, 18 bits of them; this warp group's rows start 8,192 bytes per group further.
  mad.lo.u32 %aLow, %consumer, 8192, %slot;
  add.u32 %bLow, %slot, ${aBytes};
  shr.u32 %aLow, %aLow, 4;
  shr.u32 %bLow, %bLow, 4;
  or.b32 %aLow, %aLow, ${descriptorLow(aMn)};
  or.b32 %bLow, %bLow, ${descriptorLow(bMn)};
  mov.b64 %aDesc, {%aLow, %high};
  mov.b64 %bDesc, {%bLow, %high};`
/** Both one wgmma step further along K. */
export const nextStep = (aMn: boolean, bMn: boolean): string => `  add.s64 %aDesc, %aDesc, ${stepBytes(aMn) >> 4};
  add.s64 %bDesc, %bDesc, ${stepBytes(bMn) >> 4};`

/** The end of consumers, at DRAIN, and of producers, at DONE. */
export const drain = `DRAIN:
  // Shared memory must outlive the copies that read it.
  @%leader cp.async.bulk.wait_group 0;
DONE:
  ret;`
