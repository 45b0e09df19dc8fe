// Bulk copies and reductions in all directions, groups, stores that an mbarrier hears of, and what is refused.
import { describe, expect, it } from 'vitest'
import { createSanitizer } from '../../backends/emulator/sanitizer/index.ts'
import { classes, faultOf, run, words } from './support.ts'

const modes = ['early', 'late', 'random'] as const
const start = '.shared .align 128 .b8 s[4096]; .shared .align 8 .b64 b; mov.u32 %r30, s; mov.u32 %r31, b;'
const init = 'mbarrier.init.shared.b64 [b], 1; fence.mbarrier_init.release.cluster;'
const wait = 'L: mbarrier.try_wait.parity.shared.b64 %p1, [b], 0; @!%p1 bra L;'
const complete = 'mbarrier::complete_tx::bytes'
/** Words 0.. of shared memory become first, first + step, ... */
const fillShared = (count: number, first: number, step: number) => Array.from({ length: count }, (_, i) => `st.shared.u32 [s+${4 * i}], ${first + step * i};`).join(' ')

describe('to shared memory', () => {
  for (const async of modes) {
    for (const space of ['shared::cluster', 'shared::cta']) {
      it(`.${space} from .global, ${async}`, () => {
        const r = run(`${start} ${init} st.global.v4.u32 [%out], {1, 2, 3, 4}; fence.proxy.async; mbarrier.arrive.expect_tx.shared.b64 _, [b], 16;
          cp.async.bulk.${space}.global.${complete} [s+32], [%out], 16, [b]; ${wait} ld.shared.u32 %r1, [s+44]; st.global.u32 [%out+16], %r1; ret;`, { block: [1, 1, 1], version: '8.6' }, { async })
        expect(words(r)[4]).toBe(4)
      })
    }
    it(`to each block that a mask names, ${async}`, () => {
      // Block 1 of four sends 16 bytes to blocks 0, 1 and 3.
      const r = run(`${start} ${init} mov.u32 %r1, %cluster_ctarank; st.shared.u32 [s+64], 9; mov.b32 %r2, 0xb; cvt.u16.u32 %h, %r2; setp.eq.u32 %p2, %r1, 1; setp.ne.u32 %p3, %r1, 2;
        @%p2 st.global.v4.u32 [%out+64], {21, 22, 23, 24}; fence.proxy.async; @%p3 mbarrier.arrive.expect_tx.shared.b64 _, [b], 16; barrier.cluster.arrive; barrier.cluster.wait;
        @%p2 cp.async.bulk.shared::cluster.global.${complete}.multicast::cluster [s+64], [%out+64], 16, [b], %h; @%p3 bra L; bra E; ${wait} E: ld.shared.u32 %r3, [s+64]; mul.wide.u32 %rd1, %r1, 4; add.s64 %rd1, %out, %rd1; st.global.u32 [%rd1], %r3;
        barrier.cluster.arrive; barrier.cluster.wait; ret;`.replace('.shared .align 128', '.reg .b16 %h; .shared .align 128'), { grid: [4, 1, 1], block: [1, 1, 1], cluster: [4, 1, 1] }, { async, seed: 2 })
      expect(words(r).slice(0, 4)).toEqual([21, 21, 9, 21])
    })
  }
})

describe('to global memory', () => {
  const two = (waits: string) => words(run(`${start} ${fillShared(8, 5, 1)} fence.proxy.async; cp.async.bulk.global.shared::cta.bulk_group [%out], [s], 16; cp.async.bulk.commit_group;
    cp.async.bulk.global.shared::cta.bulk_group [%out+16], [s+16], 16; cp.async.bulk.commit_group; ${waits} ret;`, { block: [1, 1, 1] }, { async: 'late' }))
  const look = 'ld.volatile.global.u32 %r1, [%out]; ld.volatile.global.u32 %r2, [%out+16]; st.global.u32 [%out+128], %r1; st.global.u32 [%out+132], %r2;'
  const seen = (all: number[]) => [all[32], all[33]]
  it('nothing waited for: nothing there yet, all there at the end', () => { const all = two(look); expect([seen(all), all.slice(0, 8)]).toEqual([[0, 0], [5, 6, 7, 8, 9, 10, 11, 12]]) })
  it('all but the newest group', () => expect(seen(two(`cp.async.bulk.wait_group 1; ${look}`))).toEqual([5, 0]))
  it('all groups', () => expect(seen(two(`cp.async.bulk.wait_group 0; ${look}`))).toEqual([5, 9]))
  it('.read: the source may change, the destination has not', () => {
    const all = two(`cp.async.bulk.wait_group.read 0; st.shared.u32 [s], 99; ${look}`)
    expect([seen(all), all[0]]).toEqual([[0, 0], 5])
  })
  it('.read of the older one only: the newer one still reads', () => {
    const all = two('cp.async.bulk.wait_group.read 1; st.shared.u32 [s], 99; st.shared.u32 [s+16], 98;')
    expect([all[0], all[4]]).toEqual([5, 98])
  })
})

describe('reductions', () => {
  const cases: [string, number[], number[], number[]][] = [
    ['add.u32', [1, 2 ** 32 - 1, 5, 0], [10, 2, 7, 3], [11, 1, 12, 3]],
    ['add.s32', [-1 >>> 0, 1, 5, 0], [1, 2, 7, 3], [0, 3, 12, 3]],
    ['add.u64', [0xffffffff, 0, 1, 2], [1, 0, 1, 1], [0, 1, 2, 3]],
    ['min.u32', [1, 9, 5, 0], [10, 2, 2 ** 32 - 1, 3], [1, 2, 5, 0]],
    ['max.s32', [1, -9 >>> 0, 5, 0], [10, 2, -1 >>> 0, 3], [10, 2, 5, 3]],
    ['min.s64', [0, -1 >>> 0, 5, 0], [1, 0, 4, 0], [0, -1 >>> 0, 4, 0]],
    ['inc.u32', [3, 7, 0, 9], [5, 7, 1, 5], [4, 0, 1, 0]],
    ['dec.u32', [3, 0, 9, 1], [5, 7, 5, 1], [2, 7, 5, 0]],
    ['and.b32', [0xf0, 0xff, 1, 0], [0x3c, 0x0f, 1, 1], [0x30, 0x0f, 1, 0]],
    ['or.b64', [1, 2, 4, 8], [16, 32, 64, 128], [17, 34, 68, 136]],
    ['xor.b32', [1, 2, 3, 4], [1, 1, 1, 1], [0, 3, 2, 5]],
    ['add.f32', [0x3f800000, 0x00000001, 0, 0x7f800000], [0x40000000, 0x00000001, 0x80000000, 0x3f800000], [0x40400000, 0, 0, 0x7f800000]],
    ['add.f64', [0, 0x3ff00000, 0, 0], [0, 0x3ff00000, 0, 0x40000000], [0, 0x40000000, 0, 0x40000000]],
    ['add.noftz.f16', [0x3c003c00, 0x00010001, 0, 0], [0x40003c00, 0x00010001, 0, 0x3c00], [0x42004000, 0x00020002, 0, 0x3c00]],
    ['max.bf16', [0x3f80c000, 0, 0, 0], [0x4000bf80, 0, 0, 0x3f80], [0x4000bf80, 0, 0, 0x3f80]],
  ]
  const shared = ['add.u32', 'add.s32', 'add.u64', 'min.u32', 'max.s32', 'inc.u32', 'dec.u32', 'and.b32', 'xor.b32']
  const set = (space: string, base: string, values: number[]) => values.map((v, i) => `st.${space}.u32 [${base}+${4 * i}], ${v};`).join(' ')
  for (const [name, old, added, sum] of cases) {
    it(`.${name} in global memory`, () => {
      const r = run(`${start} ${set('global', '%out', old)} ${set('shared', 's', added)} fence.proxy.async; cp.reduce.async.bulk.global.shared::cta.bulk_group.${name} [%out], [s], 16; cp.async.bulk.commit_group; cp.async.bulk.wait_group 0; ret;`, { block: [1, 1, 1] })
      expect(words(r).slice(0, 4)).toEqual(sum)
    })
    if (shared.includes(name)) it(`.${name} in another block's memory`, () => {
      const r = run(`${start} ${init} ${set('shared', 's', old)} ${set('shared', 's+64', added)} fence.proxy.async; mov.u32 %r1, %cluster_ctarank; xor.b32 %r2, %r1, 1; mapa.shared::cluster.u32 %r3, %r30, %r2; mapa.shared::cluster.u32 %r4, %r31, %r2;
        mbarrier.arrive.expect_tx.shared.b64 _, [b], 16; barrier.cluster.arrive; barrier.cluster.wait; add.u32 %r5, %r30, 64;
        cp.reduce.async.bulk.shared::cluster.shared::cta.${complete}.${name} [%r3], [%r5], 16, [%r4]; ${wait} ld.shared.v4.u32 {%r6, %r7, %r8, %r9}, [s]; mul.wide.u32 %rd1, %r1, 16; add.s64 %rd1, %out, %rd1; st.global.v4.u32 [%rd1], {%r6, %r7, %r8, %r9};
        barrier.cluster.arrive; barrier.cluster.wait; ret;`, { grid: [2, 1, 1], block: [1, 1, 1], cluster: [2, 1, 1] }, { seed: 1 })
      expect(words(r).slice(0, 8)).toEqual([...sum, ...sum])
    })
  }
})

describe('what is wrong', () => {
  const one = (copy: string, options = {}) => run(`${start} ${init} fence.proxy.async; ${copy} ret;`, { block: [1, 1, 1] }, options)
  const cases: [string, string, string, RegExp][] = [
    ['a size that is no multiple of 16', `cp.async.bulk.global.shared::cta.bulk_group [%out], [s], 20;`, 'misaligned-address', /bulk copy of 20 bytes, must be a multiple of 16/],
    ['a misaligned source', `cp.async.bulk.global.shared::cta.bulk_group [%out], [s+8], 16;`, 'misaligned-address', /no multiple of 16/],
    ['past the end of the buffer', `cp.async.bulk.global.shared::cta.bulk_group [%out+240], [s], 32;`, 'illegal-address', /\(32 bytes\) is outside every live allocation/],
    ['past the end of shared memory', `cp.async.bulk.shared::cluster.global.${complete} [s+4064], [%out], 64, [b];`, 'illegal-address', /outside shared memory of 4104 bytes/],
    ['a barrier that is none', `cp.async.bulk.shared::cluster.global.${complete} [s], [%out], 16, [s+64];`, 'illegal-instruction', /holds no initialised mbarrier/],
    ['a block that the cluster lacks', `.reg .b16 %h; mov.b16 %h, 6; cp.async.bulk.shared::cluster.global.${complete}.multicast::cluster [s], [%out], 16, [b], %h;`, 'illegal-instruction', /multicast to blocks 0x6 of a cluster of 1/],
  ]
  for (const [name, copy, kind, message] of cases) it(name, () => expect(faultOf(() => one(copy))).toMatchObject({ kind, message: expect.stringMatching(message) }))
  it('the same under the sanitizer: classes, and the launch goes on', () => {
    const told = (copy: string) => classes(run(`${start} ${init} fence.proxy.async; ${copy} ret;`, { block: [1, 1, 1] }, {}, createSanitizer).diagnostics)
    expect(told('cp.async.bulk.global.shared::cta.bulk_group [%out+240], [s+64], 32;')).toContain('global-out-of-bounds')
    expect(told(`cp.async.bulk.shared::cluster.global.${complete} [s+4064], [%out], 64, [b];`)).toContain('shared-out-of-bounds')
    expect(told('cp.async.bulk.global.shared::cta.bulk_group [%out+4], [s], 16;')).toContain('misaligned-address')
  })
  const refused: [string, RegExp][] = [
    [`cp.async.bulk.global.shared::cta.${complete} [%out], [s], 16, [b];`, /completes by \.bulk_group/],
    ['cp.async.bulk.global.global.bulk_group [%out], [%out], 16;', /no copy to \.global from \.global/],
    ['cp.async.bulk.global.shared::cta.bulk_group.cp_mask [%out], [s], 16, 3;', /\.cp_mask needs sm_100/],
    ['cp.reduce.async.bulk.global.shared::cta.bulk_group.add.f16 [%out], [s], 16;', /\.add\.f16 needs \.noftz/],
    ['cp.reduce.async.bulk.global.shared::cta.bulk_group.inc.s32 [%out], [s], 16;', /\.inc to \.global has no \.s32/],
    [`cp.reduce.async.bulk.shared::cluster.shared::cta.${complete}.add.f32 [s], [s], 16, [b];`, /\.add to \.shared::cluster has no \.f32/],
    ['cp.async.bulk.tensor.2d.shared::cluster.global.tile::gather4.mbarrier::complete_tx::bytes [s], [%rd1, {%r1, %r1, %r1, %r1, %r1}], [b];', /needs sm_100|coordinates/],
    ['multimem.cp.async.bulk.global.shared::cta.bulk_group [%out], [s], 16;', /several GPUs, which is not emulated/],
    ['cp.async.cg.shared.global [s], [%out], 8;', /cp\.async\.cg copies 16 bytes, not 8/],
  ]
  for (const [text, message] of refused) it(text, () => expect(() => one(text)).toThrow(message))
})
