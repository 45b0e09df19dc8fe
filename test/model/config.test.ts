import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InputError } from '../../src/core/errors.ts'
import { attentionScale, countParameters, listTensors, parseModelConfig, ropeFrequencies } from '../../src/model/config.ts'
import { mutate } from '../support/mutate_json.ts'

type Json = Record<string, unknown>
const preset = (name: string): Json => (JSON.parse(readFileSync(new URL(`../../presets/${name}.json`, import.meta.url), 'utf8')) as { model: Json }).model
const deepseek = preset('deepseek-v3')
const tiny = preset('tiny')
const read = (change: Json) => parseModelConfig({ ...tiny, ...change }, 'config.json')

// The published config.json of deepseek-ai/DeepSeek-V3 holds these beside the sizes.
const publishedExtras = {
  architectures: ['DeepseekV3ForCausalLM'], attention_dropout: 0.0, auto_map: { AutoConfig: 'configuration_deepseek.DeepseekV3Config' },
  aux_loss_alpha: 0.001, ep_size: 1, initializer_range: 0.02, moe_layer_freq: 1, pretraining_tp: 1, seq_aux: true, torch_dtype: 'bfloat16',
  transformers_version: '4.33.1', use_cache: true, quantization_config: { activation_scheme: 'dynamic', fmt: 'e4m3', quant_method: 'fp8', weight_block_size: [128, 128] },
}

describe('parseModelConfig', () => {
  it('reads the published configuration and keeps what it does not need', () => {
    const config = parseModelConfig({ ...deepseek, ...publishedExtras }, 'config.json')
    expect(config).toMatchObject({ ...deepseek, ...publishedExtras })
  })

  it('reads its own result again', () => {
    const config = read({})
    expect(parseModelConfig(JSON.parse(JSON.stringify(config)), 'again')).toEqual(config)
  })

  it('fills in the heads of keys and values', () => {
    expect(read({ num_key_value_heads: undefined }).num_key_value_heads).toBe(4)
  })

  it.each<[string, Json, string]>([
    ['an unknown key', { hiden_size: 64 }, 'config.json: hiden_size is not a known key; did you mean "hidden_size"?'],
    ['a missing key', { hidden_size: undefined }, 'hidden_size is missing; it must be an integer from 1'],
    ['a text', { hidden_size: '64' }, 'hidden_size is "64"; it must be an integer'],
    ['a fraction', { hidden_size: 64.5 }, 'hidden_size is 64.5; it must be an integer'],
    ['NaN', { rms_norm_eps: NaN }, 'rms_norm_eps is NaN; it must be a finite number'],
    ['Infinity', { rope_theta: Infinity }, 'rope_theta is Infinity; it must be a finite number'],
    ['zero layers', { num_hidden_layers: 0 }, 'num_hidden_layers is 0'],
    ['more dense layers than layers', { first_k_dense_replace: 4 }, 'first_k_dense_replace is 4; it must be at most num_hidden_layers, 3'],
    ['an odd rotary dimension', { qk_rope_head_dim: 7 }, 'qk_rope_head_dim is 7; it must be even'],
    ['grouped heads', { num_key_value_heads: 2 }, 'num_key_value_heads is 2; it must equal num_attention_heads, 4'],
    ['more experts per token than experts', { num_experts_per_tok: 9, n_group: 1, topk_group: 1 }, 'num_experts_per_tok is 9; it must be at most n_routed_experts, 8'],
    ['experts that do not divide into groups', { n_group: 3 }, 'n_routed_experts is 8; it must be a multiple of n_group, 3'],
    ['more groups chosen than there are', { topk_group: 5 }, 'topk_group is 5; it must be at most n_group, 4'],
    ['more experts than the chosen groups have', { topk_group: 1 }, 'num_experts_per_tok is 3; it must be at most the 2 experts'],
    ['groups of one expert', { n_group: 8, topk_group: 4 }, 'n_group is 8; each group needs at least 2'],
    ['another activation', { hidden_act: 'gelu' }, 'hidden_act is "gelu"; it must be "silu"'],
    ['another score', { scoring_func: 'softmax' }, 'scoring_func is "softmax"; it must be "sigmoid"'],
    ['another choice', { topk_method: 'greedy' }, 'topk_method is "greedy"; it must be "noaux_tc"'],
    ['biases', { attention_bias: true }, 'attention_bias is true; it must be false'],
    ['tied embeddings', { tie_word_embeddings: true }, 'tie_word_embeddings is true; it must be false'],
    ['deeper prediction', { num_nextn_predict_layers: 2 }, 'num_nextn_predict_layers is 2; it must be an integer from 0 to 1'],
    ['another rope scaling', { rope_scaling: { type: 'linear', factor: 2 } }, 'rope_scaling.type is "linear"; it must be "yarn"'],
    ['a factor that contradicts the lengths', { rope_scaling: deepseek.rope_scaling }, 'rope_scaling.factor is 40; it must equal max_position_embeddings / original_max_position_embeddings'],
  ])('refuses %s', (_, change, sentence) => {
    expect(() => read(change)).toThrow(InputError)
    expect(() => read(change)).toThrow(sentence)
  })

  it.each([null, 1, 'x', [], [[]], undefined, true])('refuses %j in place of a configuration', (json) => {
    expect(() => parseModelConfig(json, 'config.json')).toThrow(InputError)
  })

  it('refuses deep nesting and names the section', () => {
    let deep: unknown = 1
    for (let i = 0; i < 5000; i++) deep = [deep]
    expect(() => read({ auto_map: deep })).toThrow(/auto_map.*nested more than/)
    expect(() => parseModelConfig({}, 'run.json', ['model'])).toThrow('run.json: model.hidden_size is missing')
  })

  it('validates or names a path for any mutated configuration', () => {
    fc.assert(fc.property(fc.constantFrom(tiny, { ...deepseek, ...publishedExtras }), fc.infiniteStream(fc.nat()), (base, numbers) => {
      const mutated = mutate(base, numbers)
      try {
        expect(listTensors({ ...parseModelConfig(mutated, 'config.json'), n_routed_experts: 2, num_hidden_layers: 2 }).length).toBeGreaterThan(0)
      } catch (error) {
        expect(error).toBeInstanceOf(InputError)
        expect((error as Error).message).toMatch(/^config\.json: \S+.* (is|must|has)/)
      }
    }), { numRuns: 1000 })
  }, 20_000)
})

describe('countParameters', () => {
  it('gives the published sizes of DeepSeek-V3', () => {
    const { total, active, activeWithoutEmbedding, mtp } = countParameters(parseModelConfig(deepseek, 'preset'))
    expect(total).toBe(671_026_419_200) // what the published checkpoint holds outside layer 61
    expect(active / 1e9).toBeCloseTo(37.55, 2)
    expect(activeWithoutEmbedding / 1e9).toBeCloseTo(36.63, 2)
    expect(active - activeWithoutEmbedding).toBe(129280 * 7168)
    expect(mtp / 1e9).toBeCloseTo(11.61, 2)
  })

  it('gives the small preset about 30 M active parameters', () => {
    expect(countParameters(parseModelConfig(preset('small'), 'preset')).active / 1e6).toBeCloseTo(31.3, 1)
  })

  it('adds up over the tensors', () => {
    const count = countParameters(parseModelConfig(preset('nano'), 'preset'))
    expect(count.perTensor.reduce((n, t) => n + t.shape.reduce((a, b) => a * b, 1), 0)).toBe(count.total + count.mtp)
  })
})

describe('listTensors', () => {
  it('lists exactly what a checkpoint written by Hugging Face holds', () => {
    const folder = new URL('../golden/model/', import.meta.url)
    const bytes = readFileSync(new URL('model.safetensors', folder))
    const header = JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE(0)))) as Record<string, { shape: number[] }>
    delete header.__metadata__
    const config = parseModelConfig(JSON.parse(readFileSync(new URL('config.json', folder), 'utf8')), 'golden')
    const shapes = Object.entries(header).map(([name, { shape }]) => [name, shape])
    expect(Object.fromEntries(listTensors(config).map((t) => [t.name, t.shape]))).toEqual(Object.fromEntries(shapes))
  })

  it('names the tensors of the Hugging Face checkpoint', () => {
    const tensors = new Map(listTensors(read({})).map((t) => [t.name, t.shape]))
    expect(tensors.size).toBe(91) // as many as in the golden checkpoint of the same sizes
    expect(Object.fromEntries(tensors)).toMatchObject({
      'model.embed_tokens.weight': [256, 64],
      'model.layers.0.self_attn.q_b_proj.weight': [96, 32],
      'model.layers.0.self_attn.kv_a_proj_with_mqa.weight': [24, 64],
      'model.layers.0.self_attn.kv_b_proj.weight': [128, 16],
      'model.layers.0.mlp.down_proj.weight': [64, 96],
      'model.layers.2.mlp.experts.7.down_proj.weight': [64, 32],
      'model.layers.2.mlp.gate.e_score_correction_bias': [8],
      'model.layers.2.mlp.shared_experts.gate_proj.weight': [32, 64],
      'lm_head.weight': [256, 64],
    })
  })

  it('puts the prediction block behind the last layer, without embedding and head', () => {
    const mtp = listTensors(read({ num_nextn_predict_layers: 1 })).filter((t) => t.mtp)
    expect(mtp.every((t) => t.name.startsWith('model.layers.3.') && t.layer === 3)).toBe(true)
    expect(mtp.map((t) => t.name)).toEqual(expect.arrayContaining(['enorm', 'hnorm', 'eh_proj', 'shared_head.norm', 'mlp.gate'].map((n) => `model.layers.3.${n}.weight`)))
    expect(mtp.find((t) => t.name.includes('eh_proj'))?.shape).toEqual([64, 128])
    expect(mtp.some((t) => /embed_tokens|shared_head\.head/.test(t.name))).toBe(false)
  })

  it('has one query matrix without a query rank', () => {
    const queries = listTensors(read({ q_lora_rank: null })).filter((t) => t.name.includes('layers.0.self_attn.q_'))
    expect(queries.map((t) => [t.name, t.shape])).toEqual([['model.layers.0.self_attn.q_proj.weight', [96, 64]]])
  })
})

describe('positions', () => {
  const v3 = parseModelConfig(deepseek, 'preset')

  it('scales attention as published', () => {
    expect(attentionScale(read({}))).toBeCloseTo(24 ** -0.5, 15)
    expect(attentionScale(v3) * Math.sqrt(192)).toBeCloseTo(1.8738542071, 9) // (0.1 ln 40 + 1)^2
    expect(attentionScale({ ...v3, rope_scaling: null })).toBeCloseTo(192 ** -0.5, 15)
  })

  it('has plain frequencies without YaRN', () => {
    expect([...ropeFrequencies(read({}))]).toEqual([1, 10000 ** -0.25, 10000 ** -0.5, 10000 ** -0.75])
  })

  it('keeps fast pairs, slows slow ones down by 40 and blends between pairs 10 and 23', () => {
    const yarn = ropeFrequencies(v3)
    const plain = ropeFrequencies({ ...v3, rope_scaling: null })
    expect(yarn).toHaveLength(32)
    for (let i = 0; i < 32; i++) {
      const slow = Math.min(Math.max((i - 10) / 13, 0), 1)
      expect(yarn[i] / plain[i]).toBeCloseTo(slow / 40 + 1 - slow, 12)
    }
  })
})
