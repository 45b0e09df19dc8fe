// How many warps of a kernel an SM of compute capability 9.0 holds at once, and what keeps it from holding more.

/** CUDA C++ Programming Guide, technical specifications per compute capability, 9.0; allocation units as in NVIDIA's occupancy calculator. */
export const sm90 = {
  warps: 64, blocks: 32, registers: 65536, registersPerWarpUnit: 256, warpUnit: 4, maxRegisters: 255,
  sharedBytes: 233472, sharedUnit: 128, reservedSharedPerBlock: 1024,
} as const

export interface Occupancy {
  readonly blocksPerSm: number
  readonly warpsPerSm: number
  /** Of the warps that an SM holds. */
  readonly fraction: number
  readonly limitedBy: string
}

const up = (n: number, unit: number) => Math.ceil(n / unit) * unit

/** `registers` a thread; null where nobody knows: they then limit nothing, which is said. */
export function occupancyOf(threads: number, sharedBytes: number, registers: number | null): Occupancy {
  const warps = Math.ceil(threads / 32)
  const perWarp = registers === null ? 0 : up(registers * 32, sm90.registersPerWarpUnit)
  const byRegisters = registers === null ? Infinity : Math.floor(Math.floor(sm90.registers / perWarp / sm90.warpUnit) * sm90.warpUnit / warps)
  const limits: [string, number][] = [
    ['threads', Math.floor(sm90.warps / warps)],
    ['registers', byRegisters],
    ['shared memory', Math.floor(sm90.sharedBytes / up(sharedBytes + sm90.reservedSharedPerBlock, sm90.sharedUnit))],
    ['blocks', sm90.blocks],
  ]
  const blocksPerSm = Math.min(...limits.map(([, n]) => n))
  const limitedBy = limits.filter(([, n]) => n === blocksPerSm).map(([what]) => what).join(' and ')
  return { blocksPerSm, warpsPerSm: blocksPerSm * warps, fraction: (blocksPerSm * warps) / sm90.warps, limitedBy: registers === null ? `${limitedBy} (registers unknown)` : limitedBy }
}
