// The bf16 product of a stage on tensor cores: ldmatrix feeds mma.sync.m16n8k16, sums stay in f32 registers. A warp owns
// warpRows x warpColumns of the tile. Operands that are not contiguous along k are transposed by ldmatrix on their way.
import { each, panelBytes, pitchOf, range, storeSetup, type Panel, type Ring } from './tile.ts'

export interface MmaTile { readonly rows: number; readonly columns: number; readonly warpRows: number; readonly warpColumns: number }
export const mmaThreads = (t: MmaTile) => 32 * (t.rows / t.warpRows) * (t.columns / t.warpColumns)

/** Fragments of 16 rows and of 8 columns that a warp owns. */
export const fragments = (t: MmaTile) => ({ down: t.warpRows / 16, across: t.warpColumns / 8 })

export const sums = (i: number, j: number, name = 'c') => range(4).map((r) => `%${name}${i}_${j}_${r}`)

export const mmaRegisters = (t: MmaTile) => {
  const { down, across } = fragments(t)
  return `
  .reg .b32 %warp, %warpM, %warpN, %aAt, %bAt, %aSum, %bSum;
  .reg .f32 ${range(down).map((i) => range(across).flatMap((j) => sums(i, j)).join(', ')).join(',\n    ')};
  .reg .b32 ${range(down).flatMap((i) => range(4).map((r) => `%a${i}_${r}`)).join(', ')};
  .reg .b32 ${range(across).flatMap((j) => range(2).map((r) => `%b${j}_${r}`)).join(', ')};`
}

/** The warp's corner of the tile. */
export const warpPlace = (t: MmaTile) => `
  // This warp's part of the tile.
  shr.u32 %warp, %thread, 5;
  and.b32 %warpN, %warp, ${t.columns / t.warpColumns - 1};
  shr.u32 %warpM, %warp, ${Math.log2(t.columns / t.warpColumns)};
  mul.lo.u32 %warpM, %warpM, ${t.warpRows};
  mul.lo.u32 %warpN, %warpN, ${t.warpColumns};`

/**
 * The row of 16 bytes that this lane names to ldmatrix.x4. Its four matrices are: for a, (rows, k) = (0, 0), (8, 0), (0, 8),
 * (8, 8); for b, (k, columns) = (0, 0), (8, 0), (0, 8), (8, 8), two fragments of 8 columns.
 */
export function mmaSetup({ a, b }: Ring, t: MmaTile, out: 'f32' | 'bf16'): string {
  const aLane = a.major === 'k'
    ? ['and.b32 %aAt, %lane, 15;', 'shr.u32 %aSum, %lane, 4;'] // row, and half of k
    : ['shr.u32 %aSum, %lane, 4;\n  and.b32 %aAt, %lane, 7;\n  mad.lo.u32 %aAt, %aSum, 8, %aAt;', 'shr.u32 %aSum, %lane, 3;\n  and.b32 %aSum, %aSum, 1;'] // k, and half of the rows
  const bLane = b.major === 'k'
    ? ['shr.u32 %bSum, %lane, 4;\n  and.b32 %bAt, %lane, 7;\n  mad.lo.u32 %bAt, %bSum, 8, %bAt;', 'shr.u32 %bSum, %lane, 3;\n  and.b32 %bSum, %bSum, 1;'] // column, and half of k
    : ['and.b32 %bAt, %lane, 15;', 'shr.u32 %bSum, %lane, 4;'] // k, and half of the columns
  const place = (p: Panel, [line, half]: string[]) => {
    const n = p.name, warp = n === 'a' ? '%warpM' : '%warpN'
    return `  ${line}
${p.major === 'k' ? `  add.u32 %${n}At, %${n}At, ${warp};\n` : ''}  mul.lo.u32 %${n}At, %${n}At, ${pitchOf(p)};
  ${half}
  mad.lo.u32 %${n}At, %${n}Sum, 16, %${n}At;${p.major === 'mn' ? `\n  mad.lo.u32 %${n}At, ${warp}, 2, %${n}At;` : ''}`
  }
  return `${warpPlace(t)}
${place(a, aLane)}
${place(b, bLane)}
  add.u32 %bAt, %bAt, ${panelBytes(a)};
${lanePlace(2)}
${storeSetup('%warpM', '%warpN', out)}`
}

/** A lane holds rows g and g + 8 (g = lane / 4) of each fragment, columns 2 (lane % 4) and the next. */
export const lanePlace = (columns: 2 | 4) => `  shr.u32 %warp, %lane, 2;
  add.u32 %warpM, %warpM, %warp;
  and.b32 %warp, %lane, 3;
  mad.lo.u32 %warpN, %warp, ${columns}, %warpN;`

export const mmaZero = (t: MmaTile, name = 'c') => {
  const { down, across } = fragments(t)
  return each(down, (i) => each(across, (j) => sums(i, j, name).map((c) => `  mov.f32 ${c}, 0f00000000;`).join(''), '\n'))
}

/** Bytes to the fragment `i` of 16 rows or columns, and to the step `s` of 16 k. */
const fragmentAt = (p: Panel, i: number, s: number) => (p.major === 'k' ? i * 16 * pitchOf(p) + s * 32 : i * 32 + s * 16 * pitchOf(p))

export function mmaStage({ a, b }: Ring, t: MmaTile): string {
  const { down, across } = fragments(t)
  const trans = (p: Panel) => (p.major === 'mn' ? '.trans' : '')
  return `
  add.u32 %aSum, %stageFrom, %aAt;
  add.u32 %bSum, %stageFrom, %bAt;
${each(a.depth / 16, (s) => `  // k ${16 * s} to ${16 * s + 15} of the stage
${each(down, (i) => `  ldmatrix.sync.aligned.m8n8.x4${trans(a)}.shared.b16 {%a${i}_0, %a${i}_1, %a${i}_2, %a${i}_3}, [%aSum+${fragmentAt(a, i, s)}];`)}
${each(across / 2, (j) => `  ldmatrix.sync.aligned.m8n8.x4${trans(b)}.shared.b16 {%b${2 * j}_0, %b${2 * j}_1, %b${2 * j + 1}_0, %b${2 * j + 1}_1}, [%bSum+${fragmentAt(b, j, s)}];`)}
${each(down, (i) => each(across, (j) => multiply(sums(i, j), i, j, 'bf16')))}`)}`
}

/** One mma of fragments `a` i and `b` j. */
export const multiply = (c: string[], i: number, j: number, type: 'bf16' | 'f16', a = 'a', b = 'b') =>
  `  mma.sync.aligned.m16n8k16.row.col.f32.${type}.${type}.f32 {${c.join(', ')}}, {${range(4).map((r) => `%${a}${i}_${r}`).join(', ')}}, {%${b}${j}_0, %${b}${j}_1}, {${c.join(', ')}};`

/** One store of a pair of columns where N is even. */
export function mmaStore(t: MmaTile, out: 'f32' | 'bf16', pairs: boolean): string {
  const { down, across } = fragments(t)
  const bytes = out === 'f32' ? 4 : 2
  const columns = range(across)
  const store = (i: number, half: number, j: number) => {
    const [low, high] = sums(i, j).slice(2 * half, 2 * half + 2)
    const at = `%at+${8 * j * bytes}`
    if (out === 'f32' && pairs) return `  @%in${j} st.global.v2.f32 [${at}], {${low}, ${high}};`
    if (out === 'f32') return `  @%in${j} st.global.f32 [${at}], ${low};\n  @%also${j} st.global.f32 [${at}+4], ${high};`
    if (pairs) return `  cvt.rn.bf16x2.f32 %word, ${high}, ${low};\n  @%in${j} st.global.b32 [${at}], %word;`
    return `  cvt.rn.bf16.f32 %half, ${low};\n  @%in${j} st.global.b16 [${at}], %half;\n  cvt.rn.bf16.f32 %half, ${high};\n  @%also${j} st.global.b16 [${at}+2], %half;`
  }
  return `
  // Phase 5: write the tile.
  .reg .pred ${columns.map((j) => `%in${j}${pairs ? '' : `, %also${j}`}`).join(', ')};
${columns.map((j) => `  setp.gt.s32 %in${j}, %columnsLeft, ${8 * j};${pairs ? '' : `\n  setp.gt.s32 %also${j}, %columnsLeft, ${8 * j + 1};`}`).join('\n')}
${each(down, (i) => each(2, (half) => `  setp.le.s32 %more, %rowsLeft, ${16 * i + 8 * half};
  @%more ret;
  mul.wide.u32 %rowStep, %cLd, ${(16 * i + 8 * half) * bytes};
  add.s64 %at, %row, %rowStep;
${columns.map((j) => store(i, half, j)).join('\n')}`))}
  ret;`
}
