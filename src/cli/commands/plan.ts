// weft plan: what a cluster would do, without the cluster.
import { InputError } from '../../core/errors.ts'
import { didYouMean } from '../../core/suggest.ts'
import { scheduleKinds } from '../../schedule/index.ts'
import type { Command } from './index.ts'

export const command: Command = {
  summary: 'prints pipeline schedules',
  usage: `  schedule             prints what every rank does, in order
    --kind NAME          ${scheduleKinds.join(', ')}
    --ranks N            pipeline ranks
    --micro-batches N    of a training step (both directions of DualPipe together)
    --chunks N           model chunks a rank, interleaved kinds only (default 2)
  --json               one JSON object a line`,
  run: plan,
}

const subcommands: Record<string, () => Promise<{ run(args: string[]): Promise<number> }>> = {
  schedule: () => import('./plan_schedule.ts'),
}

async function plan(args: string[]): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || !subcommands[name]) throw new InputError(`weft plan: ${name === undefined ? 'a subcommand is needed' : `no subcommand "${name}"${didYouMean(name, Object.keys(subcommands))}`}; there are ${Object.keys(subcommands).join(', ')}`)
  return (await subcommands[name]()).run(rest)
}
