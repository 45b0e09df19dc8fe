// Addresses of all windows: generic ones, bounds, alignment, clusters, and the instructions that make and ask them.
import { describe, expect, it } from 'vitest'
import { GLOBAL_HIGH, LOCAL_HIGH, PARAM_HIGH, SHARED_HIGH } from '../../backends/emulator/machine.ts'
import { classes, faultOf, recorder, run, storeOwn, words, type Shape } from './support.ts'

const own = (body: string, register = '%r2', shape: Shape = {}) => words(run(`${body} ${storeOwn} ${register}; ret;`, shape)).slice(0, 32)
const each = (f: (lane: number) => number) => Array.from({ length: 32 }, (_, lane) => f(lane) >>> 0)
const arrays = '.shared .align 16 .b8 sh[256]; .local .align 16 .b8 lo[64];'

describe('generic addresses', () => {
  it('reach what was stored by the named space, in every space', () => {
    expect(own(`${arrays} shl.b32 %r3, %ti, 2; mov.u32 %r4, sh; add.u32 %r4, %r4, %r3; add.u32 %r5, %ti, 7; st.shared.u32 [%r4], %r5;
      cvt.u64.u32 %rd1, %r4; cvta.shared.u64 %rd2, %rd1; ld.u32 %r2, [%rd2];`)).toEqual(each((l) => l + 7))
    expect(own(`${arrays} mov.u64 %rd1, lo; cvta.local.u64 %rd2, %rd1; st.u32 [%rd2+8], %ti; ld.local.u32 %r2, [lo+8];`)).toEqual(each((l) => l))
    expect(own('cvta.to.global.u64 %rd1, %out; st.global.u32 [%rd1+192], 77; bar.warp.sync -1; ld.u32 %r2, [%out+192];')).toEqual(each(() => 77))
    expect(own('cvta.const.u64 %rd1, cn; ld.u32 %r2, [%rd1+4]; ld.const.u32 %r3, [cn]; mad.lo.u32 %r2, %r3, 100, %r2;', '%r2', { before: '.const .u32 cn[2] = {3, 9};' })).toEqual(each(() => 309))
    expect(own('mov.u64 %rd1, out; cvta.param.u64 %rd2, %rd1; ld.u64 %rd3, [%rd2]; setp.eq.u64 %p1, %rd3, %out; selp.u32 %r2, 1, 0, %p1;')).toEqual(each(() => 1))
  })
  it('to.space and back give the same, and null is of no window', () => {
    expect(own(`${arrays} cvta.shared.u64 %rd1, sh+8; cvta.to.shared.u64 %rd2, %rd1; cvt.u32.u64 %r2, %rd2; shr.u64 %rd3, %rd1, 32; cvt.u32.u64 %r3, %rd3; shl.b32 %r3, %r3, 8; or.b32 %r2, %r2, %r3;`))
      .toEqual(each(() => (SHARED_HIGH << 8) | 8))
  })
  it('isspacep tells the windows apart; constants are not global', () => {
    const test = (space: string) => `isspacep.${space} %p1, %rd1; selp.u32 %r3, 1, 0, %p1; shl.b32 %r2, %r2, 1; or.b32 %r2, %r2, %r3;`
    const all = ['global', 'const', 'shared', 'shared::cluster', 'local', 'param'].map(test).join(' ')
    const of = (make: string) => own(`${arrays} mov.u32 %r2, 0; ${make} ${all}`, '%r2', { before: '.const .u32 cn;' })[0]
    expect([of('mov.u64 %rd1, %out;'), of('cvta.const.u64 %rd1, cn;'), of('cvta.shared.u64 %rd1, sh;'), of('cvta.local.u64 %rd1, lo;'), of('cvta.param.u64 %rd1, out;'), of('mov.u64 %rd1, 0;')])
      .toEqual([0b100000, 0b010000, 0b001100, 0b000010, 0b000001, 0])
  })
})

describe('clusters', () => {
  const shape: Shape = { grid: [2, 1, 1], cluster: [2, 1, 1], words: 64 }
  it('mapa, ld.shared::cluster and generic loads read the other block; getctarank names it', () => {
    const r = run(`.shared .align 4 .u32 s; mov.u32 %r1, %cluster_ctarank; add.u32 %r2, %r1, 40; st.shared.u32 [s], %r2;
      barrier.cluster.arrive; barrier.cluster.wait;
      xor.b32 %r3, %r1, 1; mov.u32 %r4, s; mapa.shared::cluster.u32 %r5, %r4, %r3; ld.shared::cluster.u32 %r6, [%r5];
      cvta.shared.u64 %rd1, s; mapa.u64 %rd2, %rd1, %r3; ld.u32 %r7, [%rd2]; getctarank.u64 %r8, %rd2; getctarank.shared::cluster.u32 %r9, %r4;
      mul.lo.u32 %r6, %r6, 1000; add.u32 %r6, %r6, %r7; shl.b32 %r8, %r8, 20; add.u32 %r6, %r6, %r8; shl.b32 %r9, %r9, 24; add.u32 %r6, %r6, %r9;
      barrier.cluster.arrive; barrier.cluster.wait;
      shl.b32 %r10, %r1, 5; add.u32 %ti, %ti, %r10; ${storeOwn} %r6; ret;`, shape)
    expect([words(r)[0], words(r)[32]]).toEqual([41041 + (1 << 20), 40040 + (1 << 24)])
  })
  it('the other block is out of bounds for ld.shared, and a rank without block for all', () => {
    const body = (load: string, rank: number) => `.shared .align 4 .u32 s; mov.u32 %r4, s; mapa.shared::cluster.u32 %r5, %r4, ${rank}; ${load} %r6, [%r5]; barrier.cluster.arrive; barrier.cluster.wait; ret;`
    expect(faultOf(() => run(body('ld.shared.u32', 1), shape)).message).toMatch(/outside shared memory of 4 bytes/)
    expect(faultOf(() => run(body('ld.shared::cluster.u32', 2), shape)).kind).toBe('illegal-address')
    expect(run(body('ld.shared::cluster.u32', 1), shape).diagnostics).toEqual([])
  })
})

describe('without a sanitizer', () => {
  const cases: [what: string, body: string, kind: string, message: RegExp][] = [
    ['past the end of a buffer', 'ld.global.u32 %r1, [%out+256];', 'illegal-address', /address 0x7e00[0-9a-f]{8} \(4 bytes\) is outside every live allocation/],
    ['across its end', 'ld.global.v4.u32 {%r1, %r2, %r3, %r4}, [%out+240]; ld.global.v2.u64 {%rd1, %rd2}, [%out+256];', 'illegal-address', /16 bytes/],
    ['null', 'mov.u64 %rd1, 0; ld.u32 %r1, [%rd1];', 'illegal-address', /address 0x0 /],
    ['a shared address as global', `${arrays} cvta.shared.u64 %rd1, sh; ld.global.u32 %r1, [%rd1];`, 'illegal-address', /0x7f0000000000 .*outside global memory/],
    ['misaligned by element', 'ld.global.u32 %r1, [%out+2];', 'misaligned-address', /no multiple of 4/],
    ['misaligned by vector', 'ld.global.v4.u32 {%r1, %r2, %r3, %r4}, [%out+8];', 'misaligned-address', /no multiple of 16/],
    ['shared', `${arrays} st.shared.u32 [sh+256], %r1;`, 'illegal-address', /outside shared memory of 256 bytes/],
    ['shared, negative', `${arrays} mov.u32 %r1, 4; st.shared.u32 [%r1+-8], %r1;`, 'illegal-address', /0xfffffffc/],
    ['local', `${arrays} mov.u64 %rd1, lo; ld.local.u32 %r1, [%rd1+4096];`, 'illegal-address', /outside local memory/],
    ['parameters', 'mov.u64 %rd1, out; ld.param.u64 %rd2, [%rd1+8];', 'illegal-address', /outside global memory/],
  ]
  for (const [what, body, kind, message] of cases) {
    it(what, () => {
      const fault = faultOf(() => run(`${body} ret;`))
      expect([fault.kind, fault.message]).toEqual([kind, expect.stringMatching(message)])
      expect(fault.place).toMatchObject({ file: 'k.ptx', thread: 0 })
    })
  }
  it('only the lane that is wrong is named', () => {
    expect(faultOf(() => run('shl.b32 %r1, %ti, 3; cvt.u64.u32 %rd1, %r1; add.u64 %rd1, %rd1, %out; ld.global.u64 %rd2, [%rd1+16]; ret;')).place?.thread).toBe(30)
  })
})

describe('with a sanitizer', () => {
  it('bad lanes are reported and skipped: their loads give zero, others go on', () => {
    const r = recorder()
    const result = run(`mov.u32 %r1, 5; st.global.u32 [%out+128], 9; setp.eq.u32 %p1, %ti, 3; mov.u64 %rd1, %out; add.u64 %rd2, %out, 2; selp.u64 %rd1, %rd2, %rd1, %p1; ld.global.u32 %r1, [%rd1+128]; ${storeOwn} %r1; ret;`, {}, {}, r.factory)
    expect(words(result).slice(0, 6)).toEqual([9, 9, 9, 0, 9, 9])
    expect(r.diagnostics.map((d) => [d.class, d.thread[0]])).toEqual([['misaligned-address', 3]])
  })
  it('a wrong window goes to badAddress, with its space', () => {
    const r = recorder()
    run(`${arrays} setp.eq.u32 %p1, %ti, 3; @%p1 ld.shared.u32 %r1, [sh+1024]; @%p1 ld.global.u32 %r1, [%rd5]; ret;`, {}, {}, r.factory)
    expect(r.calls.filter((c) => c.startsWith('badAddress'))).toEqual(['badAddress 3 shared 1024 4', 'badAddress 3 global 0 4'])
    expect(classes(r.diagnostics)).toEqual([])
  })
})

it('windows are apart', () => expect(new Set([GLOBAL_HIGH, SHARED_HIGH, LOCAL_HIGH, PARAM_HIGH]).size).toBe(4))

describe('alloca', () => {
  it('gives aligned places that do not overlap, back again by stackrestore and by returning', () => {
    const f = `.func (.reg .b32 %o) f(.reg .b32 %i) { .reg .b64 %rd<4>; alloca.u64 %rd1, 8192, 16; st.local.u32 [%rd1], %i; ld.local.u32 %o, [%rd1]; ret; }`
    const body = `stacksave.u64 %rd1; alloca.u64 %rd2, 12, 64; alloca.u64 %rd3, 4; st.local.u32 [%rd2], %ti; st.local.u32 [%rd3], 1000; ld.local.u32 %r3, [%rd2]; ld.local.u32 %r4, [%rd3]; add.u32 %r2, %r3, %r4;
      and.b64 %rd6, %rd2, 63; cvt.u32.u64 %r5, %rd6; add.u32 %r2, %r2, %r5; stackrestore.u64 %rd1; alloca.u64 %rd4, 4, 64; setp.ne.u64 %p1, %rd4, %rd2; @%p1 mov.u32 %r2, 1;
      mov.u32 %r6, 0; again: call (%r7), f, (%ti); add.u32 %r6, %r6, 1; setp.lt.u32 %p2, %r6, 5; @%p2 bra again; add.u32 %r2, %r2, %r7;`
    expect(own(body, '%r2', { before: f })).toEqual(each((l) => 2 * l + 1000))
    expect(faultOf(() => run('again: alloca.u64 %rd1, 4096, 16; bra again; ret;')).message).toMatch(/alloca of 4096 bytes; a function has 16384/)
  })
})
