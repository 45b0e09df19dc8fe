// Text of the attention kernels from the head dims. A lane owns `rows` consecutive rows (of queries, or of keys in the dk/dv
// kernel) of one head and streams over the other side, `block` rows at a time. Lanes next to each other own rows next to each other,
// so that on a GPU what they read of the other side is mostly one address. On a software adapter a load costs dozens of
// multiply-adds whatever the address: there a lane takes more rows, and with `quads` the 4 lanes of a quad load 4 rows of the
// other side, one each, and pass them round with quadSwap. Loads are vec4 wherever the dims allow.

export interface AttentionTile {
  /** Rows that a lane owns. */
  readonly rows: number
  /** Rows of the other side per loop iteration. */
  readonly block: number
  readonly workgroup: number
  /** Up to this many chunks a row is held in named values; beyond, in a private array that a loop walks. */
  readonly unroll: number
  /** Row j of a block of 4 is the one that lane ^ j loaded: each row is loaded once by the quad. */
  readonly quads?: boolean
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i)
const lines = (n: number, f: (i: number) => string, indent = '    ') => range(n).map(f).join(`\n${indent}`)
const total = (n: number, f: (i: number) => string) => range(n).map(f).join(' + ')
const swaps = ['', 'quadSwapX', 'quadSwapY', 'quadSwapDiagonal']

/** A dim as chunks of four, or of one where four does not divide it. */
class Dim {
  readonly type: string
  readonly chunks: number
  readonly inline: boolean
  private readonly quads: boolean
  constructor(readonly size: number, { unroll, quads = false }: AttentionTile) {
    this.quads = quads
    this.type = size % 4 === 0 ? 'vec4f' : 'f32'
    this.chunks = size % 4 === 0 ? size / 4 : size
    this.inline = this.chunks <= unroll
  }

  /** `f(suffix, offset)` for every chunk; the suffix makes the chunk's name from a row's name. */
  each(f: (suffix: string, offset: string) => string): string {
    if (this.inline) return lines(this.chunks, (c) => f(`_${c}`, `${c}`))
    return `for (var c = 0u; c < ${this.chunks}; c++) {\n      ${f('[c]', 'c')}\n    }`
  }

  /** Rows held by the lane: `name`0 and so on, chunk c of row r from `f(r, c)`. */
  hold(name: string, rows: number, f: (r: number, offset: string) => string, kind: 'let' | 'var' = 'let'): string {
    if (this.inline) return this.each((s, c) => lines(rows, (r) => `${kind} ${name}${r}${s} = ${f(r, c)};`, '    '))
    return `${lines(rows, (r) => `var ${name}${r}: array<${this.type}, ${this.chunks}>;`)}
    ${this.each((s, c) => lines(rows, (r) => `${name}${r}${s} = ${f(r, c)};`, '      '))}`
  }

  /** A chunk of row j of the block: loaded, or in a quad taken from the lane that did, where it is called `first`. */
  get(j: number, first: string, load: (j: number) => string) { return this.quads && j > 0 ? `${swaps[j]}(${first})` : load(j) }

  product(a: string, b: string) { return this.type === 'f32' ? `${a} * ${b}` : `dot(${a}, ${b})` }

  /** `out`{r}_{j} = dot(held row r, row j of the block), loaded by `load(j, chunk)`; inline chunks stay named `as`{j}_{c}. */
  dots(out: string, rows: number, block: number, name: string, as: string, load: (j: number, offset: string) => string): string {
    if (this.inline) {
      return `${lines(block, (j) => this.each((s, c) => `let ${as}${j}${s} = ${this.get(j, `${as}0${s}`, (j) => load(j, c))};`))}
    ${lines(block, (j) => lines(rows, (r) => `let ${out}${r}_${j} = ${total(this.chunks, (c) => this.product(`${name}${r}_${c}`, `${as}${j}_${c}`))};`))}`
    }
    return `${lines(block, (j) => lines(rows, (r) => `var ${out}${r}_${j} = 0.0;`))}
    ${this.each((s, c) => lines(block, (j) => {
      const products = lines(rows, (r) => `${out}${r}_${j} += ${this.product(`${name}${r}${s}`, `x${j}`)};`, '      ')
      return `let x${j} = ${this.get(j, 'x0', (j) => load(j, c))}; ${products}`
    }, '      '))}`
  }

  /** Held row r = f(held row r, sum over the block of weight(r, j) * row j), rows named as by `dots` or loaded again. */
  accumulate(
    name: string, rows: number, block: number, as: string, load: (j: number, offset: string) => string,
    weight: (r: number, j: number) => string, f = (_r: number, x: string, sum: string) => `${x} + ${sum}`,
  ): string {
    return this.each((s, c) => {
      const x = (j: number) => this.inline ? `${as}${j}${s}` : `x${j}`
      const loads = this.inline ? '' : `${lines(block, (j) => `let x${j} = ${this.get(j, 'x0', (j) => load(j, c))};`, '      ')}\n      `
      return loads + lines(rows, (r) => `${name}${r}${s} = ${f(r, `${name}${r}${s}`, `(${total(block, (j) => `${weight(r, j)} * ${x(j)}`)})`)};`, '      ')
    })
  }
}

const signature = '@builtin(workgroup_id) wg: vec3u, @builtin(num_workgroups) num: vec3u, @builtin(local_invocation_index) lane: u32'
const uniforms = 'struct Uniforms { S: u32, heads: u32, lanes: u32, scale: f32 }'

const header = (a: AttentionTile) => `// grid      (ceil(B * n * ceil(S / ${a.rows}) / ${a.workgroup}), 1, 1)   beyond 65,535 also y
// block     (${a.workgroup}, 1, 1)   ${a.rows} rows per invocation, ${a.block} of the other side per iteration
// smem      0 bytes`

/** The lane's place: `begin` is its first row in the sequence, `row`r its rows in the [T * n, D] view (the last row again beyond S). */
const place = ({ rows, workgroup, quads }: AttentionTile) => `let id = (wg.y * num.x + wg.x) * ${workgroup} + lane;
    if (id >= u.lanes) { return; }
    let lanesPerHead = ${quads ? `(u.S + ${4 * rows - 1}) / ${4 * rows} * 4` : `(u.S + ${rows - 1}) / ${rows}`};
    let head = id / lanesPerHead;
    let begin = (id - head * lanesPerHead) * ${rows};${quads ? `
    // The 4 lanes of a quad take every turn of the loop together; in each, this one loads row \`own\` of the other side.
    let own = lane & 3;
    let quadBegin = begin - own * ${rows};
    let quadEnd = quadBegin + ${4 * rows - 1};` : ''}
    // Row i of this head is row \`first + i * heads\` of the view.
    let first = head / u.heads * u.S * u.heads + head % u.heads;
    ${lines(rows, (r) => `let row${r} = first + min(begin + ${r}, u.S - 1) * u.heads;`)}`

/** Of a block: how many rows the lane loads itself, and where row j of the other side stands in it. */
const loaded = ({ quads, block }: AttentionTile) => quads ? 1 : block
const offset = ({ quads }: AttentionTile, j: number) => !quads ? `${j}` : j === 0 ? 'own' : `(own ^ ${j})`
/** First line of the text and last row of the queries that the lane, or its quad, needs keys for. */
const enable = ({ quads }: AttentionTile) => quads ? 'enable subgroups;\n// Quads are 4 adjacent invocations, which stay together up to the stores.\ndiagnostic(off, subgroup_uniformity);\n\n' : ''
const lastKey = ({ quads, rows }: AttentionTile) => `let last = min(${quads ? 'quadEnd' : `begin + ${rows - 1}`}, u.S - 1);`

/** Stores for the rows that exist. */
const store = (rows: number, f: (r: number) => string) => lines(rows, (r) => `if (begin + ${r} < u.S) {\n    ${f(r)}\n    }`)

export function attentionWgsl(D: number, Dv: number, tile: AttentionTile): string {
  const { rows, block, workgroup } = tile
  const dim = new Dim(D, tile), value = new Dim(Dv, tile)
  const visible = (r: number, j: number) => `s + ${offset(tile, j)} <= begin + ${r}`
  return /* wgsl */ `// attention: o = softmax(scale * q k^T, causal) v, lse = log sum exp, streaming over the keys.
//   q    [T, n, ${D}]  f32  in
//   k    [T, n, ${D}]  f32  in
//   v    [T, n, ${Dv}]  f32  in
//   o    [T, n, ${Dv}]  f32  out
//   lse  [T, n]  f32  out
${header(tile)}
// source    Milakov and Gimelshein, online softmax (arXiv 1805.02867); reference in src/ops/attention.ts

${enable(tile)}${uniforms}

@group(0) @binding(0) var<storage, read> q: array<${dim.type}>;
@group(0) @binding(1) var<storage, read> k: array<${dim.type}>;
@group(0) @binding(2) var<storage, read> v: array<${value.type}>;
@group(0) @binding(3) var<storage, read_write> o: array<${value.type}>;
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;
@group(0) @binding(5) var<uniform> u: Uniforms;

@compute @workgroup_size(${workgroup})
fn attention(${signature}) {
    ${place(tile)}

    ${dim.hold('q', rows, (r, c) => `u.scale * q[row${r} * ${dim.chunks} + ${c}]`)}
    ${value.hold('acc', rows, () => `${value.type}(0.0)`, 'var')}
    ${lines(rows, (r) => `var top${r} = -1e30; var total${r} = 0.0;`)}
    ${lastKey(tile)}
  for (var s = 0u; s <= last; s += ${block}) {
    // Phase 1: scores. A key after the query gets weight 0; beyond the sequence the last key stands in.
    ${lines(loaded(tile), (j) => `let key${j} = first + min(s + ${offset(tile, j)}, u.S - 1) * u.heads; let k${j} = key${j} * ${dim.chunks}; let v${j} = key${j} * ${value.chunks};`)}
    ${dim.dots('dot', rows, block, 'q', 'key', (j, c) => `k[k${j} + ${c}]`)}
    // Phase 2: weights relative to the largest score so far.
    ${lines(rows, (r) => `${range(block).map((j) => `let score${r}_${j} = select(-1e30, dot${r}_${j}, ${visible(r, j)});`).join(' ')}
    let higher${r} = ${range(block).reduce((x, j) => `max(${x}, score${r}_${j})`, `top${r}`)};
    let shrink${r} = exp(top${r} - higher${r});
    ${range(block).map((j) => `let p${r}_${j} = exp(score${r}_${j} - higher${r});`).join(' ')}
    top${r} = higher${r};
    total${r} = total${r} * shrink${r} + (${total(block, (j) => `p${r}_${j}`)});`)}
    // Phase 3: weighted values.
    ${value.inline ? lines(block, (j) => value.each((s, c) => `let value${j}${s} = ${value.get(j, `value0${s}`, (j) => `v[v${j} + ${c}]`)};`)) : ''}
    ${value.accumulate('acc', rows, block, 'value', (j, c) => `v[v${j} + ${c}]`, (r, j) => `p${r}_${j}`, (r, x, sum) => `${x} * shrink${r} + ${sum}`)}
  }
    ${store(rows, (r) => `let inverse${r} = 1.0 / total${r};
    ${value.each((s, c) => `o[row${r} * ${value.chunks} + ${c}] = acc${r}${s} * inverse${r};`)}
    lse[row${r}] = top${r} + log(total${r});`)}
}
`
}

/** First pass of attention_bwd: dq, and delta = sum(dout * o) for the second. */
export function attentionBwdQueriesWgsl(D: number, Dv: number, tile: AttentionTile): string {
  const { rows, block, workgroup } = tile
  const dim = new Dim(D, tile), value = new Dim(Dv, tile)
  const visible = (r: number, j: number) => `s + ${offset(tile, j)} <= begin + ${r}`
  return /* wgsl */ `// attention_bwd: dq = scale * sum over keys of p (dout v^T - delta) k, delta = sum(dout * o), p = exp(scale * q k^T - lse).
//   dout   [T, n, ${Dv}]  f32  in
//   q      [T, n, ${D}]  f32  in
//   k      [T, n, ${D}]  f32  in
//   v      [T, n, ${Dv}]  f32  in
//   o      [T, n, ${Dv}]  f32  in
//   lse    [T, n]  f32  in
//   dq     [T, n, ${D}]  f32  out
//   delta  [T, n]  f32  scratch, out
${header(tile)}
// source    Dao et al., FlashAttention (arXiv 2205.14135) appendix B; reference in src/ops/attention_bwd.ts

${enable(tile)}${uniforms}

@group(0) @binding(0) var<storage, read> dout: array<${value.type}>;
@group(0) @binding(1) var<storage, read> q: array<${dim.type}>;
@group(0) @binding(2) var<storage, read> k: array<${dim.type}>;
@group(0) @binding(3) var<storage, read> v: array<${value.type}>;
@group(0) @binding(4) var<storage, read> o: array<${value.type}>;
@group(0) @binding(5) var<storage, read> lse: array<f32>;
@group(0) @binding(6) var<storage, read_write> dq: array<${dim.type}>;
@group(0) @binding(7) var<storage, read_write> delta: array<f32>;
@group(0) @binding(8) var<uniform> u: Uniforms;

@compute @workgroup_size(${workgroup})
fn attention_bwd_queries(${signature}) {
    ${place(tile)}

    ${dim.hold('q', rows, (r, c) => `u.scale * q[row${r} * ${dim.chunks} + ${c}]`)}
    ${value.hold('dout', rows, (r, c) => `dout[row${r} * ${value.chunks} + ${c}]`)}
    ${dim.hold('acc', rows, () => `${dim.type}(0.0)`, 'var')}
    ${lines(rows, (r) => `var delta${r} = 0.0; let lse${r} = lse[row${r}];`)}
    ${value.each((s, c) => lines(rows, (r) => `delta${r} += ${value.product(`dout${r}${s}`, `o[row${r} * ${value.chunks} + ${c}]`)};`))}
    ${lastKey(tile)}
  for (var s = 0u; s <= last; s += ${block}) {
    ${lines(loaded(tile), (j) => `let key${j} = first + min(s + ${offset(tile, j)}, u.S - 1) * u.heads; let k${j} = key${j} * ${dim.chunks}; let v${j} = key${j} * ${value.chunks};`)}
    ${dim.dots('dot', rows, block, 'q', 'key', (j, c) => `k[k${j} + ${c}]`)}
    ${value.dots('dp', rows, block, 'dout', 'value', (j, c) => `v[v${j} + ${c}]`)}
    ${lines(rows, (r) => lines(block, (j) => `let ds${r}_${j} = select(0.0, exp(dot${r}_${j} - lse${r}) * (dp${r}_${j} - delta${r}), ${visible(r, j)});`))}
    ${dim.accumulate('acc', rows, block, 'key', (j, c) => `k[k${j} + ${c}]`, (r, j) => `ds${r}_${j}`)}
  }
    ${store(rows, (r) => `${dim.each((s, c) => `dq[row${r} * ${dim.chunks} + ${c}] = u.scale * acc${r}${s};`)}
    delta[row${r}] = delta${r};`)}
}
`
}

/** Second pass of attention_bwd: dk and dv. */
export function attentionBwdKeysWgsl(D: number, Dv: number, tile: AttentionTile): string {
  const { rows, block, workgroup } = tile
  const dim = new Dim(D, tile), value = new Dim(Dv, tile)
  // Beyond the sequence the last query stands in, with weight 0.
  const visible = (r: number, j: number) => block === 1 ? `t >= begin + ${r}` : `t + ${offset(tile, j)} >= begin + ${r} && t + ${offset(tile, j)} < u.S`
  return /* wgsl */ `// attention_bwd: dk = scale * sum over queries of p (dout v^T - delta) q, dv = sum over queries of p dout, p = exp(scale * q k^T - lse).
//   dout   [T, n, ${Dv}]  f32  in
//   q      [T, n, ${D}]  f32  in
//   k      [T, n, ${D}]  f32  in
//   v      [T, n, ${Dv}]  f32  in
//   lse    [T, n]  f32  in
//   delta  [T, n]  f32  scratch, in
//   dk     [T, n, ${D}]  f32  out
//   dv     [T, n, ${Dv}]  f32  out
${header(tile)}
// source    Dao et al., FlashAttention (arXiv 2205.14135) appendix B; reference in src/ops/attention_bwd.ts

${enable(tile)}${uniforms}

@group(0) @binding(0) var<storage, read> dout: array<${value.type}>;
@group(0) @binding(1) var<storage, read> q: array<${dim.type}>;
@group(0) @binding(2) var<storage, read> k: array<${dim.type}>;
@group(0) @binding(3) var<storage, read> v: array<${value.type}>;
@group(0) @binding(4) var<storage, read> lse: array<f32>;
@group(0) @binding(5) var<storage, read> delta: array<f32>;
@group(0) @binding(6) var<storage, read_write> dk: array<${dim.type}>;
@group(0) @binding(7) var<storage, read_write> dv: array<${value.type}>;
@group(0) @binding(8) var<uniform> u: Uniforms;

@compute @workgroup_size(${workgroup})
fn attention_bwd_keys(${signature}) {
    ${place(tile)}

    ${dim.hold('k', rows, (r, c) => `u.scale * k[row${r} * ${dim.chunks} + ${c}]`)}
    ${value.hold('v', rows, (r, c) => `v[row${r} * ${value.chunks} + ${c}]`)}
    ${dim.hold('dk', rows, () => `${dim.type}(0.0)`, 'var')}
    ${value.hold('dv', rows, () => `${value.type}(0.0)`, 'var')}
  for (var t = ${tile.quads ? 'quadBegin' : 'begin'}; t < u.S; t += ${block}) {
    ${lines(loaded(tile), (j) => `let query${j} = first + min(t + ${offset(tile, j)}, u.S - 1) * u.heads; let q${j} = query${j} * ${dim.chunks}; let o${j} = query${j} * ${value.chunks};`)}
    ${lines(block, (j) => `let lse${j} = ${dim.get(j, 'lse0', (j) => `lse[query${j}]`)}; let delta${j} = ${dim.get(j, 'delta0', (j) => `delta[query${j}]`)};`)}
    ${dim.dots('dot', rows, block, 'k', 'query', (j, c) => `q[q${j} + ${c}]`)}
    ${value.dots('dp', rows, block, 'v', 'dout', (j, c) => `dout[o${j} + ${c}]`)}
    ${lines(rows, (r) => lines(block, (j) => `let p${r}_${j} = select(0.0, exp(dot${r}_${j} - lse${j}), ${visible(r, j)});`))}
    ${lines(rows, (r) => lines(block, (j) => `let ds${r}_${j} = p${r}_${j} * (dp${r}_${j} - delta${j});`))}
    ${dim.accumulate('dk', rows, block, 'query', (j, c) => `q[q${j} + ${c}]`, (r, j) => `ds${r}_${j}`)}
    ${value.accumulate('dv', rows, block, 'dout', (j, c) => `dout[o${j} + ${c}]`, (r, j) => `p${r}_${j}`)}
  }
    ${store(rows, (r) => `${dim.each((s, c) => `dk[row${r} * ${dim.chunks} + ${c}] = u.scale * dk${r}${s};`)}
    ${value.each((s, c) => `dv[row${r} * ${value.chunks} + ${c}] = dv${r}${s};`)}`)}
}
`
}
