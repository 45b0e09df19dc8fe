// Barriers of blocks and clusters, fences: what passes, what waits, what the sanitizer is told.
import { describe, expect, it } from 'vitest'
import { classes, faultOf, recorder, run, storeOwn, words } from './support.ts'

/** Each thread writes its index to shared memory, and after a barrier reads that of thread `n - 1 - tid`. */
const exchange = (n: number, barrier: string) => `.shared .align 4 .b8 s[4096]; mov.u32 %r1, s; mad.lo.u32 %r2, %ti, 4, %r1; st.shared.u32 [%r2], %ti; ${barrier}
  sub.u32 %r3, ${n - 1}, %ti; mad.lo.u32 %r3, %r3, 4, %r1; ld.shared.u32 %r4, [%r3]; ${storeOwn} %r4; ret;`
const reversed = (n: number) => Array.from({ length: n }, (_, i) => n - 1 - i)

describe('whole block', () => {
  for (const text of ['bar.sync 0;', 'bar.cta.sync 15;', 'barrier.sync 3;', 'barrier.cta.sync.aligned 2;', 'bar.sync 1, 128;', 'mov.u32 %r9, 7; mov.u32 %r10, 128; barrier.sync %r9, %r10;']) {
    for (const seed of [0, 1, 2]) it(`${text} seed ${seed}`, () => expect(words(run(exchange(128, text), { block: [128, 1, 1], words: 128 }, { seed }))).toEqual(reversed(128)))
  }
  it('counts warps: the last one may be partial', () => expect(words(run(exchange(48, 'bar.sync 0, 64;'), { block: [48, 1, 1], words: 48 }))).toEqual(reversed(48)))
  it('a phase after another', () => {
    const r = run(`.shared .align 4 .u32 s; setp.eq.u32 %p1, %ti, 0; mov.u32 %r1, 0;
      L: @%p1 st.shared.u32 [s], %r1; bar.sync 0; ld.shared.u32 %r2, [s]; add.u32 %r3, %r3, %r2; bar.sync 0; add.u32 %r1, %r1, 1; setp.lt.u32 %p2, %r1, 10; @%p2 bra L;
      ${storeOwn} %r3; ret;`, { block: [64, 1, 1] }, { seed: 5 })
    expect(words(r)).toEqual(new Array(64).fill(45))
  })
  it('threads that exited are not waited for', () => {
    expect(words(run(`setp.ge.u32 %p1, %ti, 32; @%p1 exit; bar.sync 0; ${storeOwn} 9; ret;`, { block: [64, 1, 1] })).slice(30, 34)).toEqual([9, 9, 0, 0])
  })
  it('lanes of one warp may come from two instructions', () => {
    const r = run(`setp.lt.u32 %p1, %ti, 16; @%p1 bra A; barrier.sync 1, 64; bra J; A: barrier.sync 1, 64; J: ${storeOwn} 7; ret;`, { block: [64, 1, 1] })
    expect(words(r)).toEqual(new Array(64).fill(7))
  })
  it('lanes whose guard is false go on', () => {
    const r = run(`setp.lt.u32 %p1, %ti, 32; @%p1 barrier.sync 1, 32; ${storeOwn} 5; ret;`, { block: [64, 1, 1] })
    expect(words(r)).toEqual(new Array(64).fill(5))
    // Inside one warp too: they end, and then the others have waited for all of their warp.
    expect(words(run(`setp.lt.u32 %p1, %ti, 16; @%p1 barrier.sync 1; ${storeOwn} 6; ret;`)).slice(0, 32)).toEqual(new Array(32).fill(6))
  })
})

it('a producer arrives without waiting, a consumer waits for it', () => {
  for (const seed of [0, 1, 2, 3]) {
    const r = run(`.shared .align 4 .u32 s[32]; mov.u32 %r1, s; and.b32 %r2, %ti, 31; mad.lo.u32 %r1, %r2, 4, %r1; setp.ge.u32 %p1, %ti, 32; @%p1 bra C;
      add.u32 %r3, %r2, 100; st.shared.u32 [%r1], %r3; bar.arrive 4, 64; ret;
      C: bar.sync 4, 64; ld.shared.u32 %r4, [%r1]; ${storeOwn} %r4; ret;`, { block: [64, 1, 1] }, { seed })
    expect(words(r).slice(32, 35)).toEqual([100, 101, 102])
  }
})

describe('reductions', () => {
  const red = (text: string, predicate: string) => words(run(`setp.${predicate}; mov.u32 %r1, 77; ${text} ${storeOwn} %r1; ret;`, { block: [96, 1, 1], words: 96 }, { seed: 1 }))
  it('popc', () => expect(red('bar.red.popc.u32 %r1, 0, %p1;', 'lt.u32 %p1, %ti, 50')).toEqual(new Array(96).fill(50)))
  it('popc of the opposite, with a count', () => expect(red('barrier.cta.red.popc.aligned.u32 %r1, 0, 96, !%p1;', 'lt.u32 %p1, %ti, 50')).toEqual(new Array(96).fill(46)))
  const asWord = 'selp.u32 %r1, 1, 0, %p2;'
  it('and', () => {
    expect(new Set(red(`bar.red.and.pred %p2, 0, %p1; ${asWord}`, 'lt.u32 %p1, %ti, 95'))).toEqual(new Set([0]))
    expect(new Set(red(`bar.red.and.pred %p2, 0, %p1; ${asWord}`, 'lt.u32 %p1, %ti, 96'))).toEqual(new Set([1]))
  })
  it('or', () => {
    expect(new Set(red(`barrier.red.or.aligned.pred %p2, 0, %p1; ${asWord}`, 'eq.u32 %p1, %ti, 95'))).toEqual(new Set([1]))
    expect(new Set(red(`barrier.red.aligned.or.pred %p2, 0, %p1; ${asWord}`, 'eq.u32 %p1, %ti, 96'))).toEqual(new Set([0]))
  })
})

describe('clusters', () => {
  const blocks = 'mov.u32 %r1, %cluster_ctarank;'
  it('all blocks arrive before one passes', () => {
    // Each block counts itself in global memory, and after the barrier all must see the whole count.
    for (const seed of [0, 1, 2]) {
      const r = run(`${blocks} atom.global.add.u32 %r2, [%out+128], 1; barrier.cluster.arrive.release.aligned; barrier.cluster.wait.acquire.aligned;
        ld.volatile.global.u32 %r3, [%out+128]; mul.wide.u32 %rd1, %r1, 4; add.s64 %rd1, %out, %rd1; st.global.u32 [%rd1], %r3; ret;`, { grid: [4, 1, 1], cluster: [4, 1, 1] }, { seed })
      expect(words(r).slice(0, 4)).toEqual([128, 128, 128, 128])
    }
  })
  it('again and again', () => {
    const r = run(`mov.u32 %r5, 0; L: atom.global.add.u32 %r2, [%out+128], 1; barrier.cluster.arrive; barrier.cluster.wait; ld.volatile.global.u32 %r3, [%out+128]; barrier.cluster.arrive.relaxed; barrier.cluster.wait;
      add.u32 %r5, %r5, 1; setp.lt.u32 %p1, %r5, 5; @%p1 bra L; ${storeOwn} %r3; ret;`, { grid: [2, 1, 1], cluster: [2, 1, 1] }, { seed: 3 })
    expect(words(r)[0]).toBe(2 * 32 * 5)
  })
  it('blocks that ended are not waited for', () => expect(words(run(`${blocks} setp.eq.u32 %p1, %r1, 1; @%p1 exit; barrier.cluster.arrive; barrier.cluster.wait; ${storeOwn} 3; ret;`, { grid: [2, 1, 1], cluster: [2, 1, 1] }))[0]).toBe(3))
  it('a thread that exits after it arrived counts as arrived only', () => {
    // Block 1 arrives and ends; block 0 must still wait for its own second warp.
    const r = run(`${blocks} setp.eq.u32 %p1, %r1, 1; barrier.cluster.arrive; @%p1 exit; barrier.cluster.wait; ${storeOwn} 4; ret;`, { grid: [2, 1, 1], cluster: [2, 1, 1], block: [64, 1, 1] }, { seed: 2 })
    expect(words(r)).toEqual(new Array(64).fill(4))
  })
  it('a wait without arrival, and an arrival twice, are faults', () => {
    expect(faultOf(() => run('barrier.cluster.wait; ret;', { cluster: [1, 1, 1] })).message).toMatch(/without an arrival/)
    expect(faultOf(() => run('barrier.cluster.arrive; barrier.cluster.arrive; ret;')).message).toMatch(/second barrier\.cluster\.arrive/)
  })
  it('one that a block never reaches names that block', () => {
    const fault = faultOf(() => run(`${blocks} setp.eq.u32 %p1, %r1, 1; @%p1 bra X; barrier.cluster.arrive; barrier.cluster.wait; ret; X: bar.sync 0, 64; ret;`, { grid: [2, 1, 1], cluster: [2, 1, 1] }))
    expect([fault.kind, /cluster barrier; not arrived: block \(1, 0, 0\) warp 0 lanes 0xffffffff/.test(fault.message)]).toEqual(['deadlock', true])
  })
})

describe('sanitizer', () => {
  const told = (body: string, threads: number) => { const r = recorder(); const result = run(body, { block: [threads, 1, 1], words: 128 }, {}, r.factory); return { ...r, result } }
  it('nothing for clean code, loops of unequal length before the barrier included', () => {
    const r = told(`mov.u32 %r1, 0; mul.lo.u32 %r2, %ti, 100; L: add.u32 %r1, %r1, 1; setp.le.u32 %p1, %r1, %r2; @%p1 bra L; bar.sync 0; ${storeOwn} %r1; ret;`, 64)
    expect(r.diagnostics).toEqual([])
    expect(r.calls.filter((c) => c.startsWith('barrierArrive')).length).toBeGreaterThanOrEqual(2)
    expect(r.calls.filter((c) => c.startsWith('barrierLeave')).length).toBeGreaterThanOrEqual(2)
  })
  it('threads that exit without reaching it', () => expect(classes(told('setp.ge.u32 %p1, %ti, 40; @%p1 exit; bar.sync 0; ret;', 64).diagnostics)).toEqual(['barrier-divergence']))
  it('an aligned one reached from two instructions by one warp', () => {
    const { diagnostics } = told('setp.lt.u32 %p1, %ti, 16; @%p1 bra A; bar.sync 0; ret; A: bar.sync 0; ret;', 32)
    expect(classes(diagnostics)).toEqual(['barrier-divergence'])
    expect(diagnostics[0].at.line).toBeGreaterThan(0)
  })
  it('in one half of an if', () => expect(classes(told(`setp.lt.u32 %p1, %ti, 16; @!%p1 bra J; bar.sync 0; J: bar.sync 0; ret;`, 32).diagnostics)).toContain('barrier-divergence'))
  it('unaligned ones may come from two instructions', () => expect(told('setp.lt.u32 %p1, %ti, 16; @%p1 bra A; barrier.sync 0; ret; A: barrier.sync 0; ret;', 32).diagnostics).toEqual([]))
  it('warps at different barriers: a deadlock, and divergence', () => {
    const { diagnostics, result } = told('setp.lt.u32 %p1, %ti, 32; @%p1 bra A; bar.sync 0; ret; A: bar.sync 1; ret;', 64)
    expect(classes(diagnostics)).toEqual(['barrier-divergence', 'deadlock'])
    expect([result.fault?.kind, diagnostics[0].other]).toEqual(['deadlock', expect.stringMatching(/barrier 1, 64 threads of which 1 warps arrived.*barrier 0/)])
  })
  it('fences by order and scope', () => {
    const { calls } = told('membar.gl; fence.sc.sys; fence.cta; fence.acquire.gpu; fence.proxy.async.shared::cta; fence.mbarrier_init.release.cluster; fence.proxy.alias; fence.proxy.tensormap::generic.acquire.gpu [%out], 128; griddepcontrol.wait; ret;', 32)
    expect(calls.filter((c) => /ence/.test(c))).toEqual(['fence -1 sc gpu', 'fence -1 sc sys', 'fence -1 acq_rel cta', 'fence -1 acquire gpu', 'proxyFence -1 shared', 'fence -1 release cluster', 'fence -1 acquire gpu'])
  })
})

describe('refuses', () => {
  const refused: [string, RegExp, string?][] = [
    ['bar.sync 16;', /there are 16, from 0 to 15/], ['bar.sync 0, 33;', /multiple of 32/], ['bar.arrive 1;', /1 operands, needs 2/], ['bar.sync.aligned 0;', /unknown modifier \.aligned/],
    ['bar.foo 0;', /unknown modifier \.foo/], ['bar.red.xor.pred %p1, 0, %p2;', /unknown modifier \.xor/], ['fence.sc;', /lacks its scope/], ['fence;', /lacks its scope/], ['membar.cluster;', /unknown modifier \.cluster/],
    ['fence.proxy.foo;', /unknown modifier \.foo/], ['barrier.cluster.arrive.acquire;', /unknown modifier \.acquire/], ['griddepcontrol;', /lacks its action/],
    ['fence.acq_rel.cluster;', /\.cluster needs sm_90/, 'sm_80'], ['barrier.cluster.arrive;', /needs sm_90/, 'sm_80'], ['griddepcontrol.wait;', /needs sm_90/, 'sm_80'], ['fence.proxy.async;', /needs sm_90/, 'sm_80'],
  ]
  for (const [text, message, target] of refused) it(`${text} ${target ?? ''}`, () => expect(() => run(`${text} ret;`, { target })).toThrow(message))
  it('a barrier number known only at run time', () => expect(faultOf(() => run('add.u32 %r1, %ti, 16; bar.sync %r1; ret;')).kind).toBe('illegal-instruction'))
})
