// 1F1B and its interleaved form (virtual stages), plain or with every forward of the steady phase overlapped with a backward
// (Megatron's way to hide all-to-all: more forwards in the warm-up, so that the two of a pair are independent).
import { backward, forward, pair, ScheduleError, type Bare, type Schedule } from './step.ts'
import { withTransfers } from './transfers.ts'

export function oneFOneB(ranks: number, microBatches: number, overlap: boolean): Schedule {
  const bare = Array.from({ length: ranks }, (_, r) => {
    // In a round of pairs an activation goes one rank down and a gradient one rank up: a micro-batch is back after two rounds a rank.
    const warmUp = Math.min(microBatches, overlap ? 2 * (ranks - 1 - r) + 1 : ranks - 1 - r)
    return steady(warmUp, microBatches, (k) => [0, k], (k) => [0, k], overlap)
  })
  const places = Array.from({ length: ranks }, (_, r) => [{ stage: r, stream: 0 }])
  return withTransfers({ kind: overlap ? '1f1b-overlap' : '1f1b', ranks, microBatches, numStages: ranks, numStreams: 1, places, bare })
}

/**
 * Rank r holds stages r, r + ranks, ... Micro-batches go through a rank's chunks in groups of `ranks`. The first rank warms up with
 * 2 (ranks - 1) + (chunks - 1) ranks forwards, each further one with two fewer.
 */
export function interleaved(ranks: number, microBatches: number, chunks: number, overlap: boolean): Schedule {
  if (microBatches % ranks !== 0) throw new ScheduleError(`interleaved 1F1B with ${ranks} ranks needs a multiple of ${ranks} micro-batches, not ${microBatches}`)
  const group = ranks * chunks
  const total = microBatches * chunks
  const nth = (k: number): [chunk: number, microBatch: number] => [Math.floor((k % group) / ranks), Math.floor(k / group) * ranks + (k % ranks)]
  const nthBack = (k: number): [chunk: number, microBatch: number] => { const [chunk, microBatch] = nth(k); return [chunks - 1 - chunk, microBatch] }
  const bare = Array.from({ length: ranks }, (_, r) => steady(Math.min(total, 2 * (ranks - 1 - r) + (chunks - 1) * ranks + (overlap ? 1 : 0)), total, nth, nthBack, overlap))
  const places = Array.from({ length: ranks }, (_, r) => Array.from({ length: chunks }, (__, c) => ({ stage: r + c * ranks, stream: 0 })))
  return withTransfers({ kind: overlap ? 'interleaved-overlap' : 'interleaved', ranks, microBatches, numStages: group, numStreams: 1, places, bare })
}

type Nth = (k: number) => [chunk: number, microBatch: number]

/** `warmUp` forwards, then one forward and one backward by turns (or as one), then the backwards that are left. */
function steady(warmUp: number, total: number, f: Nth, b: Nth, overlap: boolean): Bare[] {
  const steps: Bare[] = []
  for (let k = 0; k < warmUp; k++) steps.push(forward(...f(k)))
  for (let k = 0; k < total - warmUp; k++) {
    if (overlap) steps.push(pair(...f(warmUp + k), ...b(k)))
    else steps.push(forward(...f(warmUp + k)), backward(...b(k)))
  }
  for (let k = total - warmUp; k < total; k++) steps.push(backward(...b(k)))
  return steps
}
