// A pipeline schedule is data: for every rank the ordered list of what it computes. `dist` executes it, `sim` times it, the demo
// draws it; none of them knows how it was made.

/** F forward, B whole backward, Bi its input-gradient part (the weight part is queued), W one queued weight part, FB an overlapped pair. */
export type StepKind = 'F' | 'B' | 'Bi' | 'W' | 'FB'

/** One chunk of the model (a part that one rank holds) on one micro-batch. */
export interface Work {
  /** Index among the rank's chunks. */
  readonly chunk: number
  /** Index in its stream. */
  readonly microBatch: number
}

/** What crosses between two ranks: the output of a stage, or the gradient of its input. */
export interface Transfer {
  readonly what: 'activation' | 'gradient'
  readonly peer: number
  readonly stream: number
  readonly microBatch: number
  /** The stage that made it. */
  readonly stage: number
}

export interface Step {
  readonly kind: StepKind
  /** What goes forward (F, FB) or backward (B, Bi, W). */
  readonly work: Work
  /** FB only: what goes backward beside it. */
  readonly backward?: Work
  /** Taken before the step begins, by it or by a later one; all of them, and the sends of the step before, form one exchange. */
  readonly receives: readonly Transfer[]
  /** Leave when the step has ended. */
  readonly sends: readonly Transfer[]
}

/** A chunk's place: `stage` of the micro-batches of `stream`. DualPipe has two streams, which run against each other; others have one. */
export interface Place { readonly stage: number; readonly stream: number }

export interface Schedule {
  readonly kind: ScheduleKind
  readonly ranks: number
  /** Micro-batches of a training step, over all streams. */
  readonly microBatches: number
  readonly numStages: number
  readonly numStreams: number
  /** [rank][chunk] */
  readonly places: readonly (readonly Place[])[]
  /** [rank] */
  readonly steps: readonly (readonly Step[])[]
}

export const scheduleKinds = ['1f1b', 'interleaved', 'zb1p', 'zbv', 'dualpipe', 'dualpipev', '1f1b-overlap', 'interleaved-overlap'] as const
export type ScheduleKind = typeof scheduleKinds[number]

export interface ScheduleOptions {
  /** Model chunks a rank holds; `interleaved` kinds only, default 2. */
  readonly chunks?: number
}

/** A schedule outside its conditions: the message names the numbers. Made an InputError by the command line. */
export class ScheduleError extends Error {
  override name = 'ScheduleError'
  readonly exitCode = 2
}

/** A step before its transfers are known. */
export type Bare = Omit<Step, 'receives' | 'sends'>
export const forward = (chunk: number, microBatch: number): Bare => ({ kind: 'F', work: { chunk, microBatch } })
export const backward = (chunk: number, microBatch: number): Bare => ({ kind: 'B', work: { chunk, microBatch } })
export const backwardInput = (chunk: number, microBatch: number): Bare => ({ kind: 'Bi', work: { chunk, microBatch } })
export const weight = (chunk: number, microBatch: number): Bare => ({ kind: 'W', work: { chunk, microBatch } })
export const pair = (chunk: number, microBatch: number, backChunk: number, backMicroBatch: number): Bare =>
  ({ kind: 'FB', work: { chunk, microBatch }, backward: { chunk: backChunk, microBatch: backMicroBatch } })

/** What a step sends forward and backward through the model; W does neither. */
export function worksOf(step: Bare): { forward?: Work; backward?: Work } {
  if (step.kind === 'FB') return { forward: step.work, backward: step.backward }
  if (step.kind === 'F') return { forward: step.work }
  return step.kind === 'W' ? {} : { backward: step.work }
}
