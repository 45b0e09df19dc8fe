// The benchmark's own arithmetic: what it prints, how it times, and that its peer computes the same product.
import { describe, expect, it } from 'vitest'
import { benchGemm, squares, stepShapes } from '../../bench/gemm.ts'
import { benchLoop, benchProduct, loopCases } from '../../bench/emulator.ts'
import { leastTimes } from '../../bench/measure.ts'
import { showRow, type BenchRow } from '../../bench/row.ts'
import { stepCases } from '../../bench/train_step.ts'
import { parseRunConfig } from '../../src/train/config.ts'
import { openNodeGpu } from '../../backends/webgpu/node_adapter.ts'
import tiny from '../../presets/tiny.json'
import { testDevice } from '../support/devices.ts'

const row: BenchRow = {
  event: 'bench', op: 'gemm', shape: 'f32 nn (m=512, n=512, k=512)', device: 'webgpu', timeSec: 0.0433, flopPerSec: 6.2e9,
  bytesPerSec: null, fractionOfPeak: null, peer: 'plain 8x8', ratioToPeer: 1.314,
}

describe('bench', () => {
  it('prints a line for people', () => {
    expect(showRow(row)).toBe('> gemm f32 nn (m=512, n=512, k=512) webgpu: 43.3 ms, 6.20 GFLOP/s, 1.31x plain 8x8')
    const step = { tokensPerSec: 2345, flopPerToken: 1, fractionOfBestGemm: 0.5, dispatches: 423, readbacks: 1, peakBytes: 42e6 }
    expect(showRow({ ...row, op: 'train_step', peer: null, ratioToPeer: null, step })).toContain('2.35k tok/s, 50 % of own best gemm, 423 dispatches, 1 readback a step, peak 42.0 MB')
  })

  it('takes the least of at least five repetitions', async () => {
    let calls = 0
    const [a, b] = await leastTimes([async (n) => { calls++; await sleep(20 * n) }, (n) => sleep(60 * n)], { minReps: 5, minSec: 0, batchSec: 0, maxSec: 60 })
    expect(calls).toBe(2 + 5)
    expect(a).toBeGreaterThan(0.015)
    expect(b).toBeGreaterThan(a)
  })

  it('measures the emulator: loops and products, sanitizer on and off', async () => {
    const quick = { minReps: 1, minSec: 0, batchSec: 0, maxSec: 5 }
    for (const c of loopCases) {
      const small = { ...c, blocks: Math.min(c.blocks, 2), turns: c.turns === null ? null : 3 }
      for (const sanitize of [false, true]) {
        const r = await benchLoop(small, { sanitize, time: quick })
        expect(r.op).toBe(`emulator ${c.name}`)
        expect(r.threadInstructionsPerSec! * r.timeSec).toBeGreaterThan(500)
        expect(showRow(r)).toMatch(/instr\/s.*x g|instr\/s.*x GPGPU-Sim/)
      }
    }
    const product = await benchProduct('sm_80', { size: 32, time: quick })
    expect(product.flopPerSec * product.timeSec).toBeCloseTo(2 * 32 ** 3, -1)
    expect(product.threadInstructionsPerSec! * product.timeSec).toBeGreaterThan(1000)
  })

  it('lists squares and the training step\'s products in all layouts', () => {
    expect(squares.map((s) => s.M)).toEqual(expect.arrayContaining([256, 512, 1024]))
    expect(stepShapes).toHaveLength(24)
    expect(stepShapes).toContainEqual({ layout: 'tn', M: 192, N: 64, K: 2048 })
  })

  it('has training cases that are valid configurations', () => {
    for (const { name, model, batchSize, sequenceLength } of stepCases(tiny)) {
      expect(() => parseRunConfig({ model, train: { steps: 1, batchSize, sequenceLength, optimizer: { lr: 1e-3 } } }, name), name).not.toThrow()
    }
  })

  it.each(['nt', 'nn', 'tn'] as const)('races only against a peer with the same result: %s', async (layout) => {
    const device = await testDevice('webgpu')
    if (!device) return
    const gpu = await (await openNodeGpu()).adapter.requestDevice()
    const r = await benchGemm(device, gpu, { layout, M: 72, N: 40, K: 24 })
    expect(r.peer).toBe('plain 8x8')
    expect(r.ratioToPeer).toBeGreaterThan(0)
    gpu.destroy()
  })
})

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
