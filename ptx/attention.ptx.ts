import { commitGroup, copyPanel, copyRegisters, copySetup, each, panelBytes, range, ringRegisters, stageBytes, storeSetup, sumNext, waitGroup, type Panel, type Ring } from './tile.ts'
import { fmaStore, fmaStage, fmaZero, panelPlace, productLoop, productRegisters, threadPlace, widthOf, type FmaTile } from './tile_fma.ts'

/** 64 queries by 64 keys, 128 threads of 4 x 8: the 8 lanes of a warp that stand side by side hold a row of scores. */
export const scores: FmaTile = { rows: 64, columns: 64, threadRows: 4, threadColumns: 8 }
export const threads = 128
export const log2e = '0f3FB8AA3B'

/** Bytes of a row of p: those of four threads that write it at once lie in different banks. */
export const scorePitch = 288
/** p, the 64 x 64 that are made of the scores, in shared memory. */
export const scorePanel = (plain: boolean): Panel => ({ name: 'p', rows: 64, depth: 64, major: 'k', elementBytes: 4, copyBytes: 4, pitch: scorePitch, plain })

export interface AttentionShape {
  /** Columns of v that a block sums: 8, 16, 32, 64 or 128. */
  readonly columns: number
  /** Bytes of one copy of q and k, and of v: 16 where their rows allow it, else 4. */
  readonly qkCopy: number
  readonly vCopy: number
  /** See Panel. */
  readonly plain: boolean
}
export const attentionColumns = [8, 16, 32, 64, 128] as const

function panels({ columns, qkCopy, vCopy, plain }: AttentionShape) {
  const q: Panel = { name: 'a', rows: 64, depth: 16, major: 'k', elementBytes: 4, copyBytes: qkCopy, plain }
  const ring: Ring = { a: q, b: { ...q, name: 'b' }, stages: 3, threads }
  const v: Panel = { name: 'v', rows: columns, depth: 64, major: 'mn', elementBytes: 4, copyBytes: vCopy, plain }
  return { ring, p: scorePanel(plain), v }
}

export const attentionBytes = (shape: AttentionShape) => {
  const { ring, p, v } = panels(shape)
  return ring.stages * stageBytes(ring) + panelBytes(p) + panelBytes(v)
}

/** One stage of q and k; after the last of D the next 64 keys follow, so that the ring never runs empty between them. */
const copyNext = ({ a, b }: Ring, n: string) => `  setp.le.s32 %more, %keysToLoad, 0;
  @%more bra loaded${n};
${copyPanel(a, threads)}
${copyPanel(b, threads)}
  add.u32 %stageTo, %stageTo, ${panelBytes(a) + panelBytes(b)};
  setp.ge.u32 %more, %stageTo, %ringEnd;
  @%more mov.u32 %stageTo, %smem;
  sub.s32 %toLoad, %toLoad, ${a.depth};
  setp.gt.s32 %more, %toLoad, 0;
  @%more bra loaded${n};
  mov.u32 %toLoad, %D;
  mov.u64 %aFrom, %aStart;
  add.s64 %bStart, %bStart, %keysStep;
  mov.u64 %bFrom, %bStart;
  sub.s32 %bLeft, %bLeft, 64;
  sub.s32 %keysToLoad, %keysToLoad, 64;
loaded${n}:
${commitGroup(a)}`

/** %ctaid.x is (sequence, tile, chunk of columns): %first, %tile and %n0. `tiles`: of a sequence. */
export const blockPlace = (columns: number, tiles: string) => `  mov.u32 %n0, %ctaid.x;
  div.u32 %first, %n0, %chunks;
  mul.lo.u32 %tile, %first, %chunks;
  sub.u32 %n0, %n0, %tile;
  mul.lo.u32 %n0, %n0, ${columns};
  mov.u32 %tile, %first;
  div.u32 %first, %tile, ${tiles};
  mul.lo.u32 %head, %first, ${tiles};
  sub.u32 %tile, %tile, %head;
  mov.u32 %head, %ctaid.y;`

/** A row's scores become p = exp2(x - max) with x = score * scale * log2 e; what was summed before shrinks by exp2(old max - max). */
function softmaxRow(i: number, outColumns: number): string {
  const columns = range(scores.threadColumns)
  return `  // row ${i}
${columns.map((j) => `  mul.rn.f32 %x${j}, %c${i}_${j}, %factor;
  setp.ge.s32 %seen${j}, %ahead, ${8 * j - 16 * i};
  selp.f32 %x${j}, %x${j}, 0fFF800000, %seen${j};`).join('\n')}
  mov.f32 %largest, %max${i};
${columns.map((j) => `  max.f32 %largest, %largest, %x${j};`).join('\n')}
${[1, 2, 4].map((d) => `  shfl.sync.bfly.b32 %other, %largest, ${d}, 31, 0xffffffff;\n  max.f32 %largest, %largest, %other;`).join('\n')}
  sub.rn.f32 %shrink, %max${i}, %largest;
  ex2.approx.f32 %shrink, %shrink;
  mov.f32 %max${i}, %largest;
  neg.f32 %largest, %largest;
  mul.rn.f32 %sum${i}, %sum${i}, %shrink;
${columns.map((j) => `  fma.rn.f32 %x${j}, %c${i}_${j}, %factor, %largest;
  ex2.approx.f32 %x${j}, %x${j};
  selp.f32 %x${j}, %x${j}, 0f00000000, %seen${j};
  add.rn.f32 %sum${i}, %sum${i}, %x${j};
  st.shared.f32 [%pTo+${16 * i * scorePitch + 8 * j * 4}], %x${j};`).join('\n')}
${each(outColumns, (j) => `  mul.rn.f32 %o${i}_${j}, %o${i}_${j}, %shrink;`)}`
}

export function attentionText(shape: AttentionShape): string {
  const { ring, p, v } = panels(shape)
  const { a, b } = ring
  const outColumns = shape.columns / 8
  const ringBytes = ring.stages * stageBytes(ring)
  const rows = range(scores.threadRows)
  return `// attention: o = softmax(scale q k^T, causal) v per head, lse = log sum exp; 64 queries a block, keys in tiles of 64, streaming softmax.
//   q    [T, n, D]   f32  in
//   k    [T, n, D]   f32  in
//   v    [T, n, Dv]  f32  in
//   o    [T, n, Dv]  f32  out
//   lse  [T, n]      f32  out
// grid      (T / S * ceil(S / 64) * ceil(Dv / ${shape.columns}), n, 1)   T / S sequences of S; late queries, which have most keys, first
// block     (${threads}, 1, 1)
// smem      ${attentionBytes(shape)} bytes, dynamic
// regs      at most ${shape.columns > 64 ? 240 : 168}    ptxas 13.0, sm_80, no spills
// requires  rows of q and k in multiples of ${shape.qkCopy} bytes, of v in multiples of ${shape.vCopy}
// source    deepseek-v3.md section 1.2; online softmax (Milakov and Gimelshein 2018); reference in src/ops/attention.ts
.version 8.0
.target sm_80
.address_size 64

.extern .shared .align 16 .b8 smem[];

.visible .entry attention(.param .u64 q, .param .u64 k, .param .u64 v, .param .u64 o, .param .u64 lse, .param .u32 S, .param .u32 n, .param .u32 D, .param .u32 Dv, .param .f32 scale)
.reqntid ${threads}, 1, 1
.minnctapersm 2
{${ringRegisters}${copyRegisters('v')}
  .reg .b32 %thread, %lane, %warp, %tx, %ty, %groups, %tile, %chunks, %m0, %n0, %M, %N, %D, %n, %head, %first;
  .reg .b32 %aLd, %bLd, %cLd, %vLd, %aAt, %bAt, %pAt, %vAt, %aSum, %bSum, %pSum, %vSum, %pTo, %vBase, %keys, %keysLeft, %keysToLoad, %ahead;
  .reg .b64 %a, %b, %c, %v, %lse, %at, %aStart, %bStart, %keysStep;
  .reg .pred ${range(8).map((j) => `%seen${j}`).join(', ')}, %writes;
  .reg .f32 ${range(8).map((j) => `%x${j}`).join(', ')}, %factor, %largest, %other, %shrink;
  .reg .f32 ${rows.map((i) => `%max${i}, %sum${i}`).join(', ')};${productRegisters('a', 'b', 'c', 4, 8)}${productRegisters('p', 'v', 'o', 4, outColumns)}

  // Phase 1: sequence, head, queries from m0 on, columns of v from n0 on. Queries need no keys after their own last.
  mov.u32 %thread, %tid.x;
  and.b32 %lane, %thread, 31;
  ld.param.u32 %M, [S];
  ld.param.u32 %n, [n];
  ld.param.u32 %D, [D];
  ld.param.u32 %N, [Dv];
  add.u32 %chunks, %N, ${shape.columns - 1};
  div.u32 %chunks, %chunks, ${shape.columns};
  add.u32 %m0, %M, 63;
  shr.u32 %m0, %m0, 6;
${blockPlace(shape.columns, '%m0')}
  sub.u32 %m0, %m0, %tile;
  sub.u32 %m0, %m0, 1;
  shl.b32 %m0, %m0, 6;
  add.u32 %keys, %m0, 64;
  min.u32 %keys, %keys, %M;
  mul.lo.u32 %first, %first, %M;
  mad.lo.u32 %first, %first, %n, %head;
  mul.lo.u32 %aLd, %n, %D;
  mov.u32 %bLd, %aLd;
  mul.lo.u32 %vLd, %n, %N;
  mov.u32 %cLd, %vLd;
  ld.param.u64 %a, [q];
  ld.param.u64 %b, [k];
  ld.param.u64 %v, [v];
  ld.param.u64 %c, [o];
  ld.param.u64 %lse, [lse];
  mul.wide.u32 %at, %first, %D;
  shl.b64 %at, %at, 2;
  add.s64 %a, %a, %at;
  add.s64 %b, %b, %at;
  mul.wide.u32 %at, %first, %N;
  shl.b64 %at, %at, 2;
  add.s64 %v, %v, %at;
  add.s64 %c, %c, %at;
  mul.wide.u32 %at, %first, 4;
  add.s64 %lse, %lse, %at;
  ld.param.f32 %factor, [scale];
  mul.rn.f32 %factor, %factor, ${log2e};

  // Phase 2: where this thread copies from and to, and its first elements in the panels: ring, then p, then v.
  mov.u32 %smem, smem;
  add.u32 %ringEnd, %smem, ${ringBytes};
  add.u32 %vBase, %ringEnd, ${panelBytes(p)};
${copySetup(a, threads, 0, '%m0', '%M')}
${copySetup(b, threads, panelBytes(a), '0', '%keys')}
${copySetup(v, threads, 0, '%n0', '%N')}
${threadPlace(scores)}
  ${panelPlace(a, '%ty', 4)}
  ${panelPlace(b, '%tx', 8)}
  add.u32 %bAt, %bAt, ${panelBytes(a)};
  ${panelPlace(p, '%ty', 4)}
  add.u32 %pAt, %pAt, %ringEnd;
  mad.lo.u32 %pTo, %tx, 4, %pAt;
  ${panelPlace(v, '%tx', outColumns)}
  add.u32 %vAt, %vAt, %vBase;
  sub.s32 %ahead, %m0, %tx;
  add.s32 %ahead, %ahead, %ty; // query minus key, of the first keys
  setp.eq.u32 %writes, %tx, 0;
  setp.eq.and.u32 %writes, %n0, 0, %writes;
  mul.lo.u32 %tx, %tx, ${widthOf(v, outColumns)};
${storeSetup('%ty', '%tx', 'f32')}
  add.u32 %first, %m0, %ty;
  mul.wide.u32 %at, %first, %n;
  shl.b64 %at, %at, 2;
  add.s64 %lse, %lse, %at;
${rows.map((i) => `  mov.f32 %max${i}, 0fFF800000;  mov.f32 %sum${i}, 0f00000000;`).join('\n')}
${fmaZero({ threadRows: 4, threadColumns: outColumns }, 'o')}
  mov.u32 %stageTo, %smem;
  mov.u32 %stageFrom, %smem;
  mov.u32 %toLoad, %D;
  mov.u32 %keysToLoad, %keys;
  mov.u32 %keysLeft, %keys;
  mov.u64 %aStart, %aFrom;
  mov.u64 %bStart, %bFrom;
  mul.wide.u32 %keysStep, %bLd, 256;

  // Phase 3: fill all stages but one.
  mov.u32 %fills, ${ring.stages - 1};
fill:
${copyNext(ring, 'Before')}
  sub.u32 %fills, %fills, 1;
  setp.ne.u32 %more, %fills, 0;
  @%more bra fill;

  // Phase 4: for each 64 keys, scores = q k^T over D. Their v comes with the first stage: by then nobody reads the one before.
keys:
${fmaZero(scores)}
  mov.u32 %toSum, %D;
score:
${waitGroup(a, ring.stages - 2)}
  bar.sync 0;
  setp.lt.s32 %more, %toSum, %D;
  @%more bra valuesAsked;
${copyPanel(v, threads, '%vBase', '%keysLeft')}
valuesAsked:
${copyNext(ring, 'Stage')}${fmaStage(ring, scores)}
${sumNext(ring, 'score')}

  // Phase 5: softmax of this thread's rows so far. A row lies in eight neighbouring lanes, one warp: p needs no barrier of its own.
${rows.map((i) => softmaxRow(i, outColumns)).join('\n')}

  // Phase 6: o += p v, when v is there for all.
${waitGroup(v, 0)}
  bar.sync 0;
  mov.u32 %pSum, %pAt;
  mov.u32 %vSum, %vAt;
  min.s32 %groups, %keysLeft, 64;
${productLoop('value', p, v, 4, outColumns, 'o')}
  sub.s32 %ahead, %ahead, 64;
  sub.s32 %keysLeft, %keysLeft, 64;
  setp.gt.s32 %more, %keysLeft, 0;
  @%more bra keys;

  // Phase 7: the sums of a row's eight lanes; lse = (max + log2 sum) ln 2; o / sum.
${rows.map((i) => `${[1, 2, 4].map((d) => `  shfl.sync.bfly.b32 %other, %sum${i}, ${d}, 31, 0xffffffff;\n  add.rn.f32 %sum${i}, %sum${i}, %other;`).join('\n')}
  lg2.approx.f32 %other, %sum${i};
  add.rn.f32 %other, %other, %max${i};
  mul.rn.f32 %other, %other, 0f3F317218;
  rcp.rn.f32 %sum${i}, %sum${i};
${each(outColumns, (j) => `  mul.rn.f32 %o${i}_${j}, %o${i}_${j}, %sum${i};`)}
  setp.gt.and.s32 %more, %rowsLeft, ${16 * i}, %writes;
  @%more st.global.f32 [%lse], %other;${i < 3 ? `\n  mul.wide.u32 %at, %n, 64;\n  add.s64 %lse, %lse, %at;` : ''}`).join('\n')}
${fmaStore({ a: p, b: v }, { threadRows: 4, threadColumns: outColumns }, 'f32', 'o')}
}
`
}
