// A simulated step as a Perfetto (Chrome) trace: a track a rank, one slice a step of the schedule.
import { show } from '../schedule/replay.ts'
import type { Simulated } from './plan.ts'

const names = { F: 'forward', B: 'backward', Bi: 'backward, inputs', W: 'weights', FB: 'forward & backward' } as const

export interface TraceEvent { readonly name: string; readonly cat?: string; readonly ph: 'X' | 'M'; readonly pid: number; readonly tid: number; readonly ts?: number; readonly dur?: number; readonly args?: object }

/** Times in microseconds, as the format wants them. */
export function traceOf({ schedule, clock, plan }: Simulated): { traceEvents: TraceEvent[]; displayTimeUnit: 'ms' } {
  const tracks = schedule.steps.map((_, r): TraceEvent => ({ name: 'thread_name', ph: 'M', pid: 0, tid: r, args: { name: `rank ${r}: stages ${schedule.places[r].map((p) => p.stage).join(', ')}` } }))
  const slices = schedule.steps.flatMap((list, r) => list.map((step, i): TraceEvent => {
    const [begin, end] = clock.times[r][i]
    return { name: show(step), cat: names[step.kind], ph: 'X', pid: 0, tid: r, ts: begin * 1e6, dur: (end - begin) * 1e6, args: { kind: names[step.kind], microBatch: step.work.microBatch, stage: schedule.places[r][step.work.chunk].stage } }
  }))
  const optimizer = schedule.steps.map((_, r): TraceEvent => ({ name: 'optimizer', cat: 'optimizer', ph: 'X', pid: 0, tid: r, ts: clock.makespan * 1e6, dur: plan.partsSec.optimizer * 1e6 }))
  return { traceEvents: [{ name: 'process_name', ph: 'M', pid: 0, tid: 0, args: { name: `${schedule.kind}, ${schedule.ranks} ranks, ${schedule.microBatches} micro-batches` } }, ...tracks, ...slices, ...optimizer], displayTimeUnit: 'ms' }
}
