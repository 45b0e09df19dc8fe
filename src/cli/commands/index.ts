// The commands, one line each; a command's code loads when it is called.
export interface Command {
  /** One line for `weft help`. */
  summary: string
  /** The options, for `weft <command> --help`. */
  usage: string
  /** Returns the exit code. */
  run(args: string[]): Promise<number>
}

const commands: Record<string, () => Promise<{ command: Command }>> = {
  bench: () => import('./bench.ts'),
  check: () => import('./check.ts'),
  doctor: () => import('./doctor.ts'),
  train: () => import('./train.ts'),
  generate: () => import('./generate.ts'),
  eval: () => import('./eval.ts'),
  plan: () => import('./plan.ts'),
  eplb: () => import('./eplb.ts'),
  gpu: () => import('./gpu.ts'),
  ptx: () => import('./ptx.ts'),
}

export const commandNames = Object.keys(commands)
export const loadCommand = async (name: string): Promise<Command> => (await commands[name]()).command
