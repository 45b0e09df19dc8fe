// bench/results/<date>-<host kind>.json: what was measured where, by which commit and command. Runs of a day append.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import { join } from 'node:path'
import type { BenchRow } from './row.ts'

export interface Recording {
  date: string
  commit: string
  command: string
  device: string
  host: string
  rows: BenchRow[]
}

/** Appends to the day's file under `folder` and returns its path: `<date>-<host kind>.json`, or `<name>-<date>.json`. The host is named by kind, not by name. */
export function record(folder: string, command: string, device: string, rows: BenchRow[], now = new Date(), name?: string): string {
  const cpu = os.cpus()[0]?.model.trim() ?? 'cpu'
  const host = `${os.platform()}-${os.arch()}-${os.cpus().length}core`
  const entry: Recording = { date: now.toISOString(), commit: commitOf(folder), command, device, host: `${host}, ${cpu}, ${(os.totalmem() / 2 ** 30).toFixed(0)} GiB, node ${process.version}`, rows }
  mkdirSync(folder, { recursive: true })
  const day = entry.date.slice(0, 10)
  const file = join(folder, `${name ? `${name}-${day}` : `${day}-${host}`}.json`)
  const earlier = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) as Recording[] : []
  writeFileSync(file, `${JSON.stringify([...earlier, entry], null, 1)}\n`)
  return file
}

/** The commit, with `+` when the tree differs from it; a bundle names its own; `unknown` outside a checkout. */
function commitOf(folder: string): string {
  if (process.env.WEFT_COMMIT) return process.env.WEFT_COMMIT
  const git = (...args: string[]) => execFileSync('git', args, { cwd: join(folder, '..'), encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  try {
    return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') ? '+' : '')
  } catch {
    return 'unknown'
  }
}
