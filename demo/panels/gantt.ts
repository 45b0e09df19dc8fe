// A schedule as a Gantt chart: a row a rank, a block a step, gaps idle. Drawn from the same data that `dist` executes.
import { replay, show, type Costs, type Replay } from '../../src/schedule/replay.ts'
import type { Schedule, StepKind } from '../../src/schedule/step.ts'
import { svg } from '../dom.ts'

export const kindNames: Readonly<Record<StepKind, string>> = { F: 'forward', FB: 'forward and backward, overlapped', B: 'backward', Bi: 'backward, inputs only', W: 'weight gradients' }

const row = 26, gap = 4, left = 58, top = 4

export function gantt(schedule: Schedule, clock: Replay, width: number): SVGElement {
  const scale = (width - left - 8) / clock.makespan
  const height = top + schedule.ranks * (row + gap) + 22
  const blocks = schedule.steps.flatMap((list, r) => list.map((step, i) => {
    const [begin, end] = clock.times[r][i]
    const [x, w] = [left + begin * scale, (end - begin) * scale]
    const label = w > 17 && step.kind !== 'FB' ? String(step.work.microBatch) : w > 34 ? `${step.work.microBatch}·${step.backward!.microBatch}` : ''
    const y = top + r * (row + gap)
    return svg('g', {}, svg('rect', { class: `kind-${step.kind}`, x, y, width: Math.max(0.5, w - 1), height: row, rx: 2 }, svg('title', {}, `rank ${r}: ${show(step)}, ${begin} to ${end}`)),
      label ? svg('text', { x: x + w / 2, y: y + 17, 'text-anchor': 'middle', class: 'on', 'aria-hidden': 'true' }, label) : undefined)
  }))
  const ranks = schedule.steps.map((_, r) => svg('g', {}, svg('text', { x: 0, y: top + r * (row + gap) + 17 }, `rank ${r}`), svg('rect', { class: 'kind-idle', x: left, y: top + r * (row + gap), width: clock.makespan * scale, height: row, rx: 2 })))
  const ticks = Array.from({ length: 6 }, (_, i) => (clock.makespan * i) / 5)
  const axis = ticks.map((t) => svg('text', { x: left + t * scale, y: height - 6, 'text-anchor': t ? 'end' : 'start', class: 'tick' }, (Math.round(t * 10) / 10).toString()))
  const idle = clock.busy.map((b) => clock.makespan - b)
  return svg('svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `${schedule.kind}: ${schedule.ranks} ranks, ${schedule.microBatches} micro-batches end at ${clock.makespan}; idle per rank ${idle.map((x) => Math.round(x * 100) / 100).join(', ')}` }, ...ranks, ...blocks, ...axis)
}

/** The published formula of a bubble with these costs, in words and as a number; undefined where none was published. */
export function bubbleFormula({ kind, ranks: P }: Schedule, { F, B, W, FB }: Costs): { text: string; value: number } | undefined {
  switch (kind) {
    case '1f1b': return { text: '(PP − 1)(F + B)', value: (P - 1) * (F + B) }
    case 'zb1p': return { text: '(PP − 1)(F + B − 2W)', value: (P - 1) * (F + B - 2 * W) }
    case 'dualpipe': return { text: '(PP/2 − 1)(F&B + B − 3W)', value: (P / 2 - 1) * (FB + B - 3 * W) }
    case 'dualpipev': return { text: '(PP − 1)(F&B + B − 3W), PP ranks of two chunks', value: (P - 1) * (FB + B - 3 * W) }
    default: return undefined
  }
}

export const timed = (schedule: Schedule, costs: Costs): Replay => replay(schedule, costs)
