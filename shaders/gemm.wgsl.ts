// gemm: C = A * B in f32, register-blocked, without workgroup memory and barriers; also by expert (grouped).
//   a        [M, K]  f32  in   tn: [K, M]
//   b        [N, K]  f32  in   nn and tn: [K, N]; grouped nt and nn: one such matrix per expert
//   c        [M, N]  f32  out  tn with a split K: [splits, M, N]; grouped tn: [E, M, N]
//   offsets  [E + 1] i32  in   grouped only: the rows of a (nt, nn) or of K (tn) by expert
// grid      see gemmGrid       one tile of C per quad of invocations
// block     (16, 1, 1)         or as GemmOptions.workgroup says
// smem      0 bytes
// requires  N % 4 == 0; nt and nn K % 4 == 0, tn M % 4 == 0 (loads are vec4); others take gemm_blocked.wgsl.ts
// source    reference in src/ops/gemm.ts and src/ops/grouped_gemm.ts
//
// Why this form. A quad (4 adjacent invocations) computes one tile of C; each lane owns `4 * cols` columns of it and ALL its rows.
// On SwiftShader a storage load costs about 100 instructions whatever the addresses (index clamp, bounds, one branch per lane:
// there is no fast path for equal or adjacent addresses), a multiply-add costs 2 or 3. So, in order of what it gains:
//  - vec4 loads: clamp and descriptor once per 4 floats;
//  - no two lanes of a quad load the same value of A: each lane loads other rows and the quad passes them round with quadSwap
//    (one instruction). Lane l sees row l ^ s at swap s, so accumulator s of lane l belongs to row l ^ s: only the final
//    store has to know, nothing is transposed;
//  - one inner product for all layouts: 4 k of a row of A `dot` 4 k of a column of B. Where 4 k are not adjacent in memory, 4 vec4 are
//    transposed by naming components, which the compiler does for nothing. The same as sums of vector * scalar: a third slower;
//  - named accumulators (var), never an array; straight-line code between two loop iterations is free of memory traffic for them.
//    Unrolling the loop further makes it slower (more spills), and compiling takes longer than the square of the tile.
// Sizes are a uniform: they are used outside the inner loop only, so constants gain nothing and one pipeline serves all shapes.

export type GemmLayout = 'nt' | 'nn' | 'tn'

export interface GemmOptions {
  layout: GemmLayout
  rows?: number        // rows of A that a lane loads (tn: a multiple of 4); the tile has 4 times as many, without quads as many
  cols?: number        // vec4 of columns per lane: the tile has 16 * cols columns
  workgroup?: number   // invocations, a multiple of 4; one tile for every 4
  grouped?: boolean    // rows of a are split among experts by offsets
  quads?: boolean      // false: no subgroup feature; every lane loads all rows of its tile, 4 lanes take 4 column blocks
}

type Tile = Required<GemmOptions>

/** Defaults: 64 accumulators an invocation, about what GPUs hold in registers. */
function complete(options: GemmOptions): Tile {
  return { rows: options.quads === false ? 16 : 4, cols: 1, workgroup: 16, grouped: false, quads: true, ...options }
}

/** The tile for a product of n columns (and m rows, where known). Software adapters gain from 128 accumulators, along the side that is long. */
export function gemmChoose(
  layout: GemmLayout, n: number, adapter: { software: boolean; subgroups: boolean }, grouped = false, m = Infinity,
): GemmOptions {
  if (!adapter.subgroups) return { layout, grouped, quads: false, rows: 8, workgroup: 64 }
  if (!adapter.software) return { layout, grouped, workgroup: 64 }
  if (layout === 'tn') return { layout, grouped, cols: m > 16 && n > 16 ? 2 : 1 }
  return n % 32 === 0 || n % 32 > 16 ? { layout, grouped, rows: 4, cols: 2 } : { layout, grouped, rows: 8 }
}

const range = (n: number) => [...Array(n).keys()]
const lines = (list: string[], indent: string) => list.join('\n' + indent)

/** Rows and columns of C that one quad computes. */
export function gemmTile(options: GemmOptions): { tileRows: number; tileCols: number } {
  const { rows, cols, quads } = complete(options)
  return { tileRows: rows * (quads ? 4 : 1), tileCols: 16 * cols }
}

/** Workgroups [x, y, z]. splits > 1 (tn): K is cut in as many parts, c is [splits, E, M, N], to be summed over the splits. */
export function gemmGrid(options: GemmOptions, m: number, n: number, experts = 1, splits = 1): [number, number, number] {
  const { layout, workgroup, grouped } = complete(options)
  const { tileRows, tileCols } = gemmTile(options)
  // Grouped nt and nn: each expert may end with a part of a tile. Grouped tn: one z per expert.
  const rowTiles = Math.ceil(m / tileRows) + (grouped && layout !== 'tn' ? experts : 0)
  const groups = Math.ceil(rowTiles * Math.ceil(n / tileCols) / (workgroup / 4))
  const x = Math.min(groups, 65535)
  return [x, Math.ceil(groups / x), splits * (grouped && layout === 'tn' ? experts : 1)]
}

/** The contents of the uniform. m of a grouped nt or nn is the number of rows of a, experts' rows and all. */
export function gemmSizes(m: number, n: number, k: number, experts = 1, splits = 1): Uint32Array {
  return new Uint32Array([m, n, k, experts, splits, 0, 0, 0])
}

/** How many parts to cut K in so that the device has enough tiles in flight: a function of sizes only, so sums are reproducible. */
export function gemmSplits(options: GemmOptions, m: number, n: number, k: number, experts = 1, minTiles = 16): number {
  const { tileRows, tileCols } = gemmTile(options)
  const tiles = Math.ceil(m / tileRows) * Math.ceil(n / tileCols) * experts
  return Math.max(1, Math.min(Math.ceil(minTiles / tiles), Math.floor(k / 512)))
}

export function gemmWgsl(options: GemmOptions): string {
  const tile = complete(options)
  const { layout, rows, cols, workgroup, grouped, quads } = tile
  const { tileRows } = gemmTile(options)
  const tn = layout === 'tn'
  const swaps = quads ? ['', 'quadSwapX', 'quadSwapY', 'quadSwapDiagonal'] : ['']
  // Accumulator acc_i_s_j: the lane's i-th row of A after swap s, times column block j (a vec4 over 4 columns).
  const accumulators = range(rows).flatMap(i => swaps.flatMap((_, s) => range(cols).map(j => ({ i, s, j, name: `acc_${i}_${s}_${j}` }))))
  // nt and nn: lanes own adjacent rows. tn: a lane loads 4 adjacent rows with one vec4, so its rows come in fours.
  const rowOf = ({ i, s }: { i: number; s: number }) => !quads ? `row0 + ${i}u`
    : tn ? `row0 + ${16 * (i >> 2) + (i & 3)}u + 4u * (lane ^ ${s}u)` : `row0 + ${4 * i}u + (lane ^ ${s}u)`

  // a_i_0 ... a_i_3: 4 k of row i and of the same row of the lanes at swap 1, 2, 3. In tn, k may end within the 4: zeros there.
  const guarded = (q: number, load: (k: string) => string) => q === 0 ? load('k') : `select(vec4f(), ${load(`min(k + ${q}u, kEnd - 1u)`)}, k + ${q}u < kEnd)`
  const transposed = (name: (c: number) => string, from: string) =>
    range(4).map(c => `let ${name(c)} = vec4f(${range(4).map(q => `${from}_${q}.${'xyzw'[c]}`).join(', ')});`)
  const loadA = tn
    ? range(rows / 4).flatMap(g => [
      ...range(4).map(q => `let ka_${g}_${q} = ${guarded(q, k => `a[at_a_${g} + ${k} * m4]`)};`),
      ...transposed(t => `a_${4 * g + t}_0`, `ka_${g}`)])
    : range(rows).map(i => `let a_${i}_0 = a[at_a_${i} + k];`)
  const swapA = range(rows).map(i => swaps.slice(1).map((swap, s) => `let a_${i}_${s + 1} = ${swap}(a_${i}_0);`).join(' '))
  // b_0 ... b_3: 4 k of the columns of block j.
  const loadB = (j: number) => layout === 'nt'
    ? range(4).map(c => `let b_${c} = b[at_b_${j}_${c} + k];`)
    : [...range(4).map(q => `let kb_${q} = ${tn ? guarded(q, k => `b[at_b_${j} + ${k} * n4]`) : `b[at_b_${j} + (4u * k + ${q}u) * n4]`};`),
      ...transposed(c => `b_${c}`, 'kb')]
  const multiply = (j: number) => accumulators.filter(acc => acc.j === j).map(({ i, s, name }) =>
    `${name} += vec4f(${range(4).map(c => `dot(a_${i}_${s}, b_${c})`).join(', ')});`)

  return `${quads ? `enable subgroups;
// A quad is 4 invocations with adjacent local_invocation_index, and all 4 always take the same path up to the stores.
diagnostic(off, subgroup_uniformity);
` : ''}struct Sizes { m: u32, n: u32, k: u32, experts: u32, splits: u32 }
@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> c: array<vec4f>;
${grouped ? '@group(0) @binding(3) var<storage, read> offsets: array<i32>;\n' : ''}@group(0) @binding(${grouped ? 4 : 3}) var<uniform> sizes: Sizes;

@compute @workgroup_size(${workgroup})
fn gemm(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) local: u32) {
  let m4 = sizes.m / 4u;
  let n4 = sizes.n / 4u;
  let k4 = sizes.k / 4u;
  let lane = local & 3u;
  let colTiles = (sizes.n + ${16 * cols - 1}u) / ${16 * cols}u;
  let tile = (group.y * groups.x + group.x) * ${workgroup / 4}u + (local >> 2u);
  let rowTile = tile / colTiles;
  let col4 = ((tile % colTiles) * 4u + lane) * ${cols}u;     // first of the lane's columns, in vec4
${tileStart(tile, tileRows)}
  // Where the lane's vec4 begin. Past the edge the last one is read again; its results are not stored.
  ${lines(tn
    ? range(rows / 4).map(g => `let at_a_${g} = min(row0 / 4u + ${quads ? `${4 * g}u + lane` : `${g}u`}, m4 - 1u);`)
    : range(rows).map(i => `let at_a_${i} = min(row0 + ${quads ? `${4 * i}u + lane` : `${i}u`}, sizes.m - 1u) * k4;`), '  ')}
  ${lines(range(cols).flatMap(j => layout === 'nt'
    ? range(4).map(c => `let at_b_${j}_${c} = bBase + min(4u * (col4 + ${j}u) + ${c}u, sizes.n - 1u) * k4;`)
    : [`let at_b_${j} = bBase + min(col4 + ${j}u, n4 - 1u);`]), '  ')}
  ${lines(accumulators.map(acc => `var ${acc.name} = vec4f();`), '  ')}

  for (var k = kBegin; k < kEnd; k += ${tn ? 4 : 1}u) {${tn ? '' : '   // k counts vec4'}
    ${lines([...loadA, ...swapA], '    ')}
    ${lines(range(cols).map(j => `{
      ${lines([...loadB(j), ...multiply(j)], '      ')}
    }`), '    ')}
  }
  ${lines(range(cols).map(j => `if (col4 + ${j}u < n4) {
    ${lines(accumulators.filter(acc => acc.j === j).map(acc => `if (${rowOf(acc)} < rowEnd) { c[cBase + (${rowOf(acc)}) * n4 + col4 + ${j}u] = ${acc.name}; }`), '    ')}
  }`), '  ')}
}
`
}

/** WGSL that sets row0 and rowEnd of the tile, kBegin and kEnd, and where the expert's b or c begins. */
function tileStart({ layout, grouped }: Tile, tileRows: number): string {
  if (layout === 'tn') return `  let expert = group.z % sizes.experts;
  let split = group.z / sizes.experts;
  let first = ${grouped ? 'u32(offsets[expert])' : '0u'};
  let last = ${grouped ? 'u32(offsets[expert + 1u])' : 'sizes.k'};
  // Each split takes the same number of whole steps of 4.
  let part = ((last - first + 4u * sizes.splits - 1u) / (4u * sizes.splits)) * 4u;
  let kBegin = min(first + split * part, last);
  let kEnd = min(kBegin + part, last);
  let row0 = rowTile * ${tileRows}u;
  let rowEnd = sizes.m;
  let bBase = 0u;
  let cBase = group.z * sizes.m * n4;`
  const starts = '  const kBegin = 0u;\n  const cBase = 0u;'
  if (!grouped) return `${starts}\n  let kEnd = k4;\n  let row0 = rowTile * ${tileRows}u;\n  let rowEnd = sizes.m;\n  const bBase = 0u;`
  return `${starts}
  // Expert e's tiles begin at offsets[e] / tileRows + e: no tile holds rows of two, and the last one whose tiles begin here or
  // before is found by halving. Tiles left over between two experts have nothing to do.
  var expert = 0u;
  var after = sizes.experts;
  while (expert + 1u < after) {
    let middle = (expert + after) / 2u;
    if (u32(offsets[middle]) / ${tileRows}u + middle <= rowTile) { expert = middle; } else { after = middle; }
  }
  let begin = u32(offsets[expert]);
  let rowEnd = u32(offsets[expert + 1u]);
  let row0 = begin + (rowTile - (begin / ${tileRows}u + expert)) * ${tileRows}u;
  let kEnd = select(0u, k4, row0 < rowEnd);
  let bBase = expert * sizes.n * k4;`
}
