// Finds and reads a run's configuration: a preset or a file, then --set overrides.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { InputError } from '../core/errors.ts'
import { didYouMean } from '../core/suggest.ts'
import { applySet, parseRunConfig, type RunConfig } from '../train/config.ts'

/** `presets/` of the checkout or of the installed package: beside the nearest package.json above this file. */
export function presetsDir(): string {
  let dir = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(dir, 'package.json')) && dirname(dir) !== dir) dir = dirname(dir)
  return join(dir, 'presets')
}

export const presetNames = () => readdirSync(presetsDir()).filter((f) => f.endsWith('.json')).map((f) => basename(f, '.json')).sort()

export interface ConfigSource { name: string; json: unknown; where: string }

export function findConfig(options: { preset?: string; config?: string }): ConfigSource {
  const { preset, config } = options
  if (preset !== undefined && config !== undefined) throw new InputError('give --preset or --config, not both')
  if (preset === undefined && config === undefined) throw new InputError(`give --preset (${presetNames().join(', ')}) or --config FILE.json`)
  if (preset !== undefined && !presetNames().includes(preset)) throw new InputError(`no preset "${preset}"${didYouMean(preset, presetNames())}; presets are ${presetNames().join(', ')}`)
  const where = config ?? join(presetsDir(), `${preset}.json`)
  let text: string
  try {
    text = readFileSync(where, 'utf8')
  } catch (error) {
    throw new InputError(`${where}: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (error as Error).message}`)
  }
  try {
    return { name: preset ?? basename(where, '.json'), json: JSON.parse(text), where }
  } catch (error) {
    throw new InputError(`${where} is not JSON: ${(error as Error).message}`)
  }
}

export function readRunConfig(source: ConfigSource, sets: readonly string[]): RunConfig {
  return parseRunConfig(sets.reduce(applySet, source.json), source.where)
}
