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
    --tensor-core MODE   exact (default): products summed in f32; hopper: aligned and cut off as Hopper's tensor cores do
    --out DIR            writes DIR/<buffer>.bin
    --max-instructions N thread instructions before a run counts as endless (default 1e11)
  emit OP              prints the kernels that a call of an op launches, with their launch shapes
    --case NAME          of this parity case (default: the first)
    --shape x=7x4096     of this shape of input x, other inputs as in the case; x=7x4096:bf16 names the dtype too; may be repeated
    --attr eps=1e-6      with this attribute; may be repeated
    --target sm_80       or sm_90a (default); also --device emu:sm_80
  check                assembles every kernel of ptx/ with ptxas, if it is there, and compares registers with the headers
  profile OP|F.json    runs a parity case or a launch case on the emulator and counts: instructions, sectors, bank conflicts,
                       tensor FLOP, occupancy, and the least time on H800, H100 and H200
    --case NAME          of this parity case (default: the largest quick one)
    --target sm_80       or sm_90a (default)
    --registers N        a thread's registers, where neither ptxas nor the header tells them
  --json               one JSON object a line`,
  run: ptx,
}

const subcommands: Record<string, () => Promise<{ run(args: string[]): Promise<number> }>> = {
  run: () => import('./ptx_run.ts'),
  emit: () => import('./ptx_emit.ts'),
  check: () => import('./ptx_check.ts'),
  profile: () => import('./ptx_profile.ts'),
}

async function ptx(args: string[]): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || !subcommands[name]) throw new InputError(`weft ptx: ${name === undefined ? 'a subcommand is needed' : `no subcommand "${name}"${didYouMean(name, Object.keys(subcommands))}`}; there are ${Object.keys(subcommands).join(', ')}`)
  return (await subcommands[name]()).run(rest)
}
