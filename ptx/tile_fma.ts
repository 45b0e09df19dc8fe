// The f32 product of a stage by fused multiply-adds, and its tile in registers. A thread owns `threadRows` rows and
// `threadColumns` columns of the tile. Where an operand is contiguous along k it reads four k of a row at once, and its rows lie
// one lane apart; where it is contiguous along the tile it reads four neighbours at once. Either way 16 bytes a load.
import { each, panelBytes, pitchOf, range, storeSetup, type Panel, type Ring } from './tile.ts'

export interface FmaTile { readonly rows: number; readonly columns: number; readonly threadRows: 4 | 8; readonly threadColumns: 4 | 8 }
export const fmaThreads = (t: FmaTile) => (t.rows / t.threadRows) * (t.columns / t.threadColumns)
export const fmaDepth = 16
export const fmaStages = 3

/** Threads along one side; the i-th row (column) of a thread from its first. */
const side = (p: Panel, perThread: number) => p.rows / perThread
export const offsetOf = (p: Panel, perThread: number, i: number) =>
  p.major === 'k' ? i * side(p, perThread) : (i >> 2) * 4 * side(p, perThread) + (i & 3)

export const fmaRegisters = (t: FmaTile) => `
  .reg .b32 %tx, %ty, %warp, %aAt, %bAt, %groups, %aSum, %bSum;
  .reg .f32 ${range(t.threadRows).map((i) => range(t.threadColumns).map((j) => `%c${i}_${j}`).join(', ')).join(',\n    ')};
  .reg .f32 ${range(4).map((k) => range(t.threadRows).map((i) => `%a${i}_${k}`).join(', ')).join(',\n    ')};
  .reg .f32 ${range(4).map((k) => range(t.threadColumns).map((j) => `%b${j}_${k}`).join(', ')).join(',\n    ')};`

/** Lanes of a warp stand 8 across and 4 down (fewer across in a narrow tile): 12 different addresses of 16 bytes a step of k. */
export function fmaSetup({ a, b }: Ring, t: FmaTile, out: 'f32' | 'bf16'): string {
  const across = t.columns / t.threadColumns
  const lanesAcross = Math.min(8, across), lanesDown = 32 / lanesAcross
  const warpsAcross = across / lanesAcross
  const first = (p: Panel, thread: string) => (p.major === 'k' ? `mul.lo.u32 %${p.name}At, ${thread}, ${pitchOf(p)};` : `shl.b32 %${p.name}At, ${thread}, 4;`)
  return `
  // This thread's column (%tx) and row (%ty) among the threads, and its first elements in a stage.
  shr.u32 %warp, %thread, 5;
  and.b32 %tx, %warp, ${warpsAcross - 1};
  shr.u32 %ty, %warp, ${Math.log2(warpsAcross)};
  and.b32 %groups, %lane, ${lanesAcross - 1};
  mad.lo.u32 %tx, %tx, ${lanesAcross}, %groups;
  shr.u32 %groups, %lane, ${Math.log2(lanesAcross)};
  mad.lo.u32 %ty, %ty, ${lanesDown}, %groups;
  ${first(a, '%ty')}
  ${first(b, '%tx')}
  add.u32 %bAt, %bAt, ${panelBytes(a)};
  ${a.major === 'k' ? '' : 'shl.b32 %ty, %ty, 2;'}${b.major === 'k' ? '' : 'shl.b32 %tx, %tx, 2;'}
${storeSetup('%ty', '%tx', out)}`
}

export const fmaZero = (t: FmaTile) => each(t.threadRows, (i) => each(t.threadColumns, (j) => `  mov.f32 %c${i}_${j}, 0f00000000;`, ''))

/** Four k of a thread's i-th row or column. */
const loadRun = (p: Panel, perThread: number, i: number) =>
  `  ld.shared.v4.f32 {${range(4).map((k) => `%${p.name}${i}_${k}`).join(', ')}}, [%${p.name}Sum+${offsetOf(p, perThread, i) * pitchOf(p)}];`
/** All of a thread's rows or columns at the k-th of four. */
const loadAcross = (p: Panel, perThread: number, k: number) => each(perThread / 4, (q) =>
  `  ld.shared.v4.f32 {${range(4).map((r) => `%${p.name}${4 * q + r}_${k}`).join(', ')}}, [%${p.name}Sum+${k * pitchOf(p) + offsetOf(p, perThread, 4 * q) * 4}];`)
const fma = (i: number, j: number, k: number) => `  fma.rn.f32 %c${i}_${j}, %a${i}_${k}, %b${j}_${k}, %c${i}_${j};`

/** Loads stand just before their use: few registers hold operands, so that two blocks of 256 threads fit. */
function product({ a, b }: Ring, { threadRows, threadColumns }: FmaTile): string {
  const rows = range(threadRows), columns = range(threadColumns), ks = range(4)
  const loadA = (k: number) => (a.major === 'k' ? (k ? [] : rows.map((i) => loadRun(a, threadRows, i))) : [loadAcross(a, threadRows, k)])
  if (b.major === 'mn') return ks.flatMap((k) => [...loadA(k), loadAcross(b, threadColumns, k), ...rows.flatMap((i) => columns.map((j) => fma(i, j, k)))]).join('\n')
  return [...ks.flatMap(loadA), ...columns.flatMap((j) => [loadRun(b, threadColumns, j), ...ks.flatMap((k) => rows.map((i) => fma(i, j, k)))])].join('\n')
}

/** Groups of four k: as many as are left of K, since the rest of a stage is zeros. */
export function fmaStage(ring: Ring, t: FmaTile): string {
  const { a, b } = ring
  const next = (p: Panel) => (p.major === 'k' ? 16 : 4 * pitchOf(p))
  return `
  add.u32 %aSum, %stageFrom, %aAt;
  add.u32 %bSum, %stageFrom, %bAt;
  min.s32 %groups, %toSum, ${a.depth};
group:
${product(ring, t)}
  add.u32 %aSum, %aSum, ${next(a)};
  add.u32 %bSum, %bSum, ${next(b)};
  sub.s32 %groups, %groups, 4;
  setp.gt.s32 %more, %groups, 0;
  @%more bra group;`
}

/** Rows and columns ascend within a thread, so the first row outside ends it, and a column outside is skipped by its predicate. */
export function fmaStore({ a, b }: Ring, t: FmaTile, out: 'f32' | 'bf16'): string {
  const bytes = out === 'f32' ? 4 : 2
  // 16 bytes at once where b's rows, of the length of c's, are multiples of 16 bytes.
  const vector = out === 'f32' && b.major === 'mn' && b.copyBytes === 16
  const columns = range(t.threadColumns).filter((j) => !vector || j % 4 === 0)
  const store = (i: number, j: number) => {
    const at = `[%at+${offsetOf(b, t.threadColumns, j) * bytes}]`
    if (vector) return `  @%in${j} st.global.v4.f32 ${at}, {${range(4).map((q) => `%c${i}_${j + q}`).join(', ')}};`
    return out === 'f32' ? `  @%in${j} st.global.f32 ${at}, %c${i}_${j};` : `  cvt.rn.bf16.f32 %half, %c${i}_${j};\n  @%in${j} st.global.b16 ${at}, %half;`
  }
  return `
  // Phase 5: write the tile.
  .reg .pred ${columns.map((j) => `%in${j}`).join(', ')};
${columns.map((j) => `  setp.gt.s32 %in${j}, %columnsLeft, ${offsetOf(b, t.threadColumns, j)};`).join('\n')}
${each(t.threadRows, (i) => `  setp.le.s32 %more, %rowsLeft, ${offsetOf(a, t.threadRows, i)};
  @%more ret;
  mul.wide.u32 %rowStep, %cLd, ${offsetOf(a, t.threadRows, i) * bytes};
  add.s64 %at, %row, %rowStep;
${columns.map((j) => store(i, j)).join('\n')}`)}
  ret;`
}
