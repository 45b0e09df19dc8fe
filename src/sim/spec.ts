// What `weft plan` is told: a cluster, a model, a layout, a precision, a schedule. Seconds, bytes and FLOP throughout.
import type { ModelConfig } from '../model/config.ts'
import type { ScheduleKind } from '../schedule/index.ts'

export interface Gpu {
  readonly name: string
  readonly numSms: number
  /** Dense peak rates. */
  readonly bf16FlopPerSec: number
  readonly fp8FlopPerSec: number
  readonly memoryBytesPerSec: number
  readonly memoryBytes: number
}

export interface Cluster {
  readonly gpu: Gpu
  readonly nodes: number
  readonly gpusPerNode: number
  /** Of one GPU, one direction, as a copy reaches it. */
  readonly nvlinkBytesPerSec: number
  readonly networkBytesPerSec: number
  readonly nvlinkLatencySec: number
  readonly networkLatencySec: number
  readonly dollarsPerGpuHour: number
}

export interface Layout {
  readonly pp: number
  readonly ep: number
  readonly tp: number
  /** 1: optimizer state is spread over the data-parallel ranks. */
  readonly zero: 0 | 1
  /** Sequences. */
  readonly microBatch: number
  readonly globalBatch: number
  readonly sequenceLength: number
}

export interface Routing {
  readonly kind: 'balanced' | 'skewed' | 'replay'
  /** Skewed: standard deviation of the logarithm of the experts' popularity. */
  readonly sigma?: number
  readonly seed?: number
  /** Replay: tokens per expert, [layers][experts], of a training run. */
  readonly loads?: readonly (readonly number[])[]
  /** Experts are placed and replicated for their load (EPLB), with this many replicas a GPU beside its own experts. */
  readonly replicasPerGpu?: number
}

/** What cannot be computed from FLOP and bytes. `fits` says which published figure each one was fitted to. */
export interface Efficiency {
  /** Of the peak rate, while a GEMM's main loop runs: forward and input gradient, and weight gradient. */
  readonly gemm: number
  readonly gemmWeight: number
  /** Of the bf16 peak: attention core, causal FLOP. */
  readonly attention: number
  readonly attentionBackward: number
  /** Of the memory bandwidth: elementwise kernels, and the write of a GEMM's result. */
  readonly elementwise: number
  readonly gemmStore: number
  /** Bytes that elementwise kernels move for gradients of inputs, in terms of forward's: what is made again, casts, transposes. */
  readonly backwardPasses: number
  /** Of link bandwidth, in all-to-all: the network with many peers and with one, and NVLink. */
  readonly networkAllToAll: number
  readonly networkOnePeer: number
  readonly nvlinkAllToAll: number
  /** Network bytes a second that one SM can move in an all-to-all. */
  readonly networkBytesPerSmSec: number
  /** Part of the smaller of computation and communication in an overlapped pair that does not hide. */
  readonly exposed: number
  /** Time of an all-to-all while computation runs beside it, in terms of its own. */
  readonly contention: number
  /** Layout and exchange of counts before a forward dispatch; backward has them already. */
  readonly notifySec: number
  /** Time that ranks wait for each other beyond what the schedule and its costs say, in terms of their work: jitter. */
  readonly jitter: number
  /** One kernel's launch and ramp. */
  readonly launchSec: number
  /** Of link bandwidths: gradient reduction and weight gathering. */
  readonly collective: number
}

export interface PlanSpec {
  readonly cluster: Cluster
  readonly model: ModelConfig
  readonly layout: Layout
  readonly precision: 'fp8' | 'bf16'
  readonly schedule: { readonly kind: ScheduleKind; readonly chunks: number }
  /** SMs that do nothing but communicate. */
  readonly communicationSms: number
  readonly routing: Routing
  readonly efficiency: Efficiency
  /** What backward makes again: norms and MLA's up-projections (selective), everything (full), or nothing. */
  readonly recompute: 'none' | 'selective' | 'full'
  /** Ranks that are slower: a share of them, by a factor on their computation. */
  readonly stragglers?: { readonly fraction: number; readonly slowdown: number }
  readonly tokenBudget: number
}

/** A plan that cannot be: the message names the numbers. */
export class PlanError extends Error {
  override name = 'PlanError'
  readonly exitCode = 2
}

/** The fitted constants. */
export const fitted: Efficiency = {
  gemm: 0.745, gemmWeight: 0.787, attention: 0.655, attentionBackward: 0.503, elementwise: 0.65, gemmStore: 0.8, backwardPasses: 7.15,
  networkAllToAll: 0.9, networkOnePeer: 0.43, nvlinkAllToAll: 0.84, networkBytesPerSmSec: 2.5e9,
  exposed: 0.094, contention: 1.49, notifySec: 1.75e-3, jitter: 0.032, launchSec: 5e-6, collective: 0.9,
}

/** What each constant was fitted to; deepseek-v3.md gives the tables. Everything else that `weft plan` prints is predicted. */
export const fits: Readonly<Record<keyof Efficiency, string>> = {
  gemm: 'DeepGEMM 2025-02, 4096 x 7168 x 16384: 1,358 TFLOP/s',
  gemmWeight: 'DeepGEMM wgrad, 16384 x 7168 x 4096: 994 TFLOP/s',
  attention: 'training trace, attention forward: 1.25 ms',
  attentionBackward: 'training trace, attention backward: 4.07 ms',
  elementwise: 'assumed: half of the memory bandwidth, many small kernels',
  gemmStore: 'DeepGEMM 2025-02, 4096 x 7168 x 2048: 1,025 TFLOP/s',
  backwardPasses: 'step table, 1B: 1.99 s',
  networkAllToAll: 'DeepEP, dispatch at EP 64: 51 GB/s',
  networkOnePeer: 'DeepEP, dispatch at EP 16: 43 GB/s',
  nvlinkAllToAll: 'DeepEP, dispatch at EP 8: 153 GB/s',
  networkBytesPerSmSec: 'DeepEP: 20 SMs saturate the network',
  exposed: 'training trace: 129.0 ms of kernels, 118.2 ms of computation, 114.5 ms of communication',
  contention: 'training trace, combine beside computation: 6.2 ms',
  notifySec: 'step table, 1F: 1.13 s',
  jitter: 'step table, bubble: 2.06 s',
  launchSec: 'assumed: 5 us',
  collective: 'assumed: as networkAllToAll',
}
