// DeepSeek-V3 in naive loops over float64 arrays, written from the paper and the notes alone, without a line of src/.
// One sequence at a time; every weight is looked up by its Hugging Face name.
export type Weights = Record<string, ArrayLike<number>>
type Matrix = number[][]

export interface PlainConfig {
  vocab_size: number; hidden_size: number; num_hidden_layers: number; first_k_dense_replace: number
  num_attention_heads: number; q_lora_rank: number | null; kv_lora_rank: number
  qk_nope_head_dim: number; qk_rope_head_dim: number; v_head_dim: number
  n_routed_experts: number; n_shared_experts: number; num_experts_per_tok: number
  n_group: number; topk_group: number; routed_scaling_factor: number
  rms_norm_eps: number; rope_theta: number
  rope_scaling: null | { factor: number; original_max_position_embeddings: number; beta_fast: number; beta_slow: number; mscale: number }
}

export interface PlainResult {
  logits: Matrix // [S][V]
  mtpLogits?: Matrix // [S][V]
  /** By layer: chosen experts of each token, by falling biased score. */
  routing: Record<number, number[][]>
  /** By layer: sum over experts of f P. */
  balance: Record<number, number>
}

/** `next` (the token after each position) runs the multi-token prediction block, whose weights are layer num_hidden_layers. */
export function plainModel(c: PlainConfig, w: Weights, ids: number[], next?: number[]): PlainResult {
  const result: PlainResult = { logits: [], routing: {}, balance: {} }
  const embed = (tokens: number[]) => tokens.map((id) => row(w['model.embed_tokens.weight'], id, c.hidden_size))
  let x = embed(ids)
  for (let layer = 0; layer < c.num_hidden_layers; layer++) x = block(c, w, layer, x, result)
  const hidden = x.map((v) => rms(v, w['model.norm.weight'], c.rms_norm_eps))
  const head = (v: number[]) => times(w['lm_head.weight'], v)
  result.logits = hidden.map(head)
  if (next) {
    const layer = c.num_hidden_layers
    const at = `model.layers.${layer}`
    const joined = embed(next).map((e, t) => [
      ...rms(e, w[`${at}.enorm.weight`], c.rms_norm_eps), ...rms(hidden[t], w[`${at}.hnorm.weight`], c.rms_norm_eps),
    ])
    const y = block(c, w, layer, joined.map((v) => times(w[`${at}.eh_proj.weight`], v)), result)
    result.mtpLogits = y.map((v) => head(rms(v, w[`${at}.shared_head.norm.weight`], c.rms_norm_eps)))
  }
  return result
}

/** -log softmax(logits)[target]. */
export function plainLoss(logits: number[], target: number): number {
  const top = Math.max(...logits)
  return top + Math.log(logits.reduce((sum, l) => sum + Math.exp(l - top), 0)) - logits[target]
}

function block(c: PlainConfig, w: Weights, layer: number, x: Matrix, result: PlainResult): Matrix {
  const at = `model.layers.${layer}`
  const normed = x.map((v) => rms(v, w[`${at}.input_layernorm.weight`], c.rms_norm_eps))
  const h = attend(c, w, `${at}.self_attn`, normed).map((o, t) => plus(o, x[t]))
  const u = h.map((v) => rms(v, w[`${at}.post_attention_layernorm.weight`], c.rms_norm_eps))
  const out = layer < c.first_k_dense_replace ? u.map((v) => mlp(w, `${at}.mlp`, v)) : experts(c, w, layer, u, result)
  return out.map((o, t) => plus(o, h[t]))
}

function attend(c: PlainConfig, w: Weights, at: string, x: Matrix): Matrix {
  const { num_attention_heads: n, qk_nope_head_dim: nope, qk_rope_head_dim: R, v_head_dim: Dv, kv_lora_rank: C } = c
  const queries = x.map((v, t) => {
    const q = c.q_lora_rank === null ? times(w[`${at}.q_proj.weight`], v)
      : times(w[`${at}.q_b_proj.weight`], rms(times(w[`${at}.q_a_proj.weight`], v), w[`${at}.q_a_layernorm.weight`], 1e-6))
    return heads(q, n).map((head) => [...head.slice(0, nope), ...rotate(c, head.slice(nope), t)])
  })
  const keysAndValues = x.map((v, t) => {
    const down = times(w[`${at}.kv_a_proj_with_mqa.weight`], v)
    const shared = rotate(c, down.slice(C, C + R), t)
    const up = times(w[`${at}.kv_b_proj.weight`], rms(down.slice(0, C), w[`${at}.kv_a_layernorm.weight`], 1e-6))
    return heads(up, n).map((head) => ({ key: [...head.slice(0, nope), ...shared], value: head.slice(nope) }))
  })
  let scale = 1 / Math.sqrt(nope + R)
  if (c.rope_scaling) scale *= (0.1 * c.rope_scaling.mscale * Math.log(c.rope_scaling.factor) + 1) ** 2
  return queries.map((query, t) => {
    const o: number[] = []
    query.forEach((q, head) => {
      const scores = keysAndValues.slice(0, t + 1).map((kv) => scale * dot(q, kv[head].key))
      const top = Math.max(...scores)
      const p = scores.map((s) => Math.exp(s - top))
      const sum = p.reduce((a, b) => a + b, 0)
      for (let i = 0; i < Dv; i++) o.push(p.reduce((acc, pt, s) => acc + (pt / sum) * keysAndValues[s][head].value[i], 0))
    })
    return times(w[`${at}.o_proj.weight`], o)
  })
}

/** Multiplies the pairs (2i, 2i + 1), read as complex numbers, with e^(i position frequency). */
function rotate(c: PlainConfig, v: number[], position: number): number[] {
  const R = v.length
  const out: number[] = []
  for (let i = 0; i < R / 2; i++) {
    let f = c.rope_theta ** (-2 * i / R)
    if (c.rope_scaling) {
      const { factor, original_max_position_embeddings: L, beta_fast, beta_slow } = c.rope_scaling
      const corr = (turns: number) => R * Math.log(L / (2 * Math.PI * turns)) / (2 * Math.log(c.rope_theta))
      const low = Math.max(0, Math.floor(corr(beta_fast)))
      const high = Math.min(R - 1, Math.ceil(corr(beta_slow)))
      const ramp = Math.min(1, Math.max(0, (i - low) / (high === low ? 0.001 : high - low)))
      f = f / factor * ramp + f * (1 - ramp)
    }
    const a = position * f
    out.push(v[2 * i] * Math.cos(a) - v[2 * i + 1] * Math.sin(a), v[2 * i] * Math.sin(a) + v[2 * i + 1] * Math.cos(a))
  }
  return out
}

function experts(c: PlainConfig, w: Weights, layer: number, u: Matrix, result: PlainResult): Matrix {
  const { n_routed_experts: E, num_experts_per_tok: topk, n_group: G } = c
  const at = `model.layers.${layer}.mlp`
  const bias = w[`${at}.gate.e_score_correction_bias`]
  const f = new Array<number>(E).fill(0)
  const P = new Array<number>(E).fill(0)
  result.routing[layer] = []
  const out = u.map((v) => {
    const s = times(w[`${at}.gate.weight`], v).map((z) => 1 / (1 + Math.exp(-z)))
    const biased = s.map((value, e) => value + bias[e])
    let allowed = [...biased.keys()]
    if (G > 1) {
      const members = (g: number) => allowed.slice(g * (E / G), (g + 1) * (E / G))
      const best = (g: number) => { const top = members(g).map((e) => biased[e]).sort((a, b) => b - a); return top[0] + top[1] }
      const groups = Array.from({ length: G }, (_, g) => g).sort((a, b) => best(b) - best(a) || a - b).slice(0, c.topk_group)
      allowed = groups.flatMap(members)
    }
    const chosen = allowed.sort((a, b) => biased[b] - biased[a] || a - b).slice(0, topk)
    result.routing[layer].push(chosen)
    const total = chosen.reduce((sum, e) => sum + s[e], 0)
    const all = s.reduce((a, b) => a + b, 0)
    for (const e of chosen) f[e] += E / (topk * u.length)
    s.forEach((value, e) => { P[e] += value / all / u.length })
    let y: number[] = new Array(v.length).fill(0)
    for (const e of chosen) y = plus(y, mlp(w, `${at}.experts.${e}`, v).map((z) => z * s[e] / total * c.routed_scaling_factor))
    return c.n_shared_experts > 0 ? plus(y, mlp(w, `${at}.shared_experts`, v)) : y
  })
  result.balance[layer] = dot(f, P)
  return out
}

function mlp(w: Weights, at: string, x: number[]): number[] {
  const gate = times(w[`${at}.gate_proj.weight`], x)
  const up = times(w[`${at}.up_proj.weight`], x)
  return times(w[`${at}.down_proj.weight`], gate.map((g, i) => g / (1 + Math.exp(-g)) * up[i]))
}

const row = (w: ArrayLike<number>, i: number, n: number) => Array.from({ length: n }, (_, j) => w[i * n + j])
const plus = (a: number[], b: number[]) => a.map((v, i) => v + b[i])
const dot = (a: number[], b: number[]) => a.reduce((sum, v, i) => sum + v * b[i], 0)

/** w [N, K] times x [K]. */
function times(w: ArrayLike<number>, x: number[]): number[] {
  const K = x.length
  return Array.from({ length: w.length / K }, (_, n) => { let s = 0; for (let k = 0; k < K; k++) s += w[n * K + k] * x[k]; return s })
}

function rms(x: number[], w: ArrayLike<number>, eps: number): number[] {
  const r = 1 / Math.sqrt(dot(x, x) / x.length + eps)
  return x.map((v, i) => v * r * w[i])
}

const heads = (v: number[], n: number) => Array.from({ length: n }, (_, i) => v.slice(i * v.length / n, (i + 1) * v.length / n))
