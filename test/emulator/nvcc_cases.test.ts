// CUDA programs as nvcc translates them, against the same source on the host: interpreted, compiled, in other schedules.
import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { runCase, type PtxCase } from '../../backends/emulator/run_case.ts'
import { createSanitizer } from '../../backends/emulator/sanitizer/index.ts'

const folder = new URL('../golden/ptx-cases/nvcc/', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8')

describe('programs of nvcc', () => {
  for (const file of readdirSync(folder).filter((f) => f.endsWith('.json'))) {
    const c = JSON.parse(read(file)) as PtxCase
    const ptx = read(c.ptx)
    it(c.name, () => {
      expect(runCase(c, ptx, { compile: false }).differences).toEqual([])
      expect(runCase(c, ptx, { compile: 'eager', seed: 3 }).differences).toEqual([])
    })
    it(`${c.name} is clean`, () => {
      const r = runCase(c, ptx, { sanitize: true, seed: 1 }, createSanitizer)
      expect([r.equal, r.diagnostics]).toEqual([true, []])
    })
  }
})
