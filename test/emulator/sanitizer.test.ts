// The sanitizer: every bug of golden/sanitizer-cases is found and every corrected program is silent, whatever the schedule; the
// value samples are silent. FULL=1 runs all of seeds 0 to 11 with asynchronous work early, late and between.
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { sayDiagnostic } from '../../backends/emulator/diagnostics.ts'
import { runCase, type PtxCase } from '../../backends/emulator/run_case.ts'
import { createSanitizer } from '../../backends/emulator/sanitizer/index.ts'
import { sanitizerCases } from './sanitizer_cases.ts'

const schedules = process.env.FULL
  ? Array.from({ length: 12 }, (_, seed) => (['early', 'late', 'random'] as const).map((async) => ({ seed, async }))).flat()
  : ([{ seed: 0, async: 'late' }, { seed: 3, async: 'early' }] as const)

describe('programs with and without bugs', () => {
  for (const { name, text, launch, expect: wanted, accepted } of sanitizerCases()) {
    it(`${name}: ${wanted ?? 'clean'}`, () => {
      for (const { seed, async } of schedules) {
        const { diagnostics, fault } = runCase(launch, text, { seed, async, sanitize: true, maxInstructions: 1e8 }, createSanitizer)
        const where = `seed ${seed}, ${async}`
        if (wanted === null) { expect([where, diagnostics.map(sayDiagnostic), fault]).toEqual([where, [], null]); continue }
        const found = diagnostics.filter((d) => accepted.includes(d.class))
        expect([where, found.length > 0 ? 'found' : diagnostics.map(sayDiagnostic)]).toEqual([where, 'found'])
        expect(found[0].file).toBe(launch.ptx)
        expect(text.split('\n')[found[0].at.line - 1]).toContain(found[0].message.split(':')[0].split('.')[0])
        expect(found[0].thread[0]).toBeLessThan(launch.block[0])
        if (/race|missing-proxy/.test(found[0].class) && found[0].address !== null) expect(found[0].other).toMatch(/^end of block|^(asynchronous )?(read|write|atomic) by \S+ at \S+\.ptx:\d+:\d+ by thread \(\d+, 0, 0\) of block \(\d+, 0, 0\)$/)
      }
    })
  }
})

describe('value samples are clean', () => {
  const root = new URL('../golden/ptx-cases/', import.meta.url)
  for (const folder of ['', 'hopper/', 'nvcc/', 'tensor/']) {
    for (const file of readdirSync(new URL(folder, root)).filter((f) => f.endsWith('.json'))) {
      const content = JSON.parse(readFileSync(new URL(folder + file, root), 'utf8')) as PtxCase & { cases?: PtxCase[] }
      for (const c of content.cases ?? [content]) {
        if (c.expectDiagnostic) continue
        it(`${folder}${c.name}`, () => {
          const { diagnostics, equal } = runCase(c, readFileSync(new URL(folder + c.ptx, root), 'utf8'), { seed: 2, sanitize: true }, createSanitizer)
          expect(diagnostics.map(sayDiagnostic)).toEqual([])
          expect(equal).toBe(c.expected ? true : null)
        })
      }
    }
  }
})

describe('reports', () => {
  it('one bug once, with a count of the rest', () => {
    const race = sanitizerCases().find((c) => c.name === 'races_shared: raw_warps')!
    const { diagnostics, dropped } = runCase(race.launch, race.text, { sanitize: true }, createSanitizer)
    expect(diagnostics.filter((d) => d.class === 'shared-race').length).toBe(1)
    expect(dropped).toBeGreaterThan(10)
  })
  it('a launch goes on behind an access that is out of bounds', () => {
    const past = sanitizerCases().find((c) => c.name === 'bounds: global_read_past')!
    const { diagnostics, buffers, fault } = runCase(past.launch, past.text, { sanitize: true }, createSanitizer)
    const out = new Uint32Array(buffers.get('out')!.buffer)
    expect([fault, diagnostics.length, diagnostics[0].thread[0], out[0], out[out.length - 1]]).toEqual([null, 1, 127, 1, 0])
  })
})
