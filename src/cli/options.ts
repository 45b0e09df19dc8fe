// Options of a command by node:util parseArgs, with errors that name the nearest option.
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { InputError } from '../core/errors.ts'
import { didYouMean } from '../core/suggest.ts'

type Options = NonNullable<ParseArgsConfig['options']>

/** Parses `args`; an unknown option, a missing value or a stray word is an InputError. */
export function parseOptions<O extends Options>(command: string, args: string[], options: O) {
  for (const arg of args) {
    if (arg === '--' || !arg.startsWith('--')) continue
    const name = arg.slice(2).split('=')[0].replace(/^no-/, '')
    if (!(name in options)) throw new InputError(`weft ${command}: no option --${name}${didYouMean(name, Object.keys(options))}`)
  }
  try {
    return parseArgs({ args, options, allowPositionals: false, allowNegative: true }).values
  } catch (error) {
    throw new InputError(`weft ${command}: ${(error as Error).message}`)
  }
}

/** A non-negative whole number given as an option. */
export function wholeNumber(command: string, option: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InputError(`weft ${command}: --${option} is "${text}", must be a whole number`)
  return Number(text)
}

/** How this command was called, for hints that can be pasted: a checkout has no `weft` in the path. */
export const weftCommand = process.env.npm_lifecycle_event === 'weft' ? 'npm run -s weft --' : 'weft'
