// weft train: trains in a directory, shows one live line, resumes by default, ends with a report and a sample.
import { readdir, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Device } from '../../core/device.ts'
import { InputError } from '../../core/errors.ts'
import { openDevice } from '../../device.ts'
import { loadText } from '../../io/node/data_files.ts'
import { NodeAppendFile } from '../../io/node/append_file.ts'
import { NodeFiles } from '../../io/node/files.ts'
import { lockRunDir } from '../../io/node/lock.ts'
import { countParameters } from '../../model/config.ts'
import type { RunConfig } from '../../train/config.ts'
import { MetricsLog, type MetricRow, type StepRow } from '../../train/metrics.ts'
import { train } from '../../train/run.ts'
import { compact, StepLine } from '../progress.ts'
import { parseOptions, weftCommand, wholeNumber } from '../options.ts'
import { findConfig, presetNames, readRunConfig } from '../run_config.ts'
import { openEvents, writeEvent } from '../tensorboard.ts'
import { dryRun } from '../dry_run.ts'
import { writeReport } from '../report.ts'
import { sampleText } from '../sample.ts'
import type { Command } from './index.ts'

export const command: Command = {
  summary: 'trains a model; the same command again goes on where it stopped',
  usage: `  --preset NAME     ${presetNames().join(', ')}
  --config FILE     a run configuration instead of a preset
  --set a.b=c       overrides one key of the configuration; may be repeated
  --data PATH       text files, folders or .jsonl instead of the configured data; may be repeated
  --steps N         total steps of the run
  --out DIR         default runs/<preset>
  --device NAME     auto (default), cuda:0, webgpu, cpu, emu:sm_80, emu:sm_90a
  --threads N       emu: threads over the blocks of a launch, with the results of one; 1 unless given
  --fresh           starts anew; refuses a folder that is not empty
  --dry-run         prints parameters, FLOP, memory and checkpoint size, and runs nothing
  --json            one JSON object a line`,
  run,
}

async function run(args: string[]): Promise<number> {
  const options = parseOptions('train', args, {
    preset: { type: 'string' }, config: { type: 'string' }, set: { type: 'string', multiple: true, default: [] },
    data: { type: 'string', multiple: true }, steps: { type: 'string' }, out: { type: 'string' },
    device: { type: 'string', default: 'auto' }, threads: { type: 'string', default: '1' }, fresh: { type: 'boolean', default: false },
    'dry-run': { type: 'boolean', default: false }, json: { type: 'boolean', default: false },
  })
  const source = findConfig(options)
  const sets = [...options.set]
  if (options.steps !== undefined) sets.push(`train.steps=${wholeNumber('train', 'steps', options.steps)}`)
  if (options.data) sets.push('data.kind=files', `data.paths=${JSON.stringify(options.data)}`)
  const config = readRunConfig(source, sets)
  if (options['dry-run']) return dryRun(config, options.json)
  const out = options.out ?? join('runs', source.name)
  if (options.fresh && existsSync(out) && (await readdir(out)).length) throw new InputError(`--fresh: ${out} is not empty; choose another --out or remove it`)

  const files = new NodeFiles()
  const tokens = await loadText(files, config.data)
  const lock = await lockRunDir(out)
  try {
    const { device, why } = await openDevice(options.device, { threads: wholeNumber('train', 'threads', options.threads) })
    try {
      return await runIn({ out, config, device, why, tokens, files, json: options.json, again: `${weftCommand} train ${args.join(' ')}` })
    } finally {
      await device.backend.destroy().catch(() => {}) // a lost device has been reported already
    }
  } finally {
    await lock.release()
  }
}

interface Job {
  out: string; config: RunConfig; device: Device; why: string; tokens: Uint8Array; files: NodeFiles; json: boolean
  /** The command line, for the hint how to go on. */
  again: string
}

async function runIn(job: Job): Promise<number> {
  const { out, config, device, files, json } = job
  const line = new StepLine(process.stdout, config.train.steps)
  const say = (text: string) => { if (!json) line.say(text) }
  const warn = (text: string) => process.stderr.write(`weft: ${text}\n`)
  const emit = (row: object) => { if (json) process.stdout.write(`${JSON.stringify(row)}\n`) }
  const stop = stopOnSignals(warn)

  const count = countParameters(config.model)
  say(`device ${device.name}: ${device.backend.description}\n  taken because: ${job.why}`)
  say(`model ${compact(count.total)} parameters, ${compact(count.active)} active; data ${compact(job.tokens.length)} bytes; precision ${config.train.precision}`)
  await writeFile(join(out, 'config.json'), `${JSON.stringify(config, null, 2)}\n`)

  let log: MetricsLog | undefined
  let rows: MetricRow[] = []
  let events: Awaited<ReturnType<typeof openEvents>> | undefined
  const note = async (row: MetricRow) => {
    rows.push(row)
    await log?.append(row)
    if (events) await writeEvent(events, row)
    if (row.event !== 'load') emit(row)
  }
  try {
    for await (const event of train({ device, config, tokens: job.tokens, files, runDir: out, signal: stop.signal, warn })) {
      switch (event.event) {
        case 'start': {
          const opened = await MetricsLog.open(new NodeAppendFile(join(out, 'metrics.jsonl')), event.step)
          log = opened.log
          rows = opened.rows
          events = await openEvents(out, event.step)
          if (event.resumedFrom) say(event.step >= config.train.steps ? `done already: ${event.resumedFrom} is step ${event.step}` : `going on from ${event.resumedFrom}`)
          break
        }
        case 'step':
          if (!json) line.step(event, config.train.batchSize * config.train.sequenceLength)
          await note(event)
          break
        case 'load':
          await note(event)
          break
        case 'eval':
          say(`step ${event.step}: held-back loss ${event.valLoss.toFixed(3)} nats per byte (byte bigrams on the same text: ${event.bigramLoss.toFixed(3)})`)
          if (!rows.some((r) => r.event === 'eval' && r.step === event.step)) await note(event)
          else emit(event)
          break
        case 'checkpoint':
          emit(event)
          break
        case 'stopped':
          await writeReport({ out, config, device, rows })
          say(`stopped after step ${event.step}, saved in ${out}. To go on: ${job.again}`)
          return stop.exitCode()
        case 'finished': {
          const trainLoss = Number.isFinite(event.trainLoss) ? event.trainLoss : lastLoss(rows)
          const report = await writeReport({ out, config, device, rows })
          say(`\nreport ${report}\n`)
          if (!json) say(`${await sampleText(event.trainer.model, { prompt: 'And God said', tokens: 240, temperature: 0.7, seed: 1 })}\n`)
          const done = { event: 'done' as const, step: event.step, trainLoss, valLoss: event.valLoss, out, device: device.name }
          emit(done)
          say(`trained ${event.step} steps: held-back loss ${event.valLoss.toFixed(3)} nats per byte, byte bigrams ${event.bigramLoss.toFixed(3)}`)
          say(`next: ${weftCommand} generate --model ${out} --prompt "In the beginning"\n      ${job.again.replace(/ --steps \d+/, '')} --steps ${event.step * 2}`)
        }
      }
    }
  } finally {
    stop.dispose()
  }
  return 0
}

const lastLoss = (rows: MetricRow[]) => rows.findLast((r): r is StepRow => r.event === 'step')?.loss ?? NaN

/** The first SIGINT or SIGTERM ends the step and saves; the second ends the process at once. */
function stopOnSignals(warn: (text: string) => void) {
  const controller = new AbortController()
  let received: 'SIGINT' | 'SIGTERM' | undefined
  const handle = (signal: 'SIGINT' | 'SIGTERM') => {
    if (received) process.exit(signal === 'SIGINT' ? 130 : 143)
    received = signal
    warn(`${signal}: ending this step and saving; once more to stop at once`)
    controller.abort()
  }
  process.on('SIGINT', handle)
  process.on('SIGTERM', handle)
  return {
    signal: controller.signal,
    exitCode: () => (received === 'SIGTERM' ? 143 : 130),
    dispose: () => { process.off('SIGINT', handle); process.off('SIGTERM', handle) },
  }
}
