// From bare lists to a schedule: which rank holds the neighbouring stages, and so what every rank sends and receives when.
//
// A send follows its step at once. Where communication blocks, the other side must take it in time, often before the step that uses
// it: a rank takes a message before its first step that, on the clock of unit costs, begins when the message is there. Then no
// exchanges can wait for each other in a circle: of those that wait, look at the one whose next step begins first on that clock. If it
// waits for a receiver, that one stands before a step that begins earlier still (or it would have come to this message); if it waits
// for a sender, the sender's step, and what it stands before, begin earlier too. Either way there is an earlier one.
import { replay, unitCosts } from './replay.ts'
import { worksOf, type Bare, type Schedule, type Step, type Transfer, type Work } from './step.ts'

export function withTransfers(schedule: Omit<Schedule, 'steps'> & { readonly bare: readonly (readonly Bare[])[] }): Schedule {
  const { bare, ...rest } = schedule
  const { places, numStages } = schedule
  const holder = new Map<string, number>()
  places.forEach((chunks, rank) => chunks.forEach(({ stage, stream }) => holder.set(`${stream} ${stage}`, rank)))
  const { times } = replay({ ...rest, steps: bare }, unitCosts)
  const receives = bare.map((list) => list.map((): Transfer[] => []))
  const sends = bare.map((list) => list.map((): Transfer[] => []))

  bare.forEach((list, rank) => list.forEach((step, i) => {
    const { forward, backward } = worksOf(step)
    for (const [what, work, ahead] of [['activation', forward, 1], ['gradient', backward, -1]] as const) if (work) send(what, rank, i, work, ahead)
  }))
  return { ...rest, steps: bare.map((list, r) => list.map((step, i): Step => ({ ...step, receives: receives[r][i], sends: sends[r][i] }))) }

  /** To the rank that holds the next stage on, unless that is this rank or there is none. */
  function send(what: Transfer['what'], rank: number, i: number, { chunk, microBatch }: Work, ahead: 1 | -1): void {
    const { stage, stream } = places[rank][chunk]
    if (stage + ahead < 0 || stage + ahead >= numStages) return
    const peer = holder.get(`${stream} ${stage + ahead}`)!
    if (peer === rank) return
    sends[rank][i].push({ what, peer, stream, microBatch, stage })
    const there = times[rank][i][1]
    receives[peer][firstFrom(times[peer], there)].push({ what, peer: rank, stream, microBatch, stage })
  }
}

/** The first of a rank's steps that begins at `time` or later. */
function firstFrom(times: readonly (readonly [number, number])[], time: number): number {
  let [low, high] = [0, times.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (times[middle][0] >= time) high = middle
    else low = middle + 1
  }
  return low
}
