// The model configuration under its Hugging Face names, its tensors, its size, its position encoding.
// Sources: DeepSeek-V3 config.json and modeling_deepseek_v3.py (Hugging Face), inference/model.py (DeepSeek),
// technical report arXiv 2412.19437.
import { z } from 'zod'
import { boolean, checkRules, integer, number, oneOf, readWithSchema, text } from './schema.ts'

const width = () => integer(1, 1 << 20)
const kept = () => z.unknown().optional() // known to Hugging Face, of no meaning here, written back unchanged

const ropeScalingSchema = z.strictObject({
  type: oneOf('yarn').optional(), // older name of rope_type; one of the two is needed
  rope_type: oneOf('yarn').optional(),
  factor: number(1, 1e6),
  original_max_position_embeddings: integer(1, 1 << 30),
  beta_fast: number(0, 1e6, true).default(32),
  beta_slow: number(0, 1e6, true).default(1),
  mscale: number(0, 1e3),
  mscale_all_dim: number(0, 1e3),
}, 'null or an object with type "yarn"')

/** The schema of `config.json` and of the section `model`; structural sizes have no defaults. */
export const modelSchema = z.strictObject({
  vocab_size: integer(1, 1 << 24),
  hidden_size: width(),
  num_hidden_layers: integer(1, 4096),
  first_k_dense_replace: integer(0, 4096),
  num_attention_heads: integer(1, 4096),
  num_key_value_heads: integer(1, 4096).optional(), // MLA has no grouped heads: equal to num_attention_heads
  q_lora_rank: width().nullable(), // null: one q_proj instead of q_a_proj, q_b_proj
  kv_lora_rank: width(),
  qk_nope_head_dim: width(),
  qk_rope_head_dim: width(),
  v_head_dim: width(),
  intermediate_size: width(), // of the dense layers
  moe_intermediate_size: width(), // of one expert
  n_routed_experts: integer(1, 65536),
  n_shared_experts: integer(0, 1024), // one MLP of n_shared_experts * moe_intermediate_size
  num_experts_per_tok: integer(1, 65536),
  n_group: integer(1, 65536).default(1),
  topk_group: integer(1, 65536).default(1),
  routed_scaling_factor: number(0, 1e6, true).default(1),
  norm_topk_prob: oneOf(true).default(true),
  scoring_func: oneOf('sigmoid').default('sigmoid'),
  topk_method: oneOf('noaux_tc').default('noaux_tc'),
  num_nextn_predict_layers: integer(0, 1).default(0), // depth of multi-token prediction
  max_position_embeddings: integer(1, 1 << 30),
  rope_theta: number(1, 1e12, true).default(10000),
  rope_scaling: ropeScalingSchema.nullable().default(null),
  rope_interleave: oneOf(true).default(true),
  rms_norm_eps: number(0, 1, true).default(1e-6),
  hidden_act: oneOf('silu').default('silu'),
  attention_bias: oneOf(false).default(false),
  attention_dropout: oneOf(0).default(0),
  moe_layer_freq: oneOf(1).default(1),
  tie_word_embeddings: oneOf(false).default(false),
  model_type: oneOf('deepseek_v3').default('deepseek_v3'),
  initializer_range: number(0, 10).optional(), // kept; the run's value is train.initializerRange
  bos_token_id: integer(0, 1 << 24).nullable().optional(),
  eos_token_id: integer(0, 1 << 24).nullable().optional(),
  use_cache: boolean().optional(),
  torch_dtype: text().nullable().optional(),
  architectures: kept(), aux_loss_alpha: kept(), auto_map: kept(), dtype: kept(), ep_size: kept(), head_dim: kept(), pad_token_id: kept(),
  pretraining_tp: kept(), qk_head_dim: kept(), quantization_config: kept(), seq_aux: kept(), transformers_version: kept(), _name_or_path: kept(),
}, 'an object with the keys of a DeepSeek-V3 config.json')

export type ModelConfig = z.output<typeof modelSchema> & { num_key_value_heads: number }

/**
 * Reads a Hugging Face DeepSeek-V3 configuration. `where` names the file in errors, `prefix` the section in it.
 * Throws InputError for unknown keys, values out of range and sizes that cannot work together.
 */
export function parseModelConfig(json: unknown, where: string, prefix: readonly string[] = []): ModelConfig {
  const read = readWithSchema(modelSchema, json, where, prefix)
  const config: ModelConfig = { ...read, num_key_value_heads: read.num_key_value_heads ?? read.num_attention_heads }
  checkModel(config, where, prefix.map((part) => `${part}.`).join(''))
  return config
}

function checkModel(c: ModelConfig, where: string, at: string): void {
  const perGroup = c.n_routed_experts / c.n_group
  const yarn = c.rope_scaling
  const yarnFactor = yarn ? c.max_position_embeddings / yarn.original_max_position_embeddings : 1
  checkRules([
    [c.num_key_value_heads === c.num_attention_heads, `${at}num_key_value_heads`, `is ${c.num_key_value_heads}; it must equal num_attention_heads, ${c.num_attention_heads}: latent attention has no grouped heads`],
    [c.first_k_dense_replace <= c.num_hidden_layers, `${at}first_k_dense_replace`, `is ${c.first_k_dense_replace}; it must be at most num_hidden_layers, ${c.num_hidden_layers}`],
    [c.qk_rope_head_dim % 2 === 0, `${at}qk_rope_head_dim`, `is ${c.qk_rope_head_dim}; it must be even: rotary positions turn pairs`],
    [c.num_experts_per_tok <= c.n_routed_experts, `${at}num_experts_per_tok`, `is ${c.num_experts_per_tok}; it must be at most n_routed_experts, ${c.n_routed_experts}`],
    [c.n_routed_experts % c.n_group === 0, `${at}n_routed_experts`, `is ${c.n_routed_experts}; it must be a multiple of n_group, ${c.n_group}`],
    [c.topk_group <= c.n_group, `${at}topk_group`, `is ${c.topk_group}; it must be at most n_group, ${c.n_group}`],
    [c.n_group === 1 || perGroup >= 2, `${at}n_group`, `is ${c.n_group}; each group needs at least 2 of the ${c.n_routed_experts} experts: a group's score is the sum of its best two`],
    [c.num_experts_per_tok <= c.topk_group * perGroup, `${at}num_experts_per_tok`, `is ${c.num_experts_per_tok}; it must be at most the ${c.topk_group * perGroup} experts of the topk_group = ${c.topk_group} groups that a token may use`],
    [!yarn || (yarn.type ?? yarn.rope_type) !== undefined, `${at}rope_scaling.type`, 'is missing; it must be "yarn"'],
    [!yarn || yarn.mscale === yarn.mscale_all_dim, `${at}rope_scaling.mscale`, `is ${yarn?.mscale}; it must equal mscale_all_dim, ${yarn?.mscale_all_dim}: scaled cosines are not supported`],
    // Hugging Face divides frequencies by the quotient, DeepSeek by the factor: only where both agree is the meaning certain.
    [!yarn || Math.abs(yarn.factor / yarnFactor - 1) < 1e-6, `${at}rope_scaling.factor`, `is ${yarn?.factor}; it must equal max_position_embeddings / original_max_position_embeddings, ${yarnFactor}`],
  ], where)
}

export type TensorRole = 'embedding' | 'head' | 'norm' | 'linear' | 'router' | 'routerBias' | 'expert'

export interface TensorInfo {
  readonly name: string // in a Hugging Face checkpoint
  readonly shape: readonly number[] // linear layers: [out, in]
  readonly role: TensorRole // norms start at 1, routerBias at 0 and has no gradient, all others at N(0, initializerRange)
  readonly numParameters: number
  readonly layer: number | null // the MTP block is layer num_hidden_layers
  readonly expert: number | null // of a routed expert
  readonly mtp: boolean
}

/** Every tensor of a checkpoint in order; the MTP block comes last and shares embedding and head with the model. */
export function listTensors(c: ModelConfig): TensorInfo[] {
  const tensors: TensorInfo[] = []
  const H = c.hidden_size
  const add = (layer: number | null, expert: number | null, name: string, role: TensorRole, ...shape: number[]) =>
    void tensors.push({ name, shape, role, numParameters: shape.reduce((a, b) => a * b, 1), layer, expert, mtp: layer !== null && layer >= c.num_hidden_layers })

  add(null, null, 'model.embed_tokens.weight', 'embedding', c.vocab_size, H)
  for (let layer = 0; layer < c.num_hidden_layers; layer++) addBlock(c, layer, add)
  add(null, null, 'model.norm.weight', 'norm', H)
  add(null, null, 'lm_head.weight', 'head', c.vocab_size, H)
  for (let depth = 0; depth < c.num_nextn_predict_layers; depth++) {
    const layer = c.num_hidden_layers + depth
    add(layer, null, `model.layers.${layer}.enorm.weight`, 'norm', H)
    add(layer, null, `model.layers.${layer}.hnorm.weight`, 'norm', H)
    add(layer, null, `model.layers.${layer}.eh_proj.weight`, 'linear', H, 2 * H) // columns: [embedding | hidden]
    addBlock(c, layer, add)
    add(layer, null, `model.layers.${layer}.shared_head.norm.weight`, 'norm', H)
  }
  return tensors
}

type Add = (layer: number, expert: number | null, name: string, role: TensorRole, ...shape: number[]) => void

function addBlock(c: ModelConfig, layer: number, add: Add): void {
  const H = c.hidden_size
  const heads = c.num_attention_heads
  const at = `model.layers.${layer}`
  const attention = `${at}.self_attn`
  const qOut = heads * (c.qk_nope_head_dim + c.qk_rope_head_dim)
  if (c.q_lora_rank === null) add(layer, null, `${attention}.q_proj.weight`, 'linear', qOut, H)
  else {
    add(layer, null, `${attention}.q_a_proj.weight`, 'linear', c.q_lora_rank, H)
    add(layer, null, `${attention}.q_a_layernorm.weight`, 'norm', c.q_lora_rank)
    add(layer, null, `${attention}.q_b_proj.weight`, 'linear', qOut, c.q_lora_rank)
  }
  add(layer, null, `${attention}.kv_a_proj_with_mqa.weight`, 'linear', c.kv_lora_rank + c.qk_rope_head_dim, H)
  add(layer, null, `${attention}.kv_a_layernorm.weight`, 'norm', c.kv_lora_rank)
  add(layer, null, `${attention}.kv_b_proj.weight`, 'linear', heads * (c.qk_nope_head_dim + c.v_head_dim), c.kv_lora_rank)
  add(layer, null, `${attention}.o_proj.weight`, 'linear', H, heads * c.v_head_dim)

  const addMlp = (name: string, role: TensorRole, inner: number, expert: number | null = null) => {
    add(layer, expert, `${at}.mlp${name}.gate_proj.weight`, role, inner, H)
    add(layer, expert, `${at}.mlp${name}.up_proj.weight`, role, inner, H)
    add(layer, expert, `${at}.mlp${name}.down_proj.weight`, role, H, inner)
  }
  if (layer < c.first_k_dense_replace) addMlp('', 'linear', c.intermediate_size)
  else {
    for (let e = 0; e < c.n_routed_experts; e++) addMlp(`.experts.${e}`, 'expert', c.moe_intermediate_size, e)
    add(layer, null, `${at}.mlp.gate.weight`, 'router', c.n_routed_experts, H)
    add(layer, null, `${at}.mlp.gate.e_score_correction_bias`, 'routerBias', c.n_routed_experts)
    if (c.n_shared_experts > 0) addMlp('.shared_experts', 'linear', c.n_shared_experts * c.moe_intermediate_size)
  }
  add(layer, null, `${at}.input_layernorm.weight`, 'norm', H)
  add(layer, null, `${at}.post_attention_layernorm.weight`, 'norm', H)
}

export interface ParameterCount {
  total: number // without MTP
  active: number // used by one token: the chosen experts, embedding and head included
  activeWithoutEmbedding: number
  mtp: number // of the MTP block alone
  perTensor: TensorInfo[]
}

/** DeepSeek-V3: total 671.03e9, active 37.55e9 (36.62e9 without the embedding), MTP 11.61e9 apart. */
export function countParameters(config: ModelConfig): ParameterCount {
  const perTensor = listTensors(config)
  const sum = (keep: (t: TensorInfo) => boolean) => perTensor.reduce((n, t) => (keep(t) ? n + t.numParameters : n), 0)
  // All experts have one size, so a token's experts may as well be the first ones.
  const isActive = (t: TensorInfo) => !t.mtp && (t.expert === null || t.expert < config.num_experts_per_tok)
  return {
    total: sum((t) => !t.mtp),
    active: sum(isActive),
    activeWithoutEmbedding: sum((t) => isActive(t) && t.role !== 'embedding'),
    mtp: sum((t) => t.mtp),
    perTensor,
  }
}

/** Factor of q k^T before the softmax: (nope + rope)^-0.5, under YaRN times (0.1 * mscale * ln(factor) + 1)^2. */
export function attentionScale(config: ModelConfig): number {
  const base = (config.qk_nope_head_dim + config.qk_rope_head_dim) ** -0.5
  const yarn = config.rope_scaling
  if (!yarn || yarn.factor <= 1) return base
  const mscale = 0.1 * yarn.mscale_all_dim * Math.log(yarn.factor) + 1
  return base * mscale * mscale
}

/**
 * Radians per position of each interleaved pair: [qk_rope_head_dim / 2] float64.
 * YaRN keeps fast pairs, divides slow pairs by the factor and blends linearly in between.
 */
export function ropeFrequencies(config: ModelConfig): Float64Array {
  const R = config.qk_rope_head_dim
  const frequencies = Float64Array.from({ length: R / 2 }, (_, i) => config.rope_theta ** ((-2 * i) / R))
  const yarn = config.rope_scaling
  if (!yarn) return frequencies
  // The pair that turns `rotations` times over the original length.
  const pairOf = (rotations: number) => (R * Math.log(yarn.original_max_position_embeddings / (rotations * 2 * Math.PI))) / (2 * Math.log(config.rope_theta))
  const low = Math.max(Math.floor(pairOf(yarn.beta_fast)), 0)
  let high = Math.min(Math.ceil(pairOf(yarn.beta_slow)), R - 1)
  if (high === low) high += 0.001 // as upstream: no division by zero
  return frequencies.map((f, i) => {
    const slow = Math.min(Math.max((i - low) / (high - low), 0), 1)
    return (f / yarn.factor) * slow + f * (1 - slow)
  })
}
