// weft gpu: what a first day on a GPU needs, in one command: the parity matrix, canaries around every buffer, every kernel against
// the roofline and the library, all written down.
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { deepseek, kernelCases, small, type KernelCase } from '../../../bench/kernel_cases.ts'
import { benchKernel, gpuTiming } from '../../../bench/kernels.ts'
import { libraryTimes, peerName } from '../../../bench/peer.ts'
import { record } from '../../../bench/record.ts'
import { peakOf } from '../../../bench/roofline.ts'
import { showRow, type BenchRow } from '../../../bench/row.ts'
import { withCanaries } from '../../../backends/cuda/canaries.ts'
import type { CudaDriver } from '../../../backends/cuda/driver.ts'
import { CudaBackend } from '../../../backends/cuda/index.ts'
import { runCase } from '../../check/index.ts'
import { Device } from '../../core/device.ts'
import { InputError, UnsupportedOp } from '../../core/errors.ts'
import { openDevice } from '../../device.ts'
import { ops } from '../../ops/index.ts'
import { parseOptions } from '../options.ts'
import { command as check } from './check.ts'
import type { Command } from './index.ts'

export const command: Command = {
  summary: 'everything for a first day on a GPU: parity, canaries, every kernel against roofline and library, recorded',
  usage: `  --device NAME   cuda:0 (default), another cuda:N, or emu:sm_90a, emu:sm_80 to try the command out
  --out DIR       where <device>-<date>.json goes (default bench/results)
  --small         small shapes, few repetitions
  --json          one JSON object a line`,
  run: gpu,
}

async function gpu(args: string[]): Promise<number> {
  const { device: name, out, json, small: few } = parseOptions('gpu', args, {
    device: { type: 'string', default: 'cuda:0' }, out: { type: 'string', default: 'bench/results' }, small: { type: 'boolean', default: false }, json: { type: 'boolean', default: false },
  })
  const say = (text: string) => { if (!json) process.stdout.write(`${text}\n`) }
  const driver = await openDriver(name)
  mkdirSync(out, { recursive: true }) // before the work, not after it
  say(`# Parity on ${name}${name.startsWith('cuda') ? ', and of WebGPU on this machine' : ''}`)
  const flags = json ? ['--json'] : []
  let code = await check.run(['--device', name, ...flags])
  if (name.startsWith('cuda')) code = await check.run(['--device', 'webgpu', ...flags]).catch((error: Error) => { say(`webgpu: ${error.message}`); return 0 }) || code

  say('\n# Canaries: guards around every buffer, poison inside')
  const broken = await canaries(driver, say)
  if (json) process.stdout.write(`${JSON.stringify({ event: 'canaries', broken })}\n`)
  say(broken.length ? broken.join('\n') : 'no guard was written, every output was')

  const device = new Device(new CudaBackend(driver))
  const { description } = device.backend
  const peak = peakOf(description)
  say(`\n# Kernels on ${description}${peak ? `, against ${peak.name}` : ', whose peak is not known'}`)
  const rows: BenchRow[] = []
  const measured: KernelCase[] = []
  for (const c of kernelCases(few ? small : deepseek)) {
    try {
      const row = await benchKernel(device, c, peak, few ? { repetitions: 2, flushBytes: 0 } : gpuTiming)
      rows.push(row)
      measured.push(c)
      say(showRow(row))
    } catch (error) {
      if (!(error instanceof UnsupportedOp)) throw error
      say(`> ${c.op} ${c.shape}: no kernel`)
    }
  }
  await device.backend.destroy()
  compare(rows, measured, say)
  if (json) for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`)
  const file = record(out, `weft gpu ${args.join(' ')}`.trim(), description, rows, new Date(), description.split(',')[0].replace(/\W+/g, '-').toLowerCase())
  say(`\nrecorded in ${file}`)
  return code || (broken.length ? 3 : 0)
}

async function openDriver(name: string): Promise<CudaDriver> {
  const emulated = /^emu:(sm_\d+a?)$/.exec(name)
  if (emulated) return new (await import('../../../backends/emulator/driver.ts')).EmulatorDriver(emulated[1])
  const ordinal = /^cuda:(\d+)$/.exec(name)
  if (!ordinal) throw new InputError(`weft gpu: --device is "${name}"; it must be cuda:N, emu:sm_80 or emu:sm_90a`)
  await openDevice(name).then(({ device }) => device.backend.destroy()) // the one sentence when it is absent
  return (await import('../../../backends/cuda/driver_koffi.ts')).openCuda(Number(ordinal[1]))
}

/** Every parity case with guarded buffers: wrong values are told too, since poison is NaN. */
async function canaries(driver: CudaDriver, say: (text: string) => void): Promise<string[]> {
  const broken: string[] = []
  let run = 0
  for (const [op, cases] of ops) {
    const guard = withCanaries(driver)
    const backend = new CudaBackend(guard.driver)
    for (const c of cases) {
      if (c.slow) continue
      const cell = await runCase(op, c, backend)
      if (cell.skipped) continue
      run++
      if (!cell.ok) broken.push(`${op.name} ${c.name}: ${cell.message}`)
      for (const b of await guard.check()) broken.push(`${op.name} ${c.name}: an allocation of ${b}`)
    }
  }
  say(`${run} cases`)
  return broken
}

/** Fills in the peers of the rows and prints them as a table. */
function compare(rows: BenchRow[], cases: readonly KernelCase[], say: (text: string) => void): void {
  const script = ['../../../bench/torch_peer.py', '../bench/torch_peer.py'].map((p) => fileURLToPath(new URL(p, import.meta.url))).find((p) => existsSync(p)) ?? join('bench', 'torch_peer.py')
  const { times, notes } = libraryTimes(cases.map((c) => c.peer), script)
  rows.forEach((row, i) => {
    const [time, peer] = [times[i], cases[i].peer]
    if (time === undefined || !peer) return
    Object.assign(row, { peer: peerName(peer), ratioToPeer: time / row.timeSec })
  })
  say('\n# Beside the library (torch): above 1 is faster than it')
  for (const row of rows.filter((r) => r.peer)) say(showRow(row))
  for (const note of notes) say(note)
}
