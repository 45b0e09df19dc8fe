// Dispatch and combine: a token goes once to every node it needs, over the network, and from there over NVLink to its experts' GPUs.
import type { Traffic } from './routing.ts'
import type { PlanSpec } from './spec.ts'

export interface AllToAll {
  readonly dispatchSec: number
  readonly combineSec: number
  /** Bytes that one GPU sends in one dispatch and one combine. */
  readonly networkBytes: number
  readonly nvlinkBytes: number
  /** As DeepEP counts: bytes for all of a token's nodes (its GPUs, where there is one node), the own included, a second. */
  readonly dispatchBytesPerSec: number
  readonly combineBytesPerSec: number
}

/** Bytes of one token: values, a scale for each 128 of them, its choices and weights. */
const tokenBytes = (spec: PlanSpec, precision: 'fp8' | 'bf16'): number => {
  const { hidden_size: H, num_experts_per_tok: topk } = spec.model
  return (precision === 'fp8' ? H + (H / 128) * 4 : 2 * H) + 16 + 8 * topk
}

/** FP8 dispatch and BF16 combine in the fp8 recipe, BF16 both ways otherwise. */
export function allToAll(spec: PlanSpec, traffic: Traffic): AllToAll {
  const { layout: { ep, microBatch, sequenceLength, tp }, cluster, efficiency, communicationSms } = spec
  const tokens = microBatch * sequenceLength / tp
  const oneNode = ep <= cluster.gpusPerNode
  // Loads that are not even: the busiest GPU receives more than the others.
  const busiest = tokens * traffic.imbalance
  const peers = Math.max(1, Math.ceil(ep / cluster.gpusPerNode) - 1)
  const network = Math.min(cluster.networkBytesPerSec * Math.min(efficiency.networkAllToAll, peers * efficiency.networkOnePeer), communicationSms * efficiency.networkBytesPerSmSec)
  const nvlink = cluster.nvlinkBytesPerSec * efficiency.nvlinkAllToAll
  const time = (precision: 'fp8' | 'bf16') => {
    const bytes = tokenBytes(spec, precision)
    const overNvlink = busiest * traffic.remoteGpus * bytes / nvlink
    if (ep === 1) return 0
    if (oneNode) return overNvlink + cluster.nvlinkLatencySec
    return Math.max(busiest * traffic.remoteNodes * bytes / network, overNvlink) + cluster.networkLatencySec + cluster.nvlinkLatencySec
  }
  const [dispatchSec, combineSec] = [time(spec.precision), time('bf16')]
  const logical = (precision: 'fp8' | 'bf16') => tokens * (oneNode ? traffic.gpus : traffic.nodes) * tokenBytes(spec, precision)
  const both = tokenBytes(spec, spec.precision) + tokenBytes(spec, 'bf16')
  return {
    dispatchSec, combineSec,
    networkBytes: oneNode ? 0 : tokens * traffic.remoteNodes * both,
    nvlinkBytes: tokens * traffic.remoteGpus * both,
    dispatchBytesPerSec: dispatchSec ? logical(spec.precision) / dispatchSec : 0,
    combineBytesPerSec: combineSec ? logical('bf16') / combineSec : 0,
  }
}
