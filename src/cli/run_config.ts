// Finds and reads a run's configuration: a preset or a file, then --set overrides.
import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { InputError } from '../core/errors.ts'
import { didYouMean } from '../core/suggest.ts'
import { applySet, parseRunConfig, type RunConfig } from '../train/config.ts'
import { readJsonFile } from './json_file.ts'

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
  return { name: preset ?? basename(where, '.json'), json: readJsonFile(where), where }
}

export function readRunConfig(source: ConfigSource, sets: readonly string[]): RunConfig {
  return parseRunConfig(sets.reduce(applySet, source.json), source.where)
}
