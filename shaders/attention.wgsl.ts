// Text of the attention kernels from the head dims. A lane owns one row (of queries, or of keys in the dk/dv kernel); lanes next
// to each other own rows next to each other of the same head, so that what they read of the other side is the same
// address: one broadcast load. Rows of the other side come in blocks of four, so that running sums are touched once a block.

/** Up to this a row is held in named scalars; beyond, in a private array that a loop walks. */
const unrolled = 64
const block = [0, 1, 2, 3]

/** A row of `dim` numbers held by a lane. */
class Row {
  readonly inline: boolean
  constructor(readonly name: string, readonly dim: number) { this.inline = dim <= unrolled }

  /** `f(element, offset)` for every element: repeated text, or a loop. */
  each(f: (element: string, offset: string) => string): string {
    if (this.inline) return Array.from({ length: this.dim }, (_, d) => f(`${this.name}${d}`, `${d}`)).join('\n  ')
    return `for (var d = 0u; d < ${this.dim}; d++) { ${f(`${this.name}[d]`, 'd')} }`
  }

  /** Declares it, element by element from `f(offset)`. */
  declare(f: (offset: string) => string, kind: 'let' | 'var' = 'let'): string {
    if (this.inline) return this.each((x, d) => `${kind} ${x} = ${f(d)};`)
    return `var ${this.name}: array<f32, ${this.dim}>;\n  ${this.each((x, d) => `${x} = ${f(d)};`)}`
  }

  /** For each row j of the block: let `name`j = dot(this, row j), whose element is `other(j, offset)`. */
  dots(name: string, other: (j: number, d: string) => string): string {
    if (this.inline) {
      return block.map((j) => `let ${name}${j} = ${Array.from({ length: this.dim }, (_, d) => `${this.name}${d} * ${other(j, `${d}`)}`).join(' + ')};`).join('\n    ')
    }
    return `${block.map((j) => `var ${name}${j} = 0.0;`).join(' ')}
    ${this.each((x, d) => block.map((j) => `${name}${j} += ${x} * ${other(j, d)};`).join(' '))}`
  }
}

const sum = (f: (j: number) => string) => block.map(f).join(' + ')
const lines = (f: (j: number) => string) => block.map(f).join('\n    ')

/** Where a workgroup stands: 64 rows of one head of one sequence. Needs uniforms S, heads, groups. */
const place = (row: string) => `let id = wg.y * num.x + wg.x;
  if (id >= u.groups) { return; }
  let groupsPerHead = (u.S + 63) / 64;
  let head = id / groupsPerHead;
  let ${row} = (id - head * groupsPerHead) * 64 + lane;
  if (${row} >= u.S) { return; }
  // Row i of this head is row \`first + i * heads\` of the [T * n, D] view.
  let first = head / u.heads * u.S * u.heads + head % u.heads;
  let row = first + ${row} * u.heads;`

const signature = '@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32'

const grid = `// grid      (B * n * ceil(S / 64), 1, 1)   beyond 65,535 also y
// block     (64, 1, 1)
// smem      0 bytes`

export function attentionWgsl(D: number, Dv: number): string {
  const q = new Row('q_', D), acc = new Row('acc_', Dv)
  return /* wgsl */ `// attention: o = softmax(scale * q k^T, causal) v, lse = log sum exp, streaming over keys; one query row per invocation.
//   q    [T, n, ${D}]  f32  in
//   k    [T, n, ${D}]  f32  in
//   v    [T, n, ${Dv}]  f32  in
//   o    [T, n, ${Dv}]  f32  out
//   lse  [T, n]  f32  out
${grid}
// source    Milakov and Gimelshein, online softmax (arXiv 1805.02867); reference in src/ops/attention.ts

struct Uniforms { S: u32, heads: u32, groups: u32, scale: f32 }

@group(0) @binding(0) var<storage, read> q: array<f32>;
@group(0) @binding(1) var<storage, read> k: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<f32>;
@group(0) @binding(3) var<storage, read_write> o: array<f32>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;
@group(0) @binding(5) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn attention(${signature}) {
  ${place('t')}

  ${q.declare((d) => `u.scale * q[row * ${D} + ${d}]`)}
  ${acc.declare(() => '0.0', 'var')}
  var top = -1e30;
  var total = 0.0;
  // Four neighbouring lanes take equally many blocks.
  for (var s = 0u; s <= t; s += 4) {
    // Phase 1: scores. Keys after t are read as keys of this sequence and leave with weight 0.
    ${lines((j) => `let key${j} = first + min(s + ${j}, u.S - 1) * u.heads; let k${j} = key${j} * ${D}; let v${j} = key${j} * ${Dv};`)}
    ${q.dots('dot', (j, d) => `k[k${j} + ${d}]`)}
    ${lines((j) => `let score${j} = ${j ? `select(-1e30, dot${j}, s + ${j} <= t)` : `dot${j}`};`)}
    // Phase 2: weights relative to the largest score so far.
    let higher = max(top, max(max(score0, score1), max(score2, score3)));
    let shrink = exp(top - higher);
    ${lines((j) => `let p${j} = exp(score${j} - higher);`)}
    top = higher;
    total = total * shrink + (${sum((j) => `p${j}`)});
    // Phase 3: weighted values.
    ${acc.each((x, d) => `${x} = ${x} * shrink + (${sum((j) => `p${j} * v[v${j} + ${d}]`)});`)}
  }
  let inverse = 1.0 / total;
  ${acc.each((x, d) => `o[row * ${Dv} + ${d}] = ${x} * inverse;`)}
  lse[row] = top + log(total);
}
`
}

/** First pass of attention_bwd: dq, and delta = sum(dout * o) for the second. */
export function attentionBwdQueriesWgsl(D: number, Dv: number): string {
  const q = new Row('q_', D), dout = new Row('dout_', Dv), acc = new Row('acc_', D)
  return /* wgsl */ `// attention_bwd: dq = scale * sum over keys of p (dout v^T - delta) k, delta = sum(dout * o); one query row per invocation.
//   dout   [T, n, ${Dv}]  f32  in
//   q      [T, n, ${D}]  f32  in
//   k      [T, n, ${D}]  f32  in
//   v      [T, n, ${Dv}]  f32  in
//   o      [T, n, ${Dv}]  f32  in
//   lse    [T, n]  f32  in
//   dq     [T, n, ${D}]  f32  out
//   delta  [T, n]  f32  scratch, out
${grid}
// source    Dao et al., FlashAttention (arXiv 2205.14135) appendix B; reference in src/ops/attention_bwd.ts

struct Uniforms { S: u32, heads: u32, groups: u32, scale: f32 }

@group(0) @binding(0) var<storage, read> dout: array<f32>;
@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(4) var<storage, read> o: array<f32>;
@group(0) @binding(5) var<storage, read> lse: array<f32>;
@group(0) @binding(6) var<storage, read_write> dq: array<f32>;
@group(0) @binding(7) var<storage, read_write> delta: array<f32>;
@group(0) @binding(8) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn attention_bwd_queries(${signature}) {
  ${place('t')}

  ${q.declare((d) => `u.scale * q[row * ${D} + ${d}]`)}
  ${dout.declare((d) => `dout[row * ${Dv} + ${d}]`)}
  ${acc.declare(() => '0.0', 'var')}
  var mean = 0.0;
  ${dout.each((x, d) => `mean += ${x} * o[row * ${Dv} + ${d}];`)}
  delta[row] = mean;
  let norm = lse[row];
  for (var s = 0u; s <= t; s += 4) {
    ${lines((j) => `let key${j} = first + min(s + ${j}, u.S - 1) * u.heads; let k${j} = key${j} * ${D}; let v${j} = key${j} * ${Dv};`)}
    ${q.dots('dot', (j, d) => `k[k${j} + ${d}]`)}
    ${dout.dots('dp', (j, d) => `v[v${j} + ${d}]`)}
    ${lines((j) => `let ds${j} = ${j ? `select(0.0, exp(dot${j} - norm) * (dp${j} - mean), s + ${j} <= t)` : `exp(dot${j} - norm) * (dp${j} - mean)`};`)}
    ${acc.each((x, d) => `${x} += ${sum((j) => `ds${j} * k[k${j} + ${d}]`)};`)}
  }
  ${acc.each((x, d) => `dq[row * ${D} + ${d}] = u.scale * ${x};`)}
}
`
}

/** Second pass of attention_bwd: dk and dv. */
export function attentionBwdKeysWgsl(D: number, Dv: number): string {
  const k = new Row('k_', D), v = new Row('v_', Dv), dk = new Row('dk_', D), dv = new Row('dv_', Dv)
  return /* wgsl */ `// attention_bwd: dk = scale * sum over queries of p (dout v^T - delta) q, dv = sum over queries of p dout; one key row per invocation.
//   dout   [T, n, ${Dv}]  f32  in
//   q      [T, n, ${D}]  f32  in
//   k      [T, n, ${D}]  f32  in
//   v      [T, n, ${Dv}]  f32  in
//   lse    [T, n]  f32  in
//   delta  [T, n]  f32  scratch, in
//   dk     [T, n, ${D}]  f32  out
//   dv     [T, n, ${Dv}]  f32  out
${grid}
// source    Dao et al., FlashAttention (arXiv 2205.14135) appendix B; reference in src/ops/attention_bwd.ts

struct Uniforms { S: u32, heads: u32, groups: u32, scale: f32 }

@group(0) @binding(0) var<storage, read> dout: array<f32>;
@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(4) var<storage, read> lse: array<f32>;
@group(0) @binding(5) var<storage, read> delta: array<f32>;
@group(0) @binding(6) var<storage, read_write> dk: array<f32>;
@group(0) @binding(7) var<storage, read_write> dv: array<f32>;
@group(0) @binding(8) var<uniform> u: Uniforms;

@compute @workgroup_size(64)
fn attention_bwd_keys(${signature}) {
  ${place('s')}

  ${k.declare((d) => `u.scale * k[row * ${D} + ${d}]`)}
  ${v.declare((d) => `v[row * ${Dv} + ${d}]`)}
  ${dk.declare(() => '0.0', 'var')}
  ${dv.declare(() => '0.0', 'var')}
  // From the block of four that holds s: neighbouring lanes begin at the same query.
  for (var t = s & ~3u; t < u.S; t += 4) {
    ${lines((j) => `let query${j} = first + min(t + ${j}, u.S - 1) * u.heads; let q${j} = query${j} * ${D}; let o${j} = query${j} * ${Dv};`)}
    ${k.dots('dot', (j, d) => `q[q${j} + ${d}]`)}
    ${v.dots('dp', (j, d) => `dout[o${j} + ${d}]`)}
    ${lines((j) => `let p${j} = select(0.0, exp(dot${j} - lse[query${j}]), t + ${j} >= s && t + ${j} < u.S);`)}
    ${lines((j) => `let ds${j} = p${j} * (dp${j} - delta[query${j}]);`)}
    ${dk.each((x, d) => `${x} += ${sum((j) => `ds${j} * q[q${j} + ${d}]`)};`)}
    ${dv.each((x, d) => `${x} += ${sum((j) => `p${j} * dout[o${j} + ${d}]`)};`)}
  }
  ${dk.each((x, d) => `dk[row * ${D} + ${d}] = u.scale * ${x};`)}
  ${dv.each((x, d) => `dv[row * ${Dv} + ${d}] = ${x};`)}
}
`
}
