// weft ptx run: one launch case on the emulator, under one or several schedules.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { PtxError } from '../../../backends/emulator/ast.ts'
import { sayDiagnostic } from '../../../backends/emulator/diagnostics.ts'
import { EmulatorFault } from '../../../backends/emulator/launch.ts'
import type { EmulatorOptions } from '../../../backends/emulator/machine.ts'
import { OutOfMemory } from '../../../backends/emulator/memory.ts'
import { allowFusedMultiplyAdd } from '../../../backends/emulator/node_worker.ts'
import { CaseError, runCase, type CaseResult, type PtxCase } from '../../../backends/emulator/run_case.ts'
import { createSanitizer } from '../../../backends/emulator/sanitizer/index.ts'
import { InputError } from '../../core/errors.ts'
import { readJsonFile, readTextFile } from '../json_file.ts'
import { parseOptions, wholeNumber } from '../options.ts'

const asyncModes = ['random', 'early', 'late'] as const

export async function run(args: string[]): Promise<number> {
  const options = parseOptions('ptx run', args, {
    case: { type: 'string' }, seed: { type: 'string', default: '0' }, schedules: { type: 'string', default: '1' }, sanitize: { type: 'string', default: 'on' },
    'tensor-core': { type: 'string', default: 'exact' }, out: { type: 'string' }, 'max-instructions': { type: 'string', default: '100000000000' }, json: { type: 'boolean', default: false },
  })
  if (!options.case) throw new InputError('weft ptx run: --case F.json is needed')
  if (options.sanitize !== 'on' && options.sanitize !== 'off') throw new InputError(`weft ptx run: --sanitize is "${options.sanitize}", must be on or off`)
  const tensorCore = options['tensor-core']
  if (tensorCore !== 'exact' && tensorCore !== 'hopper') throw new InputError(`weft ptx run: --tensor-core is "${tensorCore}", must be exact or hopper`)
  const { file, text } = readCase(options.case)
  const seed = wholeNumber('ptx run', 'seed', options.seed)
  const schedules = Math.max(1, wholeNumber('ptx run', 'schedules', options.schedules))
  const maxInstructions = wholeNumber('ptx run', 'max-instructions', options['max-instructions'])
  allowFusedMultiplyAdd()
  let code = 0
  for (let n = 0; n < schedules; n++) {
    const started = performance.now()
    const result = attempt(file, text, { seed: seed + n, async: asyncModes[n % 3], maxInstructions, tensorCore, sanitize: options.sanitize === 'on', print: (printed) => sayPrinted(printed, options.json) })
    const timeSec = (performance.now() - started) / 1000
    if (result instanceof EmulatorFault) {
      sayFault(result, options.json)
      return 3
    }
    sayResult(result, options.json, `${file.name}, seed ${seed + n}`, timeSec)
    if (result.equal === false || result.diagnostics.length > 0) code = 3
    if (options.out && n === schedules - 1) writeBuffers(options.out, result)
  }
  return code
}

export function readCase(path: string): { file: PtxCase; text: string } {
  const file = readJsonFile(path) as PtxCase
  for (const key of ['ptx', 'kernel', 'grid', 'block', 'args', 'buffers'] as const) if (file[key] === undefined) throw new InputError(`${path}: "${key}" is missing`)
  const ptx = isAbsolute(file.ptx) ? file.ptx : join(dirname(path), file.ptx)
  return { file, text: readTextFile(ptx) }
}

function sayResult(result: CaseResult, json: boolean, what: string, timeSec: number): void {
  const { equal, diagnostics, dropped, differences, fault, threadInstructions } = result
  if (json) {
    for (const d of diagnostics) process.stdout.write(`${JSON.stringify({ event: 'diagnostic', class: d.class, file: d.file, line: d.at.line, block: d.block, thread: d.thread, address: d.address, other: d.other, message: d.message })}\n`)
    // What ended the launch, unless the sanitizer told it.
    const untold = fault !== null && !diagnostics.some((d) => d.class === classOf(fault))
    if (untold) process.stdout.write(`${faultLine(fault)}\n`)
    process.stdout.write(`${JSON.stringify({ event: 'result', equal: fault ? null : equal, diagnostics: diagnostics.length + (untold ? 1 : 0), threadInstructions, timeSec })}\n`)
    return
  }
  for (const d of diagnostics) process.stdout.write(`${sayDiagnostic(d)}\n`)
  if (dropped > 0) process.stdout.write(`${dropped} more of the same kinds at the same instructions\n`)
  const verdict = fault ? `ended early: ${fault.message}` : equal === null ? 'ran, nothing to compare with' : equal ? 'equal' : 'DIFFERENT'
  const found = diagnostics.length ? `, ${diagnostics.length} diagnostic${diagnostics.length === 1 ? '' : 's'}` : ''
  process.stdout.write(`${what}: ${verdict}${found}; ${threadInstructions} thread instructions in ${timeSec.toFixed(3)} s\n${differences.map((d) => `  ${d}\n`).join('')}`)
}

const sayPrinted = (text: string, json: boolean) => process.stdout.write(json ? `${JSON.stringify({ event: 'print', text })}\n` : text)

/** Bad input becomes an InputError; what the kernel did wrong is a result. */
function attempt(file: PtxCase, text: string, options: Partial<EmulatorOptions>): CaseResult | EmulatorFault {
  try { return runCase(file, text, options, createSanitizer) } catch (error) {
    if (error instanceof EmulatorFault && error.kind !== 'too-many-instructions' && error.place) return error
    if (error instanceof EmulatorFault && error.kind === 'deadlock') return error
    if (error instanceof PtxError || error instanceof CaseError || error instanceof OutOfMemory || error instanceof EmulatorFault) throw new InputError(error.message)
    throw error
  }
}

/** A fault in the words of the sanitizer's classes. */
const classOf = ({ kind, target }: EmulatorFault): string => (kind === 'illegal-address' ? `${target?.space ?? 'global'}-out-of-bounds` : kind)
const faultLine = (fault: EmulatorFault): string => {
  const { place, target } = fault
  return JSON.stringify({ event: 'diagnostic', class: classOf(fault), file: place?.file ?? null, line: place?.line ?? null, block: place?.block ?? null, thread: place?.thread ?? null, address: target?.address ?? null, other: null })
}
function sayFault(fault: EmulatorFault, json: boolean): void {
  if (!json) { process.stdout.write(`${classOf(fault)}: ${fault.message}\n`); return }
  process.stdout.write(`${faultLine(fault)}\n`)
  process.stdout.write(`${JSON.stringify({ event: 'result', equal: null, diagnostics: 1, threadInstructions: null, timeSec: null })}\n`)
}

function writeBuffers(out: string, result: CaseResult): void {
  mkdirSync(out, { recursive: true })
  for (const [name, bytes] of result.buffers) writeFileSync(join(out, `${name}.bin`), bytes)
}
