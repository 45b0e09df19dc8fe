// The texts of all PTX kernels, as the launches of the parity cases use them: plain files and those that functions make.
import { ptxKernels } from '../../ptx/index.ts'
import { caseRandom } from '../check/random.ts'
import type { CudaInfo, PtxDispatch } from '../core/kernel.ts'
import type { Op, OpCase, Specs } from '../core/op.ts'
import { spec } from '../core/shape.ts'
import { ops } from '../ops/index.ts'

/** A Hopper (90) or Ampere (80) device as launches see it. */
export const deviceInfo = (sm: number): CudaInfo => ({ sm, numSms: 132, maxSmemBytes: sm >= 90 ? 232448 : 166912, emulated: false })

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

export interface CaseLaunch { readonly specs: Specs; readonly dispatches: readonly PtxDispatch[] }

/** Launches of one case; undefined where there is no kernel. */
export function launchesOf(op: Op, testCase: OpCase, info: CudaInfo): CaseLaunch | undefined {
  const kernel = ptxKernels.get(op.name)
  if (!kernel) return undefined
  const inputs = testCase.inputs(caseRandom(`${op.name} ${testCase.name}`))
  const given: Specs = Object.fromEntries(Object.entries(inputs).map(([name, t]) => [name, spec(t.dtype, t.shape)]))
  const specs = { ...given, ...op.infer(given, testCase.attrs) }
  if (kernel.supports && !kernel.supports(specs, testCase.attrs)) return undefined
  return { specs, dispatches: kernel.launch({ op, specs, attrs: testCase.attrs, buffers: {} }, info) }
}

export const headerName = (ptx: string) => /^\/\/ (\w+):/.exec(ptx)?.[1] ?? '?'
export const targetOf = (ptx: string) => /^\s*\.target\s+(\w+)/m.exec(ptx)?.[1] ?? '?'

/** Every text once, by op and case in the order of the lists; large cases bring no text of their own. */
export function kernelTexts(info: CudaInfo, only?: string): KernelText[] {
  const found = new Map<string, KernelText>()
  for (const [op, cases] of ops) {
    if (only !== undefined && op.name !== only) continue
    for (const c of cases) {
      if (c.slow) continue
      for (const dispatch of launchesOf(op, c, info)?.dispatches ?? []) {
        const { ptx } = dispatch
        if (!found.has(ptx)) found.set(ptx, { name: headerName(ptx), ptx, target: targetOf(ptx), op: op.name, case: c.name, dispatch })
      }
    }
  }
  return [...found.values()]
}
