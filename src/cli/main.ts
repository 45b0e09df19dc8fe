// weft <command>: one file per command in commands/; this file only finds it and turns errors into exit codes.
import { InputError } from '../core/errors.ts'
import { didYouMean } from '../core/suggest.ts'
import { commandNames, loadCommand } from './commands/index.ts'

async function main(argv: string[]): Promise<number> {
  const [name, ...rest] = argv
  if (!name || name === 'help' || name === '--help' || name === '-h') {
    process.stdout.write(await help())
    return 0
  }
  if (!commandNames.includes(name)) throw new InputError(`weft: no command "${name}"${didYouMean(name, commandNames)}; run \`weft help\``)
  const command = await loadCommand(name)
  if (rest.includes('--help') || rest.includes('-h')) {
    process.stdout.write(`weft ${name}: ${command.summary}\n\n${command.usage}\n`)
    return 0
  }
  return command.run(rest)
}

async function help(): Promise<string> {
  const lines = await Promise.all(commandNames.map(async (n) => `  ${n.padEnd(10)}${(await loadCommand(n)).summary}\n`))
  return `weft <command> [options]     trains mixture-of-experts models from TypeScript\n\n${lines.join('')}\nweft <command> --help tells its options.\n`
}

/** A sentence for what a disk refused, on whatever path: metrics, reports and dumps have no retry as checkpoints have. */
function storageRefusal(error: NodeJS.ErrnoException): string | undefined {
  const why = { ENOSPC: 'the disk is full', EDQUOT: 'the disk quota is used up', EFBIG: 'the file is larger than this system allows', EROFS: 'the file system is read-only', EACCES: 'permission is missing', EPERM: 'the operation is not permitted' }[error.code ?? '']
  return why && `${why} (${error.message}). Checkpoints saved before are intact.`
}

main(process.argv.slice(2)).then(
  (code) => { process.exitCode = code },
  (error: Error & { exitCode?: number }) => {
    // Known errors are sentences. Anything else is a bug of ours and deserves its stack.
    const refused = storageRefusal(error)
    process.stderr.write(error.exitCode || refused ? `weft: ${refused ?? error.message}\n` : `weft: internal error, please report it\n${error.stack}\n`)
    process.exitCode = error.exitCode ?? (refused ? 2 : 1)
  },
)
