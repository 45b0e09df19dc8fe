// weft bench: kernels and training steps, each beside a named peer in the same run.
import { mkdirSync } from 'node:fs'
import { benchEmulator } from '../../../bench/emulator.ts'
import { benchGemm, squares, stepShapes } from '../../../bench/gemm.ts'
import { record } from '../../../bench/record.ts'
import { showRow, type BenchRow } from '../../../bench/row.ts'
import { benchSteps, stepCases } from '../../../bench/train_step.ts'
import type { Device } from '../../core/device.ts'
import { InputError } from '../../core/errors.ts'
import { didYouMean } from '../../core/suggest.ts'
import { openDevice } from '../../device.ts'
import { parseOptions, wholeNumber } from '../options.ts'
import { findConfig } from '../run_config.ts'
import type { Command } from './index.ts'

const onDevice = ['gemm', 'train_step']
const benches = [...onDevice, 'gemm_browser', 'emulator']
const resultsFolder = 'bench/results'

export const command: Command = {
  summary: 'measures kernels and training steps beside a named peer',
  usage: `  --device NAME           auto (default), webgpu, cpu
  --op NAME               only this: ${benches.join(', ')}; may be repeated; default ${onDevice.join(', ')}; emulator measures
                          emu:sm_80 and emu:sm_90a whatever the device, gemm_browser a headless Chromium
  --peers DIR             gemm_browser: libraries installed in DIR/node_modules race too (@tensorflow/tfjs with
                          @tensorflow/tfjs-backend-webgpu, onnxruntime-web, @jax-js/jax)
  --threads N             emu: threads over the blocks of a launch; 1 unless given
  --disable-robustness    kernels without bounds checks (webgpu)
  --record                also appends to ${resultsFolder}/<date>-<host kind>.json
  --json                  one JSON object a line`,
  run: bench,
}

async function bench(args: string[]): Promise<number> {
  const options = parseOptions('bench', args, {
    device: { type: 'string', default: 'auto' }, op: { type: 'string', multiple: true, default: onDevice }, threads: { type: 'string', default: '1' }, peers: { type: 'string' },
    'disable-robustness': { type: 'boolean', default: false }, record: { type: 'boolean', default: false }, json: { type: 'boolean', default: false },
  })
  for (const name of options.op) if (!benches.includes(name)) throw new InputError(`weft bench: no --op "${name}"${didYouMean(name, benches)}; known are ${benches.join(', ')}`)
  if (options.record) mkdirSync(resultsFolder, { recursive: true }) // before the work, not after it
  const disableRobustness = options['disable-robustness']
  // The emulator's rows alone need no device.
  const { device, why } = await openDevice(options.op.every((name) => name === 'emulator') && options.device === 'auto' ? 'emu:sm_80' : options.device, { disableRobustness, threads: wholeNumber('bench', 'threads', options.threads) })
  if (!options.json) process.stdout.write(`${device.name}: ${device.backend.description} (${why})${disableRobustness ? ', no bounds checks' : ''}\n`)
  const rows: BenchRow[] = []
  try {
    for await (const row of allRows(device, options.op, disableRobustness, options.peers)) {
      rows.push(row)
      process.stdout.write(`${options.json ? JSON.stringify(row) : showRow(row)}\n`)
    }
  } finally {
    await device.backend.destroy()
  }
  if (options.record) {
    const file = record(resultsFolder, `weft bench ${args.join(' ')}`.trim(), device.backend.description, rows)
    if (!options.json) process.stdout.write(`recorded in ${file}\n`)
  }
  return 0
}

async function* allRows(device: Device, names: readonly string[], disableRobustness: boolean, peers: string | undefined): AsyncGenerator<BenchRow> {
  if (names.includes('emulator')) yield* benchEmulator()
  if (names.includes('gemm_browser')) yield* (await import('../../../bench/gemm_browser.ts')).benchGemmInBrowser({ disableRobustness, peers })
  if (!names.some((name) => onDevice.includes(name))) return
  const gpu = device.name === 'webgpu' ? await peerGpu(disableRobustness) : undefined
  // A step is compared with the best rate at its own products' shapes, which are measured for that too when no one asks for their rows.
  const gemmRows = names.includes('gemm')
  let best: number | undefined
  for (const shape of gemmRows ? [...squares, ...stepShapes] : stepShapes) {
    const row = await benchGemm(device, gemmRows ? gpu : undefined, shape)
    if (stepShapes.includes(shape)) best = Math.max(best ?? 0, row.flopPerSec)
    if (gemmRows) yield row
  }
  gpu?.destroy()
  if (names.includes('train_step')) yield* benchSteps(device, stepCases(findConfig({ preset: 'tiny' }).json as { model: Record<string, unknown> }), best)
}

/** The peer's own device on the same adapter, with the same bounds checks. */
async function peerGpu(disableRobustness: boolean): Promise<GPUDevice> {
  const { openNodeGpu } = await import('../../../backends/webgpu/node_adapter.ts')
  const { adapter } = await openNodeGpu({ disableRobustness })
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits
  return adapter.requestDevice({ requiredLimits: { maxBufferSize, maxStorageBufferBindingSize } })
}
