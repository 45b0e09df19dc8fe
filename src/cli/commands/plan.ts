// weft plan: what a cluster would do, without the cluster.
import { InputError } from '../../core/errors.ts'
import { didYouMean } from '../../core/suggest.ts'
import { scheduleKinds } from '../../schedule/index.ts'
import type { Command } from './index.ts'

export const command: Command = {
  summary: 'times a described cluster: step, bubbles, memory, communication, cost; prints schedules',
  usage: `  --preset NAME        a plan of presets/plans (default deepseek-v3-2048xh800)
  --config F.json      a plan of your own
  --set a.b=c          overrides a value: --set layout.ep=32; may be repeated
  --trace T.json       also writes the step as a Perfetto trace
  --compare            all schedules side by side, at equal devices and at equal parameter memory
  --sweep sms=4..32    one setting over a range (or sms=4..32:4, or layout.ep=8,16,32), drawn in --out (default sweep.html)
  --validate           published figures beside simulated ones, fitted and predicted rows told apart
  schedule             prints what every rank does, in order
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
  if (name === undefined || name.startsWith('-')) return (await import('./plan_run.ts')).run(args)
  if (!subcommands[name]) throw new InputError(`weft plan: no subcommand "${name}"${didYouMean(name, Object.keys(subcommands))}; there are ${Object.keys(subcommands).join(', ')}`)
  return (await subcommands[name]()).run(rest)
}
