// Timing: the least of several repetitions, contestants in turn, so that a busy moment of the machine hits both.

/** Queues its work `count` times and resolves when all of it is done. */
export type Contestant = (count: number) => Promise<unknown>

export interface Timing { minReps: number; minSec: number; batchSec: number }
export const defaultTiming: Timing = { minReps: 5, minSec: 0.3, batchSec: 0.02 }

/** Least seconds of one call, for each contestant, after a warm-up. A repetition is a batch of at least `batchSec`. */
export async function leastTimes(contestants: readonly Contestant[], { minReps, minSec, batchSec }: Timing = defaultTiming): Promise<number[]> {
  const counts: number[] = []
  const best = contestants.map(() => Infinity)
  for (const run of contestants) {
    await run(1) // compiles
    counts.push(Math.max(1, Math.ceil(batchSec / await seconds(run, 1))))
  }
  const end = performance.now() + minSec * 1000 * contestants.length
  for (let rep = 0; rep < minReps || performance.now() < end; rep++) {
    for (const [i, run] of contestants.entries()) best[i] = Math.min(best[i], await seconds(run, counts[i]) / counts[i])
  }
  return best
}

async function seconds(run: Contestant, count: number): Promise<number> {
  const start = performance.now()
  await run(count)
  return (performance.now() - start) / 1000
}
