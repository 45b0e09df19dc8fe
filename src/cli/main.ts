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

main(process.argv.slice(2)).then(
  (code) => { process.exitCode = code },
  (error: Error & { exitCode?: number }) => {
    // Known errors are sentences. Anything else is a bug of ours and deserves its stack.
    process.stderr.write(error.exitCode ? `weft: ${error.message}\n` : `weft: internal error, please report it\n${error.stack}\n`)
    process.exitCode = error.exitCode ?? 1
  },
)
