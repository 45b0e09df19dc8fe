// EPLB against the official code's results, and the placement that users ask for: no expert twice on a GPU.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { eplb, type EplbInput } from '../../src/schedule/eplb.ts'

interface Golden { name: string; weight: number[][]; num_replicas: number; num_groups: number; num_nodes: number; num_gpus: number; phy2log: number[][]; log2phy: number[][][]; logcnt: number[][]; gpu_load: number[][] }
const cases = ['eplb_readme', 'eplb_random'].flatMap((f) => JSON.parse(readFileSync(new URL(`../golden/eplb/${f}.json`, import.meta.url), 'utf8')) as Golden[])
const inputOf = (g: Golden): EplbInput => ({ weight: g.weight, numReplicas: g.num_replicas, numGroups: g.num_groups, numNodes: g.num_nodes, numGpus: g.num_gpus })
const repeats = (slots: readonly number[], perGpu: number) => Array.from({ length: slots.length / perGpu }, (_, g) => slots.slice(g * perGpu, (g + 1) * perGpu)).some((own) => new Set(own).size < own.length)

describe('eplb', () => {
  it.each(cases.map((g) => [g.name, g] as const))('equals the official code: %s', (_, g) => {
    const { phy2log, log2phy, logcnt, gpuLoad } = eplb(inputOf(g))
    expect(phy2log).toEqual(g.phy2log)
    expect(logcnt).toEqual(g.logcnt)
    const sets = (x: number[][][]) => x.map((layer) => layer.map((slots) => [...slots].sort((a, b) => a - b)))
    expect(sets(log2phy)).toEqual(sets(g.log2phy))
    gpuLoad.forEach((layer, l) => layer.forEach((load, i) => expect(load).toBeCloseTo(g.gpu_load[l][i], 3)))
  })

  it('keeps its promises for any load', () => {
    const arbitrary = fc.record({ nodes: fc.integer({ min: 1, max: 3 }), gpusPerNode: fc.integer({ min: 1, max: 4 }), groupsPerNode: fc.integer({ min: 1, max: 3 }), groupSize: fc.integer({ min: 1, max: 4 }), seed: fc.integer() })
    fc.assert(fc.property(arbitrary, ({ nodes, gpusPerNode, groupsPerNode, groupSize, seed }) => {
      const experts = nodes * groupsPerNode * groupSize, gpus = nodes * gpusPerNode
      let state = seed | 1
      const weight = [Array.from({ length: experts }, () => ((state = Math.imul(state, 1103515245) + 12345) >>> 8) % 1000)]
      const numReplicas = Math.ceil(experts / gpus) * gpus
      for (const distinct of [false, true]) {
        const { phy2log: [slots], log2phy: [places], logcnt: [counts], gpuLoad: [load] } = eplb({ weight, numReplicas, numGroups: nodes * groupsPerNode, numNodes: nodes, numGpus: gpus, distinct })
        expect(slots).toHaveLength(numReplicas)
        expect(counts.reduce((a, b) => a + b)).toBe(numReplicas)
        counts.forEach((n, e) => {
          expect(n).toBe(slots.filter((s) => s === e).length)
          expect(n).toBeGreaterThan(0)
          expect(places[e].filter((s) => s >= 0).map((s) => slots[s])).toEqual(new Array(n).fill(e))
        })
        expect(load.reduce((a, b) => a + b, 0)).toBeCloseTo(weight[0].reduce((a, b) => a + b, 0), 6)
        if (distinct) expect(repeats(slots, numReplicas / gpus)).toBe(false)
      }
    }), { numRuns: 300 })
  })

  it('the official placement repeats an expert on a GPU, the distinct one does not', () => {
    const g = cases.find((c) => repeats(c.phy2log[0], c.num_replicas / c.num_gpus))!
    const { phy2log } = eplb({ ...inputOf(g), distinct: true })
    for (const slots of phy2log) expect(repeats(slots, g.num_replicas / g.num_gpus)).toBe(false)
  })

  it.each([
    [{ numReplicas: 15 }, /15 replicas do not divide among 8 GPUs/], [{ numReplicas: 8 }, /8 replicas are fewer than the 12 experts/], [{ numGroups: 5 }, /12 experts do not divide into 5 groups/],
    [{ numNodes: 3 }, /8 GPUs do not divide among 3 nodes/], [{ numGpus: 0 }, /numGpus is 0/], [{ weight: [[1, -2]] }, /weight of layer 0/], [{ numReplicas: 56, distinct: true }, /cannot all differ/],
  ])('%j is refused', (change, message) => expect(() => eplb({ ...inputOf(cases[0]), ...change })).toThrow(message))
})
