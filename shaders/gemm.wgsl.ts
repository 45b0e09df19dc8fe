// f32 matrix products C = A * B as WGSL text, register-blocked, without workgroup memory and barriers. Row-major, contiguous.
//
//   layout  a        b        c           grouped: b or c by expert
//   nt      [M, K]   [N, K]   [M, N]      b [E, N, K]     y = x w^T
//   nn      [M, K]   [K, N]   [M, N]      b [E, K, N]     dx = dy w
//   tn      [K, M]   [K, N]   [M, N]      c [E, M, N]     dw = dy^T x
//
// Bindings: 0 a, 1 b, 2 c (or the partial sums), 3 sizes (uniform, see gemmSizes), grouped: 4 offsets [E + 1] i32.
// Requires K % 4 == 0 for nt and nn, N % 4 == 0 always, M % 4 == 0 for tn (loads are vec4); else gemmAnyWgsl.
//
// Why this form. A quad (4 adjacent invocations) computes one tile of C; each lane owns `4 * cols` columns of it and ALL its rows.
// On SwiftShader a storage load costs about 100 instructions whatever the addresses (index clamp, bounds, one branch per lane:
// there is no fast path for equal or adjacent addresses), a multiply-add costs 2 or 3. So, in order of what it gains:
//  - vec4 loads: clamp and descriptor once per 4 floats;
//  - no two lanes of a quad load the same value of A: each lane loads other rows and the quad passes them round with quadSwap
//    (one instruction). Lane l sees row l ^ s at swap s, so accumulator s of lane l belongs to row l ^ s: only the final
//    store has to know, nothing is transposed;
//  - named accumulators (var), never an array; one loop iteration takes 4 k or more, as each var costs 10 instructions per iteration.
// Sizes are a uniform: they are used outside the inner loop only, so constants gain nothing and one pipeline serves all shapes.

export type GemmLayout = 'nt' | 'nn' | 'tn'

export interface GemmOptions {
  layout: GemmLayout
  rows?: number        // vec4 loads of A per lane and step: the tile has 4 * rows rows (nt, nn) or 16 * rows (tn)
  cols?: number        // vec4 of columns per lane: the tile has 16 * cols columns
  unroll?: number      // steps per loop iteration; a step is 4 k (nt, nn) or 1 k (tn)
  workgroup?: number   // invocations, a multiple of 4; one tile for every 4
  grouped?: boolean    // rows of a are split among experts by offsets
  quads?: boolean      // false: no subgroup feature; every lane loads all rows of its tile, 4 lanes take 4 column blocks
}

type Tile = Required<GemmOptions>

/** Defaults: 64 accumulators an invocation, the most that GPUs hold in registers without loss. */
function complete(options: GemmOptions): Tile {
  const tn = options.layout === 'tn'
  const quads = options.quads ?? true
  return { rows: tn ? (quads ? 1 : 4) : quads ? 4 : 16, cols: 1, unroll: tn ? 4 : 1, workgroup: 16, grouped: false, ...options, quads }
}

const range = (n: number) => [...Array(n).keys()]
const lines = (list: string[], indent: string) => list.join('\n' + indent)

/** Rows and columns of C that one quad computes. */
export function gemmTile(options: GemmOptions): { tileRows: number; tileCols: number } {
  const { layout, rows, cols, quads } = complete(options)
  return { tileRows: rows * (layout === 'tn' ? 4 : 1) * (quads ? 4 : 1), tileCols: 16 * cols }
}

/** Workgroups [x, y, z]. splits > 1 (tn): K is cut in as many parts, c is [splits, E, M, N] and gemmSplitSumWgsl adds them. */
export function gemmGrid(options: GemmOptions, m: number, n: number, experts = 1, splits = 1): [number, number, number] {
  const { layout, workgroup, grouped } = complete(options)
  const { tileRows, tileCols } = gemmTile(options)
  // Grouped nt and nn: each expert may end with a part of a tile. Grouped tn: one z per expert.
  const rowTiles = Math.ceil(m / tileRows) + (grouped && layout !== 'tn' ? experts : 0)
  const groups = Math.ceil(rowTiles * Math.ceil(n / tileCols) / (workgroup / 4))
  const x = Math.min(groups, 65535)
  return [x, Math.ceil(groups / x), splits * (grouped && layout === 'tn' ? experts : 1)]
}

/** The contents of the uniform at binding 3. m of a grouped nt or nn is the number of rows of a, experts' rows and all. */
export function gemmSizes(m: number, n: number, k: number, experts = 1, splits = 1): Uint32Array {
  return new Uint32Array([m, n, k, experts, splits, 0, 0, 0])
}

/** How many parts to cut K in so that the device has enough tiles in flight: a function of sizes only, so sums are reproducible. */
export function gemmSplits(options: GemmOptions, m: number, n: number, k: number, experts = 1, minTiles = 16): number {
  const { tileRows, tileCols } = gemmTile(options)
  const tiles = Math.ceil(m / tileRows) * Math.ceil(n / tileCols) * experts
  return Math.max(1, Math.min(Math.ceil(minTiles / tiles), Math.floor(k / 64)))
}

export function gemmWgsl(options: GemmOptions): string {
  const tile = complete(options)
  const { layout, rows, cols, unroll, workgroup, grouped, quads } = tile
  const { tileRows } = gemmTile(options)
  const tn = layout === 'tn'
  const swaps = quads ? ['', 'quadSwapX', 'quadSwapY', 'quadSwapDiagonal'] : ['']
  // Accumulator acc_i_s_t_j: the i-th vec4 of A that the lane loaded, after swap s; t: its component, where that is a row (tn); j: column block.
  const accumulators = range(rows).flatMap(i => swaps.flatMap((_, s) => range(tn ? 4 : 1).flatMap(t => range(cols).map(j =>
    ({ i, s, t, j, name: `acc_${i}_${s}${tn ? `_${t}` : ''}_${j}` })))))
  const rowOf = ({ i, s, t }: { i: number; s: number; t: number }) =>
    !quads ? `row0 + ${tn ? 4 * i + t : i}u` : tn ? `row0 + ${16 * i + t}u + 4u * (lane ^ ${s}u)` : `row0 + ${4 * i}u + (lane ^ ${s}u)`

  const loadA = (u: number) => range(rows).map(i => {
    const at = tn ? `a_${i} + (k + ${u}u) * m4` : `a_${i} + k + ${u}u`
    return `let a_${i}_0 = a[${at}];` + swaps.slice(1).map((swap, s) => ` let a_${i}_${s + 1} = ${swap}(a_${i}_0);`).join('')
  })
  const multiply = (j: number, u: number) => {
    const mine = accumulators.filter(acc => acc.j === j)
    if (layout === 'nt') return [                                  // b_c: 4 k of column c
      ...range(4).map(c => `let b_${c} = b[b_${j}_${c} + k + ${u}u];`),
      ...mine.map(({ i, s, name }) => `${name} += vec4f(${range(4).map(c => `dot(a_${i}_${s}, b_${c})`).join(', ')});`)]
    if (layout === 'nn') return [                                  // b_q: 4 columns of row k + q
      ...range(4).map(q => `let b_${q} = b[b_${j}_0 + (4u * (k + ${u}u) + ${q}u) * n4];`),
      ...mine.map(({ i, s, name }) => `${name} += ${range(4).map(q => `a_${i}_${s}.${'xyzw'[q]} * b_${q}`).join(' + ')};`)]
    return [
      `let b_0 = b[b_${j}_0 + (k + ${u}u) * n4];`,
      ...mine.map(({ i, s, t, name }) => `${name} += a_${i}_${s}.${'xyzw'[t]} * b_0;`)]
  }
  const step = (u: number) => `{
      ${lines(loadA(u), '      ')}
${range(cols).map(j => `      {\n        ${lines(multiply(j, u), '        ')}\n      }`).join('\n')}
    }`

  return `// gemm ${layout}${grouped ? ' grouped' : ''}: ${layout === 'nt' ? 'C = A * B^T' : layout === 'nn' ? 'C = A * B' : 'C = A^T * B'}, one ${tileRows} x ${16 * cols} tile per quad of invocations.
${quads ? `enable subgroups;
// A quad is 4 invocations with adjacent local_invocation_index, and all 4 always take the same path up to the stores.
diagnostic(off, subgroup_uniformity);
` : ''}struct Sizes { m: u32, n: u32, k: u32, experts: u32, splits: u32 }
@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> c: array<vec4f>;
@group(0) @binding(3) var<uniform> sizes: Sizes;
${grouped ? '@group(0) @binding(4) var<storage, read> offsets: array<i32>;\n' : ''}
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
  ${lines(range(rows).map(i => {
    const own = quads ? `${4 * i}u + lane` : `${i}u`
    return tn ? `let a_${i} = min(row0 / 4u + ${own}, m4 - 1u);` : `let a_${i} = min(row0 + ${own}, sizes.m - 1u) * k4;`
  }), '  ')}
  ${lines(range(cols).flatMap(j => layout === 'nt'
    ? range(4).map(c => `let b_${j}_${c} = bBase + min(4u * (col4 + ${j}u) + ${c}u, sizes.n - 1u) * k4;`)
    : [`let b_${j}_0 = bBase + min(col4 + ${j}u, n4 - 1u);`]), '  ')}
  ${lines(accumulators.map(acc => `var ${acc.name} = vec4f();`), '  ')}

  var k = kBegin;
  for (; k + ${unroll}u <= kEnd; k += ${unroll}u) {
    ${range(unroll).map(step).join('\n    ')}
  }
${unroll > 1 ? `  for (; k < kEnd; k++) {\n    ${step(0)}\n  }\n` : ''}
  ${lines(range(cols).map(j => `if (col4 + ${j}u < n4) {
    ${lines(accumulators.filter(acc => acc.j === j).map(acc => `if (${rowOf(acc)} < rowEnd) { c[cBase + (${rowOf(acc)}) * n4 + col4 + ${j}u] = ${acc.name}; }`), '    ')}
  }`), '  ')}
}
`
}

/** WGSL that sets row0 and rowEnd of the tile, kBegin and kEnd, and where the expert's b or c begins. */
function tileStart({ layout, grouped, unroll }: Tile, tileRows: number): string {
  if (layout === 'tn') return `  let expert = group.z % sizes.experts;
  let split = group.z / sizes.experts;
  let first = ${grouped ? 'u32(offsets[expert])' : '0u'};
  let last = ${grouped ? 'u32(offsets[expert + 1u])' : 'sizes.k'};
  // Each split takes the same number of whole loop iterations.
  let part = ((last - first + sizes.splits * ${unroll}u - 1u) / (sizes.splits * ${unroll}u)) * ${unroll}u;
  let kBegin = min(first + split * part, last);
  let kEnd = min(kBegin + part, last);
  let row0 = rowTile * ${tileRows}u;
  let rowEnd = sizes.m;
  let bBase = 0u;
  let cBase = group.z * sizes.m * n4;`
  const ends = `  const kBegin = 0u;\n  let kEnd = k4;\n  const cBase = 0u;`
  if (!grouped) return `${ends}\n  let row0 = rowTile * ${tileRows}u;\n  let rowEnd = sizes.m;\n  const bBase = 0u;`
  return `${ends}
  // Tiles are dealt out expert by expert, so none holds rows of two; those left over have rowEnd 0 and store nothing.
  var expert = 0u;
  var row0 = 0u;
  var rowEnd = 0u;
  var tilesBefore = 0u;
  for (var e = 0u; e < sizes.experts; e++) {
    let begin = u32(offsets[e]);
    let end = u32(offsets[e + 1u]);
    let tilesUpTo = tilesBefore + (end - begin + ${tileRows - 1}u) / ${tileRows}u;
    if (rowTile >= tilesBefore && rowTile < tilesUpTo) {
      expert = e;
      row0 = begin + (rowTile - tilesBefore) * ${tileRows}u;
      rowEnd = end;
    }
    tilesBefore = tilesUpTo;
  }
  let bBase = expert * sizes.n * k4;`
}

/** c[i] = sum over s of parts[s, i], in the order of s. Bindings 0 parts, 1 c; one invocation per vec4 of c, workgroups of 64. */
export function gemmSplitSumWgsl(splits: number): string {
  return `// gemm_split_sum: adds the ${splits} partial products of a split K, first to last.
@group(0) @binding(0) var<storage, read> parts: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> c: array<vec4f>;
@compute @workgroup_size(64)
fn gemm_split_sum(@builtin(global_invocation_id) id: vec3u) {
  let i = id.x;
  let length = arrayLength(&c);
  if (i < length) { c[i] = ${range(splits).map(s => `parts[i + ${s}u * length]`).join(' + ')}; }
}
`
}

/** Any sizes, no vec4 and no subgroups: 4 x 4 outputs per invocation, edges clamped. Same bindings; grid (N / 32, M / 32), rounded up. */
export function gemmAnyWgsl(layout: GemmLayout): string {
  const indexA = (i: number) => layout === 'tn' ? `k * sizes.m + row_${i}` : `row_${i} * sizes.k + k`
  const indexB = (j: number) => layout === 'nt' ? `col_${j} * sizes.k + k` : `k * sizes.n + col_${j}`
  return `// gemm ${layout} for sizes that are not multiples of 4.
struct Sizes { m: u32, n: u32, k: u32, experts: u32, splits: u32 }
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@group(0) @binding(3) var<uniform> sizes: Sizes;
@compute @workgroup_size(8, 8)
fn gemm(@builtin(global_invocation_id) id: vec3u) {
  ${lines(range(4).map(i => `let row_${i} = min(4u * id.y + ${i}u, sizes.m - 1u); let col_${i} = min(4u * id.x + ${i}u, sizes.n - 1u);`), '  ')}
  ${lines(range(4).map(i => `var acc_${i} = vec4f();`), '  ')}
  for (var k = 0u; k < sizes.k; k++) {
    let right = vec4f(${range(4).map(j => `b[${indexB(j)}]`).join(', ')});
    ${lines(range(4).map(i => `acc_${i} += a[${indexA(i)}] * right;`), '    ')}
  }
  // Clamped rows and columns hold the same sums as the last true ones, so storing them again is harmless within one invocation.
  if (4u * id.y >= sizes.m || 4u * id.x >= sizes.n) { return; }
  ${lines(range(4).flatMap(i => range(4).map(j => `c[row_${i} * sizes.n + col_${j}] = acc_${i}[${j}];`)), '  ')}
}
`
}
