// weft ptx: what can be done with PTX without a GPU.
import { InputError } from '../../core/errors.ts'
import { didYouMean } from '../../core/suggest.ts'
import type { Command } from './index.ts'

export const command: Command = {
  summary: 'runs PTX on the emulator, assembles kernels with ptxas',
  usage: `  run --case F.json    runs a case (schema ptx-case/1) and compares; exit 0 equal and clean, 3 otherwise
    --seed N             the scheduler's order (default 0)
    --schedules N        that many seeds from --seed on, with asynchronous work early, late and between
    --sanitize on|off    races, bounds, barriers, asynchronous copies ... (default on; exit 3 if something is found)
    --out DIR            writes DIR/<buffer>.bin
    --max-instructions N thread instructions before a run counts as endless (default 1e11)
  check                assembles every kernel of ptx/ with ptxas, if it is there, and compares registers with the headers
  --json               one JSON object a line`,
  run: ptx,
}

const subcommands: Record<string, () => Promise<{ run(args: string[]): Promise<number> }>> = {
  run: () => import('./ptx_run.ts'),
  check: () => import('./ptx_check.ts'),
}

async function ptx(args: string[]): Promise<number> {
  const [name, ...rest] = args
  if (name === 'emit' || name === 'profile') throw new InputError(`weft ptx ${name} is not built yet`)
  if (name === undefined || !subcommands[name]) throw new InputError(`weft ptx: ${name === undefined ? 'a subcommand is needed' : `no subcommand "${name}"${didYouMean(name, Object.keys(subcommands))}`}; there are run and check`)
  return (await subcommands[name]()).run(rest)
}
