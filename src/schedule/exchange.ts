// What ranks say to each other between their steps, for executors with blocking communication: before each step one exchange, all
// sends of the step before together with all receives of this one; it ends when every partner has come to its side of it.
import type { Schedule, Transfer } from './step.ts'

export interface Exchange { readonly sends: readonly Transfer[]; readonly receives: readonly Transfer[] }

/** [rank][i]: before step i; the last entry follows the last step. */
export function exchangesOf({ steps }: Schedule): Exchange[][] {
  return steps.map((list) => Array.from({ length: list.length + 1 }, (_, i) => ({ sends: list[i - 1]?.sends ?? [], receives: list[i]?.receives ?? [] })))
}

/** A message has one name on both sides. */
export const messageOf = (from: number, to: number, { what, stream, microBatch, stage }: Transfer): string => `${what} ${stream}.${microBatch} of stage ${stage} from ${from} to ${to}`

/** Undefined if every exchange ends; else who waits for what. */
export function deadlockOf(schedule: Schedule): string | undefined {
  const exchanges = exchangesOf(schedule)
  const at = exchanges.map(() => 0)
  const posted = exchanges.map((list, r) => messages(list[0], r))
  const open = new Map<string, number>()
  /** How many messages of each rank's exchange still lack their other side. */
  const missing = posted.map((m) => m.length)
  const ready: number[] = []
  const post = (rank: number) => {
    for (const m of posted[rank]) {
      const other = open.get(m)
      if (other === undefined) { open.set(m, rank); continue }
      open.delete(m)
      for (const r of [rank, other]) if (--missing[r] === 0) ready.push(r)
    }
    if (posted[rank].length === 0) ready.push(rank)
  }
  for (let r = 0; r < exchanges.length; r++) post(r)
  while (ready.length) {
    const r = ready.pop()!
    if (++at[r] >= exchanges[r].length) continue
    posted[r] = messages(exchanges[r][at[r]], r)
    missing[r] = posted[r].length
    post(r)
  }
  const stuck = at.findIndex((n, r) => n < exchanges[r].length)
  return stuck < 0 ? undefined : `rank ${stuck} waits before step ${at[stuck]} for ${posted[stuck].find((m) => open.get(m) === stuck) ?? 'its partners'}`
}

const messages = ({ sends, receives }: Exchange, rank: number): string[] =>
  [...sends.map((t) => messageOf(rank, t.peer, t)), ...receives.map((t) => messageOf(t.peer, rank, t))]
