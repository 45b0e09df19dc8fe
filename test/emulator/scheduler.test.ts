// Order and progress: spin loops, blocks that wait for each other, asynchronous work, deadlocks, budgets, replay.
import { describe, expect, it } from 'vitest'
import { LoadedModule } from '../../backends/emulator/loader.ts'
import { Emulator } from '../../backends/emulator/launch.ts'
import { GLOBAL_HIGH, type AsyncOp, type RunGroup } from '../../backends/emulator/machine.ts'
import { LinearMemory } from '../../backends/emulator/memory.ts'
import { parsePtx } from '../../backends/emulator/parser.ts'
import { classes, faultOf, recorder, run, storeOwn, words } from './support.ts'

const seeds = [0, 1, 2, 3]

describe('progress', () => {
  for (const seed of seeds) {
    it(`a lock among all lanes of all warps of all blocks, seed ${seed}`, () => {
      const r = run(`L: atom.global.cas.b32 %r1, [%out], 0, 1; setp.ne.u32 %p1, %r1, 0; @%p1 bra L; ld.volatile.global.u32 %r2, [%out+4]; add.u32 %r2, %r2, 1; st.volatile.global.u32 [%out+4], %r2; membar.gl; atom.global.exch.b32 %r3, [%out], 0; ret;`,
        { grid: [3, 1, 1], block: [64, 1, 1] }, { seed })
      expect(words(r).slice(0, 2)).toEqual([0, 192])
    })
    it(`a lock whose release stands behind the loop of others, seed ${seed}`, () => {
      // Lane 0 must get past the spinning lanes, whose pc is lower.
      const r = run(`setp.eq.u32 %p1, %ti, 0; @%p1 bra W; L: ld.volatile.global.u32 %r1, [%out]; setp.eq.u32 %p2, %r1, 0; @%p2 bra L; bra J; W: st.volatile.global.u32 [%out], 5; J: ${storeOwn} 6; ret;`, {}, { seed })
      expect(words(r).slice(1, 4)).toEqual([6, 6, 6])
    })
    it(`a barrier of the whole grid by spinning, seed ${seed}`, () => {
      const r = run(`mov.u32 %r3, %ctaid.x; atom.global.add.u32 %r1, [%out+512], 1; L: ld.acquire.gpu.global.u32 %r2, [%out+512]; setp.lt.u32 %p1, %r2, 100; @%p1 bra L; mul.wide.u32 %rd1, %r3, 4; add.s64 %rd1, %out, %rd1; st.global.u32 [%rd1], %r2; ret;`,
        { grid: [100, 1, 1], block: [1, 1, 1], words: 200 }, { seed })
      expect(words(r).slice(0, 100)).toEqual(new Array(100).fill(100))
    })
  }
  it('plain loads in the spin loop: later blocks still start', () => {
    const r = run(`mov.u32 %r3, %ctaid.x; setp.eq.u32 %p1, %r3, 1; @%p1 bra W; L: ld.global.u32 %r1, [%out]; setp.eq.u32 %p2, %r1, 0; @%p2 bra L; ret; W: st.global.u32 [%out], 5; ret;`, { grid: [2, 1, 1], block: [1, 1, 1] })
    expect(words(r)[0]).toBe(5)
  })
})

describe('divided lanes', () => {
  it('meet again behind loops of very unequal length', () => {
    const r = run(`mov.u32 %r1, 0; mul.lo.u32 %r2, %ti, 3; L: add.u32 %r1, %r1, 1; setp.le.u32 %p1, %r1, %r2; @%p1 bra L; activemask.b32 %r3; ${storeOwn} %r3; ret;`)
    expect(words(r).slice(0, 32)).toEqual(new Array(32).fill(0xffffffff))
  })
})

describe('seeds', () => {
  const order = (seed: number) => words(run(`mov.u32 %r1, %warpid; mov.u32 %r2, %ctaid.x; mad.lo.u32 %r1, %r2, 4, %r1; and.b32 %r3, %ti, 31; setp.ne.u32 %p1, %r3, 0; @%p1 exit; atom.global.add.u32 %r4, [%out+256], 1; mul.wide.u32 %rd1, %r4, 4; add.s64 %rd1, %out, %rd1; st.global.u32 [%rd1], %r1; ret;`,
    { grid: [4, 1, 1], block: [128, 1, 1], words: 80 }, { seed })).slice(0, 16).join()
  it('0 goes in order', () => expect(order(0)).toBe(Array.from({ length: 16 }, (_, i) => i).join()))
  it('replay', () => { for (const seed of seeds) expect(order(seed)).toBe(order(seed)) })
  it('differ', () => expect(new Set([0, 1, 2, 3, 4, 5].map(order)).size).toBeGreaterThan(3))
})

/** A launch of `body` on an emulator that the test holds. */
function machine(body: string, options = {}, before = '') {
  const memory = new LinearMemory()
  const loaded = new LoadedModule(parsePtx(`.version 8.0\n.target sm_90\n.address_size 64\n${before}\n.visible .entry k(.param .u64 out)\n{ .reg .b32 %r<9>; .reg .b64 %o; .reg .pred %p; ld.param.u64 %o, [out]; ${body} }`, 'k.ptx'), memory)
  const emulator = new Emulator(memory, loaded, { maxInstructions: 1e6, ...options })
  const out = memory.allocate(256, 'out')
  const params = new Uint8Array(8)
  new DataView(params.buffer).setUint32(0, out, true)
  new DataView(params.buffer).setUint32(4, GLOBAL_HIGH, true)
  return { memory, loaded, emulator, out, launch: () => emulator.launch('k', { grid: [1, 1, 1], block: [1, 1, 1] }, params) }
}

describe('asynchronous work', () => {
  /** Issues an operation that writes 1 to out[0] when `pmevent` runs, by an instruction patched after decoding. */
  const withCopy = (body: string, async: 'early' | 'late' | 'random', seed = 0) => {
    const m = machine(body, { async, seed })
    const at = m.loaded.functionNamed('k').instructions as unknown as { name: string; statement: { opcode: string }; exec: unknown }[]
    const i = at.find((x) => x.statement.opcode === 'pmevent')!
    i.exec = (warp: AsyncOp['warp']) => m.emulator.agents.issue({ what: 'copy', warp, lane: 0, instruction: warp.current, order: null, done: false, perform: () => { m.memory.u32[m.out >> 2] = 1 } })
    m.launch()
    return [m.memory.u32[m.out >> 2], m.memory.u32[(m.out >> 2) + 1]]
  }
  const look = 'pmevent 1; ld.volatile.global.u32 %r1, [%o]; st.global.u32 [%o+4], %r1; ret;'
  it('early: before the next instruction', () => expect(withCopy(look, 'early')).toEqual([1, 1]))
  it('late: not before it is needed, but before the launch ends', () => expect(withCopy(look, 'late')).toEqual([1, 0]))
  it('a loop that only looks sees it land at last, in every mode', () => {
    for (const async of ['early', 'late', 'random'] as const) for (const seed of seeds) expect(withCopy('pmevent 1; L: ld.volatile.global.u32 %r1, [%o]; setp.eq.u32 %p, %r1, 0; @%p bra L; st.global.u32 [%o+4], %r1; ret;', async, seed)).toEqual([1, 1])
  })
  it('of one order lands as issued', () => {
    const m = machine('ret;', { async: 'late' })
    const landed: number[] = []
    const op = (n: number, order: string | null) => ({ what: '', warp: { current: null } as unknown as AsyncOp['warp'], lane: 0, instruction: null!, order, done: false, perform: () => { landed.push(n) } })
    const [a, b, c] = [op(1, 'x'), op(2, 'y'), op(3, 'x')]
    for (const o of [a, b, c]) m.emulator.agents.issue(o)
    m.emulator.agents.force(c)
    m.emulator.agents.force(a)
    expect([landed, m.emulator.agents.pending]).toEqual([[1, 3], 1])
  })
})

describe('what cannot go on', () => {
  it('a deadlock says who waits for what, a few of many', () => {
    const { factory, diagnostics } = recorder()
    const r = run('mov.u32 %r1, %warpid; and.b32 %r1, %r1, 1; bar.sync %r1; ret;', { block: [1024, 1, 1] }, {}, factory)
    expect([classes(diagnostics), r.fault?.kind]).toEqual([['barrier-divergence', 'deadlock'], 'deadlock'])
    expect(r.fault!.message).toMatch(/block \(0, 0, 0\) warp 0 lanes 0xffffffff: barrier 0.*and 24 more$/)
  })
  it('an endless loop, straight code that is too long, with the place', () => {
    expect(faultOf(() => run('L: bra L;', {}, { maxInstructions: 1000 })).message).toMatch(/k\.ptx:\d+:\d+: bra: more than 1000 thread instructions/)
    expect(faultOf(() => run(`${'add.u32 %r1, %r1, 1;'.repeat(6000)} ret;`, {}, { maxInstructions: 1000 })).kind).toBe('too-many-instructions')
  })
  it('memory is given back after a fault, inside a function too', () => {
    // 200 registers are 25 KiB a warp: a leak of one register file per launch would grow the memory.
    const registers = Array.from({ length: 200 }, (_, i) => `add.u32 %z${i}, %z${i}, 1;`).join(' ')
    const before = `.func f() { .reg .b32 %z<200>; ${registers} trap; }`
    const m = machine(`.reg .b32 %z<200>; ${registers} call f;`, {}, before)
    const size = m.memory.wasm.buffer.byteLength
    for (let i = 0; i < 400; i++) expect(() => m.launch()).toThrow(/trap/)
    expect(m.memory.wasm.buffer.byteLength).toBe(size)
  })
  it('shapes that no GPU takes', () => {
    for (const [shape, message] of [[{ block: [33, 32, 1] }, /1056 threads/], [{ grid: [3, 1, 1], cluster: [2, 1, 1] }, /no multiple of the cluster/], [{ grid: [32, 1, 1], cluster: [32, 1, 1] }, /at most 16/], [{ dynamic: 300000 }, /at most 232448/], [{ grid: [1, 70000, 1] }, /at most .* 65535/]] as const) {
      expect(() => run('ret;', shape as object)).toThrow(message)
    }
  })
})

it('a compiler may run a function in place of the interpreter', () => {
  const m = machine('mov.u32 %r1, 1; st.global.u32 [%o], %r1; ret;')
  let turns = 0
  const fn = m.loaded.functionNamed('k')
  fn.run = ((warp, g, budget) => {
    turns++
    m.memory.u32[m.out >> 2] = 99
    warp.cta.aliveThreads -= 1
    warp.alive = 0
    warp.groups.length = 0
    g.mask = 0
    return budget - 1
  }) satisfies RunGroup
  m.launch()
  expect([turns, m.memory.u32[m.out >> 2]]).toEqual([1, 99])
})
