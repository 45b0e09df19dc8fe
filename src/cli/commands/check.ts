// weft check: every op's parity cases on every device, as a matrix.
import { runCase, type CellResult } from '../../check/index.ts'
import { openDevice } from '../../device.ts'
import type { Device } from '../../core/device.ts'
import { InputError } from '../../core/errors.ts'
import { ops } from '../../ops/index.ts'
import type { Command } from './index.ts'
import { parseOptions } from '../options.ts'

export const command: Command = {
  summary: 'proves that every backend computes what the reference computes: the parity matrix',
  usage: `  --device NAME   only this device (default: cpu, webgpu, emu:sm_80, emu:sm_90a and, where there is one, cuda:0); may be repeated
  --op NAME       only this op; may be repeated
  --slow          also the large cases
  --sanitize      emulated devices run under the sanitizer; after its first diagnostic the device is lost, as after a fault
  --json          one JSON object a line`,
  run: check,
}

const everyDevice = ['cpu', 'webgpu', 'emu:sm_80', 'emu:sm_90a', 'cuda:0']

async function check(args: string[]): Promise<number> {
  const options = parseOptions('check', args, {
    device: { type: 'string', multiple: true }, op: { type: 'string', multiple: true },
    slow: { type: 'boolean', default: false }, sanitize: { type: 'boolean', default: false }, json: { type: 'boolean', default: false },
  })
  const chosen = ops.filter(([op]) => !options.op || options.op.includes(op.name))
  for (const name of options.op ?? []) if (!ops.some(([op]) => op.name === name)) throw new InputError(`weft check: no op "${name}"`)
  const say = (line: object, text: string) => process.stdout.write(options.json ? `${JSON.stringify(line)}\n` : text)

  let passed = 0
  let total = 0
  let skipped = 0
  const width = Math.max(...chosen.map(([op]) => op.name.length)) + 2
  for (const name of options.device ?? everyDevice) {
    const device = await open(name, options.device !== undefined, options.sanitize)
    if (typeof device === 'string') { say({ event: 'absent', device: name, why: device }, `${name}: absent: ${device}\n`); continue }
    if (!options.json) process.stdout.write(`${device.name}: ${device.backend.description}\n`)
    for (const [op, cases] of chosen) {
      const cells: CellResult[] = []
      for (const c of cases) {
        if (c.slow && !options.slow) continue
        const cell = await runCase(op, c, device.backend)
        cells.push(cell)
        if (options.json) process.stdout.write(`${JSON.stringify({ event: 'cell', op: cell.op, case: cell.case, device: cell.device, error: cell.error, bound: cell.bound, ok: cell.ok, ...(cell.skipped && { skipped: cell.skipped }) })}\n`)
      }
      total += cells.length
      passed += cells.filter((c) => c.ok).length
      skipped += cells.filter((c) => c.skipped).length
      if (!options.json) process.stdout.write(row(op.name.padEnd(width), cells))
    }
    await device.backend.destroy()
  }
  say({ event: 'overall', passed, total, skipped }, `overall okay: ${passed}/${total}\n`)
  return passed === total ? 0 : 3
}

/** Why a device that nobody named is absent; one that was named is an error. */
async function open(name: string, named: boolean, sanitize: boolean): Promise<Device | string> {
  try { return (await openDevice(name, { sanitize })).device } catch (error) {
    if (named || !(error instanceof InputError)) throw error
    return error.message.replace(`device ${name}: `, '')
  }
}

/** One op on one device: cases, worst error beside its bound, and every failure by name. */
function row(name: string, cells: CellResult[]): string {
  if (!cells.length) return `  ${name} no cases without --slow\n`
  const worst = cells.reduce((a, b) => (ratio(b) > ratio(a) ? b : a))
  const bad = cells.filter((c) => !c.ok)
  if (cells.every((c) => c.skipped)) return `  ${name}no kernel      ${cells.length} cases not run\n`
  const verdict = bad.length ? `${bad.length} of ${cells.length} FAILED` : `${cells.length} ok`
  const exact = worst.bound === 0 && worst.error === 0
  const figures = exact ? 'equal bits' : `worst ${worst.error.toExponential(1)} of ${worst.bound.toExponential(1)} allowed`
  return `  ${name}${verdict.padEnd(14)}${figures}\n${bad.map((c) => `    ${c.case}: ${c.skipped ?? c.message}\n`).join('')}`
}

const ratio = (c: CellResult) => (c.ok ? (c.bound ? c.error / c.bound : 0) : Infinity)
