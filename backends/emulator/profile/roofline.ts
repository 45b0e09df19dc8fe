// The least time a launch could take on a GPU by each of its limits, from what the profiler counted. An estimate from below: no
// latency, no cache but a perfect one for unique bytes and none for sectors, PTX instructions for those of the hardware.
import type { TensorType } from './classes.ts'
import type { LaunchProfile } from './profiler.ts'

export interface Gpu {
  readonly name: string
  readonly numSms: number
  readonly clockHz: number
  readonly memoryBytesPerSec: number
  readonly tensorFlopPerSec: Readonly<Record<TensorType, number>>
  readonly source: string
}

/** Dense rates at 1.83 GHz: 132 SMs x 4,096 FLOP a cycle in 16-bit types, twice that in 8-bit, half in tf32. */
const hopper = { numSms: 132, clockHz: 1.83e9, tensorFlopPerSec: { '8-bit float': 1979e12, '16-bit float': 989.5e12, tf32: 494.7e12, '8-bit integer': 1979e12, double: 66.9e12 } } as const
export const gpus: readonly Gpu[] = [
  { name: 'H800', ...hopper, tensorFlopPerSec: { ...hopper.tensorFlopPerSec, double: 1e12 }, memoryBytesPerSec: 3.35e12, source: 'deepseek-v3.md section 5 (FP8 1979, BF16 990 TFLOP/s nominal, 3.35 TB/s); in practice it throttles to about 1.6 GHz' },
  { name: 'H100', ...hopper, memoryBytesPerSec: 3.35e12, source: 'NVIDIA H100 SXM5 data sheet, dense' },
  { name: 'H200', ...hopper, memoryBytesPerSec: 4.8e12, source: 'NVIDIA H200 SXM data sheet, dense' },
]

/** Per SM and cycle (CUDA C++ Programming Guide, arithmetic throughput, 9.0), and of the whole L2. */
export const perCycle = { warpInstructions: 4, floatFlop: 256, halfFlop: 512, doubleFlop: 128, specialLanes: 16, sharedPasses: 1, l2Bytes: 5120 } as const

export const assumptions = [
  `132 SMs at 1.83 GHz, the clock of the nominal tensor rates; a launch with fewer blocks uses as many SMs as it has blocks`,
  `L2 moves ${perCycle.l2Bytes} bytes a cycle (NVIDIA's figure for A100; none is published for Hopper), one sector of 32 bytes for each counted: L1 catches nothing`,
  'device memory moves each different sector once: L2 catches all repeats',
  'an SM issues 4 warp instructions, passes once over shared memory and does 256 FLOP (f32), 512 (f16), 128 (f64) and 16 special functions a cycle',
  'shared memory: 8 bytes a lane go by half warps, 16 by quarters; B of a wgmma is read once for its four warps; mbarrier operations count as atomics',
  'one PTX instruction is one of the hardware (div, sqrt.rn and cvt are several); spins of waiting warps are counted as they ran here; no latency: a kernel with few warps takes longer',
] as const

export interface Bound { readonly what: string; readonly timeSec: number }
export interface Estimate { readonly gpu: string; readonly timeSec: number; readonly boundBy: string; readonly bounds: readonly Bound[] }

export function estimate(p: LaunchProfile, gpu: Gpu): Estimate {
  const blocks = p.grid[0] * p.grid[1] * p.grid[2]
  const sms = Math.min(blocks, gpu.numSms)
  const cycles = (amount: number, each: number) => amount / (sms * each * gpu.clockHz)
  const { read, write, atomic, async } = p.global
  const sectorBytes = 32 * (read.sectors + write.sectors + atomic.sectors + async.sectors)
  const special = p.classes.get('special function')?.lanes ?? 0
  const tensor = [...p.tensorFlop].reduce((sum, [type, flop]) => sum + flop / (gpu.tensorFlopPerSec[type] * (sms / gpu.numSms)), 0)
  const bounds: Bound[] = [
    { what: 'device memory', timeSec: (p.uniqueReadBytes + p.uniqueWrittenBytes) / gpu.memoryBytesPerSec },
    { what: 'L2', timeSec: sectorBytes / (perCycle.l2Bytes * gpu.clockHz) },
    { what: 'shared memory', timeSec: cycles(p.shared.read.passes + p.shared.write.passes + p.shared.atomic.passes + p.asyncSharedBytes / 128, perCycle.sharedPasses) },
    { what: 'tensor cores', timeSec: tensor },
    { what: 'float units', timeSec: cycles(p.floatFlop, perCycle.floatFlop) + cycles(p.halfFlop, perCycle.halfFlop) + cycles(p.doubleFlop, perCycle.doubleFlop) },
    { what: 'special functions', timeSec: cycles(special, perCycle.specialLanes) },
    { what: 'issue slots', timeSec: cycles(p.warpInstructions, perCycle.warpInstructions) },
  ]
  const worst = bounds.reduce((a, b) => (b.timeSec > a.timeSec ? b : a))
  return { gpu: gpu.name, timeSec: worst.timeSec, boundBy: worst.what, bounds }
}
