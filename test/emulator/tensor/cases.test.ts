// nvcc's kernels with wgmma, setmaxnreg, stmatrix, mma.sync and CUDA's wmma (test/golden/ptx-cases/tensor): interpreted and compiled,
// under every way that products may land; the sanitizer finds nothing.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { runCase, type PtxCase } from '../../../backends/emulator/run_case.ts'
import { createSanitizer } from '../../../backends/emulator/sanitizer/index.ts'

const folder = new URL('../../golden/ptx-cases/tensor/', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8')

describe('cases of the tensor cores', () => {
  for (const name of ['t01_wgmma_bf16', 't02_wgmma_rs', 't03_mma_types', 't04_wgmma_pair']) {
    const c = JSON.parse(read(`${name}.json`)) as PtxCase
    const text = read(c.ptx)
    for (const async of ['early', 'late', 'random'] as const) {
      it(`${name}, ${async}`, () => {
        for (const [seed, compile] of [[0, true], [1, false], [2, true]] as const) {
          const result = runCase(c, text, { seed, async, compile })
          expect([seed, result.equal, result.differences]).toEqual([seed, true, []])
        }
        const watched = runCase(c, text, { seed: 3, async, sanitize: true }, createSanitizer)
        expect([watched.equal, watched.diagnostics]).toEqual([true, []])
      })
    }
  }
})
