// nvcc's kernels with TMA, clusters and mbarriers (test/golden/ptx-cases/hopper), under every way that copies may land.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { runCase, type PtxCase } from '../../backends/emulator/run_case.ts'

const folder = new URL('../golden/ptx-cases/hopper/', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8')
const { cases } = JSON.parse(read('cases.json')) as { cases: PtxCase[] }
const texts = new Map(cases.map((c) => [c.ptx, read(c.ptx)]))

describe('cases of Hopper', () => {
  for (const c of cases) {
    it(c.name, () => {
      for (const async of ['early', 'late', 'random'] as const) {
        for (const seed of async === 'random' ? [1] : [0]) {
          const result = runCase(c, texts.get(c.ptx)!, { seed, async, maxInstructions: 1e7 })
          expect([async, seed, result.differences]).toEqual([async, seed, []])
          expect(result.equal).toBe(true)
        }
      }
    })
  }
})
