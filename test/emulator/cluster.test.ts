// Clusters: ranks up to sixteen, each other's shared memory, and what happens when its block is gone.
import { describe, expect, it } from 'vitest'
import { createSanitizer } from '../../backends/emulator/sanitizer/index.ts'
import { classes, faultOf, run, words } from './support.ts'

const ownWord = 'mov.u32 %r20, %ctaid.x; mul.wide.u32 %rd9, %r20, 4; add.s64 %rd9, %out, %rd9;'
const sync = 'barrier.cluster.arrive; barrier.cluster.wait;'

it('sixteen blocks', () => {
  const r = run(`mov.u32 %r1, %cluster_ctarank; mov.u32 %r2, %cluster_nctarank; mad.lo.u32 %r1, %r2, 100, %r1; ${ownWord} st.global.u32 [%rd9], %r1; ret;`, { grid: [32, 1, 1], block: [1, 1, 1], cluster: [16, 1, 1] })
  expect(words(r).slice(0, 32)).toEqual(Array.from({ length: 32 }, (_, i) => 1600 + i % 16))
  expect(() => run('ret;', { grid: [32, 1, 1], cluster: [32, 1, 1] })).toThrow(/32 blocks, must have at most 16/)
})

it('atomics on the memory of rank 0, by all', () => {
  for (const seed of [0, 1, 2]) {
    const r = run(`.shared .align 4 .u32 s; st.shared.u32 [s], 0; ${sync} mov.u32 %r1, s; mapa.shared::cluster.u32 %r2, %r1, 0; atom.relaxed.cluster.shared::cluster.add.u32 %r3, [%r2], 1; ${sync}
      ld.shared::cluster.u32 %r4, [%r2]; ${ownWord} st.global.u32 [%rd9], %r4; ${sync} ret;`, { grid: [6, 1, 1], block: [32, 1, 1], cluster: [3, 1, 1] }, { seed })
    expect(words(r).slice(0, 6)).toEqual(new Array(6).fill(96))
  }
})

describe('a block that has exited', () => {
  const reader = `.shared .align 4 .b32 s; mov.u32 %r1, %cluster_ctarank; st.shared.u32 [s], %r1; ${sync} mov.u32 %r3, s; mapa.shared::cluster.u32 %r4, %r3, 1; setp.eq.u32 %p1, %r1, 1; @%p1 bra E;
    mov.u32 %r6, 0; L: add.u32 %r6, %r6, 1; setp.lt.u32 %p2, %r6, 3000; @%p2 bra L; ld.shared::cluster.u32 %r5, [%r4]; st.global.u32 [%out], %r5; E: `
  const shape = { grid: [2, 1, 1], block: [32, 1, 1], cluster: [2, 1, 1] } as { grid: [number, number, number]; block: [number, number, number]; cluster: [number, number, number] }
  it('has no shared memory any more', () => {
    expect(faultOf(() => run(`${reader} ret;`, shape)).message).toMatch(/shared memory of block \(1, 0, 0\), all of whose threads have exited/)
    expect(classes(run(`${reader} ret;`, shape, {}, createSanitizer).diagnostics)).toEqual(['shared-out-of-bounds'])
  })
  it('must wait for those that use it', () => expect(words(run(`${reader} ${sync} ret;`, shape, {}, createSanitizer))[0]).toBe(1))
})
