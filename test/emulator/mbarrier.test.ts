// mbarriers: phases, states, transaction counts, what is misuse, and how polls wait.
import { describe, expect, it } from 'vitest'
import { createSanitizer } from '../../backends/emulator/sanitizer/index.ts'
import { classes, faultOf, run, words } from './support.ts'

const store = (n: number, r: string) => `st.global.u32 [%out+${4 * n}], ${r};`
const test = (parity: number, at: number) => `mbarrier.test_wait.parity.shared.b64 %p1, [b], ${parity}; selp.u32 %r9, 1, 0, %p1; ${store(at, '%r9')}`
const begin = (count: number) => `.shared .align 8 .b64 b; mbarrier.init.shared.b64 [b], ${count};`
/** By one thread. */
const alone = (body: string, options = {}) => words(run(`${body} ret;`, { block: [1, 1, 1] }, options))

describe('phases', () => {
  it('of a fresh barrier: the one before counts as ended', () => expect(alone(`${begin(1)} ${test(1, 0)} ${test(0, 1)}`).slice(0, 2)).toEqual([1, 0]))
  it('turn with the last arrival', () => {
    expect(alone(`${begin(3)} mbarrier.arrive.shared.b64 _, [b], 2; ${test(0, 0)} mbarrier.arrive.shared.b64 _, [b]; ${test(0, 1)} ${test(1, 2)}`).slice(0, 3)).toEqual([0, 1, 0])
  })
  it('by state', () => {
    const look = (at: number) => `mbarrier.test_wait.shared.b64 %p1, [b], %rd1; selp.u32 %r9, 1, 0, %p1; ${store(at, '%r9')}`
    expect(alone(`${begin(2)} mbarrier.arrive.shared.b64 %rd1, [b]; ${look(0)} mbarrier.arrive.release.cta.shared::cta.b64 %rd2, [b]; ${look(1)} mbarrier.arrive.shared.b64 %rd1, [b]; ${look(2)}`).slice(0, 3)).toEqual([0, 1, 0])
  })
  it('pending arrivals as the state has them', () => {
    expect(alone(`${begin(9)} mbarrier.arrive.noComplete.shared.b64 %rd1, [b], 4; mbarrier.pending_count.b64 %r1, %rd1; ${store(0, '%r1')} mbarrier.arrive.shared.b64 %rd1, [b]; mbarrier.pending_count.b64 %r1, %rd1; ${store(1, '%r1')}`).slice(0, 2)).toEqual([9, 5])
  })
  it('arrive_drop: the phases after expect less', () => {
    expect(alone(`${begin(3)} mbarrier.arrive_drop.shared.b64 %rd1, [b], 2; ${test(0, 0)} mbarrier.arrive.shared.b64 _, [b]; ${test(0, 1)} mbarrier.arrive.shared.b64 _, [b]; ${test(1, 2)}`).slice(0, 3)).toEqual([0, 1, 1])
  })
  it('inval, then anew', () => expect(alone(`${begin(5)} mbarrier.inval.shared.b64 [b]; mbarrier.init.shared.b64 [b], 1; mbarrier.arrive.shared.b64 _, [b]; ${test(0, 0)}`)[0]).toBe(1))
})

describe('bytes', () => {
  it('a phase waits for them', () => {
    expect(alone(`${begin(1)} mbarrier.arrive.expect_tx.shared.b64 _, [b], 64; ${test(0, 0)} mbarrier.complete_tx.relaxed.cta.shared.b64 [b], 48; ${test(0, 1)} mbarrier.complete_tx.shared.b64 [b], 16; ${test(0, 2)}`).slice(0, 3)).toEqual([0, 0, 1])
  })
  it('may come before they are expected', () => {
    expect(alone(`${begin(2)} mbarrier.complete_tx.shared.b64 [b], 64; mbarrier.arrive.shared.b64 _, [b]; ${test(0, 0)} mbarrier.arrive.expect_tx.shared.b64 _, [b], 64; ${test(0, 1)}`).slice(0, 2)).toEqual([0, 1])
  })
  it('expect_tx alone is no arrival', () => expect(alone(`${begin(1)} mbarrier.expect_tx.relaxed.cta.shared.b64 [b], 16; mbarrier.complete_tx.shared.b64 [b], 16; ${test(0, 0)} mbarrier.arrive.shared.b64 _, [b]; ${test(0, 1)}`).slice(0, 2)).toEqual([0, 1]))
})

describe('polls', () => {
  const spin = (wait: string, body: string) => `${begin(1)} mov.u32 %r1, 0; L: mbarrier.${wait}.parity.shared.b64 %p1, [b], 0; @%p1 bra D; add.u32 %r1, %r1, 1; ${body} bra L; D: ${store(0, '%r1')}`
  for (const wait of ['test_wait', 'try_wait']) {
    for (const seed of [0, 3]) {
      it(`${wait}: the thread itself arrives after 200 of them, seed ${seed}`, () => {
        expect(alone(spin(wait, 'setp.eq.u32 %p2, %r1, 200; @%p2 mbarrier.arrive.shared.b64 _, [b];'), { seed })[0]).toBe(200)
      })
    }
    it(`${wait}: nobody ever arrives`, () => {
      expect(faultOf(() => alone(spin(wait, '')))).toMatchObject({ kind: 'deadlock', message: expect.stringMatching(/mbarrier at shared 0x0, phase 0: 1 arrivals and 0 bytes missing/) })
    })
  }
  it('with a time limit and semantics', () => expect(alone(`${begin(1)} mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 %p1, [b], 1, 1000; selp.u32 %r9, 7, 0, %p1; ${store(0, '%r9')}`)[0]).toBe(7))
})

describe('copies of a thread', () => {
  const copies = (arrive: string, count: number) => `.shared .align 16 .b32 s[32]; ${begin(count)} st.global.u32 [%out], 11; st.global.u32 [%out+4], 12;
    cp.async.ca.shared.global [s], [%out], 4; cp.async.ca.shared.global [s+4], [%out+4], 4; ${arrive} L: mbarrier.try_wait.parity.shared.b64 %p1, [b], 0; @!%p1 bra L;
    ld.shared.u32 %r1, [s]; ld.shared.u32 %r2, [s+4]; ${store(2, '%r1')} ${store(3, '%r2')}`
  for (const async of ['early', 'late', 'random'] as const) {
    it(`tracked without one more arrival, ${async}`, () => expect(alone(copies('cp.async.mbarrier.arrive.noinc.shared.b64 [b];', 1), { async }).slice(2, 4)).toEqual([11, 12]))
    it(`tracked by one more arrival, ${async}`, () => expect(alone(copies('cp.async.mbarrier.arrive.shared.b64 [b]; mbarrier.arrive.shared.b64 _, [b];', 1), { async }).slice(2, 4)).toEqual([11, 12]))
  }
})

describe('misuse', () => {
  const bugs: [string, string, RegExp][] = [
    ['too many arrivals', `${begin(1)} mbarrier.arrive.shared.b64 _, [b], 2;`, /2 arrivals on an mbarrier that expects 1 more/],
    ['not initialised', '.shared .align 8 .b64 b; mbarrier.arrive.shared.b64 _, [b];', /holds no initialised mbarrier/],
    ['invalidated', `${begin(1)} mbarrier.inval.shared.b64 [b]; mbarrier.arrive.shared.b64 _, [b];`, /holds no initialised mbarrier/],
    ['no arrivals to expect', `${begin(0)}`, /an mbarrier for 0 arrivals/],
    ['more bytes than a phase counts', `${begin(1)} mbarrier.expect_tx.shared.b64 [b], 1048576;`, /transaction count of 1048576/],
    ['a completing arrival that said it was none', `${begin(1)} mbarrier.arrive.noComplete.shared.b64 %rd1, [b], 1;`, /noComplete that completes/],
    ['in global memory', 'mbarrier.arrive.b64 _, [%out];', /an mbarrier outside shared memory/],
  ]
  for (const [name, body, message] of bugs) {
    it(name, () => {
      expect(faultOf(() => alone(body)).message).toMatch(message)
      const told = run(`${body} ret;`, { block: [1, 1, 1] }, {}, createSanitizer).diagnostics
      expect(classes(told)).toContain('mbarrier-misuse')
      expect(told.map((d) => d.message).join('\n')).toMatch(message)
    })
  }
  it('a second init of a live one is told by the sanitizer only', () => {
    expect(alone(`${begin(1)} mbarrier.init.shared.b64 [b], 1; ${test(1, 0)}`)[0]).toBe(1)
    expect(classes(run(`${begin(1)} mbarrier.init.shared.b64 [b], 1; ret;`, { block: [1, 1, 1] }, {}, createSanitizer).diagnostics)).toEqual(['mbarrier-misuse'])
  })
})

describe('forms that do not exist', () => {
  for (const [text, message] of [
    ['mbarrier.arrive.shared.b64 [b];', /has 1 operands, needs 2 to 3/],
    ['mbarrier.arrive.shared::cluster.b64 %rd1, [b];', /its destination must be _/],
    ['mbarrier.arrive.noComplete.release.cluster.shared.b64 %rd1, [b], 1;', /unknown modifier \.cluster/],
    ['mbarrier.arrive.release.shared.b64 _, [b];', /\.release needs \.cta or \.cluster/],
    ['mbarrier.arrive.acquire.cta.shared.b64 _, [b];', /unknown modifier \.acquire/],
    ['mbarrier.test_wait.shared::cluster.b64 %p1, [b], %rd1;', /unknown modifier \.shared::cluster/],
    ['mbarrier.test_wait.parity.shared.b64 %p1, [b], 0, 1;', /has 4 operands, needs 3/],
    ['mbarrier.init.global.b64 [b], 1;', /unknown modifier \.global/],
  ] as const) it(text, () => expect(() => alone(`.shared .align 8 .b64 b; ${text}`)).toThrow(message))
})

it('remote: through shared and generic addresses of another block', () => {
  for (const seed of [0, 1, 2]) {
    const r = run(`${begin(2)} mov.u32 %r1, %cluster_ctarank; xor.b32 %r2, %r1, 1; mov.u32 %r3, b; fence.mbarrier_init.release.cluster; barrier.cluster.arrive; barrier.cluster.wait;
      mapa.shared::cluster.u32 %r4, %r3, %r2; mbarrier.arrive.release.cluster.shared::cluster.b64 _, [%r4]; cvt.u64.u32 %rd1, %r3; cvta.shared.u64 %rd1, %rd1; mapa.u64 %rd2, %rd1, %r2; mbarrier.arrive.b64 _, [%rd2];
      L: mbarrier.try_wait.parity.acquire.cluster.shared::cta.b64 %p1, [b], 0; @!%p1 bra L; mul.wide.u32 %rd3, %r1, 4; add.s64 %rd3, %out, %rd3; st.global.u32 [%rd3], 5; barrier.cluster.arrive; barrier.cluster.wait; ret;`,
    { grid: [2, 1, 1], block: [1, 1, 1], cluster: [2, 1, 1] }, { seed })
    expect(words(r).slice(0, 2)).toEqual([5, 5])
  }
})

describe('what the sanitizer says of usual patterns', () => {
  const told = (body: string, shape = {}, options = {}) => classes(run(`${body} ret;`, { block: [64, 1, 1], ...shape }, options, createSanitizer).diagnostics)
  const load = (made: string, waits: string) => `.shared .align 128 .b8 t[256]; .shared .align 8 .b64 b; setp.eq.u32 %p1, %ti, 0; @%p1 mbarrier.init.shared.b64 [b], 1; ${made}
    @%p1 mbarrier.arrive.expect_tx.shared.b64 _, [b], 128; @%p1 cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [t], [%out], 128, [b]; ${waits}
    and.b32 %r9, %ti, 31; mov.u32 %r2, t; mad.lo.u32 %r2, %r9, 4, %r2; ld.shared.u32 %r1, [%r2];`
  const loop = 'L: mbarrier.try_wait.parity.shared.b64 %p2, [b], 0; @!%p2 bra L;'
  for (const made of ['@%p1 fence.mbarrier_init.release.cluster; bar.sync 0;', '@%p1 fence.proxy.async; bar.sync 0;', 'bar.sync 0;']) it(`made known by ${made} nothing`, () => expect(told(load(made, loop))).toEqual([]))
  it('one thread waits for all behind a barrier: nothing', () => expect(told(load('bar.sync 0;', `@!%p1 bra S; ${loop} S: bar.sync 0;`))).toEqual([]))
  it('one thread waits, the others do not', () => expect(told(load('bar.sync 0;', `@!%p1 bra S; ${loop} S:`))).toContain('async-race'))
  it('the answer of a wait is ignored', () => expect(told(load('bar.sync 0;', 'mbarrier.try_wait.parity.shared.b64 %p2, [b], 0;'), {}, { async: 'late', seed: 1 })).toContain('async-race'))
  const cluster = (fence: string) => `.shared .align 8 .b64 b; setp.eq.u32 %p1, %ti, 0; mov.u32 %r3, b; @%p1 mbarrier.init.shared.b64 [b], 4; ${fence} barrier.cluster.arrive.relaxed.aligned; barrier.cluster.wait.acquire.aligned;
    setp.lt.u32 %p3, %ti, 4; mapa.shared::cluster.u32 %r4, %r3, %ti; @%p3 mbarrier.arrive.shared::cluster.b64 _, [%r4]; ${loop} barrier.cluster.arrive; barrier.cluster.wait;`
  const four = { grid: [4, 1, 1], cluster: [4, 1, 1] }
  it('made known to a cluster by a fence and a relaxed arrival: nothing', () => expect(told(cluster('@%p1 fence.mbarrier_init.release.cluster;'), four)).toEqual([]))
  it('without the fence', () => expect(told(cluster(''), four)).toContain('mbarrier-misuse'))
})
