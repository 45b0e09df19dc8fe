// What a GPU can do at most, by the name its driver gives: dense rates without sparsity, and memory bandwidth. Source: NVIDIA's data
// sheets (A100 80GB SXM; H100 SXM; H800 SXM has H100's rates; H200 SXM). A measured copy shows what of the bandwidth can be had.

export interface Peak { readonly name: string; readonly flopPerSec: Readonly<Record<'f32' | 'bf16' | 'fp8', number>>; readonly bytesPerSec: number }

const hopper = { f32: 66.9e12, bf16: 989.4e12, fp8: 1978.9e12 } as const
const peaks: readonly (Peak & { match: RegExp })[] = [
  { match: /H200/, name: 'H200 SXM', flopPerSec: hopper, bytesPerSec: 4.8e12 },
  { match: /H800/, name: 'H800 SXM', flopPerSec: hopper, bytesPerSec: 3.35e12 },
  { match: /H100.*PCIe/i, name: 'H100 PCIe', flopPerSec: { f32: 51.2e12, bf16: 756e12, fp8: 1513e12 }, bytesPerSec: 2.04e12 },
  { match: /H100/, name: 'H100 SXM', flopPerSec: hopper, bytesPerSec: 3.35e12 },
  { match: /A100/, name: 'A100 80GB SXM', flopPerSec: { f32: 19.5e12, bf16: 312e12, fp8: 312e12 }, bytesPerSec: 2.039e12 },
]

export const peakOf = (description: string): Peak | undefined => peaks.find((p) => p.match.test(description))

/** The least time of work that does so many FLOP of a type and moves so many bytes. */
export const floorSec = (peak: Peak, dtype: keyof Peak['flopPerSec'], flop: number, bytes: number): number =>
  Math.max(flop / peak.flopPerSec[dtype], bytes / peak.bytesPerSec)
