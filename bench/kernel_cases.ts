// What `weft gpu` times: every op at DeepSeek-V3's shapes (or small ones, for tests), inputs made on the device itself.
import type { DType } from '../src/core/dtype.ts'
import type { Device } from '../src/core/device.ts'
import type { Attrs, Op } from '../src/core/op.ts'
import { numElements, type Shape } from '../src/core/shape.ts'
import type { Tensor } from '../src/core/tensor.ts'
import { ops } from '../src/ops/index.ts'
import { permutedRows } from '../src/ops/moe_plan.ts'

/** What a library does in its place, for the peer script. */
export type Peer = { kind: 'bf16_gemm' | 'fp8_gemm'; m: number; n: number; k: number } | { kind: 'copy'; bytes: number }
export interface KernelCase {
  readonly op: string
  readonly shape: string
  readonly attrs: Attrs
  readonly dtype: 'f32' | 'bf16' | 'fp8'
  readonly peer?: Peer
  inputs(make: Maker): Record<string, Tensor>
}

const opNamed = (name: string): Op => ops.find(([op]) => op.name === name)![0]

/** Tensors of repeated random tiles: no zeros, cheap to make at gigabytes. */
export class Maker {
  constructor(readonly device: Device) {}
  private state = 12345

  private random(): number { return ((this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0) >>> 8) / 2 ** 24 }

  floats(shape: Shape, dtype: DType = 'f32', low = -1, high = 1): Tensor {
    const n = numElements(shape)
    const tile = Float32Array.from({ length: Math.min(n, 65537) }, () => low + (high - low) * this.random())
    const values = new Float32Array(n)
    for (let i = 0; i < n; i += tile.length) values.set(i + tile.length <= n ? tile : tile.subarray(0, n - i), i)
    return this.device.tensor(dtype, shape, values)
  }
  ints(shape: Shape, high: number): Tensor {
    return this.device.tensor('i32', shape, Int32Array.from({ length: numElements(shape) }, () => Math.floor(high * this.random())))
  }
  /** [T, topk]: different experts in a row. */
  choices(T: number, E: number, topk: number): Tensor {
    const out = new Int32Array(T * topk)
    for (let t = 0; t < T; t++) {
      const start = Math.floor(E * this.random())
      for (let j = 0; j < topk; j++) out[t * topk + j] = (start + j * (Math.floor(E / topk) || 1)) % E
    }
    return this.device.tensor('i32', [T, topk], out)
  }
  run(op: string, inputs: Record<string, Tensor>, attrs: Attrs): Record<string, Tensor> { return this.device.run(opNamed(op), inputs, attrs) }
}

interface Sizes { T: number; H: number; F: number; E: number; topk: number; V: number; heads: number; S: number; params: number; gemms: [number, number, number][]; fp8: [number, number, number][]; weight: [number, number, number][]; groups: number }
export const deepseek: Sizes = {
  T: 4096, H: 7168, F: 2048, E: 256, topk: 8, V: 129280, heads: 16, S: 4096, params: 2 ** 27, groups: 8,
  gemms: [[4096, 2112, 7168], [4096, 24576, 1536], [4096, 7168, 16384], [4096, 4096, 7168], [4096, 7168, 2048]],
  fp8: [[4096, 7168, 16384], [4096, 2112, 7168], [4096, 24576, 1536], [4096, 4096, 7168], [4096, 7168, 2048]],
  weight: [[7168, 2112, 4096], [4096, 7168, 4096]],
}
export const small: Sizes = { T: 24, H: 128, F: 64, E: 8, topk: 2, V: 64, heads: 2, S: 24, params: 512, groups: 2, gemms: [[40, 64, 64]], fp8: [[24, 64, 128]], weight: [[64, 32, 128]] }

const name = (dims: Record<string, number>) => `(${Object.entries(dims).map(([k, v]) => `${k}=${v}`).join(', ')})`

export function kernelCases({ T, H, F, E, topk, V, heads, S, params, gemms, fp8, weight, groups }: Sizes): KernelCase[] {
  const adam = { lr: 1e-3, beta1: 0.9, beta2: 0.95, eps: 1e-8, weightDecay: 0.1, step: 3 }
  const routed = (m: Maker) => m.run('moe_plan', { topk_indices: m.choices(T, E, topk) }, { experts: E, rowAlign: 8 })
  const tokensByWidth = name({ T, H })
  const memory = (bytes: number): Peer => ({ kind: 'copy', bytes })
  const f32 = (op: string, shape: string, inputs: KernelCase['inputs'], attrs: Attrs = {}, peer?: Peer): KernelCase => ({ op, shape, attrs, dtype: 'f32', inputs, peer })
  const P = permutedRows(T * topk, E, 8)
  const quantised = (m: Maker, x: Tensor, tile: string) => m.run('quantize_fp8', { x }, { tile, pow2: false, groupRows: 0 })
  return [
    ...gemms.flatMap(([M, N, K]) => (['nt', 'nn', 'tn'] as const).map((layout): KernelCase => ({
      op: 'gemm', shape: `bf16 ${layout} ${name({ m: M, n: N, k: K })}`, attrs: { layout, out: 'bf16' }, dtype: 'bf16', peer: { kind: 'bf16_gemm', m: M, n: N, k: K },
      inputs: (m) => ({ a: m.floats(layout === 'tn' ? [K, M] : [M, K], 'bf16'), b: m.floats(layout === 'nt' ? [N, K] : [K, N], 'bf16') }),
    }))),
    ...[...fp8.map((s) => [s, '128x128'] as const), ...weight.map((s) => [s, '1x128'] as const)].map(([[M, N, K], bTile]): KernelCase => ({
      op: 'gemm_fp8', shape: `${bTile} ${name({ m: M, n: N, k: K })}`, attrs: { layout: 'nt', bTile }, dtype: 'fp8', peer: { kind: 'fp8_gemm', m: M, n: N, k: K },
      inputs: (m) => {
        const [a, b] = [quantised(m, m.floats([M, K]), '1x128'), quantised(m, m.floats([N, K]), bTile)]
        return { a: a.q, aScale: a.scale, b: b.q, bScale: b.scale }
      },
    })),
    {
      op: 'grouped_gemm', shape: `bf16 nt ${name({ p: groups * T, n: 2 * F, k: H, e: groups })}`, attrs: { layout: 'nt', rowAlign: 8, out: 'bf16' }, dtype: 'bf16', peer: { kind: 'bf16_gemm', m: groups * T, n: 2 * F, k: H },
      inputs: (m) => ({ x: m.floats([groups * T, H], 'bf16'), w: m.floats([groups, 2 * F, H], 'bf16'), offsets: m.device.tensor('i32', [groups + 1], Int32Array.from({ length: groups + 1 }, (_, e) => e * T)) }),
    },
    f32('rms_norm', tokensByWidth, (m) => ({ x: m.floats([T, H]), w: m.floats([H]) }), { eps: 1e-6 }, memory(8 * T * H)),
    f32('rms_norm_bwd', tokensByWidth, (m) => ({ dy: m.floats([T, H]), x: m.floats([T, H]), w: m.floats([H]), rstd: m.floats([T], 'f32', 0.5, 2) }), {}, memory(12 * T * H)),
    f32('rms_norm_bwd_w', tokensByWidth, (m) => ({ dy: m.floats([T, H]), x: m.floats([T, H]), rstd: m.floats([T], 'f32', 0.5, 2) }), {}, memory(8 * T * H)),
    f32('swiglu', name({ T, F }), (m) => ({ h: m.floats([T, 2 * F]) }), {}, memory(12 * T * F)),
    f32('swiglu_bwd', name({ T, F }), (m) => ({ dy: m.floats([T, F]), h: m.floats([T, 2 * F]) }), {}, memory(20 * T * F)),
    f32('add', tokensByWidth, (m) => ({ x: m.floats([T, H]), y: m.floats([T, H]) }), {}, memory(12 * T * H)),
    ...(['1x128', '128x1', '128x128'] as const).map((tile) => f32('quantize_fp8', `${tile} ${tokensByWidth}`, (m) => ({ x: m.floats([T, H]) }), { tile, pow2: false, groupRows: 0 }, memory(5 * T * H))),
    f32('rope', name({ T, heads: 8 * heads, D: 64 }), (m) => ({ x: m.floats([T, 8 * heads, 64]), cos: m.floats([S, 32]), sin: m.floats([S, 32]) }), { inverse: false, position: 0 }, memory(8 * T * 8 * heads * 64)),
    f32('attention', name({ S, heads, D: 192, Dv: 128 }), (m) => ({ q: m.floats([S, heads, 192]), k: m.floats([S, heads, 192]), v: m.floats([S, heads, 128]) }), { seqLen: S, scale: 192 ** -0.5 }),
    f32('moe_gate', name({ T, E }), (m) => ({ logits: m.floats([T, E]), bias: m.floats([E], 'f32', 0, 0.1) }), { groups: E >= 64 ? 8 : 2, topkGroup: E >= 64 ? 4 : 1, topk }, memory(8 * T * E)),
    f32('moe_plan', name({ T, topk, E }), (m) => ({ topk_indices: m.choices(T, E, topk) }), { experts: E, rowAlign: 8 }),
    f32('moe_permute', name({ T, topk, H }), (m) => { const { row_slot, slot_row } = routed(m); return { x: m.floats([T, H]), row_slot, slot_row } }, { topk }, memory(4 * (T + P) * H)),
    f32('moe_unpermute', name({ T, topk, H }), (m) => { const { row_slot, slot_row } = routed(m); return { yp: m.floats([P, H]), topk_weights: m.floats([T, topk], 'f32', 0, 1), slot_row, row_slot } }, {}, memory(4 * (T + T * topk) * H)),
    f32('cross_entropy', name({ T: Math.min(T, 1024), V }), (m) => ({ logits: m.floats([Math.min(T, 1024), V]), targets: m.ints([Math.min(T, 1024)], V) }), { scale: 1 / T }, memory(8 * Math.min(T, 1024) * V)),
    f32('sum_squares', name({ n: params }), (m) => ({ x: m.floats([params]), acc: m.device.tensor('f32', [1], [0]) }), {}, memory(4 * params)),
    f32('adamw', name({ n: params }), (m) => ({ p: m.floats([params]), g: m.floats([params]), m: m.floats([params], 'bf16'), v: m.floats([params], 'bf16', 0.01, 1), coef: m.device.tensor('f32', [1], [1]) }), adam, memory(20 * params)),
  ]
}
