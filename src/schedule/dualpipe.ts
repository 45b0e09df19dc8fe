// DualPipe and DualPipeV: micro-batches from both ends, and pairs of a forward and a backward whose communication hides in the
// other's computation. [deepseek-v3.md 4.1, read off the official code and checked against its recorded runs]
import { backward, backwardInput, forward, pair, ScheduleError, weight, type Bare, type Schedule, type Work } from './step.ts'
import { withTransfers } from './transfers.ts'

/** Two streams: stream 0 enters at rank 0, stream 1 at the last rank; chunk d of a rank serves stream d. */
export function dualpipe(ranks: number, microBatches: number): Schedule {
  if (ranks % 2 || microBatches % 2 || microBatches < 2 * ranks) {
    throw new ScheduleError(`DualPipe needs an even number of ranks and of micro-batches, at least twice as many as ranks: there are ${ranks} ranks and ${microBatches} micro-batches`)
  }
  const half = ranks / 2
  const bare = Array.from({ length: ranks }, (_, r) => {
    const h = Math.min(r, ranks - 1 - r)
    // A rank's own direction 0 is the one whose near end it is.
    return dualRank({ before: half - h - 1, h, main: microBatches / 2 - ranks + h + 1, first: r < half ? 0 : 1, splitFirstPair: h === half - 1 })
  })
  const places = Array.from({ length: ranks }, (_, r) => [{ stage: r, stream: 0 }, { stage: ranks - 1 - r, stream: 1 }])
  return withTransfers({ kind: 'dualpipe', ranks, microBatches, numStages: ranks, numStreams: 2, places, bare })
}

/** The V: one stream goes down through chunk 0 of the ranks and back up through chunk 1. */
export function dualpipev(ranks: number, microBatches: number): Schedule {
  if (microBatches < 2 * ranks) throw new ScheduleError(`DualPipeV needs at least two micro-batches a rank: there are ${ranks} ranks and ${microBatches} micro-batches`)
  const bare = Array.from({ length: ranks }, (_, r) => dualRank({ before: ranks - r - 1, h: r, main: microBatches - 2 * ranks + r + 1, first: 0, splitFirstPair: r === ranks - 1 }))
  const places = Array.from({ length: ranks }, (_, r) => [{ stage: r, stream: 0 }, { stage: 2 * ranks - 1 - r, stream: 0 }])
  return withTransfers({ kind: 'dualpipev', ranks, microBatches, numStages: 2 * ranks, numStreams: 1, places, bare })
}

interface Shape {
  /** Ranks between this one and the middle (the bottom of the V), and from the end. */
  readonly before: number
  readonly h: number
  /** Rounds of two overlapped pairs. */
  readonly main: number
  /** The chunk that is the rank's own direction 0. */
  readonly first: 0 | 1
  /** The rank in the middle has nothing to pair its first forward with. */
  readonly splitFirstPair: boolean
}

function dualRank({ before, h, main, first, splitFirstPair }: Shape): Bare[] {
  const steps: Bare[] = []
  const f = [0, 0], b = [0, 0]
  /** Weight parts in the order of their backwards. */
  const queue: Work[] = []
  const chunk = (own: 0 | 1) => (own === 0 ? first : 1 - first)
  const F = (d: 0 | 1) => steps.push(forward(chunk(d), f[d]++))
  const B = (d: 0 | 1) => steps.push(backward(chunk(d), b[d]++))
  const I = (d: 0 | 1) => {
    queue.push({ chunk: chunk(d), microBatch: b[d] })
    steps.push(backwardInput(chunk(d), b[d]++))
  }
  const W = () => { const { chunk: c, microBatch } = queue.shift()!; steps.push(weight(c, microBatch)) }
  const FB = (d: 0 | 1, e: 0 | 1) => steps.push(pair(chunk(d), f[d]++, chunk(e), b[e]++))

  for (let i = 0; i < 2 * before; i++) F(0)
  for (let i = 0; i <= h; i++) { F(0); F(1) }
  for (let i = 0; i < before; i++) { I(1); W(); F(1) }
  for (let i = 0; i < main; i++) {
    if (i === 0 && splitFirstPair) { F(0); B(1) } else FB(0, 1)
    FB(1, 0)
  }
  for (let i = 0; i < before; i++) { B(1); FB(1, 0) }
  // Half way down the last backwards keep their weight parts for the idle time at the end.
  const turn = Math.floor((h + 1) / 2)
  for (let i = 0; i <= h; i++) {
    if (i > turn || (i === turn && h % 2 === 1)) I(1); else B(1)
    if (i >= turn) I(0); else B(0)
  }
  for (let i = 0; i < before; i++) { W(); I(0) }
  for (let i = 0; i <= h; i++) W()
  return steps
}
