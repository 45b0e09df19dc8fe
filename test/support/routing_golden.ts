// Golden data of the router, see test/golden/README.md.
import { fileURLToPath } from 'node:url'
import { NodeFiles } from '../../src/io/node/files.ts'
import { SafetensorsReader, toFloat32, toInt32 } from '../../src/io/safetensors.ts'

const at = (path: string) => fileURLToPath(new URL(`../golden/${path}`, import.meta.url))

export interface GoldenGate {
  T: number; E: number; groups: number; topkGroup: number; topk: number
  bias: Float32Array // [E]
  logits: Float64Array // [T, E]
  routeScale: number
  topkIndices: Int32Array // [T, topk], the official choice
  topkWeights: Float32Array // [T, topk]
}

/** A case of the official Gate, its logits x weight^T formed in float64. */
export async function goldenGate(name: 'zero_bias_mean' | 'negative_bias'): Promise<GoldenGate> {
  const file = await SafetensorsReader.open(new NodeFiles(), at('router/router_official.safetensors'))
  const floats = async (part: string) => toFloat32(await file.read(`${name}.${part}`))
  const integers = async (part: string) => toInt32(await file.read(`${name}.${part}`))
  const [E, groups, topkGroup, topk] = await integers('params')
  const [x, weight] = [await floats('x'), await floats('weight')]
  const H = weight.length / E
  const T = x.length / H
  const logits = new Float64Array(T * E)
  for (let t = 0; t < T; t++) for (let e = 0; e < E; e++) for (let h = 0; h < H; h++) logits[t * E + e] += x[t * H + h] * weight[e * H + h]
  return {
    T, E, groups, topkGroup, topk, logits, bias: await floats('bias'), routeScale: (await floats('route_scale'))[0],
    topkIndices: await integers('topk_indices'), topkWeights: await floats('topk_weights'),
  }
}

export interface GoldenLoad {
  tokens_per_expert: number[]
  seq_P: number[][]
  seq_f_actual: number[][]
  seq_aux_sum_fP_actual: number[]
  bias_before: number[]
  bias_update_gamma: number
  bias_after_update: number[]
}

/** What the MoE layers 1 and 2 of the golden model did with 2 sequences of 24 tokens, 3 of 8 experts. */
export async function goldenLoad(layer: 1 | 2): Promise<GoldenLoad & { scores: Float32Array; topkIndices: Int32Array }> {
  const files = new NodeFiles()
  const load = JSON.parse(new TextDecoder().decode(await files.readFile(at('model/load_balance.json')))).layers[layer] as GoldenLoad
  const file = await SafetensorsReader.open(files, at('model/golden.safetensors'))
  const scores = toFloat32(await file.read(`router.${layer}.scores`))
  return { ...load, scores, topkIndices: toInt32(await file.read(`router.${layer}.topk_indices`)) }
}
