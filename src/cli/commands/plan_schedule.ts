// weft plan schedule: the lists of a pipeline schedule, and a drawing of it on the clock of unit costs.
import { InputError } from '../../core/errors.ts'
import { didYouMean } from '../../core/suggest.ts'
import { makeSchedule, scheduleKinds, type ScheduleKind } from '../../schedule/index.ts'
import { listed, replay, show, unitCosts, type Replay } from '../../schedule/replay.ts'
import type { Schedule } from '../../schedule/step.ts'
import { parseOptions, wholeNumber } from '../options.ts'

export async function run(args: string[]): Promise<number> {
  const options = parseOptions('plan schedule', args, {
    kind: { type: 'string', default: 'dualpipe' }, ranks: { type: 'string', default: '8' }, 'micro-batches': { type: 'string', default: '20' },
    chunks: { type: 'string', default: '2' }, json: { type: 'boolean', default: false },
  })
  const kind = options.kind as ScheduleKind
  if (!scheduleKinds.includes(kind)) throw new InputError(`weft plan schedule: no schedule "${kind}"${didYouMean(kind, [...scheduleKinds])}; there are ${scheduleKinds.join(', ')}`)
  const number = (name: 'ranks' | 'micro-batches' | 'chunks') => wholeNumber('plan schedule', name, options[name])
  const schedule = makeSchedule(kind, number('ranks'), number('micro-batches'), { chunks: number('chunks') })
  const clock = replay(schedule, unitCosts)
  if (options.json) process.stdout.write(`${JSON.stringify({ per_rank: schedule.steps.map((list) => list.map(listed)), peak_in_flight_chunks: clock.peakInFlight })}\n`)
  else process.stdout.write(describe(schedule, clock))
  return 0
}

/** The largest drawing that a terminal holds. */
const widest = 160

function describe(schedule: Schedule, clock: Replay): string {
  const { kind, ranks, microBatches, steps } = schedule
  const lists = steps.map((list, r) => `rank ${String(r).padStart(2)}  ${list.map(show).join(' ')}`)
  const idle = clock.busy.map((b) => clock.makespan - b)
  return `${kind}: ${ranks} ranks, ${microBatches} micro-batches\n${lists.join('\n')}\n\n${clock.makespan <= widest ? `${drawing(schedule, clock)}\n\n` : ''}`
    + `With F = Bi = W = 1, B = 2 and an overlapped pair 3, communication free: ends at ${clock.makespan}, idle ${idle.join(' ')}, most in flight ${clock.peakInFlight.join(' ')}\n`
}

/** A row a rank, a column a unit of time: digits are micro-batches (mod 10) going forward, a-j going backward, w weight parts, X overlapped pairs. */
function drawing({ steps }: Schedule, { times, makespan }: Replay): string {
  const rows = steps.map((list, r) => {
    const row = new Array<string>(makespan).fill('.')
    list.forEach(({ kind, work }, i) => {
      const digit = work.microBatch % 10
      const mark = kind === 'F' ? String(digit) : kind === 'W' ? 'w' : kind === 'FB' ? 'X' : 'abcdefghij'[digit]
      row.fill(mark, times[r][i][0], times[r][i][1])
    })
    return `rank ${String(r).padStart(2)}  ${row.join('')}`
  })
  return `${rows.join('\n')}\n         0-9 forward of a micro-batch (mod 10), a-j its backward, w a weight part, X an overlapped pair, . idle`
}
