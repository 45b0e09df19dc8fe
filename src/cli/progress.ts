// One live line on a terminal, plain lines elsewhere.
import type { StepRow } from '../train/metrics.ts'

const eighths = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/** `done` of `total` as a bar of `width` characters. */
export function bar(done: number, total: number, width: number): string {
  const cells = Math.max(0, Math.min(1, total ? done / total : 1)) * width
  const full = Math.floor(cells)
  return ('█'.repeat(full) + eighths[Math.floor((cells - full) * 8)]).padEnd(width, '·')
}

export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '--'
  const s = Math.round(seconds)
  if (s < 60) return `${s}s`
  if (s < 3600) return `${Math.floor(s / 60)}m${String(s % 60).padStart(2, '0')}s`
  return `${Math.floor(s / 3600)}h${String(Math.floor((s % 3600) / 60)).padStart(2, '0')}m`
}

export const compact = (n: number): string =>
  n >= 1e12 ? `${(n / 1e12).toFixed(2)}T` : n >= 1e9 ? `${(n / 1e9).toFixed(2)}B` : n >= 1e6 ? `${(n / 1e6).toFixed(1)}M` : n >= 1e3 ? `${(n / 1e3).toFixed(1)}k` : n.toFixed(0)

export const bytes = (n: number): string => {
  for (const [unit, size] of [['TiB', 2 ** 40], ['GiB', 2 ** 30], ['MiB', 2 ** 20], ['KiB', 2 ** 10]] as const) {
    if (n >= size) return `${(n / size).toFixed(n >= 100 * size ? 0 : 1)} ${unit}`
  }
  return `${n} B`
}

export interface Output { write(text: string): unknown; isTTY?: boolean; columns?: number }

/** Shows training steps; other messages pass through `say` so that they do not tear the live line. */
export class StepLine {
  private live = false
  private lastPlain = 0
  constructor(private readonly out: Output, private readonly steps: number, private readonly clock = () => Date.now() / 1000) {}

  step(row: StepRow, tokensPerStep: number): void {
    const remaining = row.tokensPerSec > 0 ? ((this.steps - row.step) * tokensPerStep) / row.tokensPerSec : Infinity
    const figures = [
      `step ${String(row.step).padStart(String(this.steps).length)}/${this.steps}`, `loss ${row.loss.toFixed(3)}`, `lr ${row.lr.toExponential(1)}`,
      `grad ${row.gradNorm.toFixed(2)}`, `${compact(row.tokensPerSec)} tok/s`, `load ${row.expertLoadMaxOverMean.toFixed(2)}`, `ETA ${duration(remaining)}`,
    ].join('  ')
    if (this.out.isTTY) {
      const room = Math.max(0, Math.min(20, (this.out.columns ?? 100) - figures.length - 2))
      this.out.write(`\r\x1b[K${room > 3 ? `${bar(row.step, this.steps, room)} ` : ''}${figures}`)
      this.live = true
      return
    }
    // Not a terminal: a line every two seconds at most, and the last one.
    const now = this.clock()
    if (now - this.lastPlain < 2 && row.step !== this.steps) return
    this.lastPlain = now
    this.out.write(`${bar(row.step, this.steps, 10)} ${figures}\n`)
  }

  say(text: string): void {
    if (this.live) this.out.write('\n')
    this.live = false
    this.out.write(`${text}\n`)
  }
}
