// Mutated kernels through parser, decoder and emulator: a result or a typed error, never a crash, never without end.
import { readFileSync, readdirSync } from 'node:fs'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { PtxError } from '../../backends/emulator/ast.ts'
import { EmulatorFault } from '../../backends/emulator/launch.ts'
import { OutOfMemory } from '../../backends/emulator/memory.ts'
import { CaseError, runCase, type PtxCase } from '../../backends/emulator/run_case.ts'

const folder = new URL('../golden/ptx-cases/', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8')
const samples = ['', 'nvcc/'].flatMap((dir) => readdirSync(new URL(dir, folder)).filter((f) => f.endsWith('.json')).map((f) => {
  const c = JSON.parse(read(dir + f)) as PtxCase
  return [c, read(dir + c.ptx).split('\n')] as const
})).filter(([, lines]) => lines.length < 300)

/** Edits of lines that mostly still parse: registers, constants, types, guards and modifiers exchanged, lines lost, moved, doubled. */
function edit(lines: string[], kind: number, at: number, n: number): void {
  const [i, j] = [at % lines.length, n % lines.length]
  const pick = (list: readonly string[]) => list[n % list.length]
  const change = (pattern: RegExp, to: string) => { lines[i] = lines[i].replace(pattern, to) }
  switch (kind) {
    case 0: lines.splice(i, 1); break
    case 1: [lines[i], lines[j]] = [lines[j], lines[i]]; break
    case 2: lines.splice(i, 0, lines[j]); break
    case 3: change(/%(rd?|p|f|rs)\d+/, `%${pick(['r', 'rd', 'p', 'f', 'rs'])}${n % 12}`); break
    case 4: change(/\b\d+\b/, pick(['0', '1', '31', '64', '4294967295', '0x7fffffffffffffff', '7'])); break
    case 5: change(/\.(u32|s32|b32|u64|b64|f32|s64|b16)/, `.${pick(['u32', 's32', 'b32', 'u64', 'f32', 'b16', 'f64', 'pred', 'b128', 'u8'])}`); break
    case 6: change(/^\s*/, ` @%p${n % 4} `); break
    default: change(/\.\w+/, pick(['.sync', '.aligned', '.shared', '.global', '.rn', '.wide', '.v2', '.v4', '']))
  }
}

it('mutated kernels end with a result or a typed error', () => {
  const outcomes = new Set<string>()
  fc.assert(fc.property(fc.constantFrom(...samples), fc.array(fc.tuple(fc.nat(7), fc.nat(), fc.nat()), { minLength: 1, maxLength: 3 }), fc.nat(4), fc.constantFrom('early' as const, 'late' as const, 'random' as const), ([c, source], edits, seed, async) => {
    const lines = [...source]
    for (const [kind, at, n] of edits) edit(lines, kind, at, n)
    try {
      runCase(c, lines.join('\n'), { seed, async, maxInstructions: 2e5 })
      outcomes.add('ran')
    } catch (error) {
      if (!(error instanceof PtxError || error instanceof EmulatorFault || error instanceof CaseError || error instanceof OutOfMemory)) throw error
      outcomes.add(error instanceof EmulatorFault ? error.kind : error.name)
    }
  }), { numRuns: 800, seed: 1 })
  // The edits reach all the way: some run, some are refused, some fail while they run.
  for (const kind of ['ran', 'PtxError', 'illegal-address']) expect(outcomes).toContain(kind)
})
