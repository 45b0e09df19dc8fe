// Replays a schedule on a clock: when each step begins and ends, what is in flight, and a sentence for the first rule it breaks.
import { worksOf, type Bare, type Place, type Schedule, type StepKind } from './step.ts'

/** Cost of each kind in any unit; an `FB` is one overlapped pair. */
export type Costs = Readonly<Record<StepKind, number>>
/** Or each step's own. */
export type CostOf = (rank: number, step: Bare) => number
export interface Replay {
  readonly makespan: number
  /** [rank][step]: begin and end. */
  readonly times: readonly (readonly (readonly [begin: number, end: number])[])[]
  readonly busy: readonly number[]
  /** Most forwards of a rank whose backward (whole, or both of its parts) has not ended. */
  readonly peakInFlight: readonly number[]
}

/** What a clock needs of a schedule. */
export type Replayed = Pick<Schedule, 'kind' | 'ranks' | 'numStages' | 'places'> & { readonly steps: readonly (readonly Bare[])[] }

/** F = Bi = W = 1, B = 2, a pair as long as both: the unit costs that published bubbles are checked with. */
export const unitCosts: Costs = { F: 1, B: 2, Bi: 1, W: 1, FB: 3 }

const key = (what: string, { stream, stage }: Place, microBatch: number) => `${what} ${stream} ${stage} ${microBatch}`

/** What a step needs, by key; `done` keys are what it gives. */
function needsOf(schedule: Replayed, rank: number, step: Bare): { needs: string[]; gives: string[] } {
  const { numStages, places } = schedule
  const { forward, backward } = worksOf(step)
  const needs: string[] = []
  const gives: string[] = []
  if (forward) {
    const place = places[rank][forward.chunk]
    if (place.stage > 0) needs.push(key('F', { ...place, stage: place.stage - 1 }, forward.microBatch))
    gives.push(key('F', place, forward.microBatch))
  }
  if (backward) {
    const place = places[rank][backward.chunk]
    needs.push(key('F', place, backward.microBatch))
    if (place.stage < numStages - 1) needs.push(key('B', { ...place, stage: place.stage + 1 }, backward.microBatch))
    gives.push(key('B', place, backward.microBatch))
  }
  if (step.kind === 'W') {
    const place = places[rank][step.work.chunk]
    needs.push(key('B', place, step.work.microBatch))
  }
  return { needs, gives }
}

/**
 * Ranks run their lists strictly in order; a step begins when all it needs has ended and, from another rank, has taken `delay` to
 * arrive. Throws where the ranks wait for each other.
 */
export function replay(schedule: Replayed, costs: Costs | CostOf, delay = 0): Replay {
  const { steps, ranks } = schedule
  const costOf = typeof costs === 'function' ? costs : (_: number, step: Bare) => costs[step.kind]
  const maker = new Map<string, number>()
  const ended = new Map<string, number>()
  const next = new Array<number>(ranks).fill(0)
  const clock = new Array<number>(ranks).fill(0)
  const times = steps.map(() => [] as [number, number][])
  const busy = new Array<number>(ranks).fill(0)
  const ready = Array.from({ length: ranks }, (_, r) => r)
  const waiting = new Map<string, number[]>()
  // A rank runs as far as it can; a rank that waits for a key is woken by the step that gives it.
  while (ready.length) {
    const r = ready.pop()!
    for (; next[r] < steps[r].length; next[r]++) {
      const step = steps[r][next[r]]
      const { needs, gives } = needsOf(schedule, r, step)
      const missing = needs.find((k) => !ended.has(k))
      if (missing !== undefined) { waiting.set(missing, [...waiting.get(missing) ?? [], r]); break }
      const cost = costOf(r, step)
      let begin = clock[r]
      for (const k of needs) begin = Math.max(begin, ended.get(k)! + (maker.get(k) === r ? 0 : delay))
      const end = begin + cost
      busy[r] += cost
      clock[r] = end
      times[r].push([begin, end])
      for (const k of gives) {
        ended.set(k, end)
        maker.set(k, r)
        ready.push(...waiting.get(k) ?? [])
        waiting.delete(k)
      }
    }
  }
  const stuck = next.findIndex((n, r) => n < steps[r].length)
  if (stuck >= 0) throw new Error(`${schedule.kind}: rank ${stuck} waits for ever at step ${next[stuck]}, ${show(steps[stuck][next[stuck]])}`)
  return { makespan: Math.max(...clock), times, busy, peakInFlight: steps.map(inFlight) }
}

/** A forward is in flight until its backward has ended; one whose weight part is queued, until that has. */
function inFlight(steps: readonly Bare[]): number {
  let now = 0, peak = 0
  for (const { kind } of steps) {
    if (kind === 'F' || kind === 'FB') peak = Math.max(peak, ++now)
    if (kind === 'B' || kind === 'FB' || kind === 'Bi') now--
  }
  return peak
}

export const show = ({ kind, work, backward }: Bare): string =>
  kind === 'FB' ? `F${work.chunk}.${work.microBatch}&B${backward!.chunk}.${backward!.microBatch}` : `${kind}${work.chunk}.${work.microBatch}`

/** In the form of the recorded runs: ["F", chunk, microBatch], ["FB", chunk, microBatch, chunk, microBatch]. */
export const listed = ({ kind, work, backward }: Bare): (string | number)[] =>
  kind === 'FB' ? [kind, work.chunk, work.microBatch, backward!.chunk, backward!.microBatch] : [kind, work.chunk, work.microBatch]
