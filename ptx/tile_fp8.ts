// The e4m3 product of a stage of 128 k on tensor cores that know f16 only: sm_80 has neither an fp8 mma nor an fp8 cvt. Bytes are copied
// and read as they are; in registers integer instructions make f16 of them, exactly; sums of 128 k are promoted with both scales.
//
// A byte s eeee mmm, moved to s 0eeee mmm0000000, is the f16 of 2^-8 times the value, subnormals too: the scales get 2^8 each.
// Which k a fragment's element stands for is free, as long as a and b agree: of the four bytes a lane holds, the even two go to
// the first register of the fragment and the odd two to the second (three or four instructions each, no shuffle of bytes).
// The NaN codes come out as 1.875: quantize_fp8 writes them only under a scale that is NaN or infinite, and that makes the tile NaN.
import { fragments, lanePlace, mmaZero, multiply, sums, warpPlace, type MmaTile } from './tile_mma.ts'
import { each, panelBytes, pitchOf, range, storeSetup, type Ring } from './tile.ts'

/** blocks: one scale per 128 columns; columns: one per column. */
export type BScales = 'blocks' | 'columns'

export const fp8Registers = (t: MmaTile, bScales: BScales) => {
  const { down, across } = fragments(t)
  const all = (name: string, n: number, m: number) => range(n).flatMap((i) => range(m).map((r) => `%${name}${i}_${r}`)).join(', ')
  return `
  .reg .b32 %warp, %warpM, %warpN, %aAt, %bAt, %aSum, %bSum, %groups, %signs, %raw<4>;
  .reg .f32 ${range(down).map((i) => range(across).flatMap((j) => sums(i, j)).join(', ')).join(',\n    ')};
  .reg .f32 ${range(down).map((i) => range(across).flatMap((j) => sums(i, j, 's')).join(', ')).join(',\n    ')};
  .reg .b32 ${all('a', down, 4)};
  .reg .b32 ${all('rest', down, 4)};
  .reg .b32 ${all('b', across, 2)};
  .reg .b32 ${all('later', across, 2)};
  .reg .f32 ${all('aScale', down, 2)}, ${bScales === 'columns' ? all('bScale', across, 2) : '%bScale0_0'}, %scale;
  .reg .b64 %aScaleStep, %bScaleStep, %bScaleNext, %scaleAt;`
}

/** The even and the odd bytes of a word as two f16 each. 0xea: (x & signs) | rest. */
const evenOf = (word: string, to: string) => `  shl.b32 %word, ${word}, 8;
  shl.b32 ${to}, ${word}, 7;
  and.b32 ${to}, ${to}, 0x3f803f80;
  lop3.b32 ${to}, %word, %signs, ${to}, 0xea;`
const oddOf = (word: string, to: string) => `  shr.u32 ${to}, ${word}, 1;
  and.b32 ${to}, ${to}, 0x3f803f80;
  lop3.b32 ${to}, ${word}, %signs, ${to}, 0xea;`

/**
 * The row of 16 bytes that this lane names to ldmatrix.x4: for a, (rows, k) = (0, 0), (8, 0), (0, 16), (8, 16); for b along k, (columns, k) =
 * (0, 0), (0, 16), (8, 0), (8, 16). For b along its columns ldmatrix moves pairs of bytes: matrices are (k, columns) = (even, 0), (odd, 0),
 * (even, 16), (odd, 16), where even and odd are the eight k that fill a fragment's first and second register.
 */
export function fp8Setup({ a, b }: Ring, t: MmaTile, bScales: BScales): string {
  const aPlace = `  and.b32 %aAt, %lane, 15;
  add.u32 %aAt, %aAt, %warpM;
  mul.lo.u32 %aAt, %aAt, ${pitchOf(a)};
  shr.u32 %aSum, %lane, 4;
  mad.lo.u32 %aAt, %aSum, 16, %aAt;`
  const bPlace = b.major === 'k' ? `  shr.u32 %bSum, %lane, 4;
  and.b32 %bAt, %lane, 7;
  mad.lo.u32 %bAt, %bSum, 8, %bAt;
  add.u32 %bAt, %bAt, %warpN;
  mul.lo.u32 %bAt, %bAt, ${pitchOf(b)};
  shr.u32 %bSum, %lane, 3;
  and.b32 %bSum, %bSum, 1;
  mad.lo.u32 %bAt, %bSum, 16, %bAt;` : `  and.b32 %bAt, %lane, 7;
  shl.b32 %bAt, %bAt, 1;
  bfe.u32 %bSum, %lane, 3, 1;
  add.u32 %bAt, %bAt, %bSum;
  mul.lo.u32 %bAt, %bAt, ${pitchOf(b)};
  shr.u32 %bSum, %lane, 4;
  mad.lo.u32 %bAt, %bSum, 16, %bAt;
  add.u32 %bAt, %bAt, %warpN;`
  return `${warpPlace(t)}
${aPlace}
${bPlace}
  add.u32 %bAt, %bAt, ${panelBytes(a)};
  mov.b32 %signs, 0x80008000;
${lanePlace(b.major === 'k' ? 2 : 4)}
${storeSetup('%warpM', '%warpN', 'f32')}
  // Scales of this lane's rows${bScales === 'columns' ? ' and columns' : ''}: one row of %kTiles for each.
  add.u32 %left, %m0, %warpM;
  mul.wide.u32 %scaleAt, %left, %kTiles;
  mad.lo.s64 %aScale, %scaleAt, 4, %aScale;
  mul.wide.u32 %aScaleStep, %kTiles, 32;${bScales === 'columns' ? `
  add.u32 %left, %n0, %warpN;
  mul.wide.u32 %scaleAt, %left, %kTiles;
  mad.lo.s64 %bScale, %scaleAt, 4, %bScale;
  mul.wide.u32 %bScaleStep, %kTiles, 4;
  mov.u64 %bScaleNext, 4;` : b.major === 'k' ? `
  // b's: those of its 128 columns stand in a row, one per 128 k.
  shr.u32 %left, %n0, 7;
  mul.wide.u32 %scaleAt, %left, %kTiles;
  mad.lo.s64 %bScale, %scaleAt, 4, %bScale;
  mov.u64 %bScaleNext, 4;` : `
  // b's: a row of scales per 128 k.
  shr.u32 %left, %n0, 7;
  mul.wide.u32 %scaleAt, %left, 4;
  add.s64 %bScale, %bScale, %scaleAt;
  add.u32 %left, %N, 127;
  shr.u32 %left, %left, 7;
  mul.wide.u32 %bScaleNext, %left, 4;`}`
}

/** 2^8 for the codes' exponents; and a scale that is not finite becomes NaN (x + 0 x), as 0 times infinity is. */
const scaled = (s: string) => `  mul.rn.f32 ${s}, ${s}, 0f43800000;\n  fma.rn.f32 ${s}, ${s}, 0f00000000, ${s};`

/** The scales of 128 k, asked for before the products that they wait for. */
function loadScales(t: MmaTile, bScales: BScales): string {
  const { down, across } = fragments(t)
  const rows = each(down, (i) => each(2, (half) => `  mov.f32 %aScale${i}_${half}, 0f00000000;
  setp.gt.s32 %valid, %rowsLeft, ${16 * i + 8 * half};
  @%valid ld.global.nc.f32 %aScale${i}_${half}, [%scaleAt];
  add.s64 %scaleAt, %scaleAt, %aScaleStep;`))
  const columns = each(across, (j) => each(2, (c) => `  mov.f32 %bScale${j}_${c}, 0f00000000;
  setp.gt.s32 %valid, %columnsLeft, ${8 * j + c};
  @%valid ld.global.nc.f32 %bScale${j}_${c}, [%scaleAt];
  ${c === 0 ? 'add.s64 %scaleAt, %scaleAt, %bScaleStep;' : 'mad.lo.s64 %scaleAt, %bScaleStep, 7, %scaleAt;'}`))
  return `  mov.u64 %scaleAt, %aScale;
${rows}
  add.s64 %aScale, %aScale, 4;
${bScales === 'columns' ? `  mov.u64 %scaleAt, %bScale;\n${columns}` : '  ld.global.nc.f32 %bScale0_0, [%bScale];'}
  add.s64 %bScale, %bScale, %bScaleNext;`
}

/** c += sums of 128 k, times both scales. */
function promote(t: MmaTile, bScales: BScales): string {
  const { down, across } = fragments(t)
  const into = (i: number, j: number, r: number, scale: string) => `  fma.rn.f32 %c${i}_${j}_${r}, %s${i}_${j}_${r}, ${scale}, %c${i}_${j}_${r};`
  const aScales = each(down, (i) => each(2, (half) => scaled(`%aScale${i}_${half}`)))
  if (bScales === 'blocks') {
    return `${aScales}\n${scaled('%bScale0_0')}
${each(down, (i) => each(2, (half) => `  mul.rn.f32 %scale, %aScale${i}_${half}, %bScale0_0;
${each(across, (j) => [0, 1].map((c) => into(i, j, 2 * half + c, '%scale')).join('\n'))}`))}`
  }
  return `${aScales}\n${each(across, (j) => each(2, (c) => scaled(`%bScale${j}_${c}`)))}
${each(down, (i) => each(2, (half) => each(across, (j) => each(2, (c) => `  mul.rn.f32 %scale, %aScale${i}_${half}, %bScale${j}_${c};\n${into(i, j, 2 * half + c, '%scale')}`))))}`
}

/** 32 k: a in both halves (a, then rest), b in both (b, then later). */
function product32({ a, b }: Ring, t: MmaTile): string {
  const { down, across } = fragments(t)
  const raw = '{%raw0, %raw1, %raw2, %raw3}'
  const loadA = each(down, (i) => `  ldmatrix.sync.aligned.m8n8.x4.shared.b16 ${raw}, [%aSum+${16 * i * pitchOf(a)}];
${evenOf('%raw0', `%a${i}_0`)}\n${oddOf('%raw0', `%a${i}_2`)}\n${evenOf('%raw1', `%a${i}_1`)}\n${oddOf('%raw1', `%a${i}_3`)}
${evenOf('%raw2', `%rest${i}_0`)}\n${oddOf('%raw2', `%rest${i}_2`)}\n${evenOf('%raw3', `%rest${i}_1`)}\n${oddOf('%raw3', `%rest${i}_3`)}`)
  const alongK = (q: number) => `  ldmatrix.sync.aligned.m8n8.x4.shared.b16 ${raw}, [%bSum+${16 * q * pitchOf(b)}];
${[0, 1].map((half) => `${evenOf(`%raw${2 * half}`, `%b${2 * q + half}_0`)}\n${oddOf(`%raw${2 * half}`, `%b${2 * q + half}_1`)}
${evenOf(`%raw${2 * half + 1}`, `%later${2 * q + half}_0`)}\n${oddOf(`%raw${2 * half + 1}`, `%later${2 * q + half}_1`)}`).join('\n')}`
  // 32 columns: two groups of 16, whose even columns are one fragment and whose odd ones the next.
  const across32 = (q: number, s: number, name: string) => `  ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 ${raw}, [%bSum+${32 * q + 16 * s * pitchOf(b)}];
${[0, 1].map((group) => [0, 1].map((r) => `${evenOf(`%raw${2 * group + r}`, `%${name}${4 * q + 2 * group}_${r}`)}\n${oddOf(`%raw${2 * group + r}`, `%${name}${4 * q + 2 * group + 1}_${r}`)}`).join('\n')).join('\n')}`
  const loadB = b.major === 'k' ? each(across / 2, alongK) : each(across / 4, (q) => `${across32(q, 0, 'b')}\n${across32(q, 1, 'later')}`)
  const mma = (as: string, bs: string) => each(down, (i) => each(across, (j) => multiply(sums(i, j, 's'), i, j, 'f16', as, bs)))
  return `${loadA}\n${loadB}\n${mma('a', 'b')}\n${mma('rest', 'later')}`
}

/** A stage is 128 k, the length of a scale: at most four times 32, fewer at the end of K. */
export const fp8Stage = (ring: Ring, t: MmaTile, bScales: BScales) => `
${loadScales(t, bScales)}
${mmaZero(t, 's')}
  add.u32 %aSum, %stageFrom, %aAt;
  add.u32 %bSum, %stageFrom, %bAt;
  min.s32 %groups, %toSum, 128;
group:
${product32(ring, t)}
  add.u32 %aSum, %aSum, 32;
  add.u32 %bSum, %bSum, ${ring.b.major === 'k' ? 32 : 32 * pitchOf(ring.b)};
  sub.s32 %groups, %groups, 32;
  setp.gt.s32 %more, %groups, 0;
  @%more bra group;
${promote(t, bScales)}`

/** b along its columns: fragments 2 q and 2 q + 1 hold the even and odd ones of 16, so a lane has four neighbours: 4 (lane % 4) on. */
export function fp8StoreAcross(t: MmaTile, quads: boolean): string {
  const { down, across } = fragments(t)
  const columns = range(across / 2)
  const four = (i: number, half: number, q: number) => [`%c${i}_${2 * q}_${2 * half}`, `%c${i}_${2 * q + 1}_${2 * half}`, `%c${i}_${2 * q}_${2 * half + 1}`, `%c${i}_${2 * q + 1}_${2 * half + 1}`]
  const store = (i: number, half: number, q: number) => quads
    ? `  @%in${q}_0 st.global.v4.f32 [%at+${64 * q}], {${four(i, half, q).join(', ')}};`
    : four(i, half, q).map((c, r) => `  @%in${q}_${r} st.global.f32 [%at+${64 * q + 4 * r}], ${c};`).join('\n')
  const predicates = columns.flatMap((q) => range(quads ? 1 : 4).map((r) => [`%in${q}_${r}`, 16 * q + r] as const))
  return `
  // Phase 5: write the tile.
  .reg .pred ${predicates.map(([name]) => name).join(', ')};
${predicates.map(([name, column]) => `  setp.gt.s32 ${name}, %columnsLeft, ${column};`).join('\n')}
${each(down, (i) => each(2, (half) => `  setp.le.s32 %more, %rowsLeft, ${16 * i + 8 * half};
  @%more ret;
  mul.wide.u32 %rowStep, %cLd, ${(16 * i + 8 * half) * 4};
  add.s64 %at, %row, %rowStep;
${columns.map((q) => store(i, half, q)).join('\n')}`))}
  ret;`
}
