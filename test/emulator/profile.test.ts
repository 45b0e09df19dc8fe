// The profiler against kernels counted by hand.
import { describe, expect, it } from 'vitest'
import { occupancyOf } from '../../backends/emulator/profile/occupancy.ts'
import { Profiler, type LaunchProfile } from '../../backends/emulator/profile/profiler.ts'
import { estimate, gpus } from '../../backends/emulator/profile/roofline.ts'
import { passesOf, sectorsOf } from '../../backends/emulator/profile/traffic.ts'
import { faultOf, run, type Shape } from './support.ts'

function profile(body: string, shape: Shape = {}): LaunchProfile {
  const found: LaunchProfile[] = []
  run(body, shape, { compile: false }, (machine) => new Profiler(machine, (p) => found.push(p)))
  expect(found).toHaveLength(1)
  return found[0]
}
const at = (scale: number) => `mul.lo.u32 %r0, %ti, ${scale}; cvt.u64.u32 %rd0, %r0; add.s64 %rd0, %out, %rd0;`
const shared = '.shared .align 128 .b8 s[16384];'
const sharedAt = (scale: number) => `mov.u32 %r1, s; mad.lo.u32 %r0, %ti, ${scale}, %r1;`

describe('global memory', () => {
  it.each([[4, 4], [8, 8], [128, 32]])('loads of 4 bytes %i bytes apart touch %i sectors', (stride, sectors) => {
    const { global, uniqueReadBytes } = profile(`${at(stride)} ld.global.u32 %r2, [%rd0];`, { words: 1024 })
    expect(global.read).toEqual({ requests: 1, bytes: 128, sectors, idealSectors: 4 })
    expect(uniqueReadBytes).toBe(32 * sectors)
    expect(global.write.requests).toBe(0)
  })
  it('counts a word that all lanes read as one sector, and every request anew', () => {
    const { global, uniqueReadBytes, uniqueWrittenBytes } = profile('ld.global.u32 %r2, [%out]; ld.global.u32 %r3, [%out]; st.global.u32 [%out+64], %r2;')
    expect(global.read).toEqual({ requests: 2, bytes: 256, sectors: 2, idealSectors: 2 })
    expect([uniqueReadBytes, uniqueWrittenBytes]).toEqual([32, 32])
  })
  it('vectors of four ask for 16 sectors', () => {
    const { global } = profile(`${at(16)} ld.global.v4.u32 {%r1, %r2, %r3, %r4}, [%rd0];`, { words: 128 })
    expect(global.read).toEqual({ requests: 1, bytes: 512, sectors: 16, idealSectors: 16 })
  })
  it('atomics read and write', () => {
    const { global, uniqueReadBytes, uniqueWrittenBytes } = profile(`${at(4)} red.global.add.u32 [%rd0], 1;`)
    expect(global.atomic).toEqual({ requests: 1, bytes: 128, sectors: 4, idealSectors: 4 })
    expect([uniqueReadBytes, uniqueWrittenBytes]).toEqual([128, 128])
  })
  it('gathers the lanes of a cp.async', () => {
    const p = profile(`${at(16)} ${sharedAt(16)} cp.async.cg.shared.global [%r0], [%rd0], 16; cp.async.wait_all;`, { words: 128, before: shared })
    expect(p.global.async).toEqual({ requests: 1, bytes: 512, sectors: 16, idealSectors: 16 })
    expect(p.shared.write).toEqual({ requests: 1, bytes: 512, passes: 4, idealPasses: 4, worstWays: 1 })
  })
  it('lanes that are off leave gaps in a cp.async, cut short ones are a request of their size', () => {
    const p = profile(`${at(16)} ${sharedAt(16)} and.b32 %r5, %ti, 1; setp.eq.u32 %p1, %r5, 0; shl.b32 %r6, %r5, 3; add.u32 %r6, %r6, 8;
      @%p1 cp.async.cg.shared.global [%r0], [%rd0], 16; cp.async.cg.shared.global [%r0], [%rd0], 16, %r6; cp.async.wait_all;`, { words: 128, before: shared })
    // Sixteen lanes of 16 bytes, one in each sector; then 16 of 8 bytes and 16 of 16, in the same sectors.
    expect(p.global.async).toEqual({ requests: 3, bytes: 16 * 16 + 16 * 8 + 16 * 16, sectors: 48, idealSectors: 8 + 4 + 8 })
    expect(p.shared.write).toMatchObject({ requests: 2, bytes: 256 + 512, passes: 4 + 4 })
    expect(p.uniqueReadBytes).toBe(512)
  })
  it('still finds an address outside', () => {
    expect(faultOf(() => profile(`${at(4096)} ld.global.u32 %r2, [%rd0];`)).kind).toBe('illegal-address')
  })
})

describe('banks of shared memory', () => {
  it.each([[4, 1], [8, 2], [16, 4], [128, 32], [132, 1], [0, 1]])('words %i bytes apart: %i ways', (stride, ways) => {
    const p = profile(`${sharedAt(stride)} st.shared.u32 [%r0], %ti; ld.shared.u32 %r2, [%r0];`, { before: shared })
    expect(p.shared.write).toEqual({ requests: 1, bytes: 128, passes: ways, idealPasses: 1, worstWays: ways })
    expect(p.shared.read).toEqual({ requests: 1, bytes: 128, passes: ways, idealPasses: 1, worstWays: ways })
  })
  it('halves of a warp take turns with 8 bytes a lane, quarters with 16', () => {
    expect(passesOf(Array.from({ length: 32 }, (_, i) => 8 * i), -1, 8)).toEqual({ passes: 2, ideal: 2, ways: 1 })
    expect(passesOf(Array.from({ length: 32 }, (_, i) => 16 * i), -1, 16)).toEqual({ passes: 4, ideal: 4, ways: 1 })
    // Rows of 128 bytes: the eight lanes of a quarter meet in the same four banks.
    expect(passesOf(Array.from({ length: 32 }, (_, i) => 128 * i), -1, 16)).toEqual({ passes: 32, ideal: 4, ways: 8 })
    // Padded to 144 bytes they do not.
    expect(passesOf(Array.from({ length: 32 }, (_, i) => 144 * i), -1, 16)).toEqual({ passes: 4, ideal: 4, ways: 1 })
  })
  it('bytes of one word are one word; lanes that are off do not count', () => {
    expect(passesOf(Array.from({ length: 32 }, (_, i) => i), -1, 1)).toEqual({ passes: 1, ideal: 1, ways: 1 })
    expect(passesOf(Array.from({ length: 32 }, (_, i) => 128 * i), 0b101, 4)).toEqual({ passes: 2, ideal: 1, ways: 2 })
    expect(sectorsOf(Array.from({ length: 32 }, (_, i) => 32 * i), 0b1011, 4)).toEqual({ sectors: 3, ideal: 1, bytes: 12 })
  })
  it('ldmatrix of four tiles: rows of 16 bytes beside each other are free, rows of 128 bytes meet eight at a time', () => {
    const load = (stride: number) => profile(`${sharedAt(stride)} ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r2, %r3, %r4, %r5}, [%r0];`, { before: shared }).shared.read
    expect(load(16)).toEqual({ requests: 1, bytes: 512, passes: 4, idealPasses: 4, worstWays: 1 })
    expect(load(128)).toEqual({ requests: 1, bytes: 512, passes: 32, idealPasses: 4, worstWays: 8 })
  })
})

describe('instructions', () => {
  it('counts FLOP of float units and of tensor cores', () => {
    const zeros = Array.from({ length: 10 }, (_, i) => `mov.b32 %r${i + 2}, 0;`).join(' ')
    const p = profile(`.reg .f32 %f<4>; mov.f32 %f0, 0f3F800000; fma.rn.f32 %f1, %f0, %f0, %f0; add.rn.f32 %f2, %f1, %f0; ex2.approx.f32 %f3, %f2;
      ${zeros} .reg .f32 %d<4>; mov.f32 %d0, 0f00000000; mov.f32 %d1, %d0; mov.f32 %d2, %d0; mov.f32 %d3, %d0;
      mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%d0, %d1, %d2, %d3}, {%r2, %r3, %r4, %r5}, {%r6, %r7}, {%d0, %d1, %d2, %d3};`)
    expect(p.floatFlop).toBe(3 * 32)
    expect([...p.tensorFlop]).toEqual([['16-bit float', 2 * 16 * 8 * 16]])
    expect(p.classes.get('tensor core')).toEqual({ warps: 1, lanes: 32 })
    expect(p.classes.get('special function')).toEqual({ warps: 1, lanes: 32 })
    expect(p.classes.get('float')).toEqual({ warps: 2, lanes: 64 })
  })
  it('a wgmma reads A once a warp and B once a warpgroup', () => {
    // Both without swizzle, K-major: core matrices of 128 bytes, 128 bytes apart in K and 256 in M and N. A at 0, B behind its 2,048 bytes.
    const descriptor = (at: number) => `0x${((BigInt(at) >> 4n) | (8n << 16n) | (16n << 32n)).toString(16)}`
    const p = profile(`.reg .f32 %d<4>; mov.f32 %d0, 0f00000000; mov.f32 %d1, %d0; mov.f32 %d2, %d0; mov.f32 %d3, %d0;
      mov.b64 %rd1, ${descriptor(0)}; mov.b64 %rd2, ${descriptor(2048)}; setp.ne.u32 %p1, 0, 0; mov.u32 %r1, 0; mov.u32 %r2, s;
      loop: wgmma.fence.sync.aligned; wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%d0, %d1, %d2, %d3}, %rd1, %rd2, %p1, 1, 1, 0, 0;
      wgmma.commit_group.sync.aligned; wgmma.wait_group.sync.aligned 0; add.u32 %r1, %r1, 1; setp.lt.u32 %p2, %r1, 3; @%p2 bra loop;`,
    { block: [256, 1, 1], target: 'sm_90a', before: '.shared .align 1024 .b8 s[4096];' })
    expect(p.asyncSharedBytes).toBe(2 * 3 * (64 * 16 * 2 + 8 * 16 * 2))
    expect([...p.tensorFlop]).toEqual([['16-bit float', 2 * 3 * 2 * 64 * 8 * 16]])
    // Of 8 warps, 3 products each; fences and waits are no products.
    expect(p.classes.get('tensor core')).toEqual({ warps: 24, lanes: 768 })
  })
  it('counts active lanes on both sides of a branch and under guards', () => {
    const even = profile('add.u32 %r2, %ti, 1;')
    const branched = profile('setp.lt.u32 %p0, %ti, 8; @%p0 bra low; add.u32 %r2, %ti, 1; add.u32 %r2, %r2, 1; bra end; low: sub.u32 %r2, %ti, 1; end: mov.u32 %r3, %r2; @!%p0 mov.u32 %r3, 0;')
    expect(even.threadInstructions).toBe(32 * even.warpInstructions)
    expect(even.partial).toBe(0)
    const lanes = Object.fromEntries(branched.lines.filter((l) => /^(add|sub)/.test(l.name)).map((l) => [l.name, l.lanes]))
    expect(lanes).toMatchObject({ 'sub.u32': 8 })
    // @p bra (8 lanes take it), two adds and a bra of 24, a sub of 8, and a mov of 24.
    expect(branched.partial).toBe(1 + 3 + 1 + 1)
  })
  it('sums over blocks, and lines know their own', () => {
    const p = profile(`${at(4)} ld.global.u32 %r2, [%rd0];`, { grid: [3, 1, 1], block: [64, 1, 1] })
    expect(p.global.read).toEqual({ requests: 6, bytes: 768, sectors: 24, idealSectors: 24 })
    expect(p.uniqueReadBytes).toBe(256)
    const line = p.lines.find((l) => l.name.startsWith('ld.global'))!
    expect(line).toMatchObject({ warpInstructions: 6, lanes: 192, global: p.global.read, shared: null })
  })
})

describe('occupancy on compute capability 9.0', () => {
  it.each([
    [256, 0, 32, 8, 1, 'threads and registers'],
    [256, 0, 33, 6, 0.75, 'registers'],
    [128, 100 * 1024, 64, 2, 0.125, 'shared memory'],
    [32, 0, 16, 32, 0.5, 'blocks'],
    [384, 200 * 1024, 168, 1, 0.1875, 'registers and shared memory'],
  ])('%i threads, %i bytes, %i registers: %i blocks', (threads, bytes, registers, blocks, fraction, limitedBy) => {
    expect(occupancyOf(threads, bytes, registers)).toEqual({ blocksPerSm: blocks, warpsPerSm: (blocks * threads) / 32, fraction, limitedBy })
  })
  it('says where registers are unknown', () => expect(occupancyOf(256, 0, null)).toMatchObject({ blocksPerSm: 8, limitedBy: 'threads (registers unknown)' }))
})

describe('roofline', () => {
  it('is the largest bound; more bandwidth helps only what memory bounds', () => {
    const copy = profile(`${at(128)} ld.global.u32 %r2, [%rd0];`, { words: 1024 })
    const made = { ...copy, grid: [1e6, 1, 1] as [number, number, number], uniqueReadBytes: 3.35e9 }
    const [, h100, h200] = gpus.map((gpu) => estimate(made, gpu))
    expect(h100.boundBy).toBe('device memory')
    expect(h100.timeSec).toBeCloseTo(1e-3, 12)
    expect(h200.timeSec).toBeCloseTo((1e-3 * 3.35) / 4.8, 12)
  })
  it('a launch of one block has one SM\'s tensor cores', () => {
    const p = { ...profile('ret;'), tensorFlop: new Map([['16-bit float' as const, 989.5e9 / 132]]) }
    expect(estimate(p, gpus[1]).bounds.find((b) => b.what === 'tensor cores')!.timeSec).toBeCloseTo(1e-3, 12)
  })
})
