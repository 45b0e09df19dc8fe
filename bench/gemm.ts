// GEMM rows: squares, and the products of the yardstick's training step, each beside the plain kernel in the same run.
import type { Device } from '../src/core/device.ts'
import { ops } from '../src/ops/index.ts'
import { defaultTiming, leastTimes } from './measure.ts'
import { plainGemm, plainName, type Layout } from './plain_gemm.ts'
import type { BenchRow } from './row.ts'

export interface GemmShape { layout: Layout; M: number; N: number; K: number }

export const squares: GemmShape[] = [256, 512, 1024].flatMap((n) => (['nn', 'nt', 'tn'] as const).map((layout) => ({ layout, M: n, N: n, K: n })))

/** Linear layers [outputs, inputs] of presets/tiny.json (and its largest, twice as wide), on a batch of 2048 tokens. */
const linears = [[32, 64], [96, 32], [24, 64], [128, 16], [64, 64], [192, 64], [64, 96], [256, 64]] as const
const tokens = 2048

/** Forward y = x w^T, input gradient dx = dy w, weight gradient dw = dy^T x. */
export const stepShapes: GemmShape[] = linears.flatMap(([out, inputs]): GemmShape[] => [
  { layout: 'nt', M: tokens, N: out, K: inputs },
  { layout: 'nn', M: tokens, N: inputs, K: out },
  { layout: 'tn', M: out, N: inputs, K: tokens },
])

/** One row. `gpu` is the peer's own device; without one there is no peer (device cpu). */
export async function benchGemm(device: Device, gpu: GPUDevice | undefined, { layout, M, N, K }: GemmShape): Promise<BenchRow> {
  const op = ops.find(([o]) => o.name === 'gemm')![0]
  const aHost = scatter(M * K, 1)
  const bHost = scatter(N * K, 2)
  const a = device.tensor('f32', layout === 'tn' ? [K, M] : [M, K], aHost)
  const b = device.tensor('f32', layout === 'nt' ? [N, K] : [K, N], bHost)
  const run = () => device.run(op, { a, b }, { layout, out: 'f32' }).c
  const peer = gpu && await plainGemm(gpu, layout, [M, N, K], aHost, bHost)
  try {
    const own = async (count: number) => {
      for (let i = 0; i < count; i++) run().release()
      await device.backend.sync()
    }
    if (peer) await compare(run(), peer)
    const times = await leastTimes(peer ? [own, peer.run] : [own], peer ? defaultTiming : { ...defaultTiming, minSec: 0 })
    const [timeSec] = times
    return {
      event: 'bench', op: 'gemm', shape: `f32 ${layout} (m=${M}, n=${N}, k=${K})`, device: device.name, timeSec,
      flopPerSec: 2 * M * N * K / timeSec, bytesPerSec: 4 * (M * K + N * K + M * N) / timeSec, fractionOfPeak: null,
      peer: peer ? plainName : null, ratioToPeer: peer ? times[1] / timeSec : null,
    }
  } finally {
    peer?.destroy()
    a.release()
    b.release()
  }

  /** A race between different results would mean nothing. */
  async function compare(c: ReturnType<typeof run>, other: NonNullable<typeof peer>): Promise<void> {
    await other.run(1)
    const [mine, theirs] = [await c.read(), await other.result()]
    c.release()
    let error = 0
    for (let i = 0; i < theirs.length; i++) error = Math.max(error, Math.abs(mine[i] - theirs[i]))
    if (!(error <= 1e-4 * Math.sqrt(K))) throw new Error(`gemm ${layout} m=${M} n=${N} k=${K}: ${device.name} and the ${plainName} kernel differ by ${error}`)
  }
}

/** Numbers in [-0.5, 0.5) without pattern: a linear congruential generator. */
function scatter(n: number, seed: number): Float32Array {
  const out = new Float32Array(n)
  let state = seed
  for (let i = 0; i < n; i++) out[i] = ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8) / 2 ** 24 - 0.5
  return out
}
