// Pipeline schedules by name.
import { dualpipe, dualpipev } from './dualpipe.ts'
import { interleaved, oneFOneB } from './one_f_one_b.ts'
import { ScheduleError, type Schedule, type ScheduleKind, type ScheduleOptions } from './step.ts'
import { zb1p, zbv } from './zero_bubble.ts'

export * from './step.ts'

/** The lists of every rank. Throws ScheduleError, with the numbers, where a schedule's conditions do not hold. */
export function makeSchedule(kind: ScheduleKind, ranks: number, microBatches: number, { chunks = 2 }: ScheduleOptions = {}): Schedule {
  for (const [name, n] of [['ranks', ranks], ['micro-batches', microBatches], ['chunks', chunks]] as const) {
    if (!(Number.isInteger(n) && n >= 1)) throw new ScheduleError(`a schedule of ${n} ${name}: it must be a whole number from 1 on`)
  }
  switch (kind) {
    case '1f1b': return oneFOneB(ranks, microBatches, false)
    case '1f1b-overlap': return oneFOneB(ranks, microBatches, true)
    case 'interleaved': return interleaved(ranks, microBatches, chunks, false)
    case 'interleaved-overlap': return interleaved(ranks, microBatches, chunks, true)
    case 'zb1p': return zb1p(ranks, microBatches)
    case 'zbv': return zbv(ranks, microBatches)
    case 'dualpipe': return dualpipe(ranks, microBatches)
    case 'dualpipev': return dualpipev(ranks, microBatches)
  }
}
