import { blockPlace, log2e, scorePanel, scorePitch, scores, threads } from './attention.ptx.ts'
import { commitGroup, copyPanel, copyRegisters, copySetup, panelBytes, range, ringRegisters, stageBytes, storeSetup, sumNext, waitGroup, type Panel, type Ring } from './tile.ts'
import { fmaStore, fmaStage, fmaZero, panelPlace, productLoop, productRegisters, threadPlace, widthOf } from './tile_fma.ts'

/** What a block owns: 64 keys, for dk and dv, against all later queries; or 64 queries, for dq, against all earlier keys. */
export type Pass = 'keys' | 'queries'
export interface AttentionBwdShape {
  readonly pass: Pass
  /** Columns of the gradients that a block sums: 8, 16, 32, 64 or 128. */
  readonly columns: number
  /** Bytes of one copy: 16 where the rows of all operands allow it, else 4. */
  readonly copyBytes: number
  /** See Panel. */
  readonly plain: boolean
}

function panels({ columns, copyBytes, plain }: AttentionBwdShape) {
  const panel = (name: string): Panel => ({ name, rows: 64, depth: 16, major: 'k', elementBytes: 4, copyBytes, plain })
  const across = (name: string): Panel => ({ name, rows: columns, depth: 64, major: 'mn', elementBytes: 4, copyBytes, plain })
  const ring: Ring = { a: panel('a'), b: panel('b'), stages: 3, threads }
  return { ring, d: panel('d'), e: panel('e'), p: scorePanel(plain), v: across('v'), w: across('w') }
}
export const attentionBwdBytes = (shape: AttentionBwdShape) => {
  const { ring, p, v } = panels(shape)
  return ring.stages * stageBytes(ring) + panelBytes(p) + panelBytes(v)
}

/**
 * One stage of the ring: first all of D (scores: a b^T), then all of Dv (dp: d e^T), then the next 64 rows of the other side. %loading
 * says which of the two comes next.
 */
function copyNext(shape: AttentionBwdShape, n: string): string {
  const { ring, d, e } = panels(shape)
  return `  setp.le.s32 %more, %othersToLoad, 0;
  @%more bra loaded${n};
  setp.eq.u32 %more, %loading, 2;
  @%more bra loadSecond${n};
${copyPanel(ring.a, threads)}
${copyPanel(ring.b, threads)}
  bra copied${n};
loadSecond${n}:
${copyPanel(d, threads)}
${copyPanel(e, threads)}
copied${n}:
  add.u32 %stageTo, %stageTo, ${stageBytes(ring)};
  setp.ge.u32 %more, %stageTo, %ringEnd;
  @%more mov.u32 %stageTo, %smem;
  sub.s32 %toLoad, %toLoad, ${ring.a.depth};
  setp.gt.s32 %more, %toLoad, 0;
  @%more bra loaded${n};
  setp.eq.u32 %more, %loading, 2;
  xor.b32 %loading, %loading, 3;
  selp.b32 %toLoad, %D, %Dv, %more;
  @!%more bra loaded${n};
  mov.u64 %aFrom, %aStart;
  mov.u64 %dFrom, %dStart;
  add.s64 %bStart, %bStart, %bStep;
  mov.u64 %bFrom, %bStart;
  add.s64 %eStart, %eStart, %eStep;
  mov.u64 %eFrom, %eStart;
  sub.s32 %bLeft, %bLeft, 64;
  sub.s32 %eLeft, %eLeft, 64;
  sub.s32 %othersToLoad, %othersToLoad, 64;
loaded${n}:
${commitGroup(e)}`
}

/** p = exp2(score factor - lse log2 e) where the query sees the key, to shared memory. */
function probabilities(pass: Pass): string {
  const rows = range(4), columns = range(8)
  const query = (i: number, j: number) => (pass === 'keys' ? j : i)
  const perQuery = pass === 'keys' ? `
${columns.map((j) => `  setp.gt.s32 %seen, %otherLeft, ${8 * j};\n  mov.f32 %lse${j}, 0f00000000;\n  @%seen ld.global.nc.f32 %lse${j}, [%lseAt];\n  mul.rn.f32 %lse${j}, %lse${j}, ${log2e};\n  add.s64 %lseAt, %lseAt, %eightQueries;`).join('\n')}` : ''
  return `${perQuery}
${rows.map((i) => columns.map((j) => `  neg.f32 %x, %lse${query(i, j)};
  fma.rn.f32 %x, %c${i}_${j}, %factor, %x;
  ex2.approx.f32 %x, %x;
${pass === 'keys' ? `  setp.le.s32 %seen, %ahead, ${8 * j - 16 * i};\n  setp.gt.and.s32 %seen, %otherLeft, ${8 * j}, %seen;` : `  setp.ge.s32 %seen, %ahead, ${8 * j - 16 * i};`}
  selp.f32 %x, %x, 0f00000000, %seen;
  st.shared.f32 [%pTo+${16 * i * scorePitch + 32 * j}], %x;`).join('\n')).join('\n')}`
}

/** ds = p (dp - delta), in place of p; the scale comes at the end. */
function scoreGradients(pass: Pass): string {
  const rows = range(4), columns = range(8)
  const query = (i: number, j: number) => (pass === 'keys' ? j : i)
  const perQuery = pass === 'keys' ? `
${columns.map((j) => `  setp.gt.s32 %seen, %otherLeft, ${8 * j};\n  mov.f32 %delta${j}, 0f00000000;\n  @%seen ld.global.nc.f32 %delta${j}, [%deltaAt];\n  add.s64 %deltaAt, %deltaAt, %eightQueries;`).join('\n')}` : ''
  return `${perQuery}
${rows.map((i) => columns.map((j) => `  ld.shared.f32 %x, [%pTo+${16 * i * scorePitch + 32 * j}];
  sub.rn.f32 %c${i}_${j}, %c${i}_${j}, %delta${query(i, j)};
  mul.rn.f32 %x, %x, %c${i}_${j};
  st.shared.f32 [%pTo+${16 * i * scorePitch + 32 * j}], %x;`).join('\n')).join('\n')}`
}

/** sums += (p or ds in shared memory) times the other side's columns, once they are there for all. */
function accumulate(p: Panel, v: Panel, outColumns: number, sums: string, label: string, width: 'D' | 'Dv'): string {
  return `  setp.ge.u32 %more, %n0, %${width};
  @%more bra ${label}Done; // this chunk has no such columns
${waitGroup(v, 0)}
  bar.sync 0;
  mov.u32 %pSum, %pAt;
  mov.u32 %vSum, %vAt;
  min.s32 %groups, %othersLeft, 64;
${productLoop(label, p, { ...v, name: 'v' }, 4, outColumns, sums)}
${label}Done:`
}

/** `result`: its name; rows of it as the block's own rows, columns from %n0 on. */
const storeResult = (name: string, width: 'D' | 'Dv', v: Panel, outColumns: number, sums: string) => `
  mov.u32 %N, %${width};
  mul.lo.u32 %cLd, %n, %N;
  ld.param.u64 %c, [${name}];
  mul.wide.u32 %at, %first, %N;
  shl.b64 %at, %at, 2;
  add.s64 %c, %c, %at;
${storeSetup('%ty', '%tx', 'f32')}
  {${fmaStore({ a: { ...v, major: 'k', rows: 64 }, b: v }, { threadRows: 4, threadColumns: outColumns }, 'f32', sums, `bra stored_${name}`)}
  }
stored_${name}:`

const mathematics = {
  keys: 'dv = p^T dout, dk = scale ds^T q; 64 keys a block',
  queries: 'dq = scale ds k; 64 queries a block',
}

export function attentionBwdText(shape: AttentionBwdShape): string {
  const { pass, columns } = shape
  const { ring, d, e, p, v, w } = panels(shape)
  const { a, b } = ring
  const outColumns = columns / 8
  const keys = pass === 'keys'
  const [own1, other1, own2, other2] = keys ? ['k', 'q', 'v', 'dout'] : ['q', 'k', 'dout', 'v']
  const perQuery = range(keys ? 8 : 4)
  return `// attention_bwd: ${mathematics[pass]}; ds = p (dout v^T - delta), p = exp(scale q k^T - lse).
//   dout   [T, n, Dv]  f32  in
//   q      [T, n, D]   f32  in
//   k      [T, n, D]   f32  in
//   v      [T, n, Dv]  f32  in
//   lse    [T, n]      f32  in
//   delta  [T, n]      f32  scratch, of attention_bwd_delta
//   o      [T, n, Dv]  f32  in    delta holds what is needed of it
//   dq     [T, n, D]   f32  out   of the pass over queries
//   dk     [T, n, D]   f32  out   of the pass over keys
//   dv     [T, n, Dv]  f32  out   of the pass over keys
// grid      (T / S * ceil(S / 64) * chunks, n, 1)   chunks of ${columns} columns of the gradients; the blocks with most to do first
// block     (${threads}, 1, 1)
// smem      ${attentionBwdBytes(shape)} bytes, dynamic
// regs      at most 255    ptxas 13.0, sm_80, no spills
// requires  rows in multiples of ${shape.copyBytes} bytes
// source    FlashAttention-2 (Dao 2023), algorithm 2, without atomics: dq in a pass of its own; reference in src/ops/attention_bwd.ts
.version 8.0
.target sm_80
.address_size 64

.extern .shared .align 16 .b8 smem[];

.visible .entry attention_bwd_${pass}(.param .u64 dout, .param .u64 q, .param .u64 k, .param .u64 v, .param .u64 lse, .param .u64 delta, ${keys ? '.param .u64 dk, .param .u64 dv' : '.param .u64 dq'}, .param .u32 S, .param .u32 n, .param .u32 D, .param .u32 Dv, .param .u32 chunks, .param .f32 scale)
.reqntid ${threads}, 1, 1
.minnctapersm 2
{${ringRegisters}${['d', 'e', 'v', 'w'].map(copyRegisters).join('')}
  .reg .b32 %thread, %lane, %warp, %tx, %ty, %groups, %tile, %chunks, %m0, %n0, %M, %N, %D, %Dv, %n, %head, %first, %other0;
  .reg .b32 %aLd, %bLd, %cLd, %dLd, %eLd, %vLd, %wLd, %aAt, %bAt, %pAt, %vAt, %aSum, %bSum, %pSum, %vSum, %pTo, %vBase;
  .reg .b32 %others, %othersLeft, %othersToLoad, %otherLeft, %ahead, %loading, %phase;
  .reg .b64 %a, %b, %c, %d, %e, %v, %w, %lseAt, %deltaAt, %at, %aStart, %bStart, %dStart, %eStart, %bStep, %eStep, %eightQueries;
  .reg .pred %seen;
  .reg .f32 %x, %factor, ${perQuery.map((i) => `%lse${i}, %delta${i}`).join(', ')};${productRegisters('a', 'b', 'c', 4, 8)}${productRegisters('p', 'v', 'o', 4, outColumns)}
  .reg .f32 ${range(4).map((i) => range(outColumns).map((j) => `%u${i}_${j}`).join(', ')).join(',\n    ')};

  // Phase 1: sequence, head, own rows from m0 on, columns of the gradients from n0 on, rows of the other side from other0 to %others.
  mov.u32 %thread, %tid.x;
  and.b32 %lane, %thread, 31;
  ld.param.u32 %M, [S];
  ld.param.u32 %n, [n];
  ld.param.u32 %D, [D];
  ld.param.u32 %Dv, [Dv];
  ld.param.u32 %chunks, [chunks];
  add.u32 %m0, %M, 63;
  shr.u32 %m0, %m0, 6;
${blockPlace(columns, '%m0')}
${keys ? `  shl.b32 %m0, %tile, 6;
  mov.u32 %other0, %m0;
  mov.u32 %others, %M;` : `  sub.u32 %m0, %m0, %tile;
  sub.u32 %m0, %m0, 1;
  shl.b32 %m0, %m0, 6;
  mov.u32 %other0, 0;
  add.u32 %others, %m0, 64;
  min.u32 %others, %others, %M;`}
  mul.lo.u32 %first, %first, %M;
  mad.lo.u32 %first, %first, %n, %head;
  ld.param.u64 %a, [${own1}];
  ld.param.u64 %b, [${other1}];
  ld.param.u64 %d, [${own2}];
  ld.param.u64 %e, [${other2}];
  mul.lo.u32 %aLd, %n, %D;
  mov.u32 %bLd, %aLd;
  mov.u32 %wLd, %aLd;
  mul.lo.u32 %dLd, %n, %Dv;
  mov.u32 %eLd, %dLd;
  mov.u32 %vLd, %dLd;
  mul.wide.u32 %at, %first, %D;
  shl.b64 %at, %at, 2;
  add.s64 %a, %a, %at;
  add.s64 %b, %b, %at;
  mul.wide.u32 %at, %first, %Dv;
  shl.b64 %at, %at, 2;
  add.s64 %d, %d, %at;
  add.s64 %e, %e, %at;

  // Phase 2: where this thread copies from and to, and its first elements: the ring, then p, then 64 rows of the other side across.
  mov.u32 %smem, smem;
  add.u32 %ringEnd, %smem, ${ring.stages * stageBytes(ring)};
  add.u32 %vBase, %ringEnd, ${panelBytes(p)};
${copySetup(a, threads, 0, '%m0', '%M')}
${copySetup(b, threads, panelBytes(a), '%other0', '%others')}
${copySetup(d, threads, 0, '%m0', '%M')}
${copySetup(e, threads, panelBytes(a), '%other0', '%others')}
  // Across: rows of the other side begin at other0 too.
  mul.wide.u32 %at, %other0, %wLd;
  mad.lo.s64 %w, %at, 4, %b;
${copySetup(w, threads, 0, '%n0', '%D')}
  mul.wide.u32 %at, %other0, %vLd;
  mad.lo.s64 %v, %at, 4, %e;
${copySetup(v, threads, 0, '%n0', '%Dv')}
${threadPlace(scores)}
  ${panelPlace(a, '%ty', 4)}
  ${panelPlace(b, '%tx', 8)}
  add.u32 %bAt, %bAt, ${panelBytes(a)};
  ${panelPlace(p, '%ty', 4)}
  add.u32 %pAt, %pAt, %ringEnd;
  mad.lo.u32 %pTo, %tx, 4, %pAt;
  ${panelPlace(v, '%tx', outColumns)}
  add.u32 %vAt, %vAt, %vBase;
  // Own row minus other's row; how many of the other side there are from this thread's first on.
  add.u32 %ahead, %m0, %ty;
  sub.s32 %ahead, %ahead, %other0;
  sub.s32 %ahead, %ahead, %tx;
  sub.s32 %othersLeft, %others, %other0;
  sub.s32 %otherLeft, %othersLeft, %tx;
  mov.u32 %othersToLoad, %othersLeft;
  // lse and delta of this thread's first query.
  add.u32 %tile, ${keys ? '%other0, %tx' : '%m0, %ty'};
  mad.lo.u32 %tile, %tile, %n, %first;
  mul.wide.u32 %at, %tile, 4;
  ld.param.u64 %lseAt, [lse];
  add.s64 %lseAt, %lseAt, %at;
  ld.param.u64 %deltaAt, [delta];
  add.s64 %deltaAt, %deltaAt, %at;
${keys ? '  mul.wide.u32 %eightQueries, %n, 32;' : `  mul.wide.u32 %eightQueries, %n, 64;
  sub.s32 %left, %M, %m0;
  sub.s32 %left, %left, %ty;
${perQuery.map((i) => `  setp.gt.s32 %seen, %left, ${16 * i};
  mov.f32 %lse${i}, 0f00000000;  mov.f32 %delta${i}, 0f00000000;
  @%seen ld.global.nc.f32 %lse${i}, [%lseAt];
  @%seen ld.global.nc.f32 %delta${i}, [%deltaAt];
  mul.rn.f32 %lse${i}, %lse${i}, ${log2e};
  add.s64 %lseAt, %lseAt, %eightQueries;
  add.s64 %deltaAt, %deltaAt, %eightQueries;`).join('\n')}`}
  mul.lo.u32 %tx, %tx, ${widthOf(v, outColumns)};
  ld.param.f32 %factor, [scale];
  mul.rn.f32 %factor, %factor, ${log2e};
${fmaZero({ threadRows: 4, threadColumns: outColumns }, 'o')}
${keys ? fmaZero({ threadRows: 4, threadColumns: outColumns }, 'u') : ''}
  mov.u32 %stageTo, %smem;
  mov.u32 %stageFrom, %smem;
  mov.u32 %toLoad, %D;
  mov.u32 %loading, 1;
  mov.u64 %aStart, %aFrom;
  mov.u64 %bStart, %bFrom;
  mov.u64 %dStart, %dFrom;
  mov.u64 %eStart, %eFrom;
  mul.wide.u32 %bStep, %bLd, 256;
  mul.wide.u32 %eStep, %eLd, 256;

  // Phase 3: fill all stages but one.
  mov.u32 %fills, ${ring.stages - 1};
fill:
${copyNext(shape, 'Before')}
  sub.u32 %fills, %fills, 1;
  setp.ne.u32 %more, %fills, 0;
  @%more bra fill;

  // Phase 4: a product of 64 x 64: scores over D in %phase 1, dp over Dv in %phase 2. The other side's columns come with the first
  // stage, since nobody reads those of the phase before any more.
others:
  mov.u32 %phase, 1;
  mov.u32 %toSum, %D;
${fmaZero(scores)}
stage:
${waitGroup(a, ring.stages - 2)}
  bar.sync 0;
  setp.eq.u32 %more, %phase, 1;
  selp.b32 %k, %D, %Dv, %more;
  setp.lt.s32 %valid, %toSum, %k;
  @%valid bra asked;
  @!%more bra askSecond;
${keys ? copyPanel(v, threads, '%vBase', '%othersLeft') : ''}
  bra asked;
askSecond:
${copyPanel(w, threads, '%vBase', '%othersLeft')}
asked:
${copyNext(shape, 'Stage')}${fmaStage(ring, scores)}
${sumNext(ring, 'stage')}
  setp.eq.u32 %more, %phase, 2;
  @%more bra gradients;

  // Phase 5: p.${keys ? ' Then dv += p^T dout: own rows are keys, so p is transposed as it stands.' : ''}
${probabilities(pass)}
${keys ? accumulate(p, v, outColumns, 'u', 'value', 'Dv') : ''}
  mov.u32 %phase, 2;
  mov.u32 %toSum, %Dv;
${fmaZero(scores)}
  bra stage;

  // Phase 6: ds, and ${keys ? 'dk += ds^T q' : 'dq += ds k'}.
gradients:
${scoreGradients(pass)}
${accumulate(p, w, outColumns, 'o', 'gradient', 'D')}
  add.s32 %ahead, %ahead, -64;
  sub.s32 %otherLeft, %otherLeft, 64;
  sub.s32 %othersLeft, %othersLeft, 64;
  setp.gt.s32 %more, %othersLeft, 0;
  @%more bra others;

  // Phase 7: write.
  ld.param.f32 %factor, [scale];
${range(4).map((i) => range(outColumns).map((j) => `  mul.rn.f32 %o${i}_${j}, %o${i}_${j}, %factor;`).join('')).join('\n')}
${keys ? storeResult('dv', 'Dv', v, outColumns, 'u') : ''}
${storeResult(keys ? 'dk' : 'dq', 'D', w, outColumns, 'o')}
  ret;
}
`
}
