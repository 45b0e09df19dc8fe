// The texts of all PTX kernels, as the launches of the parity cases use them: plain files and those that functions make.
import { kernelFor } from '../../ptx/index.ts'
import { caseRandom } from '../check/random.ts'
import type { CudaInfo, PtxDispatch } from '../core/kernel.ts'
import type { Attrs, Op, OpCase, Specs } from '../core/op.ts'
import { InputError } from '../core/errors.ts'
import { spec } from '../core/shape.ts'
import { didYouMean } from '../core/suggest.ts'
import { ops } from '../ops/index.ts'

/** A Hopper (90) or Ampere (80) device as launches see it. */
export const deviceInfo = (sm: number): CudaInfo => ({ sm, numSms: 132, maxSmemBytes: sm >= 90 ? 232448 : 166912, emulated: false, exactTensorCores: false })

export interface KernelText {
  /** The first word of the header: the file's name without its ending. */
  readonly name: string
  readonly ptx: string
  readonly target: string
  /** The first case that launches it. */
  readonly op: string
  readonly case: string
  readonly dispatch: PtxDispatch
}

/** Dtypes and shapes of a case's arguments, outputs included; `change` may replace those of inputs. */
export function specsOf(op: Op, testCase: OpCase, change: (given: Specs) => Specs = (given) => given): Specs {
  const inputs = testCase.inputs(caseRandom(`${op.name} ${testCase.name}`))
  const given = change(Object.fromEntries(Object.entries(inputs).map(([name, t]) => [name, spec(t.dtype, t.shape)])))
  return { ...given, ...op.infer(given, testCase.attrs) }
}

/** What the device would launch; undefined where there is no kernel. */
export function launchesOf(op: Op, specs: Specs, attrs: Attrs, info: CudaInfo): readonly PtxDispatch[] | undefined {
  return kernelFor(op.name, specs, attrs, info.sm)?.launch({ op, specs, attrs, buffers: {} }, info)
}

export const headerName = (ptx: string) => /^\/\/ (\w+):/.exec(ptx)?.[1] ?? '?'
export const targetOf = (ptx: string) => /^\s*\.target\s+(\w+)/m.exec(ptx)?.[1] ?? '?'

/** Every text once, by op and case in the order of the lists; large cases bring no text of their own. */
export function kernelTexts(info: CudaInfo): KernelText[] {
  const found = new Map<string, KernelText>()
  for (const [op, cases] of ops) {
    for (const c of cases) {
      if (c.slow) continue
      for (const dispatch of launchesOf(op, specsOf(op, c), c.attrs, info) ?? []) {
        const { ptx } = dispatch
        if (!found.has(ptx)) found.set(ptx, { name: headerName(ptx), ptx, target: targetOf(ptx), op: op.name, case: c.name, dispatch })
      }
    }
  }
  return [...found.values()]
}

/** The op and its case that a command means: by its name, or the first. */
export function findCase(command: string, opName: string, caseName: string | undefined): { op: Op; testCase: OpCase } {
  const found = ops.find(([op]) => op.name === opName)
  if (!found) throw new InputError(`${command}: no op "${opName}"${didYouMean(opName, ops.map(([op]) => op.name))}`)
  const [op, cases] = found
  const testCase = caseName === undefined ? cases[0] : cases.find((c) => c.name === caseName)
  if (!testCase) throw new InputError(`${command}: ${opName} has no case "${caseName}"; it has ${cases.map((c) => `"${c.name}"`).join(', ')}`)
  return { op, testCase }
}

/** `sm_80` or `sm_90a`, of --target or of a device's name. */
export function targetOption(command: string, options: { target?: string; device?: string }): 'sm_80' | 'sm_90a' {
  const named = options.target ?? (options.device?.startsWith('emu:') ? options.device.slice(4) : options.device?.startsWith('cuda:') ? 'sm_90a' : options.device)
  if (named === undefined) return 'sm_90a'
  if (named !== 'sm_80' && named !== 'sm_90a') throw new InputError(`${command}: the target is "${named}", must be sm_80 or sm_90a (emu:sm_80, emu:sm_90a and cuda:0 mean them)`)
  return named
}
