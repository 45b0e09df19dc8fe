// One line of `weft bench`, for people and as JSON.

export interface BenchRow {
  event: 'bench'
  op: string
  shape: string
  device: string
  timeSec: number
  flopPerSec: number
  /** Of inputs read once and outputs written once; null where that says nothing. */
  bytesPerSec: number | null
  /** Of the hardware's peak, where that is known. */
  fractionOfPeak: number | null
  peer: string | null
  /** Own speed / the peer's: above 1 is faster. */
  ratioToPeer: number | null
  /** Emulator rows only. */
  threadInstructionsPerSec?: number
  /** Training steps only. */
  step?: StepFigures
}

export interface StepFigures {
  tokensPerSec: number
  /** 6 FLOP a token for each parameter that a token uses. */
  flopPerToken: number
  fractionOfBestGemm: number | null
  /** Of the device's time in a step, by its own clock. */
  matrixProductShare?: number | null
  dispatches: number | null
  readbacks: number | null
  peakBytes: number
  /** Growth rows: time of this row / that of the first of its series, and what grew by how much. */
  growth?: { of: string; size: number; time: number; memory: number }
}

/** `> gemm f32 nn (m=512, n=512, k=512) webgpu: 43.2 ms, 6.2 GFLOP/s, 1.31x plain 8x8`. */
export function showRow(row: BenchRow): string {
  const parts = [duration(row.timeSec), rate(row.flopPerSec, 'FLOP/s')]
  if (row.threadInstructionsPerSec !== undefined) parts.splice(1, 0, rate(row.threadInstructionsPerSec, 'instr/s'))
  if (row.step) parts.push(`${count(row.step.tokensPerSec)} tok/s`)
  if (row.bytesPerSec !== null) parts.push(rate(row.bytesPerSec, 'B/s'))
  if (row.fractionOfPeak !== null) parts.push(`${(row.fractionOfPeak * 100).toFixed(0)} % of peak`)
  if (row.peer !== null && row.ratioToPeer !== null) parts.push(`${row.ratioToPeer.toFixed(2)}x ${row.peer}`)
  const s = row.step
  if (s) {
    if (s.fractionOfBestGemm !== null) parts.push(`${(s.fractionOfBestGemm * 100).toFixed(0)} % of own best gemm`)
    if (s.matrixProductShare) parts.push(`${(s.matrixProductShare * 100).toFixed(0)} % of the time in matrix products`)
    if (s.dispatches !== null) parts.push(`${s.dispatches} dispatches, ${s.readbacks} readback${s.readbacks === 1 ? '' : 's'} a step`)
    parts.push(`peak ${rate(s.peakBytes, 'B')}`)
    if (s.growth) parts.push(`${s.growth.of} x${s.growth.size}: time x${s.growth.time.toFixed(2)}, memory x${s.growth.memory.toFixed(2)}`)
  }
  return `> ${row.op} ${row.shape} ${row.device}: ${parts.join(', ')}`
}

const digits = (x: number) => (x >= 100 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x.toFixed(2))

function duration(sec: number): string {
  if (sec >= 1) return `${digits(sec)} s`
  return sec >= 1e-3 ? `${digits(sec * 1e3)} ms` : `${digits(sec * 1e6)} us`
}

function rate(perSec: number, unit: string): string {
  for (const [scale, prefix] of [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k']] as const) if (perSec >= scale) return `${digits(perSec / scale)} ${prefix}${unit}`
  return `${digits(perSec)} ${unit}`
}

const count = (x: number) => (x >= 1e4 ? `${(x / 1e3).toFixed(1)}k` : x >= 1e3 ? `${(x / 1e3).toFixed(2)}k` : x.toFixed(0))
