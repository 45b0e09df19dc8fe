// Timing: the least of several repetitions, contestants in turn, so that a busy moment of the machine hits both.

/** Queues its work `count` times and resolves when all of it is done. */
export type Contestant = (count: number) => Promise<unknown>

export interface Timing {
  minReps: number
  minSec: number
  /** A repetition is a batch of calls of at least this long. */
  batchSec: number
  /** Patience: past this, two repetitions must do. */
  maxSec: number
}
export const defaultTiming: Timing = { minReps: 5, minSec: 0.3, batchSec: 0.02, maxSec: 60 }

/** Least seconds of one call, for each contestant, after a warm-up. */
export async function leastTimes(contestants: readonly Contestant[], { minReps, minSec, batchSec, maxSec }: Timing = defaultTiming): Promise<number[]> {
  const counts: number[] = []
  const best = contestants.map(() => Infinity)
  for (const run of contestants) {
    await run(1) // compiles
    counts.push(Math.max(1, Math.ceil(batchSec / await seconds(run, 1))))
  }
  const start = performance.now()
  const passed = (sec: number) => performance.now() - start > sec * 1000 * contestants.length
  for (let rep = 0; (rep < minReps && (rep < 2 || !passed(maxSec))) || !passed(minSec); rep++) {
    for (const [i, run] of contestants.entries()) best[i] = Math.min(best[i], await seconds(run, counts[i]) / counts[i])
  }
  return best
}

async function seconds(run: Contestant, count: number): Promise<number> {
  const start = performance.now()
  await run(count)
  return (performance.now() - start) / 1000
}
