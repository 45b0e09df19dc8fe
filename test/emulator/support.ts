// Small kernels for the tests of the emulator's core: one buffer `out` of words, a recording sanitizer.
import { EmulatorFault, type SanitizerFactory } from '../../backends/emulator/launch.ts'
import type { Diagnostic, EmulatorOptions, Sanitizer } from '../../backends/emulator/machine.ts'
import { threadOf } from '../../backends/emulator/diagnostics.ts'
import { runCase, type CaseResult } from '../../backends/emulator/run_case.ts'

export interface Shape { grid?: [number, number, number]; block?: [number, number, number]; cluster?: [number, number, number]; dynamic?: number; words?: number; before?: string; target?: string; version?: string; directives?: string }

/** Declarations that most bodies need: %out, %ti and plenty of registers. */
const start = '.reg .pred %p<8>; .reg .b32 %r<40>; .reg .b64 %rd<12>; .reg .b64 %out; .reg .b32 %ti; ld.param.u64 %out, [out]; mov.u32 %ti, %tid.x;'
export const storeOwn = 'mul.wide.u32 %rd11, %ti, 4; add.s64 %rd11, %out, %rd11; st.global.u32 [%rd11], '

export function run(body: string, shape: Shape = {}, options: Partial<EmulatorOptions> = {}, sanitizer?: SanitizerFactory): CaseResult {
  const { grid = [1, 1, 1], block = [32, 1, 1], cluster = null, dynamic = 0, words = 64, before = '', target = 'sm_90', version = '8.3', directives = '' } = shape
  const text = `.version ${version}\n.target ${target}\n.address_size 64\n${before}\n.visible .entry k(.param .u64 out) ${directives}\n{\n${start}\n${body}\n}\n`
  return runCase({
    name: 'k', ptx: 'k.ptx', kernel: 'k', grid, block, cluster, dynamicSharedBytes: dynamic, args: [{ ptr: 'out' }], buffers: [{ name: 'out', type: 'u32', count: words }],
  }, text, { maxInstructions: 2e7, ...options, sanitize: sanitizer !== undefined }, sanitizer)
}
export const words = (r: CaseResult): number[] => Array.from(new Uint32Array(r.buffers.get('out')!.buffer))

export function faultOf(go: () => unknown): EmulatorFault {
  try { go() } catch (error) { if (error instanceof EmulatorFault) return error; throw error }
  throw new Error('there was no fault')
}

/** Every hook that was called, by name, and the diagnostics; lets every access pass. */
export function recorder(): { factory: SanitizerFactory; calls: string[]; diagnostics: Diagnostic[] } {
  const calls: string[] = []
  const diagnostics: Diagnostic[] = []
  const factory: SanitizerFactory = (machine) => new Proxy({ diagnostics } as unknown as Sanitizer, {
    get(target, name: string) {
      if (name === 'diagnostics') return target.diagnostics
      if (name === 'dropped') return 0
      if (name === 'access') return (_w: unknown, mask: number) => mask
      if (name === 'report') {
        return ((cls, warp, lane, address, message, other) => {
          diagnostics.push({ class: cls, file: machine.module.file, at: warp.current.statement.at, block: warp.cta.id, thread: threadOf(warp, lane), address, message, other: other ?? null })
        }) satisfies Sanitizer['report']
      }
      return (...args: unknown[]) => {
        calls.push(`${name}${args.slice(1).filter((a) => typeof a !== 'object').map((a) => ` ${a}`).join('')}`)
        return name === 'asyncIssue' ? {} : undefined
      }
    },
  })
  return { factory, calls, diagnostics }
}
export const classes = (all: readonly Diagnostic[]): string[] => [...new Set(all.map((d) => d.class))].sort()
