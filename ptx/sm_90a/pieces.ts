// Pieces that the warp-specialised kernels of this folder share, as PTX text: waits on mbarriers, the ring of stages, the order of
// tiles, wgmma and its descriptors, the store of a tile through shared memory.

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
export const nextStage = (stages: number): string => `  add.u32 %stage, %stage, 1;
  setp.eq.u32 %wraps, %stage, ${stages};
  @%wraps mov.u32 %stage, 0;
  @%wraps xor.b32 %parity, %parity, 1;`

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
export const countTiles = (bm: number, bn: number): string => `  add.u32 %numM, %M, ${bm - 1};
  div.u32 %numM, %numM, ${bm};
  add.u32 %numN, %N, ${bn - 1};
  div.u32 %numN, %numN, ${bn};
  mul.lo.u32 %numTiles, %numM, %numN;`

/** One box of a 2D tensor map to shared memory, its bytes counted on `barrier`. */
export const loadBox = (to: string, map: string, inner: string, outer: string, barrier: string): string =>
  `  cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [${to}], [${map}, {${inner}, ${outer}}], [${barrier}];`
/** `adds`: to what is there, in L2. */
export const storeBox = (map: string, inner: string, outer: string, from: string, adds = false): string =>
  `  ${adds ? 'cp.reduce.async.bulk.tensor.2d.global.shared::cta.add' : 'cp.async.bulk.tensor.2d.global.shared::cta'}.tile.bulk_group [${map}, {${inner}, ${outer}}], [${from}];`

/** High word of a wgmma descriptor: 128-byte swizzle, and the step between groups of 8 rows of 128 bytes. PTX ISA 9.7.15.5. */
export const descriptorHigh = 0x40000000 | (1024 >> 4)
/** Low word but for the address: MN-major operands step ${8192} bytes to the next 64 elements; K-major ones ignore it. */
export const descriptorLow = (mnMajor: boolean): number => (mnMajor ? (8192 >> 4) << 16 : 1 << 16)
/** Bytes between two wgmma steps of 32 bytes of K: inside the swizzled row, or 16 rows of 128 bytes further. */
export const stepBytes = (mnMajor: boolean): number => (mnMajor ? 16 * 128 : 32)

/** Barriers: full ones count `fullArrivals` (and bytes), empty ones one arrival of each consumer warp. By one thread, before all use them. */
export const initBarriers = (stages: number, at: number, fullArrivals: number, consumerWarps: number): string => `${lines(stages, (s) => `  mbarrier.init.shared::cta.b64 [%smem+${at + 8 * s}], ${fullArrivals};
  mbarrier.init.shared::cta.b64 [%smem+${at + 8 * (stages + s)}], ${consumerWarps};`)}
  // The async proxy must see them too before the first copy names one.
  fence.mbarrier_init.release.cluster;
  fence.proxy.async.shared::cta;`

/** Addresses of the stage's two barriers. */
export const barriersOf = (stages: number, at: number): string => `  shl.b32 %full, %stage, 3;
  add.u32 %full, %full, %smem;
  add.u32 %empty, %full, ${at + 8 * stages};
  add.u32 %full, %full, ${at};`
