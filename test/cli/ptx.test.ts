// weft ptx emit and profile, as a caller sees them: what they print, and their errors.
import { afterEach, describe, expect, it, vi } from 'vitest'
import { fileURLToPath } from 'node:url'
import { kernelFor } from '../../ptx/index.ts'
import type { DType } from '../../src/core/dtype.ts'
import type { PtxKernel } from '../../src/core/kernel.ts'
import { spec } from '../../src/core/shape.ts'
import { command } from '../../src/cli/commands/ptx.ts'

/** What the command prints, and its exit code. */
async function weft(...args: string[]): Promise<{ out: string; code: number }> {
  let out = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => { out += text; return true })
  try { return { code: await command.run(args), out } } finally { vi.restoreAllMocks() }
}
afterEach(() => { vi.restoreAllMocks() })
const objects = (out: string) => out.trim().split('\n').map((l) => JSON.parse(l))

describe('ptx emit', () => {
  it('prints a text with the launch of the shape asked for', async () => {
    const { out, code } = await weft('emit', 'rms_norm', '--shape', 'x=10x7168', '--shape', 'w=7168', '--attr', 'eps=0.5')
    expect(code).toBe(0)
    expect(out).toContain('// rms_norm(x [10, 7168] f32, w [7168] f32, y [10, 7168] f32, rstd [10] f32) eps=0.5: 1 launch of 1 text\n')
    expect(out).toContain('// launch 1: rms_norm grid (3, 1, 1) block (128, 1, 1) dynamic shared memory 0 bytes; x, w, y, rstd, 10 (u32), 7168 (u32), 0.5 (f32)\n')
    expect(out).toContain('\n.visible .entry rms_norm(')
  })
  it('prints one object a launch, each of a text once otherwise', async () => {
    const args = ['emit', 'adamw', '--case', '[7, 30] bf16 state', '--target', 'sm_80']
    const [launch] = objects((await weft(...args, '--json')).out)
    expect(launch).toMatchObject({ event: 'launch', entry: 'adamw', grid: [1, 1, 1], block: [128, 1, 1], smemBytes: 0, target: 'sm_80' })
    expect(launch.ptx).toContain('cvt.rn.bf16x2.f32')
    const { out } = await weft('emit', 'sum_squares', '--shape', 'x=9000')
    expect(out.match(/^\.version/gm)).toHaveLength(2)
    expect(out).toContain('// launch 2: sum_all grid (1, 1, 1)')
  })
  it.each([
    [['emit'], 'an op is needed'],
    [['emit', 'rms_nrm'], 'no op "rms_nrm"; did you mean "rms_norm"?'],
    [['emit', 'add', '--case', 'x'], 'add has no case "x"; it has "[1] f32"'],
    [['emit', 'add', '--shape', 'x=7y9'], '--shape is "x=7y9", must be like x=7x4096'],
    [['emit', 'add', '--shape', 'q=7'], 'add has no input q; its inputs are x, y'],
    [['emit', 'add', '--shape', 'x=7:f17'], 'no dtype f17'],
    [['emit', 'add', '--shape', 'x=7x9'], 'add: y is'],
    [['emit', 'rms_norm', '--attr', 'esp=1'], 'no attribute esp; it has eps'],
    [['emit', 'rms_norm', '--attr', 'eps=small'], 'eps is a number'],
    [['emit', 'add', '--target', 'sm_70'], 'the target is "sm_70", must be sm_80 or sm_90a'],
    [['profile'], 'an op or a launch case is needed'],
    [['profile', 'ad'], 'no op "ad"; did you mean "add"?'],
    [['profile', 'missing.json'], 'missing.json'],
  ])('%j: %s', async (args, message) => {
    await expect(weft(...args)).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining(message) })
  })
})

describe('the ladder of rungs', () => {
  const kernel = (name: string, dtype = 'f32'): PtxKernel => ({ op: 'k', supports: ({ x }) => x.dtype === dtype, launch: () => [{ ptx: name, entry: name, args: [], grid: [1, 1, 1], block: [1, 1, 1] }] })
  const [ampere, hopper] = [kernel('ampere'), kernel('hopper', 'bf16')]
  const rungs = [{ target: 'sm_90a', kernels: new Map([['k', hopper]]) }, { target: 'sm_80', kernels: new Map([['k', ampere]]) }]
  const on = (sm: number, dtype: DType) => kernelFor('k', { x: spec(dtype, [1]) }, {}, sm, rungs)
  it('takes the highest that has the op, for its arguments too; sm_90a runs on 9.0 only', () => {
    expect([on(90, 'bf16'), on(90, 'f32'), on(80, 'f32'), on(100, 'f32')]).toEqual([hopper, ampere, ampere, ampere])
    expect([on(80, 'bf16'), on(100, 'bf16'), on(75, 'f32'), on(90, 'i32')]).toEqual([undefined, undefined, undefined, undefined])
  })
})

describe('ptx profile', () => {
  it('counts every launch of a case', async () => {
    const [squares, total] = objects((await weft('profile', 'sum_squares', '--case', '[4097] f32', '--json')).out)
    // 4,097 elements of 4 bytes: two blocks of 256 threads with 1,024 elements a turn, three turns for the first, and one element.
    expect(squares).toMatchObject({ event: 'profile', kernel: 'sum_squares', grid: [2, 1, 1], flop: { f32: expect.any(Number) } })
    expect(squares.global.read.bytes).toBe(4 * 4097)
    expect(squares.global.write).toMatchObject({ requests: 2, bytes: 8 })
    expect(squares.deviceMemory.uniqueReadBytes).toBe(32 * Math.ceil((4 * 4097) / 32))
    expect(total).toMatchObject({ kernel: 'sum_all', global: { write: { requests: 1, bytes: 4 } } })
    expect(squares.estimates.map((e: { gpu: string }) => e.gpu)).toEqual(['H800', 'H100', 'H200'])
  })
  it('reads a launch case; prints occupancy, bounds and what was assumed', async () => {
    const path = fileURLToPath(new URL('../golden/ptx-cases/k01_saxpy.json', import.meta.url))
    const { out, code } = await weft('profile', path, '--registers', '64')
    expect(code).toBe(0)
    expect(out).toMatch(/64 registers\n {2}occupancy {6}50\.0 %: .* limited by registers/)
    expect(out).toContain('global read')
    expect(out).toContain('H800: 3.35 TB/s')
    expect(out).toContain('assumed:')
  })
})
