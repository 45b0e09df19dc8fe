import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { InputError } from '../../src/core/errors.ts'
import { NodeAppendFile } from '../../src/io/node/append_file.ts'
import { formatRow, MetricsLog, parseRows, type MetricRow, type StepRow } from '../../src/train/metrics.ts'
import { MemoryAppend } from '../support/memory_append.ts'

const stepRow = (step: number, loss = 2.5): StepRow => ({ event: 'step', step, loss, lr: 1e-3, gradNorm: 0.5, tokensPerSec: 100, expertLoadMaxOverMean: 1.25 })
const rows: MetricRow[] = [
  stepRow(1), { event: 'load', step: 1, load: [[3, 1], [2, 2]] }, { event: 'eval', step: 1, valLoss: 2.6, bigramLoss: 2.4 },
  stepRow(2), stepRow(3), { event: 'done', step: 3, trainLoss: 2.5, valLoss: 2.6, out: 'runs/ü', device: 'cpu' },
]

describe('metrics rows', () => {
  it('go through text unchanged', () => {
    expect(parseRows(rows.map(formatRow).join(''), 'm')).toEqual(rows)
  })

  it('have the field names of the command line', () => {
    expect(formatRow(stepRow(1))).toBe('{"event":"step","step":1,"loss":2.5,"lr":0.001,"gradNorm":0.5,"tokensPerSec":100,"expertLoadMaxOverMean":1.25}\n')
  })

  it('carry NaN as null', () => {
    const line = formatRow(stepRow(1, NaN))
    expect(line).toContain('"loss":null')
    expect((parseRows(line, 'm')[0] as StepRow).loss).toBeNaN()
  })

  it('leave out a torn last line', () => {
    const text = rows.map(formatRow).join('')
    expect(parseRows(text.slice(0, -5), 'm')).toEqual(rows.slice(0, -1))
  })

  it.each(['nonsense\n', 'null\n', '[]\n', '{"event":"other","step":1}\n', '{"event":"toString","step":1}\n', '{"event":"step","step":-1}\n', '{"event":"step","step":1}\n', '{"event":"load","step":1,"load":[1]}\n'])('refuse %s', (text) => {
    expect(() => parseRows(text, 'm')).toThrow(InputError)
    expect(() => parseRows(text, 'm')).toThrow(/^m, line 1/)
  })
})

describe('MetricsLog', () => {
  const filled = async () => {
    const file = new MemoryAppend()
    const { log } = await MetricsLog.open(file, 0)
    for (const row of rows) await log.append(row)
    return file
  }

  it.each([[0, 0], [1, 3], [2, 4], [3, 6], [9, 6]])('resumes at step %i with %i rows', async (step, numRows) => {
    const file = await filled()
    const { rows: kept } = await MetricsLog.open(file, step)
    expect(kept).toEqual(rows.slice(0, numRows))
    expect(new TextDecoder().decode(file.bytes)).toBe(rows.slice(0, numRows).map(formatRow).join(''))
  })

  it('writes the same bytes interrupted or not', async () => {
    const whole = (await filled()).bytes
    for (let cut = 0; cut <= whole.length; cut += 7) {
      const file = new MemoryAppend()
      file.bytes = whole.slice(0, cut)
      const { log, rows: kept } = await MetricsLog.open(file, 3)
      for (const row of rows.slice(kept.length)) await log.append(row)
      expect(file.bytes).toEqual(whole)
    }
  })

  it('works on a real file', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'weft-metrics-'))
    const path = join(dir, 'metrics.jsonl')
    for (const resume of [0, 2]) {
      const { log } = await MetricsLog.open(new NodeAppendFile(path), resume)
      for (let step = resume + 1; step <= resume + 3; step++) await log.append(stepRow(step))
    }
    expect(parseRows(readFileSync(path, 'utf8'), 'm').map((row) => row.step)).toEqual([1, 2, 3, 4, 5])
    rmSync(dir, { recursive: true })
  })
})
