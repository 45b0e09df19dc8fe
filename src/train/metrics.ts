// What a run writes down: one JSON object a line in metrics.jsonl. Its field names are an interface (`train --json`).
import { InputError } from '../core/errors.ts'
import type { AppendFile } from '../io/append_file.ts'

export interface StepRow {
  event: 'step'
  step: number // counted from 1
  loss: number // nats per token, training
  lr: number
  gradNorm: number // before clipping
  tokensPerSec: number
  expertLoadMaxOverMean: number // 1: perfectly even; the worst layer
}

export interface EvalRow {
  event: 'eval'
  step: number
  valLoss: number // nats per token
  bigramLoss: number // of the same text: the yardstick
}

/** Tokens that each expert got in a step: [layers][experts], MoE layers only. For the report. */
export interface LoadRow { event: 'load'; step: number; load: number[][] }

export interface DoneRow { event: 'done'; step: number; trainLoss: number; valLoss: number; out: string; device: string }

export type MetricRow = StepRow | EvalRow | LoadRow | DoneRow

/** One line with its newline. NaN and infinities, which JSON lacks, become null. */
export function formatRow(row: MetricRow): string {
  return `${JSON.stringify(row)}\n`
}

/** Rows of a metrics.jsonl. A last line without newline was torn by a crash and is left out. Throws InputError. */
export function parseRows(text: string, where: string): MetricRow[] {
  return parseLines(text, where).map((line) => line.row)
}

function parseLines(text: string, where: string): { row: MetricRow; end: number }[] {
  const lines: { row: MetricRow; end: number }[] = []
  for (let begin = 0, number = 1; ; number++) {
    const newline = text.indexOf('\n', begin)
    if (newline < 0) return lines
    lines.push({ row: parseRow(text.slice(begin, newline), `${where}, line ${number}`), end: newline + 1 })
    begin = newline + 1
  }
}

const numbers = {
  step: ['loss', 'lr', 'gradNorm', 'tokensPerSec', 'expertLoadMaxOverMean'],
  eval: ['valLoss', 'bigramLoss'],
  load: [],
  done: ['trainLoss', 'valLoss'],
} as const

function parseRow(line: string, where: string): MetricRow {
  let row: Record<string, unknown>
  try { row = JSON.parse(line) as Record<string, unknown> } catch { throw new InputError(`${where} is not JSON; it must be one metrics row`) }
  const event = row?.event
  if (typeof event !== 'string' || !Object.hasOwn(numbers, event)) throw new InputError(`${where}: event is ${JSON.stringify(event) ?? 'missing'}; it must be "step", "eval", "load" or "done"`)
  if (!Number.isSafeInteger(row.step) || (row.step as number) < 0) throw new InputError(`${where}: step is ${JSON.stringify(row.step) ?? 'missing'}; it must be a whole number`)
  for (const key of numbers[event as keyof typeof numbers]) {
    if (row[key] === null) row[key] = NaN
    else if (typeof row[key] !== 'number') throw new InputError(`${where}: ${key} is ${JSON.stringify(row[key]) ?? 'missing'}; it must be a number or null`)
  }
  if (event === 'load' && !isLoad(row.load)) throw new InputError(`${where}: load must be a list of lists of numbers, [layers][experts]`)
  return row as unknown as MetricRow
}

function decode(bytes: Uint8Array, where: string): string {
  const end = bytes.lastIndexOf(0x0a) + 1 // a torn tail may end inside a character
  try { return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(0, end)) } catch { throw new InputError(`${where} is not UTF-8 text`) }
}

function isLoad(load: unknown): boolean {
  return Array.isArray(load) && load.every((layer) => Array.isArray(layer) && layer.every((n) => typeof n === 'number' && n >= 0))
}

/** Appends rows in order. Open it with the step that training resumes from: later lines belong to a future that did not happen. */
export class MetricsLog {
  private constructor(private readonly file: AppendFile) {}

  /** Keeps the rows with step <= resumeStep (0: none) and drops the rest, a torn last line included. Throws InputError. */
  static async open(file: AppendFile, resumeStep: number, where = 'metrics.jsonl'): Promise<{ log: MetricsLog; rows: MetricRow[] }> {
    const bytes = await file.read()
    const text = decode(bytes, where)
    const lines = parseLines(text, where)
    const later = lines.findIndex((line) => line.row.step > resumeStep)
    const kept = later < 0 ? lines : lines.slice(0, later)
    const keptBytes = new TextEncoder().encode(text.slice(0, kept.at(-1)?.end ?? 0)).length // positions count UTF-16 units
    if (keptBytes !== bytes.length) await file.truncate(keptBytes)
    return { log: new MetricsLog(file), rows: kept.map((line) => line.row) }
  }

  append(row: MetricRow): Promise<void> {
    return this.file.append(new TextEncoder().encode(formatRow(row)))
  }
}
