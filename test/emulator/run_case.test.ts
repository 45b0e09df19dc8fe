// Whole launches of PTX that nobody here wrote, and faults of small kernels.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { runCase, type PtxCase } from '../../backends/emulator/run_case.ts'
import { faultOf, words } from './support.ts'

const folder = new URL('../golden/ptx-cases/', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8')

describe('cases of nvcc', () => {
  for (const name of ['k01_saxpy', 'k02_reduce_shfl', 'k05_mma_bf16', 'k13_mbarrier_bulk', 's04_fixed', 's04_race_missing_sync', 's10_fixed', 's10_missing_proxy_fence']) {
    for (const async of ['early', 'late', 'random'] as const) {
      for (const seed of [0, 1, 2, 3]) {
        it(`${name}, seed ${seed}, ${async}`, () => {
          const c = JSON.parse(read(`${name}.json`)) as PtxCase
          const result = runCase(c, read(c.ptx), { seed, async })
          expect(result.differences).toEqual([])
          expect([result.equal, result.fault]).toEqual([c.expected ? true : null, null])
          expect(result.threadInstructions).toBeGreaterThan(100)
        })
      }
    }
  }
  it('refuses shapes and lists that are none', () => {
    const c = JSON.parse(read('k01_saxpy.json')) as PtxCase
    const text = read(c.ptx)
    const changed = (change: object) => () => runCase({ ...c, ...change } as PtxCase, text)
    expect(changed({ grid: [1, 1] })).toThrow(/"grid" is \[1,1\], must be three whole numbers/)
    expect(changed({ block: [0, 1, 1] })).toThrow(/"block" is \[0,1,1\]/)
    expect(changed({ cluster: 'two' })).toThrow(/"cluster" is "two"/)
    expect(changed({ args: c.args.slice(1) })).toThrow(/arguments, kernel k01_saxpy has \d+ parameters/)
    expect(changed({ args: {} })).toThrow(/"args" must be a list/)
    expect(changed({ buffers: [...c.buffers, c.buffers[0]] })).toThrow(/there are two buffers/)
    expect(changed({ kernel: 'nobody' })).toThrow(/there is no function nobody/)
  })
  it('a wrong expectation is told by element', () => {
    const c = JSON.parse(read('k01_saxpy.json')) as PtxCase
    const expected = c.expected!.map((e) => ({ ...e, hex: `${e.hex.slice(0, 8)}ffffffff${e.hex.slice(16)}` }))
    const result = runCase({ ...c, expected }, read(c.ptx))
    expect(result.equal).toBe(false)
    expect(result.differences[0]).toMatch(/\[1\] is .*expected NaN/)
  })
})

const kernel = (body: string) => `.version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k(.param .u64 out)\n{\n${body}\n}\n`
const launch = (body: string, threads = 32, options = {}) => runCase({
  name: 'k', ptx: 'k.ptx', kernel: 'k', grid: [1, 1, 1], block: [threads, 1, 1], args: [{ ptr: 'out' }], buffers: [{ name: 'out', type: 'u32', count: 64 }],
}, kernel(body), options)

const index = `.reg .pred %p<4>; .reg .b32 %r<20>; .reg .b64 %rd<6>;
  ld.param.u64 %rd1, [out]; mov.u32 %r1, %tid.x; mul.wide.u32 %rd2, %r1, 4; add.s64 %rd3, %rd1, %rd2;`

describe('control', () => {
  it('divided lanes take both ways and meet again', () => {
    const r = launch(`${index}
      and.b32 %r2, %r1, 1; setp.eq.u32 %p1, %r2, 0; @%p1 bra even;
      mov.u32 %r3, 100; bra join;
    even: mov.u32 %r3, 200;
    join: activemask.b32 %r4; add.u32 %r3, %r3, %r1; st.global.u32 [%rd3], %r3; st.global.u32 [%rd3+128], %r4; ret;`)
    expect(words(r).slice(0, 4)).toEqual([200, 101, 202, 103])
    expect(words(r).slice(32)).toEqual(new Array(32).fill(0xffffffff))
  })
  it('a loop of unequal length per lane', () => {
    const r = launch(`${index}
      mov.u32 %r2, 0; mov.u32 %r3, 0;
    again: add.u32 %r3, %r3, %r2; add.u32 %r2, %r2, 1; setp.le.u32 %p1, %r2, %r1; @%p1 bra again;
      st.global.u32 [%rd3], %r3; ret;`)
    expect(words(r).slice(0, 32)).toEqual(Array.from({ length: 32 }, (_, n) => n * (n + 1) / 2))
  })
  it('a spin lock among the lanes of a warp makes progress', () => {
    const r = launch(`${index}
    try: atom.global.cas.b32 %r2, [%rd1], 0, 1; setp.ne.u32 %p1, %r2, 0; @%p1 bra try;
      ld.volatile.global.u32 %r3, [%rd1+4]; add.u32 %r3, %r3, 1; st.volatile.global.u32 [%rd1+4], %r3;
      membar.gl; atom.global.exch.b32 %r4, [%rd1], 0; ret;`, 64, { maxInstructions: 1e7 })
    expect(words(r).slice(0, 2)).toEqual([0, 64])
  })
  it('a branch table', () => {
    const r = launch(`${index}
      rem.u32 %r2, %r1, 3;
    table: .branchtargets a, b, c;
      brx.idx %r2, table;
    a: mov.u32 %r3, 10; bra done;
    b: mov.u32 %r3, 11; bra done;
    c: mov.u32 %r3, 12;
    done: st.global.u32 [%rd3], %r3; ret;`)
    expect(words(r).slice(0, 5)).toEqual([10, 11, 12, 10, 11])
  })
})

describe('device functions', () => {
  const text = (inner: string) => `.version 8.0\n.target sm_80\n.address_size 64
    .func (.param .b32 r) square(.param .b32 x)\n{ .reg .b32 %a; .reg .pred %q; ld.param.u32 %a, [x]; setp.eq.u32 %q, %a, 3; @%q bra three; mul.lo.u32 %a, %a, %a; st.param.b32 [r], %a; ret; three: st.param.b32 [r], 1000; ret; }
    .func (.param .b32 r) twice(.param .b32 x)\n{ .reg .b32 %a; .local .align 4 .b8 keep[8]; ld.param.u32 %a, [x]; st.local.u32 [keep+4], %a; { .param .b32 p; .param .b32 q; st.param.b32 [p], %a; call (q), square, (p); ld.param.b32 %a, [q]; } .reg .b32 %b; ld.local.u32 %b, [keep+4]; add.u32 %a, %a, %b; st.param.b32 [r], %a; ret; }
    .visible .entry k(.param .u64 out)\n{ ${index} ${inner} }`
  const go = (inner: string) => words(runCase({ name: 'k', ptx: 'k.ptx', kernel: 'k', grid: [1, 1, 1], block: [32, 1, 1], args: [{ ptr: 'out' }], buffers: [{ name: 'out', type: 'u32', count: 64 }] }, text(inner)))
  it('nested, divided inside, with local memory', () => {
    const r = go('{ .param .b32 p; .param .b32 q; st.param.b32 [p], %r1; call.uni (q), twice, (p); ld.param.b32 %r2, [q]; } st.global.u32 [%rd3], %r2; ret;')
    expect(r.slice(0, 6)).toEqual([0, 2, 6, 1003, 20, 30])
  })
  it('by a part of the warp, in a loop', () => {
    const r = go('mov.u32 %r2, 0; mov.u32 %r3, 2; again: setp.gt.u32 %p1, %r1, 7; @%p1 call (%r3), square, (%r3); add.u32 %r2, %r2, 1; setp.lt.u32 %p2, %r2, 3; @%p2 bra again; st.global.u32 [%rd3], %r3; ret;')
    expect([r[0], r[7], r[8], r[31]]).toEqual([2, 2, 256, 256])
  })
})

describe('faults', () => {
  it('an address outside every allocation, with its place', () => {
    const fault = faultOf(() => launch(`${index} st.global.u32 [%rd3+256], %r1; ret;`))
    expect(fault.kind).toBe('illegal-address')
    expect(fault.message).toMatch(/k\.ptx:7:\d+: st\.global\.u32: address 0x7e00[0-9a-f]+ .*outside every live allocation/)
  })
  it('a misaligned address', () => expect(faultOf(() => launch(`${index} st.global.u32 [%rd1+2], %r1; ret;`)).kind).toBe('misaligned-address'))
  it('shared memory ends where it was declared to end', () => {
    expect(faultOf(() => launch(`.shared .b32 s[8]; ${index} mov.u32 %r2, s; mad.lo.u32 %r2, %r1, 4, %r2; st.shared.u32 [%r2], %r1; ret;`)).message).toMatch(/outside shared memory of 32 bytes/)
  })
  it('a barrier that not all reach is a deadlock that names its waiters', () => {
    const fault = faultOf(() => launch(`${index} setp.gt.u32 %p1, %r1, 31; @%p1 bra other; bar.sync 0; ret; other: bar.sync 1; ret;`, 64))
    expect(fault.kind).toBe('deadlock')
    expect(fault.message).toMatch(/barrier 0, 64 threads.*barrier 1, 64 threads/)
  })
  it('an endless loop', () => expect(faultOf(() => launch('forever: bra forever;', 32, { maxInstructions: 1e5 })).kind).toBe('too-many-instructions'))
  it('trap', () => expect(faultOf(() => launch('trap;')).kind).toBe('trap'))
  it('a wrong block, too much shared memory, a missing kernel', () => {
    expect(() => launch('ret;', 2000)).toThrow(/2000 threads, must have 1 to 1024/)
    expect(() => launch('.shared .b8 big[300000]; ret;')).toThrow(/a block has at most 232448/)
    expect(() => launch('frobnicate.u32 5;')).toThrow(/unknown instruction frobnicate/)
    expect(() => launch('.reg .b32 %a; add.foo.u32 %a, %a, %a;')).toThrow(/add\.foo\.u32: unknown modifier \.foo/)
  })
})
