// Zero-bubble schedules: the weight part of a backward waits until a rank would stand idle. ZB1P keeps 1F1B's order and memory;
// ZB-V folds the pipeline, so that each rank holds an early and a late stage. [Qi et al., 2401.10241 and 2405.15362]
import { backwardInput, forward, weight, type Bare, type Schedule } from './step.ts'
import { withTransfers } from './transfers.ts'

/** Rank r delays its weight parts by r micro-batches: with what 1F1B keeps, every rank then holds at most `ranks` activations. */
export function zb1p(ranks: number, microBatches: number): Schedule {
  const bare = Array.from({ length: ranks }, (_, r) => {
    const warmUp = Math.min(microBatches, ranks - 1 - r)
    const steps: Bare[] = []
    for (let k = 0; k < warmUp; k++) steps.push(forward(0, k))
    for (let k = 0; k < microBatches; k++) {
      if (warmUp + k < microBatches) steps.push(forward(0, warmUp + k))
      steps.push(backwardInput(0, k))
      if (k >= r) steps.push(weight(0, k - r))
    }
    for (let k = Math.max(0, microBatches - r); k < microBatches; k++) steps.push(weight(0, k))
    return steps
  })
  const places = Array.from({ length: ranks }, (_, r) => [{ stage: r, stream: 0 }])
  return withTransfers({ kind: 'zb1p', ranks, microBatches, numStages: ranks, numStreams: 1, places, bare })
}

/**
 * Rank r holds stages r (chunk 0) and 2 ranks - 1 - r (chunk 1). Made for at least 2 ranks - 1 micro-batches; with fewer, the steps of
 * those that are not there are left out.
 */
export function zbv(ranks: number, microBatches: number): Schedule {
  const planned = Math.max(microBatches, 2 * ranks - 1)
  const bare = Array.from({ length: ranks }, (_, r) => zbvRank(ranks, r, planned).filter((s) => s.work.microBatch < microBatches))
  const places = Array.from({ length: ranks }, (_, r) => [{ stage: r, stream: 0 }, { stage: 2 * ranks - 1 - r, stream: 0 }])
  return withTransfers({ kind: 'zbv', ranks, microBatches, numStages: 2 * ranks, numStreams: 1, places, bare })
}

function zbvRank(ranks: number, r: number, microBatches: number): Bare[] {
  const steps: Bare[] = []
  const f = [0, 0], b = [0, 0], w = [0, 0]
  const F = (c: number) => steps.push(forward(c, f[c]++))
  const I = (c: number) => steps.push(backwardInput(c, b[c]++))
  const W = (c: number) => steps.push(weight(c, w[c]++))
  // Down the pipe, then both arms by turns, until the first micro-batch comes back at the late chunk.
  for (let n = 2 * (ranks - r) - 1; n > 0; n--) F(0)
  for (let n = r; n > 0; n--) { F(1); F(0) }
  for (let n = ranks - r; n > 0; n--) { F(1); I(1); W(1) }
  // Six units a turn: one micro-batch in and out of each chunk.
  while (f[1] < f[0] || f[0] < microBatches) {
    if (f[0] < microBatches) F(0)
    I(0); W(0)
    F(1); I(1); W(1)
  }
  // Draining: input gradients first, since others wait for them; weight parts fill what would be idle.
  for (let n = r; n > 0; n--) { I(0); I(1) }
  for (let n = ranks - r; n > 0; n--) { I(0); W(0) }
  while (w[1] < b[1]) W(1)
  while (w[0] < b[0]) W(0)
  return steps
}
