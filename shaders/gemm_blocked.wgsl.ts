// The text of the register-blocked matrix product for operands that are f32 in memory, with the scales of fp8 tiles and with
// segments of rows per expert. Each invocation owns 8 rows and 2 columns of c: neighbours read the same word of a and
// neighbouring words of b, nothing goes through workgroup memory (a CPU runs this in tests, and gains nothing from it).

export interface BlockedGemmOptions {
  /** a is [M, K] or [K, M]. b is always [K, N]. */
  a: 'mk' | 'km'
  /** none; or one scale per row of a and 128 of K, and for b per column or per 128 columns, the scale matrix stored [N, K] or [K, N]. */
  scales?: 'per_column' | 'blocks_nk' | 'blocks_kn'
  /** rows: rows of a and c belong to experts, b is [E, K, N]. sum: K is cut into segments, c is [E, M, N]. */
  groups?: 'rows' | 'sum'
}

export const tileRows = 8
export const laneColumns = 32
const columnsPerLane = 2
export const tileColumns = laneColumns * columnsPerLane

const rows = [...Array(tileRows).keys()]
const columns = [...Array(columnsPerLane).keys()]
const each = (f: (i: number, j: number) => string, separator = '\n') => rows.map((i) => columns.map((j) => f(i, j)).join(' ')).join(separator)

export function blockedGemmText({ a, scales, groups }: BlockedGemmOptions): string {
  const bindings = ['a: array<f32>', ...(scales ? ['a_scale: array<f32>'] : []), 'b: array<f32>', ...(scales ? ['b_scale: array<f32>'] : []),
    ...(groups ? ['offsets: array<i32>'] : [])]
  const aAt = (i: number) => a === 'mk' ? `a[a${i} + k]` : `a[a${i} + k * u.M]`
  const bScale = { per_column: (n: string) => `b_scale[${n} * kTiles + kt]`, blocks_nk: (n: string) => `b_scale[sw + (${n} >> 7u) * kTiles + kt]`,
    blocks_kn: (n: string) => `b_scale[sw + kt * nTiles + (${n} >> 7u)]` }
  const products = (sum: string) => `
      ${rows.map((i) => `let x${i} = ${aAt(i)};`).join(' ')}
      ${columns.map((j) => `let y${j} = b[bk + n${j}];`).join(' ')}
${each((i, j) => `      ${sum}${i}${j} += x${i} * y${j};`)}`
  return `// gemm_blocked: c = a b; with scales 128 of K at a time, promoted; with groups one product per expert. Not an op of its own.
//   a        [M, K]            f32  in    or [K, M]
//   a_scale  [M, ceil(K/128)]  f32  in    with scales
//   b        [K, N]            f32  in    [E, K, N] when the rows are grouped
//   b_scale  [N/128, K/128]    f32  in    with scales; rounded up, or [K/128, N/128], or [N, K/128], and per expert when the rows are grouped
//   offsets  [E + 1]           i32  in    with groups
//   c        [M, N]            f32  out   [E, M, N] when K is grouped
// grid      (ceil(N / ${tileColumns}), ceil(M / ${tileRows}), E when K is grouped)   beyond 65,535 rows of tiles by striding
// block     (${laneColumns}, 1, 1)   ${tileRows} rows x ${columnsPerLane} columns per invocation
// smem      0 bytes
// source    reference in src/ops/matrix.ts

struct Uniforms { M: u32, N: u32, K: u32, E: u32 }

${[...bindings.map((b, i) => `@group(0) @binding(${i}) var<storage, read> ${b};`), `@group(0) @binding(${bindings.length}) var<storage, read_write> c: array<f32>;`,
    `@group(0) @binding(${bindings.length + 1}) var<uniform> u: Uniforms;`].join('\n')}

@compute @workgroup_size(32)
fn gemm_blocked(@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32) {
  for (var tile = wg.y; tile * ${tileRows} < u.M; tile += num.y) { block(tile * ${tileRows}, wg.x * ${tileColumns} + lane, wg.z); }
}

fn block(m: u32, n: u32, z: u32) {
${columns.map((j) => `  let n${j} = min(n + ${j * laneColumns}, u.N - 1);`).join('\n')}
${groups === 'rows' ? `
  // Phase 1: the expert of these 8 rows: the last e with offsets[e] <= m and a segment that is not empty.
  let live = u32(offsets[u.E]);
  if (m >= live) {
${each((i, j) => `    if (m + ${i} < u.M && n + ${j * laneColumns} < u.N) { c[(m + ${i}) * u.N + n + ${j * laneColumns}] = 0.0; }`)}
    return;
  }
  var low = 0u;
  var high = u.E;
  while (low + 1 < high) {
    let middle = (low + high) / 2;
    if (u32(offsets[middle]) <= m) { low = middle; } else { high = middle; }
  }
  let b0 = low * u.K * u.N;
` : '  let b0 = 0u;'}
  let k0 = ${groups === 'sum' ? 'u32(offsets[z])' : '0u'};
  let k1 = ${groups === 'sum' ? 'u32(offsets[z + 1])' : 'u.K'};
  // Rows beyond M read the last row and are not stored.
${rows.map((i) => `  let r${i} = min(m + ${i}, u.M - 1); let a${i} = r${i}${a === 'mk' ? ' * u.K' : ''};`).join('\n')}
${each((i, j) => `  var c${i}${j} = 0.0;`)}

  // Phase 2: the sums.
${scales ? `  let kTiles = (u.K + 127) / 128;
${scales === 'per_column' ? '' : `  let nTiles = (u.N + 127) / 128;
  let sw = ${groups === 'rows' ? 'low * kTiles * nTiles' : '0u'};`}
  for (var kt = k0 / 128; kt * 128 < k1; kt++) {
${each((i, j) => `    var p${i}${j} = 0.0;`)}
    let end = min(kt * 128 + 128, k1);
    for (var k = kt * 128; k < end; k++) {
      let bk = b0 + k * u.N;${products('p')}
    }
    ${columns.map((j) => `let t${j} = ${bScale[scales](`n${j}`)};`).join(' ')}
${rows.map((i) => `    let s${i} = a_scale[r${i} * kTiles + kt]; ${columns.map((j) => `c${i}${j} += p${i}${j} * (s${i} * t${j});`).join(' ')}`).join('\n')}
  }` : `  for (var chunk = k0; chunk < k1; chunk += 256) {
    // Chunks of 256, so that the float32 error grows with K / 256 + 256, not with K.
${each((i, j) => `    var p${i}${j} = 0.0;`)}
    let end = min(chunk + 256, k1);
    for (var k = chunk; k < end; k++) {
      let bk = b0 + k * u.N;${products('p')}
    }
${each((i, j) => `    c${i}${j} += p${i}${j};`)}
  }`}

  // Phase 3: store.
  let out = ${groups === 'sum' ? 'z * u.M * u.N' : '0u'} + m * u.N + n;
${each((i, j) => `  if (m + ${i} < u.M && n + ${j * laneColumns} < u.N) { c[out + ${i} * u.N + ${j * laneColumns}] = c${i}${j}; }`)}
}
`
}
