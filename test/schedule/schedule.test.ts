// Schedules are data: these are the rules that the data keeps, for every kind and many sizes.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { deadlockOf, exchangesOf } from '../../src/schedule/exchange.ts'
import { makeSchedule, scheduleKinds, worksOf, type Schedule, type ScheduleKind } from '../../src/schedule/index.ts'
import { listed, replay, unitCosts } from '../../src/schedule/replay.ts'
import { withTransfers } from '../../src/schedule/transfers.ts'

const golden = (name: string) => JSON.parse(readFileSync(new URL(`../golden/dualpipe/${name}.json`, import.meta.url), 'utf8')) as { pp_ranks: number; micro_batches: number; per_rank: unknown[]; peak_in_flight_chunks: number[] }

/** Ranks, micro-batches, chunks. */
const sizes: [number, number, number][] = [[1, 2, 2], [2, 4, 1], [2, 4, 2], [3, 6, 2], [3, 9, 3], [4, 8, 2], [4, 10, 2], [5, 15, 2], [6, 12, 4], [8, 16, 2], [8, 40, 2], [16, 64, 2]]
const made: Schedule[] = scheduleKinds.flatMap((kind) => sizes.flatMap(([ranks, microBatches, chunks]) => {
  if (kind === 'dualpipe' && ranks % 2) return []
  if (kind.startsWith('interleaved') && microBatches % ranks) return []
  return [makeSchedule(kind, ranks, microBatches, { chunks })]
}))
const title = ({ kind, ranks, microBatches, numStages }: Schedule) => `${kind}, ${ranks} ranks, ${microBatches} micro-batches, ${numStages} stages`

describe('the official runs', () => {
  it.each([['dualpipe', 'dualpipe_pp4_mb8'], ['dualpipe', 'dualpipe_pp8_mb20'], ['dualpipev', 'dualpipev_pp4_mb10']] as const)('%s equals %s, event by event', (kind, name) => {
    const { pp_ranks, micro_batches, per_rank, peak_in_flight_chunks } = golden(name)
    const schedule = makeSchedule(kind, pp_ranks, micro_batches)
    expect(schedule.steps.map((list) => list.map(listed))).toEqual(per_rank)
    expect(replay(schedule, unitCosts).peakInFlight).toEqual(peak_in_flight_chunks)
  })
  it.each([[8, 20, 66, 59], [16, 120, 374, 319], [4, 8, 26, 24]])('DualPipe of %i ranks and %i micro-batches ends at %i, with quicker pairs at %i', (ranks, microBatches, end, quicker) => {
    const schedule = makeSchedule('dualpipe', ranks, microBatches)
    expect(replay(schedule, unitCosts).makespan).toBe(end)
    expect(replay(schedule, { ...unitCosts, FB: 2.5 }).makespan).toBe(quicker)
  })
})

describe('bubbles as published', () => {
  const idle = (kind: ScheduleKind, ranks: number, microBatches: number, chunks = 2) => {
    const r = replay(makeSchedule(kind, ranks, microBatches, { chunks }), unitCosts)
    return r.makespan - Math.max(...r.busy)
  }
  const [F, B, W, FB] = [1, 2, 1, 3]
  it.each([[4, 8], [8, 32], [16, 48]])('%i ranks, %i micro-batches', (P, M) => {
    expect(idle('1f1b', P, M)).toBe((P - 1) * (F + B))
    expect(idle('zb1p', P, M)).toBe((P - 1) * (F + B - 2 * W))
    expect(idle('dualpipe', P, M)).toBe((P / 2 - 1) * (FB + B - 3 * W))
    // Half the devices for the same stages.
    expect(idle('dualpipev', P / 2, M)).toBe((P / 2 - 1) * (FB + B - 3 * W))
    // Chunks of 1 / v of the model: the bubble in time is a v-th.
    expect(idle('interleaved', P, M)).toBe((P - 1) * (F + B))
    expect(idle('zbv', P, M)).toBe((P - 1) * F)
  })
  it('and activations', () => {
    const peak = (kind: ScheduleKind, P: number) => Math.max(...replay(makeSchedule(kind, P, 4 * P), unitCosts).peakInFlight)
    expect([peak('1f1b', 8), peak('zb1p', 8), peak('zbv', 8), peak('dualpipe', 8), peak('dualpipev', 8)]).toEqual([8, 8, 16, 9, 17])
  })
})

describe('every schedule', () => {
  it.each(made.map((s) => [title(s), s] as const))('%s: each micro-batch once forward and backward per stage, weights done, no deadlock', (_, schedule) => {
    const { steps, places, numStages, numStreams, microBatches } = schedule
    const count = (pick: (s: Schedule['steps'][number][number]) => { chunk: number; microBatch: number } | undefined) => {
      const seen = new Map<string, number>()
      steps.forEach((list, r) => list.forEach((step) => {
        const work = pick(step)
        if (!work) return
        const { stage, stream } = places[r][work.chunk]
        const key = `${stream} ${stage} ${work.microBatch}`
        seen.set(key, (seen.get(key) ?? 0) + 1)
      }))
      return seen
    }
    const all = Array.from({ length: numStreams }, (_, stream) => Array.from({ length: numStages }, (__, stage) => Array.from({ length: microBatches / numStreams }, (___, m) => `${stream} ${stage} ${m}`))).flat(2).sort()
    for (const seen of [count((s) => worksOf(s).forward), count((s) => worksOf(s).backward), count((s) => (s.kind === 'W' || s.kind === 'B' ? s.work : s.kind === 'FB' ? s.backward : undefined))]) {
      expect([...seen.keys()].sort()).toEqual(all)
      expect(Math.max(...seen.values())).toBe(1)
    }
    expect(() => replay(schedule, unitCosts)).not.toThrow()
    expect(deadlockOf(schedule)).toBeUndefined()
  })

  it('sends what another rank receives, before it is used', () => {
    for (const schedule of made) {
      const sent = exchangesOf(schedule).flatMap((list, r) => list.flatMap((e) => e.sends.map((t) => `${r} ${t.peer} ${t.what} ${t.stream} ${t.stage} ${t.microBatch}`))).sort()
      const received = exchangesOf(schedule).flatMap((list, r) => list.flatMap((e) => e.receives.map((t) => `${t.peer} ${r} ${t.what} ${t.stream} ${t.stage} ${t.microBatch}`))).sort()
      expect(received).toEqual(sent)
      schedule.steps.forEach((list, r) => {
        const have = new Set<string>()
        for (const step of list) {
          for (const t of step.receives) have.add(`${t.what} ${t.stream} ${t.stage} ${t.microBatch}`)
          const { forward, backward } = worksOf(step)
          const need = (what: string, work: typeof forward, ahead: number) => {
            if (!work) return
            const { stage, stream } = schedule.places[r][work.chunk]
            const [from, own] = [stage - ahead, schedule.places[r].some((p) => p.stream === stream && p.stage === stage - ahead)]
            if (from >= 0 && from < schedule.numStages && !own) expect(have.has(`${what} ${stream} ${from} ${work.microBatch}`)).toBe(true)
          }
          need('activation', forward, 1)
          need('gradient', backward, -1)
        }
      })
    }
  })
})

describe('a broken schedule is found', () => {
  const { steps: _, ...rest } = makeSchedule('1f1b', 2, 2)
  const bare = makeSchedule('1f1b', 2, 2).steps.map((list) => list.map(({ kind, work, backward }) => ({ kind, work, backward })))
  it('by replay', () => expect(() => withTransfers({ ...rest, bare: [[bare[0][2], ...bare[0].slice(0, 2), ...bare[0].slice(3)], bare[1]] })).toThrow(/1f1b: rank \d waits for ever at step 0, B0\.0/))
  it('by its exchanges', () => {
    const good = makeSchedule('1f1b', 2, 2)
    const steps = good.steps.map((list, r) => (r === 1 ? list.map((s, i) => ({ ...s, receives: i === 0 ? list[1].receives : i === 1 ? list[0].receives : s.receives })) : list))
    const swapped = { ...good, steps: [good.steps[0].map((s, i) => (i === 0 ? { ...s, receives: good.steps[0].flatMap((x) => x.receives) } : { ...s, receives: [] })), steps[1]] }
    expect(deadlockOf(swapped)).toMatch(/rank 0 waits before step 0 for gradient/)
  })
})

describe('conditions', () => {
  it.each([
    ['dualpipe', 3, 12, /DualPipe needs an even number of ranks and of micro-batches, at least twice as many as ranks: there are 3 ranks and 12 micro-batches/],
    ['dualpipe', 4, 6, /4 ranks and 6 micro-batches/], ['dualpipe', 4, 9, /4 ranks and 9/], ['dualpipev', 4, 7, /DualPipeV needs at least two micro-batches a rank: there are 4 ranks and 7/],
    ['interleaved', 4, 6, /a multiple of 4 micro-batches, not 6/], ['1f1b', 0, 6, /0 ranks/], ['1f1b', 2.5, 6, /2\.5 ranks/],
  ] as const)('%s of %d ranks and %d micro-batches', (kind, ranks, microBatches, message) => expect(() => makeSchedule(kind, ranks, microBatches)).toThrow(message))
})
