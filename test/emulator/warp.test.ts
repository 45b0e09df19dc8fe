// Instructions between the lanes of a warp, cp.async, and mma shapes that no sample has.
import { describe, expect, it } from 'vitest'
import { runCase } from '../../backends/emulator/run_case.ts'
import { words } from './support.ts'

const index = `.reg .pred %p<4>; .reg .b32 %r<20>; .reg .b64 %rd<6>; .reg .f32 %f<8>;
  ld.param.u64 %rd1, [out]; mov.u32 %r1, %tid.x; mul.wide.u32 %rd2, %r1, 4; add.s64 %rd3, %rd1, %rd2;`
function lanes(body: string, options: { seed?: number; async?: 'early' | 'late' | 'random' } = {}): number[] {
  const text = `.version 8.0\n.target sm_90\n.address_size 64\n.visible .entry k(.param .u64 out)\n{ ${index} ${body} st.global.b32 [%rd3], %r2; ret; }`
  const r = runCase({ name: 'k', ptx: 'k.ptx', kernel: 'k', grid: [1, 1, 1], block: [32, 1, 1], args: [{ ptr: 'out' }], buffers: [{ name: 'out', type: 'u32', count: 64, fill: 0 }] }, text, options)
  return words(r).slice(0, 32)
}
const each = (f: (lane: number) => number) => Array.from({ length: 32 }, (_, lane) => f(lane) >>> 0)

describe('shfl.sync', () => {
  it('down by 3 in segments of 8: lanes past the end keep their own', () => {
    expect(lanes('shfl.sync.down.b32 %r2|%p1, %r1, 3, 0x1807, -1; selp.u32 %r3, 100, 0, %p1; add.u32 %r2, %r2, %r3;')).toEqual(each((l) => (l % 8 + 3 < 8 ? l + 103 : l)))
  })
  it('up by 2 in segments of 16', () => expect(lanes('shfl.sync.up.b32 %r2, %r1, 2, 0x1000, -1;')).toEqual(each((l) => (l % 16 >= 2 ? l - 2 : l))))
  it('idx and bfly', () => {
    expect(lanes('shfl.sync.idx.b32 %r2, %r1, 5, 0x181f, -1;')).toEqual(each((l) => (l & 24) + 5))
    expect(lanes('shfl.sync.bfly.b32 %r2, %r1, 5, 31, -1;')).toEqual(each((l) => l ^ 5))
  })
  it('waits for lanes that come another way', () => {
    expect(lanes('setp.lt.u32 %p1, %r1, 7; mov.u32 %r3, 1; @%p1 bra few; mov.u32 %r3, 2; few: shfl.sync.bfly.b32 %r2, %r3, 16, 31, -1;')).toEqual(each((l) => ((l ^ 16) < 7 ? 1 : 2)))
  })
})

describe('votes and the like', () => {
  it('ballot, any, all, uni', () => {
    expect(lanes('and.b32 %r3, %r1, 3; setp.eq.u32 %p1, %r3, 0; vote.sync.ballot.b32 %r2, %p1, -1;')).toEqual(each(() => 0x11111111))
    expect(lanes('setp.lt.u32 %p1, %r1, 9; vote.sync.any.pred %p2, %p1, -1; vote.sync.all.pred %p3, !%p1, -1; selp.u32 %r2, 1, 0, %p2; @%p3 add.u32 %r2, %r2, 2;')).toEqual(each(() => 1))
  })
  it('match.any and match.all', () => {
    expect(lanes('rem.u32 %r3, %r1, 3; match.any.sync.b32 %r2, %r3, -1;')).toEqual(each((l) => Array.from({ length: 32 }, (_, k) => (k % 3 === l % 3 ? 1 << k : 0)).reduce((a, b) => a | b)))
    expect(lanes('match.all.sync.b32 %r2|%p1, 7, -1; @!%p1 mov.u32 %r2, 5;')).toEqual(each(() => -1))
    expect(lanes('match.all.sync.b32 %r2|%p1, %r1, -1; @%p1 mov.u32 %r2, 5;')).toEqual(each(() => 0))
  })
  it('redux and elect', () => {
    expect(lanes('redux.sync.add.u32 %r2, %r1, -1;')).toEqual(each(() => 496))
    expect(lanes('sub.s32 %r3, 3, %r1; redux.sync.min.s32 %r2, %r3, -1;')).toEqual(each(() => -28))
    expect(lanes('mov.u32 %r2, 0; elect.sync %r3|%p1, -1; @%p1 mov.u32 %r2, 9;')).toEqual(each((l) => (l === 0 ? 9 : 0)))
  })
})

describe('cp.async', () => {
  for (const mode of ['early', 'late', 'random'] as const) {
    it(`lands before wait_group ends, ${mode}; src-size fills with zeros`, () => {
      const body = `.shared .align 16 .b8 s[128]; st.global.u32 [%rd3], %r1; mov.u32 %r4, s; mad.lo.u32 %r5, %r1, 4, %r4; and.b32 %r6, %r1, 4; cp.async.ca.shared.global [%r5], [%rd3], 4, %r6;
        cp.async.commit_group; cp.async.wait_group 0; ld.shared.u32 %r2, [%r5]; add.u32 %r2, %r2, 50;`
      expect(lanes(body, { async: mode })).toEqual(each((l) => (l & 4 ? l : 0) + 50))
    })
  }
  it('refuses a negative number of groups', () => expect(() => lanes('mov.u32 %r2, 0; cp.async.wait_group -1;')).toThrow(/-1 groups may stay open/))
  it('late copies show a missing wait', () => {
    const body = `.shared .align 16 .b8 s[128]; st.global.u32 [%rd3], %r1; mov.u32 %r4, s; mad.lo.u32 %r5, %r1, 4, %r4; cp.async.ca.shared.global [%r5], [%rd3], 4; cp.async.commit_group; ld.shared.u32 %r2, [%r5];`
    expect(lanes(body, { async: 'late' })).toEqual(each(() => 0))
    expect(lanes(body, { async: 'early' })).toEqual(each((l) => l))
  })
})

describe('mma.sync', () => {
  // A row r is all r + 1, B column c all c + 1: each product is K (r + 1) (c + 1); lane 4 g + t holds D at row g, column 2 t.
  const product = (K: number) => each((l) => K * ((l >> 2) + 1) * (2 * (l & 3) + 1))
  const rows = 'shr.u32 %r3, %r1, 2; add.u32 %r4, %r3, 1; add.u32 %r5, %r3, 9;'
  it('m16n8k32.s32.s8.s8', () => {
    const spread = 'mul.lo.u32 %r4, %r4, 0x01010101; mul.lo.u32 %r5, %r5, 0x01010101;'
    expect(lanes(`${rows} ${spread} mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 {%r2, %r6, %r7, %r8}, {%r4, %r5, %r4, %r5}, {%r4, %r4}, {0, 0, 0, 0};`)).toEqual(product(32))
  })
  it('m16n8k8.f32.tf32, accumulating', () => {
    expect(lanes(`${rows} cvt.rn.f32.u32 %f1, %r4; cvt.rn.f32.u32 %f2, %r5; mov.b32 %r4, %f1; mov.b32 %r5, %f2; mov.f32 %f3, 1.0;
      mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%f4, %f5, %f6, %f7}, {%r4, %r5, %r4, %r5}, {%r4, %r4}, {%f3, %f3, %f3, %f3}; cvt.rni.u32.f32 %r2, %f4;`)).toEqual(product(8).map((x) => x + 1))
  })
})
