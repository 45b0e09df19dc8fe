import type { DType } from '../src/core/dtype.ts'
import { each } from './tile.ts'

/** e4m3 of float32 bits %v over %scale, into %code: two roundings are the definition, to float32 and to the code. */
const encode = (v: string) => `  mov.b32 %quotient, ${v};
  div.rn.f32 %quotient, %quotient, %scale;
  mov.b32 %bits, %quotient;
  and.b32 %magnitude, %bits, 0x7fffffff;
  // Normal codes: to nearest even at bit 20 (a carry moves into the exponent by itself), the bias from 127 to 7, saturated.
  bfe.u32 %code, %magnitude, 20, 1;
  add.u32 %code, %code, %magnitude;
  add.u32 %code, %code, 0x7ffff;
  shr.u32 %code, %code, 20;
  sub.u32 %code, %code, 960;
  min.u32 %code, %code, 0x7e;
  // Below 2^-6 codes are multiples of 2^-9, the unit in the last place of 2^14: the addition rounds.
  mov.b32 %quotient, %magnitude;
  add.rn.f32 %quotient, %quotient, 0f46800000;
  mov.b32 %small, %quotient;
  sub.u32 %small, %small, 0x46800000;
  setp.lt.u32 %test, %magnitude, 0x3c800000;
  selp.b32 %code, %small, %code, %test;
  shr.u32 %bits, %bits, 24;
  lop3.b32 %code, %bits, 0x80, %code, 0xea;
  setp.gt.u32 %test, %magnitude, 0x7f800000;
  selp.b32 %code, 0x7f, %code, %test;`

/** %scale from the tile's largest |x| as bits: %amax. A NaN has the largest bits of all, so it takes the tile. */
const scaleText = `  max.u32 %amax, %amax, 0x38d1b717; // 1e-4
  mov.b32 %scale, %amax;
  div.rn.f32 %scale, %scale, 0f43E00000;
  // Up to a power of two (ue8m0): any mantissa bit adds one to the exponent. Infinity and NaN stay.
  mov.b32 %bits, %scale;
  and.b32 %magnitude, %bits, 0x7fffff;
  setp.ne.u32 %test, %magnitude, 0;
  setp.lt.and.u32 %test, %bits, 0x7f800000, %test;
  setp.ne.and.u32 %test, %pow2, 0, %test;
  and.b32 %bits, %bits, 0x7f800000;
  add.u32 %bits, %bits, 0x800000;
  @%test mov.b32 %scale, %bits;`

const registers = `
  .reg .pred %outside, %test, %first, %inside<4>, %row;
  .reg .b32 %i, %thread, %lane, %warp, %M, %K, %pow2, %m, %k, %column, %tiles, %amax, %bits, %magnitude, %code, %small, %word;
  .reg .b64 %x, %q, %scaleAt, %at;
  .reg .f32 %quotient, %scale;
  .reg .b16 %half;`

/** Four elements of this lane as float32 bits %v_0 .. %v_3 from [%at]: neighbours (one access) or every 32nd. */
function loadFour(dtype: DType, vector: boolean, v: string, guard = ''): string {
  const bytes = dtype === 'f32' ? 4 : 2
  if (vector) {
    return dtype === 'f32'
      ? `${each(4, (j) => `  mov.b32 ${v}_${j}, 0;`, '')}\n  @%inside0 ld.global.nc.v4.b32 {${v}_0, ${v}_1, ${v}_2, ${v}_3}, [%at];`
      : `  mov.b32 ${v}_1, 0; mov.b32 ${v}_3, 0;\n  @%inside0 ld.global.nc.v2.b32 {${v}_1, ${v}_3}, [%at];
  shl.b32 ${v}_0, ${v}_1, 16;\n  and.b32 ${v}_1, ${v}_1, 0xffff0000;\n  shl.b32 ${v}_2, ${v}_3, 16;\n  and.b32 ${v}_3, ${v}_3, 0xffff0000;`
  }
  return each(4, (j) => `  mov.b32 ${v}_${j}, 0;\n${guard ? `  and.pred %test, ${guard}, %inside${j};\n` : ''}${dtype === 'f32'
    ? `  @${guard ? '%test' : `%inside${j}`} ld.global.nc.b32 ${v}_${j}, [%at+${32 * j * bytes}];`
    : `  mov.b16 %half, 0;\n  @${guard ? '%test' : `%inside${j}`} ld.global.nc.b16 %half, [%at+${32 * j * bytes}];\n  cvt.u32.u16 ${v}_${j}, %half;\n  shl.b32 ${v}_${j}, ${v}_${j}, 16;`}`)
}

/** The codes of this lane's four elements to [%at]. */
function storeFour(vector: boolean, v: string, guard = ''): string {
  if (!vector) return each(4, (j) => `${encode(`${v}_${j}`)}\n${guard ? `  and.pred %test, ${guard}, %inside${j};\n` : ''}  @${guard ? '%test' : `%inside${j}`} st.global.u8 [%at+${32 * j}], %code;`)
  return `${each(4, (j) => `${encode(`${v}_${j}`)}\n${j ? `  shl.b32 %code, %code, ${8 * j};\n  or.b32 %word, %word, %code;` : '  mov.b32 %word, %code;'}`)}
  @%inside0 st.global.b32 [%at], %word;`
}

const largestOf = (v: string) => each(4, (j) => `  and.b32 %bits, ${v}_${j}, 0x7fffffff;\n  max.u32 %amax, %amax, %bits;`)

/** Which of this lane's four columns of the tile exist: neighbours exist together where rows are a multiple of four. */
const columnsText = (vector: boolean) => vector
  ? `  mad.lo.u32 %column, %lane, 4, %k;\n  setp.lt.u32 %inside0, %column, %K;`
  : `  add.u32 %column, %k, %lane;\n${each(4, (j) => `  add.u32 %word, %column, ${32 * j};\n  setp.lt.u32 %inside${j}, %word, %K;`)}`

export const quantizeRowsText = (dtype: DType, vector: boolean) => `// quantize_fp8_rows: q = e4m3(x / scale), scale = max(amax, 1e-4) / 448 of each 1x128 tile, one tile a warp; pass of quantize_fp8.
//   x      [M, K]  ${dtype}  in
//   q      [M, K]  e4m3  out
//   scale  [M, ceil(K / 128)]  f32  out
// grid      (ceil(M * ceil(K / 128) / 8), 1, 1)
// block     (256, 1, 1)
// smem      0 bytes
// regs      at most 32     ptxas 13.0, sm_80, no spills
// requires  ${vector ? 'K % 4 == 0: a lane has four neighbours' : 'nothing of K: a lane has every 32nd column'}
// source    deepseek-v3.md section 2; reference in src/ops/quantize_fp8.ts
.version 8.0
.target sm_80
.address_size 64

.visible .entry quantize_fp8_rows(.param .u64 x, .param .u64 q, .param .u64 scale, .param .u32 M, .param .u32 K, .param .u32 pow2)
.reqntid 256, 1, 1
{${registers}
  .reg .b32 %v_0, %v_1, %v_2, %v_3;

  // Phase 1: this warp's tile: row m, columns from k on. Warps past the end leave as a whole.
  mov.u32 %thread, %tid.x;
  and.b32 %lane, %thread, 31;
  shr.u32 %warp, %thread, 5;
  mov.u32 %i, %ctaid.x;
  mad.lo.u32 %i, %i, 8, %warp;
  ld.param.u32 %M, [M];
  ld.param.u32 %K, [K];
  ld.param.u32 %pow2, [pow2];
  add.u32 %tiles, %K, 127;
  shr.u32 %tiles, %tiles, 7;
  div.u32 %m, %i, %tiles;
  setp.ge.u32 %outside, %m, %M;
  @%outside ret;
  mul.lo.u32 %k, %m, %tiles;
  sub.u32 %k, %i, %k;
  shl.b32 %k, %k, 7;
${columnsText(vector)}

  // Phase 2: the largest |x|, as integers: a float's bits without its sign are ordered as its size.
  mul.wide.u32 %scaleAt, %m, %K;
  cvt.u64.u32 %at, %column;
  add.s64 %scaleAt, %scaleAt, %at;
  ld.param.u64 %x, [x];
  mad.lo.s64 %at, %scaleAt, ${dtype === 'f32' ? 4 : 2}, %x;
${loadFour(dtype, vector, '%v')}
  mov.u32 %amax, 0;
${largestOf('%v')}
  redux.sync.max.u32 %amax, %amax, 0xffffffff;
${scaleText}

  // Phase 3: the codes.
  ld.param.u64 %q, [q];
  add.s64 %at, %q, %scaleAt;
${storeFour(vector, '%v')}
  setp.eq.u32 %first, %lane, 0;
  ld.param.u64 %scaleAt, [scale];
  mul.wide.u32 %at, %i, 4;
  add.s64 %scaleAt, %scaleAt, %at;
  @%first st.global.f32 [%scaleAt], %scale;
  ret;
}
`

/** Rows a warp of a block of 8 reads of 128. */
const rowsPerWarp = 16

export const quantizeBlocksText = (dtype: DType, vector: boolean) => `// quantize_fp8_blocks: q = e4m3(x / scale), scale = max(amax, 1e-4) / 448 of each 128x128 tile within groups of R rows; pass of quantize_fp8.
//   x      [M, K]  ${dtype}  in
//   q      [M, K]  e4m3  out
//   scale  [M / R * ceil(R / 128), ceil(K / 128)]  f32  out
// grid      (ceil(K / 128) * ceil(R / 128) * M / R, 1, 1)   one tile a block
// block     (256, 1, 1)
// smem      32 bytes
// regs      at most 128    ptxas 13.0, sm_80, no spills; the tile stays in registers, 64 elements a thread
// requires  ${vector ? 'K % 4 == 0: a lane has four neighbours' : 'nothing of K: a lane has every 32nd column'}
// source    deepseek-v3.md section 2; reference in src/ops/quantize_fp8.ts
.version 8.0
.target sm_80
.address_size 64

.visible .entry quantize_fp8_blocks(.param .u64 x, .param .u64 q, .param .u64 scale, .param .u32 K, .param .u32 R, .param .u32 pow2)
.reqntid 256, 1, 1
{${registers}
  .shared .align 16 .b32 largest[8];
  .reg .b32 ${each(rowsPerWarp, (r) => each(4, (j) => `%v${r}_${j}`, ', '), ',\n    ')};
  .reg .b32 %R, %blocks, %group, %end, %left;
  .reg .b64 %step, %rowAt;

  // Phase 1: this block's tile: rows from m on, up to %end of them, columns from k on.
  mov.u32 %thread, %tid.x;
  and.b32 %lane, %thread, 31;
  shr.u32 %warp, %thread, 5;
  mov.u32 %i, %ctaid.x;
  ld.param.u32 %K, [K];
  ld.param.u32 %R, [R];
  ld.param.u32 %pow2, [pow2];
  add.u32 %tiles, %K, 127;
  shr.u32 %tiles, %tiles, 7;
  add.u32 %blocks, %R, 127;
  shr.u32 %blocks, %blocks, 7;
  div.u32 %m, %i, %tiles;
  mul.lo.u32 %k, %m, %tiles;
  sub.u32 %k, %i, %k;
  shl.b32 %k, %k, 7;
  div.u32 %group, %m, %blocks;
  mul.lo.u32 %end, %group, %blocks;
  sub.u32 %m, %m, %end;
  shl.b32 %m, %m, 7;
  sub.u32 %end, %R, %m;
  mad.lo.u32 %m, %group, %R, %m;
${columnsText(vector)}

  // Phase 2: a warp reads every eighth row; the largest |x| of its rows, of the block.
  add.u32 %m, %m, %warp;
  sub.s32 %left, %end, %warp;
  mul.wide.u32 %rowAt, %m, %K;
  cvt.u64.u32 %at, %column;
  add.s64 %rowAt, %rowAt, %at;
  ld.param.u64 %x, [x];
  mad.lo.s64 %at, %rowAt, ${dtype === 'f32' ? 4 : 2}, %x;
  mul.wide.u32 %step, %K, ${8 * (dtype === 'f32' ? 4 : 2)};
  mov.u32 %amax, 0;
${each(rowsPerWarp, (r) => `  setp.gt.s32 %row, %left, ${8 * r};
${vector ? `${loadFour(dtype, true, `%v${r}`).replace('@%inside0', '@%test').replace(/^/, '  and.pred %test, %row, %inside0;\n')}` : loadFour(dtype, false, `%v${r}`, '%row')}
${largestOf(`%v${r}`)}
  add.s64 %at, %at, %step;`)}
  redux.sync.max.u32 %amax, %amax, 0xffffffff;
  setp.eq.u32 %first, %lane, 0;
  mov.u32 %word, largest;
  mad.lo.u32 %small, %warp, 4, %word;
  @%first st.shared.b32 [%small], %amax;
  bar.sync 0;
  and.b32 %small, %lane, 7;
  mad.lo.u32 %small, %small, 4, %word;
  ld.shared.b32 %amax, [%small];
  redux.sync.max.u32 %amax, %amax, 0xffffffff;
${scaleText}

  // Phase 3: the codes.
  ld.param.u64 %q, [q];
  add.s64 %at, %q, %rowAt;
  mul.wide.u32 %step, %K, 8;
${each(rowsPerWarp, (r) => `  setp.gt.s32 %row, %left, ${8 * r};
  @!%row bra done;
${storeFour(vector, `%v${r}`)}
  add.s64 %at, %at, %step;`)}
done:
  setp.eq.u32 %first, %thread, 0;
  ld.param.u64 %scaleAt, [scale];
  mul.wide.u32 %at, %i, 4;
  add.s64 %scaleAt, %scaleAt, %at;
  @%first st.global.f32 [%scaleAt], %scale;
  ret;
}
`

export const quantizeColumnsText = (dtype: DType) => `// quantize_fp8_columns: q = e4m3(x / scale) transposed, scale = max(amax, 1e-4) / 448 of each 128x1 tile; pass of quantize_fp8.
//   x      [M, K]  ${dtype}  in
//   q      [K, M]  e4m3  out
//   scale  [K, ceil(M / 128)]  f32  out
// grid      (ceil(M / 128), ceil(K / 32), 1)   128 rows of 32 columns a block
// block     (256, 1, 1)
// smem      5248 bytes
// regs      at most 48     ptxas 13.0, sm_80, no spills
// source    deepseek-v3.md section 2; reference in src/ops/quantize_fp8.ts
.version 8.0
.target sm_80
.address_size 64

.visible .entry quantize_fp8_columns(.param .u64 x, .param .u64 q, .param .u64 scale, .param .u32 M, .param .u32 K, .param .u32 pow2)
.reqntid 256, 1, 1
{${registers}
  // Codes of a column lie in 128 bytes and four more: neighbours' bytes fall into different banks.
  .shared .align 16 .b8 codes[4224];
  .shared .align 16 .b32 largest[256];
  .reg .b32 ${each(16, (r) => `%v${r}`, ', ')};
  .reg .b32 %left, %codesAt;
  .reg .b64 %step;

  // Phase 1: this lane's column, this warp's rows: every eighth from m on.
  mov.u32 %thread, %tid.x;
  and.b32 %lane, %thread, 31;
  shr.u32 %warp, %thread, 5;
  mov.u32 %k, %ctaid.y;
  mad.lo.u32 %column, %k, 32, %lane;
  mov.u32 %m, %ctaid.x;
  shl.b32 %m, %m, 7;
  ld.param.u32 %M, [M];
  ld.param.u32 %K, [K];
  ld.param.u32 %pow2, [pow2];
  setp.lt.u32 %inside0, %column, %K;
  sub.s32 %left, %M, %m;
  sub.s32 %left, %left, %warp;

  // Phase 2: the column's largest |x|: of this warp's rows, then of all eight warps'.
  add.u32 %i, %m, %warp;
  mul.wide.u32 %at, %i, %K;
  cvt.u64.u32 %step, %column;
  add.s64 %at, %at, %step;
  ld.param.u64 %x, [x];
  mad.lo.s64 %at, %at, ${dtype === 'f32' ? 4 : 2}, %x;
  mul.wide.u32 %step, %K, ${8 * (dtype === 'f32' ? 4 : 2)};
  mov.u32 %amax, 0;
${each(16, (r) => `  setp.gt.and.s32 %test, %left, ${8 * r}, %inside0;
${dtype === 'f32' ? `  mov.b32 %v${r}, 0;\n  @%test ld.global.nc.b32 %v${r}, [%at];` : `  mov.b16 %half, 0;\n  @%test ld.global.nc.b16 %half, [%at];\n  cvt.u32.u16 %v${r}, %half;\n  shl.b32 %v${r}, %v${r}, 16;`}
  and.b32 %bits, %v${r}, 0x7fffffff;
  max.u32 %amax, %amax, %bits;
  add.s64 %at, %at, %step;`)}
  mov.u32 %word, largest;
  mad.lo.u32 %small, %thread, 4, %word;
  st.shared.b32 [%small], %amax;
  bar.sync 0;
  mad.lo.u32 %small, %lane, 4, %word;
${each(8, (w) => `  ld.shared.b32 %bits, [%small+${128 * w}];\n  max.u32 %amax, %amax, %bits;`)}
${scaleText}
  // The first warp writes the scales.
  setp.eq.and.u32 %first, %warp, 0, %inside0;
  add.u32 %tiles, %M, 127;
  shr.u32 %tiles, %tiles, 7;
  shr.u32 %i, %m, 7;
  mad.lo.u32 %i, %column, %tiles, %i;
  ld.param.u64 %scaleAt, [scale];
  mul.wide.u32 %at, %i, 4;
  add.s64 %scaleAt, %scaleAt, %at;
  @%first st.global.f32 [%scaleAt], %scale;

  // Phase 3: the codes, column by column into shared memory.
  mov.u32 %codesAt, codes;
  mad.lo.u32 %small, %lane, 132, %warp;
  add.u32 %i, %codesAt, %small;
${each(16, (r) => `${encode(`%v${r}`)}\n  st.shared.u8 [%i+${8 * r}], %code;`)}
  bar.sync 0;

  // Phase 4: a warp writes four columns as rows of q, four codes a lane; one by one where rows of q are no multiple of four.
  shl.b32 %warp, %warp, 2;
  mad.lo.u32 %column, %k, 32, %warp;
  shl.b32 %lane, %lane, 2;
  add.u32 %m, %m, %lane;
  sub.s32 %left, %M, %m;
  setp.gt.s32 %row, %left, 0;
  mad.lo.u32 %i, %warp, 132, %lane;
  add.u32 %i, %i, %codesAt;
  mul.wide.u32 %at, %column, %M;
  cvt.u64.u32 %step, %m;
  add.s64 %at, %at, %step;
  ld.param.u64 %q, [q];
  add.s64 %at, %q, %at;
  cvt.u64.u32 %step, %M;
  and.b32 %bits, %M, 3;
  setp.ne.u32 %outside, %bits, 0;
  @%outside bra bytes;
${each(4, (c) => `  add.u32 %bits, %column, ${c};
  setp.lt.and.u32 %test, %bits, %K, %row;
  ld.shared.b32 %word, [%i+${132 * c}];
  @%test st.global.b32 [%at], %word;
  add.s64 %at, %at, %step;`)}
  ret;
bytes:
${each(4, (c) => `  add.u32 %bits, %column, ${c};
  setp.lt.u32 %first, %bits, %K;
${each(4, (j) => `  ld.shared.u8 %code, [%i+${132 * c + j}];\n  setp.gt.and.s32 %test, %left, ${j}, %first;\n  @%test st.global.u8 [%at+${j}], %code;`)}
  add.s64 %at, %at, %step;`)}
  ret;
}
`
