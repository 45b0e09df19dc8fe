// Which tile of which product a block computes, as PTX text: sets %m0, %n0 and, for experts, %first (first row) and %M or %K.

export const placeRegisters = `
  .reg .pred %none;
  .reg .b32 %thread, %lane, %tile, %tilesM, %tilesN, %band, %M, %N, %K, %m0, %n0, %aLd, %bLd, %cLd;
  .reg .b64 %a, %b, %c, %at;`

/**
 * Tile number %ctaid.x, of %tilesM rows of tiles. Blocks go through a band of eight rows of tiles column by column: those that run at
 * once need few different panels of a and of b, which then come from L2.
 */
const placeTile = (columns: number, tilesM: string) => `
  // Phase 1: this block's tile.
  mov.u32 %thread, %tid.x;
  and.b32 %lane, %thread, 31;
${tilesM}
  add.u32 %tilesN, %N, ${columns - 1};
  div.u32 %tilesN, %tilesN, ${columns};
  mov.u32 %tile, %ctaid.x;
  shl.b32 %band, %tilesN, 3;
  div.u32 %m0, %tile, %band;
  mul.lo.u32 %band, %m0, %band;
  sub.u32 %tile, %tile, %band;
  shl.b32 %m0, %m0, 3;
  sub.u32 %band, %tilesM, %m0;
  min.u32 %band, %band, 8;
  div.u32 %n0, %tile, %band;
  mul.lo.u32 %band, %n0, %band;
  sub.u32 %tile, %tile, %band;
  add.u32 %m0, %m0, %tile;
  mul.lo.u32 %n0, %n0, ${columns};`

/** A tile of c [M, N]. */
export const placeDense = (rows: number, columns: number) => `${placeTile(columns, `  add.u32 %tilesM, %M, ${rows - 1};\n  shr.u32 %tilesM, %tilesM, ${Math.log2(rows)};`)}
  mul.lo.u32 %m0, %m0, ${rows};`

export const groupRegisters = `
  .reg .pred %past, %step;
  .reg .b32 %E, %P, %expert, %first, %end, %count, %sum, %other, %before, %found;
  .reg .b64 %offsets;`

/**
 * The tile's expert: the segments' numbers of row tiles are summed over the lanes, 32 segments at a time, until they pass this
 * block's. Segment E is what follows the last expert: no K, so zeros are written. Blocks past all segments leave.
 * Every warp finds it for itself: no barrier, and no readback to size the grid.
 */
export const placeRows = (rows: number, columns: number) => `${placeTile(columns, `  shr.u32 %tilesM, %P, ${Math.log2(rows)};\n  add.u32 %tilesM, %tilesM, %E;\n  add.u32 %tilesM, %tilesM, 1;`)}
  // %m0 counts row tiles of all segments.
  mov.u32 %before, 0;
  mov.u32 %expert, %lane;
search:
  mov.u32 %first, %P;
  mov.u32 %end, %P;
  mul.wide.u32 %at, %expert, 4;
  add.s64 %at, %offsets, %at;
  setp.le.u32 %step, %expert, %E;
  @%step ld.global.nc.u32 %first, [%at];
  setp.lt.u32 %step, %expert, %E;
  @%step ld.global.nc.u32 %end, [%at+4];
  sub.s32 %count, %end, %first;
  max.s32 %count, %count, 0;
  add.u32 %count, %count, ${rows - 1};
  shr.u32 %count, %count, ${Math.log2(rows)};
  mov.u32 %sum, %count;
${[1, 2, 4, 8, 16].map((d) => `  shfl.sync.up.b32 %other|%step, %sum, ${d}, 0, 0xffffffff;\n  @%step add.u32 %sum, %sum, %other;`).join('\n')}
  add.u32 %sum, %sum, %before;
  setp.gt.u32 %past, %sum, %m0;
  vote.sync.ballot.b32 %found, %past, 0xffffffff;
  setp.ne.u32 %past, %found, 0;
  @%past bra placed;
  shfl.sync.idx.b32 %before, %sum, 31, 31, 0xffffffff;
  add.u32 %expert, %expert, 32;
  sub.u32 %other, %expert, %lane;
  setp.gt.u32 %none, %other, %E;
  @%none ret;
  bra search;
placed:
  brev.b32 %found, %found;
  clz.b32 %found, %found;
  sub.u32 %sum, %sum, %count;
  shfl.sync.idx.b32 %before, %sum, %found, 31, 0xffffffff;
  shfl.sync.idx.b32 %first, %first, %found, 31, 0xffffffff;
  shfl.sync.idx.b32 %end, %end, %found, 31, 0xffffffff;
  shfl.sync.idx.b32 %expert, %expert, %found, 31, 0xffffffff;
  sub.u32 %M, %end, %first;
  sub.u32 %m0, %m0, %before;
  shl.b32 %m0, %m0, ${Math.log2(rows)};
  setp.eq.u32 %none, %expert, %E;
  @%none mov.u32 %K, 0;
  @%none mov.u32 %expert, 0;`

/** Expert %ctaid.y, whose rows are the extent of the sum: %first and %K. */
export const placeSum = (rows: number, columns: number) => `${placeDense(rows, columns)}
  mov.u32 %expert, %ctaid.y;
  mul.wide.u32 %at, %expert, 4;
  add.s64 %offsets, %offsets, %at;
  ld.global.nc.u32 %first, [%offsets];
  ld.global.nc.u32 %end, [%offsets+4];
  sub.s32 %K, %end, %first;`
