// The f32 product of a stage by fused multiply-adds, and its tile in registers. A thread owns `threadRows` rows and
// `threadColumns` columns of the tile. Where an operand is contiguous along k it reads four k of a row at once, and its rows lie
// one lane apart; where it is contiguous along the tile it reads four neighbours at once. Either way 16 bytes a load.
import { each, panelBytes, pitchOf, range, storeSetup, type Panel, type Ring } from './tile.ts'

export interface FmaTile { readonly rows: number; readonly columns: number; readonly threadRows: number; readonly threadColumns: number }
export const fmaThreads = (t: FmaTile) => (t.rows / t.threadRows) * (t.columns / t.threadColumns)
export const fmaDepth = 16
export const fmaStages = 3

/** Threads along one side; neighbours that a thread reads at once; its i-th row (column) from its first. */
const side = (p: Panel, perThread: number) => p.rows / perThread
export const widthOf = (p: Panel, perThread: number) => (p.major === 'k' ? 1 : Math.min(4, perThread))
export function offsetOf(p: Panel, perThread: number, i: number): number {
  const width = widthOf(p, perThread)
  return Math.floor(i / width) * width * side(p, perThread) + (i % width)
}

/** Sums of a thread, four k of its rows, four k of its columns. */
export const productRegisters = (a: string, b: string, c: string, threadRows: number, threadColumns: number) => `
  .reg .f32 ${range(threadRows).map((i) => range(threadColumns).map((j) => `%${c}${i}_${j}`).join(', ')).join(',\n    ')};
  .reg .f32 ${range(4).map((k) => range(threadRows).map((i) => `%${a}${i}_${k}`).join(', ')).join(',\n    ')};
  .reg .f32 ${range(4).map((k) => range(threadColumns).map((j) => `%${b}${j}_${k}`).join(', ')).join(',\n    ')};`

export const fmaRegisters = (t: FmaTile) => `
  .reg .b32 %tx, %ty, %warp, %aAt, %bAt, %groups, %aSum, %bSum;${productRegisters('a', 'b', 'c', t.threadRows, t.threadColumns)}`

/** This thread's column (%tx) and row (%ty) among the threads. Lanes of a warp stand 8 across and 4 down (fewer across in a narrow tile): 12 different addresses of 16 bytes a step of k. */
export function threadPlace(t: FmaTile): string {
  const across = t.columns / t.threadColumns
  const lanesAcross = Math.min(8, across), lanesDown = 32 / lanesAcross
  const warpsAcross = across / lanesAcross
  return `  shr.u32 %warp, %thread, 5;
  and.b32 %tx, %warp, ${warpsAcross - 1};
  shr.u32 %ty, %warp, ${Math.log2(warpsAcross)};
  and.b32 %groups, %lane, ${lanesAcross - 1};
  mad.lo.u32 %tx, %tx, ${lanesAcross}, %groups;
  shr.u32 %groups, %lane, ${Math.log2(lanesAcross)};
  mad.lo.u32 %ty, %ty, ${lanesDown}, %groups;`
}

/** A thread's first element in a panel. */
export const panelPlace = (p: Panel, thread: string, perThread: number) =>
  `mul.lo.u32 %${p.name}At, ${thread}, ${p.major === 'k' ? pitchOf(p) : 4 * widthOf(p, perThread)};`

export const fmaSetup = ({ a, b }: Ring, t: FmaTile, out: 'f32' | 'bf16') => `
  // This thread among the threads, and its first elements in a stage.
${threadPlace(t)}
  ${panelPlace(a, '%ty', t.threadRows)}
  ${panelPlace(b, '%tx', t.threadColumns)}
  add.u32 %bAt, %bAt, ${panelBytes(a)};
  mul.lo.u32 %ty, %ty, ${widthOf(a, t.threadRows)};
  mul.lo.u32 %tx, %tx, ${widthOf(b, t.threadColumns)};
${storeSetup('%ty', '%tx', out)}`

export const fmaZero = ({ threadRows, threadColumns }: Pick<FmaTile, 'threadRows' | 'threadColumns'>, c = 'c') =>
  each(threadRows, (i) => each(threadColumns, (j) => `  mov.f32 %${c}${i}_${j}, 0f00000000;`, ''))

/** Four k of a thread's i-th row or column. */
const loadRun = (p: Panel, perThread: number, i: number) =>
  `  ld.shared.v4.f32 {${range(4).map((k) => `%${p.name}${i}_${k}`).join(', ')}}, [%${p.name}Sum+${offsetOf(p, perThread, i) * pitchOf(p)}];`
/** All of a thread's rows or columns at the k-th of four. */
function loadAcross(p: Panel, perThread: number, k: number): string {
  const width = widthOf(p, perThread), at = (q: number) => `[%${p.name}Sum+${k * pitchOf(p) + offsetOf(p, perThread, width * q) * 4}]`
  return each(perThread / width, (q) => {
    const to = range(width).map((r) => `%${p.name}${width * q + r}_${k}`).join(', ')
    return width === 1 ? `  ld.shared.f32 ${to}, ${at(q)};` : `  ld.shared.v${width}.f32 {${to}}, ${at(q)};`
  })
}

/**
 * Four k of the product, from %<a>Sum and %<b>Sum on. Loads stand just before their use: few registers hold operands.
 */
function product(a: Panel, b: Panel, threadRows: number, threadColumns: number, c = 'c'): string {
  const fma = (i: number, j: number, k: number) => `  fma.rn.f32 %${c}${i}_${j}, %${a.name}${i}_${k}, %${b.name}${j}_${k}, %${c}${i}_${j};`
  const rows = range(threadRows), columns = range(threadColumns), ks = range(4)
  const loadA = (k: number) => (a.major === 'k' ? (k ? [] : rows.map((i) => loadRun(a, threadRows, i))) : [loadAcross(a, threadRows, k)])
  if (b.major === 'mn') return ks.flatMap((k) => [...loadA(k), loadAcross(b, threadColumns, k), ...rows.flatMap((i) => columns.map((j) => fma(i, j, k)))]).join('\n')
  return [...ks.flatMap(loadA), ...columns.flatMap((j) => [loadRun(b, threadColumns, j), ...ks.flatMap((k) => rows.map((i) => fma(i, j, k)))])].join('\n')
}

/** Bytes from four k of a panel to the next four. */
const nextFour = (p: Panel) => (p.major === 'k' ? 16 : 4 * pitchOf(p))

/** The product of %groups of k, four at a time, from %<a>Sum and %<b>Sum on. */
export const productLoop = (label: string, a: Panel, b: Panel, threadRows: number, threadColumns: number, c = 'c') => `${label}:
${product(a, b, threadRows, threadColumns, c)}
  add.u32 %${a.name}Sum, %${a.name}Sum, ${nextFour(a)};
  add.u32 %${b.name}Sum, %${b.name}Sum, ${nextFour(b)};
  sub.s32 %groups, %groups, 4;
  setp.gt.s32 %more, %groups, 0;
  @%more bra ${label};`

/** Groups of four k: as many as are left of K, since the rest of a stage is zeros. */
export const fmaStage = ({ a, b }: Ring, t: FmaTile) => `
  add.u32 %aSum, %stageFrom, %aAt;
  add.u32 %bSum, %stageFrom, %bAt;
  min.s32 %groups, %toSum, ${a.depth};
${productLoop('group', a, b, t.threadRows, t.threadColumns)}`

/** Rows and columns ascend within a thread, so the first row outside ends it, and a column outside is skipped by its predicate. */
export function fmaStore({ a, b }: Pick<Ring, 'a' | 'b'>, t: Pick<FmaTile, 'threadRows' | 'threadColumns'>, out: 'f32' | 'bf16', c = 'c', leave = 'ret'): string {
  const bytes = out === 'f32' ? 4 : 2
  // 16 bytes at once where b's rows, of the length of c's, are multiples of 16 bytes.
  const vector = out === 'f32' && b.copyBytes === 16 && widthOf(b, t.threadColumns) === 4
  const columns = range(t.threadColumns).filter((j) => !vector || j % 4 === 0)
  const store = (i: number, j: number) => {
    const at = `[%at+${offsetOf(b, t.threadColumns, j) * bytes}]`
    if (vector) return `  @%in${j} st.global.v4.f32 ${at}, {${range(4).map((q) => `%${c}${i}_${j + q}`).join(', ')}};`
    return out === 'f32' ? `  @%in${j} st.global.f32 ${at}, %${c}${i}_${j};` : `  cvt.rn.bf16.f32 %half, %${c}${i}_${j};\n  @%in${j} st.global.b16 ${at}, %half;`
  }
  return `
  // Phase 5: write the tile.
  .reg .pred ${columns.map((j) => `%in${j}`).join(', ')};
${columns.map((j) => `  setp.gt.s32 %in${j}, %columnsLeft, ${offsetOf(b, t.threadColumns, j)};`).join('\n')}
${each(t.threadRows, (i) => `  setp.le.s32 %more, %rowsLeft, ${offsetOf(a, t.threadRows, i)};
  @%more ${leave};
  mul.wide.u32 %rowStep, %cLd, ${offsetOf(a, t.threadRows, i) * bytes};
  add.s64 %at, %row, %rowStep;
${columns.map((j) => store(i, j)).join('\n')}`)}
  ${leave};`
}
