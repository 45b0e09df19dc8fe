// The frame of every tiled matrix product, as PTX text: c = sum over k of a(m, k) b(n, k), panels of a and b copied into a ring of
// stages in shared memory, multiplied by what stands in tile_fma.ts, tile_mma.ts or tile_fp8.ts. A kernel (gemm.ptx.ts and
// its kin) finds the tile of its block, sets %a, %b, %c (addresses), %M, %N, %K, %aLd, %bLd, %cLd (elements) and %m0, %n0.

/** Which extent is contiguous in memory: `k`, or the rows of c (of a) and its columns (of b). */
export type Major = 'k' | 'mn'

/** One operand's part of a stage: `rows` rows or columns of c by `depth` of K. */
export interface Panel {
  /** Begins the names of its registers: a, b. */
  readonly name: string
  readonly rows: number
  readonly depth: number
  readonly major: Major
  readonly elementBytes: 1 | 2 | 4
  /** Bytes one thread copies at once: 16 or 4 where the rows in memory are multiples of it, else an element. */
  readonly copyBytes: number
  /**
   * 16 and 4 bytes go by cp.async, so that they travel while the stage before is multiplied. `plain`: through registers, for the
   * emulator, where nothing travels by itself and every lane of a cp.async costs ten times a load.
   */
  readonly plain: boolean
  readonly pitch?: number
}

/** Bytes of a contiguous run in shared memory: 16 more than it needs, so that eight rows of 16 bytes lie in different banks. */
export const pitchOf = (p: Panel) => p.pitch ?? (p.major === 'k' ? p.depth : p.rows) * p.elementBytes + 16
export const panelBytes = (p: Panel) => (p.major === 'k' ? p.rows : p.depth) * pitchOf(p)

export interface Ring {
  readonly a: Panel
  readonly b: Panel
  readonly stages: number
  readonly threads: number
}
export const stageBytes = ({ a, b }: Ring) => panelBytes(a) + panelBytes(b)
export const ringBytes = (r: Ring) => r.stages * stageBytes(r)

export const range = (n: number) => [...Array(n).keys()]
export const each = (n: number, text: (i: number) => string, separator = '\n') => range(n).map(text).join(separator)

/** What the copies of a panel need. */
export const copyRegisters = (n: string) => `
  .reg .pred %${n}Inside;
  .reg .b32 %${n}To, %${n}Left, %${n}ChunkK;
  .reg .b64 %${n}From, %${n}Pass, %${n}Stage;`

export const ringRegisters = `${copyRegisters('a')}${copyRegisters('b')}
  .reg .pred %more, %valid;
  .reg .b32 %smem, %stageTo, %stageFrom, %ringEnd, %fills, %toLoad, %toSum, %bytes, %k, %chunk, %left;
  .reg .b64 %from;
  .reg .b32 %word, %word1, %word2, %word3, %rowsLeft, %columnsLeft;
  .reg .b64 %row, %rowStep;
  .reg .b16 %half;`

/**
 * Where this thread's first element of c goes (%row), and how many rows and columns of c begin there: worked out before the sum,
 * which then needs to keep fewer registers. `row`, `column`: the element's place in the tile.
 */
export const storeSetup = (row: string, column: string, out: 'f32' | 'bf16') => `
  // Where this thread writes.
  add.u32 %left, %m0, ${row};
  add.u32 %chunk, %n0, ${column};
  sub.s32 %rowsLeft, %M, %left;
  sub.s32 %columnsLeft, %N, %chunk;
  mul.wide.u32 %row, %left, %cLd;
  cvt.u64.u32 %rowStep, %chunk;
  add.s64 %row, %row, %rowStep;
  mad.lo.s64 %row, %row, ${out === 'f32' ? 4 : 2}, %c;`

/** How the threads of a block walk a panel: contiguous runs of chunks, `lines` runs a pass. */
function walk(p: Panel, threads: number) {
  const run = p.major === 'k' ? p.depth : p.rows
  const perRun = (run * p.elementBytes) / p.copyBytes
  const lines = threads / perRun
  const passes = (p.major === 'k' ? p.rows : p.depth) / lines
  if (!Number.isInteger(lines) || !Number.isInteger(passes)) throw new Error(`panel ${p.name}: ${threads} threads do not divide it`)
  return { perRun, lines, passes, chunkElements: p.copyBytes / p.elementBytes }
}

/**
 * Where this thread copies from and to: its first chunk, the step to the next, and how far the operand reaches from there. The
 * panel begins `at` bytes into its stage, at row or column `origin` of `extent`.
 */
export function copySetup(p: Panel, threads: number, at: number, origin: string, extent: string): string {
  const { perRun, lines, chunkElements } = walk(p, threads)
  const { name: n, major, elementBytes, depth } = p
  const ld = `%${n}Ld`
  const shift = Math.log2(perRun)
  // Runs of 64 bytes at a pitch of 80: those that 8 lanes write at once must be four apart to fall into different banks.
  const apart = perRun * p.copyBytes === 64 && lines % 8 === 0 ? `  bfe.u32 %left, %k, 1, 2;
  bfi.b32 %left, %k, %left, 2, 1;
  bfi.b32 %k, %left, %k, 0, 3;
` : ''
  const inRun = `  and.b32 %chunk, %thread, ${perRun - 1};\n  shr.u32 %k, %thread, ${shift};
${apart}  mad.lo.u32 %${n}To, %k, ${pitchOf(p)}, ${at};\n  mad.lo.u32 %${n}To, %chunk, ${p.copyBytes}, %${n}To;`
  return major === 'k'
    ? `${inRun}
  // ${n}: rows of K. A row past the end is told by how many are left (%${n}Left), counted from this thread's first.
  sub.s32 %${n}Left, ${extent}, ${origin};
  sub.s32 %${n}Left, %${n}Left, %k;
  mul.lo.u32 %${n}ChunkK, %chunk, ${chunkElements};
  add.u32 %k, %k, ${origin};
  mul.wide.u32 %${n}From, %k, ${ld};
  cvt.u64.u32 %from, %${n}ChunkK;
  add.s64 %${n}From, %${n}From, %from;
  mad.lo.s64 %${n}From, %${n}From, ${elementBytes}, %${n};
  mul.wide.u32 %${n}Pass, ${ld}, ${lines * elementBytes};
  mov.u64 %${n}Stage, ${depth * elementBytes};`
    : `${inRun}
  // ${n}: each k is a row, its columns are those of the tile; they stay, so one predicate tells whether they are inside.
  mov.u32 %${n}ChunkK, %k;
  mad.lo.u32 %chunk, %chunk, ${chunkElements}, ${origin};
  setp.lt.u32 %${n}Inside, %chunk, ${extent};
  mul.wide.u32 %${n}From, %k, ${ld};
  cvt.u64.u32 %from, %chunk;
  add.s64 %${n}From, %${n}From, %from;
  mad.lo.s64 %${n}From, %${n}From, ${elementBytes}, %${n};
  mul.wide.u32 %${n}Pass, ${ld}, ${lines * elementBytes};
  mul.wide.u32 %${n}Stage, ${ld}, ${depth * elementBytes};`
}

/** One copy from %from, zeros where it is not %valid. */
function copyText({ copyBytes, plain }: Panel, to: string): string {
  if (copyBytes === 1) return `  mov.b32 %word, 0;\n  @%valid ld.global.nc.u8 %word, [%from];\n  st.shared.u8 ${to}, %word;`
  if (copyBytes === 2) return `  mov.b16 %half, 0;\n  @%valid ld.global.nc.b16 %half, [%from];\n  st.shared.b16 ${to}, %half;`
  if (!plain) return `  selp.b32 %bytes, ${copyBytes}, 0, %valid;\n  cp.async.${copyBytes === 16 ? 'cg' : 'ca'}.shared.global ${to}, [%from], ${copyBytes}, %bytes;`
  if (copyBytes === 4) return `  mov.b32 %word, 0;\n  @%valid ld.global.nc.b32 %word, [%from];\n  st.shared.b32 ${to}, %word;`
  const four = '{%word, %word1, %word2, %word3}'
  return `  mov.b32 %word, 0;  mov.b32 %word1, 0;  mov.b32 %word2, 0;  mov.b32 %word3, 0;
  @%valid ld.global.nc.v4.b32 ${four}, [%from];\n  st.shared.v4.b32 ${to}, ${four};`
}

/** The end of a group of copies, and the wait for all but the newest `left` groups. */
export const commitGroup = ({ plain }: Panel) => (plain ? '' : '  cp.async.commit_group;')
export const waitGroup = ({ plain }: Panel, left: number) => (plain ? '' : `  cp.async.wait_group ${left};`)

/** Copies one panel to the stage at `to`, where `toLoad` of K are left. What lies outside becomes zero: it adds nothing to a sum. */
export function copyPanel(p: Panel, threads: number, to = '%stageTo', toLoad = '%toLoad'): string {
  const { lines, passes } = walk(p, threads)
  const n = p.name
  const step = lines * pitchOf(p)
  const valid = (i: number) => p.major === 'k' ? `setp.gt.and.s32 %valid, %${n}Left, ${i * lines}, %${n}Inside;` : `setp.gt.and.s32 %valid, %left, ${i * lines}, %${n}Inside;`
  const copy = (i: number) => copyText(p, `[%chunk+${i * step}]`)
  return `  sub.s32 %left, ${toLoad}, %${n}ChunkK;
${p.major === 'k' ? `  setp.gt.s32 %${n}Inside, %left, 0;\n` : ''}  add.u32 %chunk, ${to}, %${n}To;
  mov.u64 %from, %${n}From;
${each(passes, (i) => `${i ? `  add.s64 %from, %from, %${n}Pass;\n` : ''}  ${valid(i)}\n${copy(i)}`)}
  add.s64 %${n}From, %${n}From, %${n}Stage;`
}

/** One stage: both panels, then the ring's next slot. */
const copyStage = (r: Ring) => `${copyPanel(r.a, r.threads)}
${copyPanel(r.b, r.threads)}
  sub.s32 %toLoad, %toLoad, ${r.a.depth};
  add.u32 %stageTo, %stageTo, ${stageBytes(r)};
  setp.ge.u32 %more, %stageTo, %ringEnd;
  @%more mov.u32 %stageTo, %smem;`

/** The next stage to multiply, at `loop` while %toSum says that there is one. */
export const sumNext = (r: Ring, loop: string) => `  add.u32 %stageFrom, %stageFrom, ${stageBytes(r)};
  setp.ge.u32 %more, %stageFrom, %ringEnd;
  @%more mov.u32 %stageFrom, %smem;
  sub.s32 %toSum, %toSum, ${r.a.depth};
  setp.gt.s32 %more, %toSum, 0;
  @%more bra ${loop};`

/**
 * The sum over K: `stage` multiplies the stage at %stageFrom into the accumulators. One barrier a stage: the slot that is filled
 * next is the one that everybody left before it. %toSum is what is left of K, this stage included.
 */
export const ringText = (r: Ring, setup: string, stage: string) => `
  // Phase 2: where this thread copies from and to, and what it multiplies.
  mov.u32 %smem, smem;
  add.u32 %ringEnd, %smem, ${ringBytes(r)};
${copySetup(r.a, r.threads, 0, '%m0', '%M')}
${copySetup(r.b, r.threads, panelBytes(r.a), '%n0', '%N')}
${setup}
  mov.u32 %stageTo, %smem;
  mov.u32 %stageFrom, %smem;
  mov.u32 %toLoad, %K;
  mov.u32 %toSum, %K;
  setp.le.s32 %more, %toSum, 0;
  @%more bra summed;

  // Phase 3: fill all stages but one. A group is committed for each, empty ones too: wait_group counts groups.
  mov.u32 %fills, ${r.stages - 1};
fill:
  setp.le.s32 %more, %toLoad, 0;
  @%more bra filled;
${copyStage(r)}
filled:
${commitGroup(r.a)}
  sub.u32 %fills, %fills, 1;
  setp.ne.u32 %more, %fills, 0;
  @%more bra fill;

  // Phase 4: the oldest stage has landed for this thread (wait_group) and for all (barrier); refill the one before it, multiply.
sum:
${waitGroup(r.a, r.stages - 2)}
  bar.sync 0;
  setp.le.s32 %more, %toLoad, 0;
  @%more bra loaded;
${copyStage(r)}
loaded:
${commitGroup(r.a)}
${stage}
${sumNext(r, 'sum')}
summed:`
