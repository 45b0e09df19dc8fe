// Several threads over the blocks of a launch: the same memory, counts and faults as one thread, and which launches they share.
import { afterAll, describe, expect, it } from 'vitest'
import type { CudaFunction } from '../../backends/cuda/driver.ts'
import { EmulatorDriver } from '../../backends/emulator/driver.ts'
import { Emulator } from '../../backends/emulator/launch.ts'
import { LoadedModule } from '../../backends/emulator/loader.ts'
import { LinearMemory } from '../../backends/emulator/memory.ts'
import { nodeCrew } from '../../backends/emulator/node_worker.ts'
import { parsePtx } from '../../backends/emulator/parser.ts'

const entry = (body: string, before = '') => `.version 8.0\n.target sm_80\n.address_size 64\n${before}
.visible .entry k(.param .u64 out, .param .u32 n) {
.reg .pred %p<4>; .reg .b32 %r<12>; .reg .f32 %f<6>; .reg .b64 %rd<6>; .shared .align 4 .b8 own[512];
ld.param.u64 %rd0, [out]; ld.param.u32 %r0, [n]; mov.u32 %r1, %tid.x; mov.u32 %r2, %ctaid.x; mad.lo.u32 %r3, %r2, 128, %r1; mul.wide.u32 %rd1, %r3, 4; add.s64 %rd1, %rd0, %rd1;
${body}
ret; }`
/** Work that takes a while, through registers, shared memory and a table of the module. */
const busy = entry(`mov.u64 %rd2, table; and.b32 %r4, %r1, 3; mul.wide.u32 %rd3, %r4, 4; add.s64 %rd2, %rd2, %rd3; ld.global.u32 %r5, [%rd2]; mov.u32 %r6, 0; mov.u32 %r7, own; shl.b32 %r8, %r1, 2; add.u32 %r7, %r7, %r8;
loop: mad.lo.u32 %r5, %r5, 1664525, %r3; st.shared.u32 [%r7], %r5; bar.sync 0; ld.shared.u32 %r9, [%r7]; xor.b32 %r5, %r5, %r9; add.u32 %r5, %r5, %r9; add.u32 %r6, %r6, 1; setp.lt.u32 %p1, %r6, %r0; @%p1 bra loop;
st.global.u32 [%rd1], %r5;`, '.global .align 4 .u32 table[4] = { 3, 5, 7, 11 };')
const blocks = 32

class Session {
  readonly driver: EmulatorDriver
  constructor(helpers: number) { this.driver = new EmulatorDriver('sm_80', {}, undefined, helpers ? nodeCrew(helpers) : undefined) }
  async function(text: string): Promise<CudaFunction> { return (await this.driver.loadModule(text, 'k')).functions.get('k')! }
  launch(fn: CudaFunction, pointer: number, n: number, grid = blocks): void {
    const params = new DataView(new ArrayBuffer(12))
    params.setBigUint64(0, BigInt(pointer), true)
    params.setUint32(8, n, true)
    this.driver.launch(fn, { grid: [grid, 1, 1], block: [128, 1, 1], smemBytes: 0 }, new Uint8Array(params.buffer))
  }
}

describe('a crew', () => {
  const [one, two] = [new Session(0), new Session(1)]
  afterAll(async () => { await two.driver.destroy() })

  it('says how many threads there are', () => {
    expect(one.driver.description).toMatch(/one thread/)
    expect(two.driver.description).toMatch(/2 threads/)
  })

  it('gives the memory and the count of one thread, with blocks run by the helper', { timeout: 60000 }, async () => {
    const results: Uint8Array[] = []
    const counts: number[] = []
    for (const s of [one, two]) {
      const fn = await s.function(busy)
      const pointer = s.driver.alloc(4 * 128 * blocks)
      // The first launch tells what one costs; then the helper needs a moment to begin.
      const before = s.driver.executed
      s.launch(fn, pointer, 300)
      counts.push(s.driver.executed - before)
      for (const patience = Date.now() + 40000; s === two && Date.now() < patience;) {
        const executed = s.driver.executed
        s.launch(fn, pointer, 300)
        expect(s.driver.executed - executed).toBe(counts[0])
        if (s.driver.executedByHelpers > 0) break
      }
      results.push(await s.driver.copyFromDevice(pointer, 4 * 128 * blocks))
    }
    expect(two.driver.executedByHelpers).toBeGreaterThan(0)
    expect(counts[1]).toBe(counts[0])
    expect(Buffer.compare(results[0], results[1])).toBe(0)
  })

  it('tells the fault of the lowest block, as one thread does', { timeout: 60000 }, async () => {
    // Blocks from 9 on write past the end, each after its work.
    const messages: string[] = []
    for (const helpers of [0, 1]) {
      const s = new Session(helpers)
      const fn = await s.function(busy)
      const pointer = s.driver.alloc(4 * 128 * blocks)
      for (let i = 0; i < 4; i++) s.launch(fn, pointer, 300)
      const short = s.driver.alloc(4 * 128 * 9)
      s.launch(fn, short, 300)
      messages.push(await s.driver.synchronize().then(() => 'none', (e: Error) => e.message.replace(/0x7e00[0-9a-f]{8}/g, 'ADDRESS')))
      await s.driver.destroy()
    }
    expect(messages[0]).toMatch(/ILLEGAL_ADDRESS.*outside every live allocation.*block \(9, 0, 0\), thread 0/)
    expect(messages[1]).toBe(messages[0])
  })
})

describe('blocks that talk run on one thread', () => {
  const talks = (body: string, target = 'sm_80') => {
    const memory = new LinearMemory()
    const loaded = new LoadedModule(parsePtx(entry(body).replace('sm_80', target), 'k.ptx'), memory)
    return new Emulator(memory, loaded).loaded.imageOf('k').talks
  }
  it.each(['atom.global.add.u32 %r5, [%rd1], 1;', 'red.global.add.u32 [%rd1], 1;', 'atom.add.u32 %r5, [%rd1], 1;', 'ld.volatile.global.u32 %r5, [%rd1];', 'ld.relaxed.gpu.global.u32 %r5, [%rd1];', 'st.release.gpu.global.u32 [%rd1], %r5;',
    'membar.gl;', 'fence.acq_rel.gpu;', 'mov.u32 %r5, %clock;', 'nanosleep.u32 20;'])('%s', (body) => expect(talks(body)).toBe(true))
  it.each(['atom.shared.add.u32 %r5, [own], 1;', 'ld.volatile.shared.u32 %r5, [own];', 'membar.cta;', 'bar.sync 0;', 'ld.global.nc.u32 %r5, [%rd1];', 'st.global.u32 [%rd1], %r5;', 'shfl.sync.bfly.b32 %r5, %r5, 1, 31, -1;'])('not: %s', (body) => expect(talks(body)).toBe(false))
  it('a barrier of the cluster', () => expect(talks('barrier.cluster.arrive; barrier.cluster.wait;', 'sm_90')).toBe(true))
})
