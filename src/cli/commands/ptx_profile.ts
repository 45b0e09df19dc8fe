// weft ptx profile: what ncu would be asked first, counted on the emulator: no GPU.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CudaBackend } from '../../../backends/cuda/index.ts'
import { EmulatorDriver } from '../../../backends/emulator/driver.ts'
import { PtxError } from '../../../backends/emulator/ast.ts'
import { EmulatorFault, type SanitizerFactory } from '../../../backends/emulator/launch.ts'
import { OutOfMemory } from '../../../backends/emulator/memory.ts'
import { occupancyOf } from '../../../backends/emulator/profile/occupancy.ts'
import { Profiler, type LaunchProfile } from '../../../backends/emulator/profile/profiler.ts'
import { estimate, gpus } from '../../../backends/emulator/profile/roofline.ts'
import { CaseError, runCase } from '../../../backends/emulator/run_case.ts'
import { caseRandom } from '../../check/random.ts'
import { runCase as checkCase } from '../../check/index.ts'
import { InputError } from '../../core/errors.ts'
import type { Op, OpCase } from '../../core/op.ts'
import { ops } from '../../ops/index.ts'
import { parseOptions, wholeNumber } from '../options.ts'
import { profileJson, profileText, type LaunchReport } from '../profile_text.ts'
import { deviceInfo, findCase, launchesOf, specsOf, targetOf, targetOption } from '../ptx_texts.ts'
import { readCase } from './ptx_run.ts'

export async function run(args: string[]): Promise<number> {
  const [what, ...rest] = args
  if (!what || what.startsWith('-')) throw new InputError('weft ptx profile: an op or a launch case is needed: weft ptx profile rms_norm, weft ptx profile case.json')
  const options = parseOptions('ptx profile', rest, {
    case: { type: 'string' }, target: { type: 'string' }, device: { type: 'string' }, registers: { type: 'string' }, json: { type: 'boolean', default: false },
  })
  const registers = options.registers === undefined ? undefined : wholeNumber('ptx profile', 'registers', options.registers)
  const target = targetOption('weft ptx profile', options)
  const { title, launches } = what.endsWith('.json') ? profileOfCase(what) : await profileOfOp(what, options.case, target)
  const reports = launches.map(({ profile, ptx }): LaunchReport => {
    const used = registers ?? registersOf(ptx, profile.kernel)
    const threads = profile.block[0] * profile.block[1] * profile.block[2]
    return {
      profile, registers: used, occupancy: occupancyOf(threads, profile.staticSharedBytes + profile.dynamicSharedBytes, used), estimates: gpus.map((g) => estimate(profile, g)),
    }
  })
  if (options.json) for (const r of reports) process.stdout.write(`${JSON.stringify(profileJson(r))}\n`)
  else process.stdout.write(profileText(title, reports))
  return 0
}

interface Profiled { readonly title: string; readonly launches: readonly { profile: LaunchProfile; ptx: string }[] }

const watching = (found: LaunchProfile[]): SanitizerFactory => (machine) => new Profiler(machine, (p) => found.push(p))
const knownErrors = [PtxError, CaseError, OutOfMemory, EmulatorFault]
const emulatorOptions = { sanitize: true, compile: false } as const

function profileOfCase(path: string): Profiled {
  const { file, text } = readCase(path)
  const found: LaunchProfile[] = []
  // Whatever ends the run early, a bad case or a fault of the kernel: there is nothing to count then.
  try { runCase(file, text, emulatorOptions, watching(found)) } catch (error) {
    if (!knownErrors.some((known) => error instanceof known)) throw error
    throw new InputError(`weft ptx profile: ${file.name}: ${(error as Error).message}`)
  }
  return { title: `${file.name} (${path})`, launches: found.map((profile) => ({ profile, ptx: text })) }
}

async function profileOfOp(name: string, caseName: string | undefined, target: 'sm_80' | 'sm_90a'): Promise<Profiled> {
  const { op, testCase } = findCase('weft ptx profile', name, caseName ?? largestQuick(name))
  // The launches choose as for a GPU: the emulator's own choice of tiles and copies says nothing of one.
  const info = deviceInfo(target === 'sm_80' ? 80 : 90)
  const dispatches = launchesOf(op, specsOf(op, testCase), testCase.attrs, info)
  if (!dispatches) throw new InputError(`weft ptx profile: ${op.name} "${testCase.name}" has no PTX kernel`)
  const found: LaunchProfile[] = []
  const driver = new EmulatorDriver(target, emulatorOptions, watching(found))
  Object.assign(driver.attributes, info)
  const backend = new CudaBackend(driver)
  const { ok, message, skipped } = await checkCase(op, testCase, backend)
  if (!ok) throw new InputError(`weft ptx profile: ${op.name} "${testCase.name}": ${skipped ?? message}`)
  await backend.destroy()
  // Launches come in the order of the dispatches, one profile each.
  return { title: `${op.name} ${testCase.name} on emu:${target}`, launches: found.map((profile, i) => ({ profile, ptx: dispatches[i]?.ptx ?? '' })) }
}

/** Of the cases that are not slow: the one of most input elements. */
function largestQuick(name: string): string | undefined {
  const found = ops.find(([op]) => op.name === name)
  if (!found) return undefined
  const [op, cases] = found
  const quick = cases.filter((c) => !c.slow)
  return quick.map((c) => ({ c, size: elementsOf(op, c) })).reduce((a, b) => (b.size > a.size ? b : a)).c.name
}
const elementsOf = (op: Op, c: OpCase) => Object.values(c.inputs(caseRandom(`${op.name} ${c.name}`))).reduce((n, t) => n + t.data.length, 0)

/** A thread's registers: as ptxas says, where it is in the path, else as the header does; null where neither knows. */
function registersOf(ptx: string, kernel: string): number | null {
  const scratch = mkdtempSync(join(tmpdir(), 'weft-profile-'))
  try {
    writeFileSync(join(scratch, 'kernel.ptx'), ptx)
    const { status, stdout, stderr } = spawnSync('ptxas', ['-v', `-arch=${/^sm_90/.test(targetOf(ptx)) ? targetOf(ptx) : 'sm_90'}`, join(scratch, 'kernel.ptx'), '-o', join(scratch, 'out.cubin')], { encoding: 'utf8' })
    const used = status === 0 ? new RegExp(`entry function '${kernel.replace(/\$/g, '\\$')}'[^]*?Used (\\d+) registers`).exec(`${stdout}${stderr}`) : null
    if (used) return Number(used[1])
  } finally { rmSync(scratch, { recursive: true }) }
  const said = /^\/\/ regs\s+(?:at most )?(\d+(?:, \d+)*)/m.exec(ptx)?.[1].split(', ').map(Number)
  const entries = [...ptx.replace(/\/\/[^\n]*/g, '').matchAll(/\.entry\s+([\w$]+)/g)].map((m) => m[1])
  return said?.[said.length === 1 ? 0 : entries.indexOf(kernel)] ?? null
}
