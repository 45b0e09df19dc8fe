// Between lanes: every mode of shfl against the ISA's loop, partial masks, tiles with masks of their own, divided warps, and
// which forms there are.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LinearMemory } from '../../backends/emulator/memory.ts'
import { LoadedModule } from '../../backends/emulator/loader.ts'
import { parsePtx } from '../../backends/emulator/parser.ts'
import { faultOf, recorder, run, storeOwn, words, type Shape } from './support.ts'

const lanes = (body: string, shape: Shape = {}, seed = 0) => words(run(`${body} ${storeOwn} %r2; ret;`, shape, { seed })).slice(0, 32)
const each = (f: (lane: number) => number) => Array.from({ length: 32 }, (_, lane) => f(lane) >>> 0)
const bits = (all: boolean[]) => all.reduce((m, x, i) => (x ? m | (1 << i) : m), 0) >>> 0

/** PTX ISA 9.7.9.6, step by step. */
function shuffled(mode: string, lane: number, b: number, c: number): { from: number; p: boolean } {
  const [bval, cval, mask] = [b & 0x1f, c & 0x1f, (c >>> 8) & 0x1f]
  const maxLane = (lane & mask) | (cval & ~mask & 0x1f)
  const minLane = lane & mask
  const j = mode === 'up' ? lane - bval : mode === 'down' ? lane + bval : mode === 'bfly' ? lane ^ bval : minLane | (bval & ~mask & 0x1f)
  const p = mode === 'up' ? j >= maxLane : j <= maxLane
  return { from: p ? j : lane, p }
}

describe('shfl.sync', () => {
  const body = (mode: string, b: string, c: string) => `mul.lo.u32 %r1, %ti, 3; shfl.sync.${mode}.b32 %r2|%p1, %r1, ${b}, ${c}, -1; selp.u32 %r3, 1000, 0, %p1; add.u32 %r2, %r2, %r3;`
  const expected = (mode: string, b: (lane: number) => number, c: (lane: number) => number) => each((l) => { const { from, p } = shuffled(mode, l, b(l), c(l)); return 3 * from + (p ? 1000 : 0) })
  for (const mode of ['up', 'down', 'bfly', 'idx']) {
    // Segments of 32, 16, 8 and 4 lanes; clamps as __shfl_up (0) and the others (31) have them, and in the middle.
    for (const c of [0x1f, 0, 0x101f, 0x1000, 0x181f, 0x1800, 0x1c1f, 0x1c03, 0x0f]) {
      it(`${mode}, c = 0x${c.toString(16)}, with constants and with registers`, () => {
        for (const b of [0, 1, 5, 16, 31, 33]) {
          expect(lanes(body(mode, `${b}`, `${c}`))).toEqual(expected(mode, () => b, () => c))
          expect(lanes(`mov.u32 %r4, ${b}; mov.u32 %r5, ${c}; ${body(mode, '%r4', '%r5')}`)).toEqual(expected(mode, () => b, () => c))
        }
      })
    }
  }
  it('b and c of its own in each lane', () => {
    expect(lanes('mul.lo.u32 %r1, %ti, 3; and.b32 %r4, %ti, 7; and.b32 %r5, %ti, 16; or.b32 %r5, %r5, 15; shfl.sync.bfly.b32 %r2|%p1, %r1, %r4, %r5, -1; selp.u32 %r3, 1000, 0, %p1; add.u32 %r2, %r2, %r3;'))
      .toEqual(expected('bfly', (l) => l & 7, (l) => (l & 16) | 15))
  })
  it('in place, and of a float register', () => {
    expect(lanes('mov.u32 %r2, %ti; shfl.sync.down.b32 %r2, %r2, 1, 31, -1;')).toEqual(each((l) => Math.min(31, l + 1)))
    expect(lanes('.reg .f32 %f<3>; cvt.rn.f32.u32 %f1, %ti; shfl.sync.bfly.b32 %f1, %f1, 1, 31, -1; cvt.rzi.u32.f32 %r2, %f1;')).toEqual(each((l) => l ^ 1))
  })
  it('a sum over the warp, for any values', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 20 }), fc.integer({ min: 0, max: 5 }), (k, seed) => {
      const steps = [16, 8, 4, 2, 1].map((n) => `shfl.sync.bfly.b32 %r3, %r2, ${n}, 31, -1; add.u32 %r2, %r2, %r3;`).join(' ')
      expect(lanes(`mul.lo.u32 %r2, %ti, ${k}; ${steps}`, {}, seed)).toEqual(each(() => 496 * k))
    }), { numRuns: 10 })
  })
})

describe('masks', () => {
  it('only lanes of the mask take part; the last warp may be partial', () => {
    expect(lanes('mov.u32 %r2, 0; setp.lt.u32 %p1, %ti, 12; @%p1 bra in; bra past; in: setp.gt.u32 %p2, %ti, 3; vote.sync.ballot.b32 %r2, %p2, 0xfff; past:')).toEqual(each((l) => (l < 12 ? 0xff0 : 0)))
    expect(words(run(`setp.ge.u32 %p1, %ti, 33; vote.sync.ballot.b32 %r2, %p1, -1; ${storeOwn} %r2; ret;`, { block: [40, 1, 1] })).slice(31, 41)).toEqual([0, ...new Array(8).fill(0xfe), 0])
  })
  it('lanes that exited are not waited for', () => {
    expect(lanes('mov.u32 %r2, 9; setp.gt.u32 %p1, %ti, 20; @%p1 exit; vote.sync.ballot.b32 %r2, 1, -1;')).toEqual(each((l) => (l > 20 ? 0 : 0x1fffff)))
  })
  it('tiles of a warp, each with its mask, at one instruction', () => {
    const tiles = 'and.b32 %r3, %ti, 24; mov.u32 %r4, 0xff; shl.b32 %r4, %r4, %r3;'
    expect(lanes(`${tiles} redux.sync.add.u32 %r2, %ti, %r4;`)).toEqual(each((l) => 8 * (l & 24) + 28))
    expect(lanes(`${tiles} and.b32 %r5, %ti, 1; setp.eq.u32 %p1, %r5, 1; vote.sync.ballot.b32 %r2, %p1, %r4;`)).toEqual(each((l) => 0xaa << (l & 24)))
    expect(lanes(`${tiles} mov.u32 %r2, 0; elect.sync %r5|%p1, %r4; @%p1 add.u32 %r2, %r5, 100;`)).toEqual(each((l) => (l % 8 === 0 ? 100 + l : 0)))
  })
  it('tiles that come apart wait each for their own', () => {
    // Lanes 0..3 and 16..19 come later; the others of their halves wait for them, with a mask of each half.
    const body = `shr.u32 %r3, %ti, 4; shl.b32 %r3, %r3, 4; mov.u32 %r4, 0xffff; shl.b32 %r4, %r4, %r3; and.b32 %r5, %ti, 15; setp.lt.u32 %p1, %r5, 4; @!%p1 bra meet; mov.u32 %r6, 0;
      again: add.u32 %r6, %r6, 1; setp.lt.u32 %p2, %r6, %ti; @%p2 bra again; meet: redux.sync.max.u32 %r2, %ti, %r4;`
    for (const seed of [0, 1, 2, 3]) expect(lanes(body, {}, seed)).toEqual(each((l) => (l < 16 ? 15 : 31)))
  })
  it('divided lanes that execute with masks of their own do not wait for the others', () => {
    expect(lanes('setp.lt.u32 %p1, %ti, 10; @%p1 bra few; redux.sync.add.u32 %r2, 1, 0xfffffc00; bra end; few: redux.sync.add.u32 %r2, 1, 0x3ff; end:')).toEqual(each((l) => (l < 10 ? 10 : 22)))
  })
  it('a lane that never comes is a deadlock that says who is missing', () => {
    const fault = faultOf(() => run('setp.eq.u32 %p1, %ti, 5; @%p1 bra apart; vote.sync.any.pred %p2, %p1, -1; exit; apart: bar.sync 0; exit;'))
    expect([fault.kind, fault.message]).toEqual(['deadlock', expect.stringMatching(/vote\.sync\.any\.pred: lanes 0x20 missing/)])
  })
})

describe('with a sanitizer', () => {
  const calls = (body: string) => { const r = recorder(); run(`${body} ret;`, {}, {}, r.factory); return { sync: r.calls.filter((c) => c.startsWith('warpSync')), found: r.diagnostics.map((d) => [d.class, d.thread[0], d.message]) } }
  it('hears of each .sync', () => expect(calls('shfl.sync.idx.b32 %r1, %ti, 0, 31, -1; bar.warp.sync -1; setp.lt.u32 %p1, %ti, 4; @%p1 match.any.sync.b32 %r2, %ti, 15;')).toEqual({ sync: ['warpSync -1', 'warpSync -1', 'warpSync 15'], found: [] }))
  it('reports lanes that the mask does not name, and lanes that it names whose guard is false', () => {
    expect(calls('vote.sync.any.pred %p1, %p2, 0xff;').found).toEqual([['barrier-divergence', 8, expect.stringMatching(/lanes 0xffffff00 execute it, which its membermask 0xff does not name/)]])
    expect(calls('setp.lt.u32 %p1, %ti, 4; @%p1 bar.warp.sync -1;').found).toEqual([['barrier-divergence', 4, expect.stringMatching(/lanes 0xfffffff0 of the membermask/)]])
  })
})

describe('vote, match, redux, activemask', () => {
  it('vote of all patterns', () => {
    fc.assert(fc.property(fc.oneof(fc.constantFrom(0, -1), fc.integer()), (pattern) => {
      const r = lanes(`mov.u32 %r1, ${pattern >>> 0}; shr.u32 %r1, %r1, %ti; and.b32 %r1, %r1, 1; setp.eq.u32 %p1, %r1, 1; vote.sync.all.pred %p2, %p1, -1; vote.sync.any.pred %p3, %p1, -1; vote.sync.uni.pred %p4, !%p1, -1; vote.sync.ballot.b32 %r2, !%p1, -1;
        selp.u32 %r3, 1, 0, %p2; selp.u32 %r4, 2, 0, %p3; selp.u32 %r5, 4, 0, %p4; or.b32 %r3, %r3, %r4; or.b32 %r3, %r3, %r5; setp.eq.u32 %p5, %ti, 0; @%p5 mov.u32 %r2, %r3;`)
      expect(r[0]).toBe((pattern === -1 ? 1 : 0) | (pattern !== 0 ? 2 : 0) | (pattern === -1 || pattern === 0 ? 4 : 0))
      expect(r[1]).toBe(~pattern >>> 0)
    }), { numRuns: 20 })
  })
  it('match on 64 bits tells values apart by either half', () => {
    const same = (l: number) => bits(Array.from({ length: 32 }, (_, k) => (k & 5) === (l & 5)))
    expect(lanes('and.b32 %r3, %ti, 1; and.b32 %r4, %ti, 4; mov.b64 %rd1, {%r3, %r4}; match.any.sync.b64 %r2, %rd1, -1;')).toEqual(each(same))
    expect(lanes('mov.b64 %rd1, {%r3, %ti}; match.all.sync.b64 %r2|%p1, %rd1, -1; @%p1 mov.u32 %r2, 1;')).toEqual(each(() => 0))
    expect(lanes('setp.gt.u32 %p2, %ti, 3; @%p2 bra end; match.all.sync.b64 %r2|%p1, 77, 15; @!%p1 mov.u32 %r2, 1; end:')).toEqual(each((l) => (l < 4 ? 15 : 0)))
    expect(lanes('and.b32 %r2, %ti, 3; match.any.sync.b32 %r2, %r2, -1;')).toEqual(each((l) => 0x11111111 << (l & 3)))
  })
  it('redux: all operations', () => {
    const values = each((l) => l * 0x9e3779b1)
    const of = (form: string) => lanes(`mul.lo.u32 %r1, %ti, 0x9e3779b1; redux.sync.${form} %r2, %r1, -1;`)[7]
    const signed = values.map((x) => x | 0)
    expect([of('add.u32'), of('add.s32'), of('min.u32'), of('max.u32'), of('min.s32'), of('max.s32'), of('and.b32'), of('or.b32'), of('xor.b32')]).toEqual([
      values.reduce((a, b) => (a + b) >>> 0), values.reduce((a, b) => (a + b) >>> 0), Math.min(...values), Math.max(...values), Math.min(...signed) >>> 0, Math.max(...signed) >>> 0,
      values.reduce((a, b) => a & b) >>> 0, values.reduce((a, b) => a | b) >>> 0, values.reduce((a, b) => a ^ b) >>> 0,
    ])
    expect(lanes('setp.lt.u32 %p1, %ti, 31; @%p1 bra end; redux.sync.min.u32 %r2, %ti, 0x80000000; end:')[31]).toBe(31)
  })
  it('activemask counts lanes whose guard is true', () => {
    expect(lanes('mov.u32 %r2, 0; setp.lt.u32 %p1, %ti, 5; @%p1 activemask.b32 %r2;')).toEqual(each((l) => (l < 5 ? 31 : 0)))
  })
})

const decode = (text: string, target: string, version: string) => new LoadedModule(parsePtx(`.version ${version}\n.target ${target}\n.address_size 64\n.visible .entry k()\n{ .reg .pred %p<4>; .reg .b32 %r<9>; .reg .b64 %rd<4>; .reg .f32 %f<4>;\n${text} ret; }`, 'k.ptx'), new LinearMemory()).functionNamed('k')
describe('forms, as ptxas decides', () => {
  const accepted: [text: string, target?: string, version?: string][] = [
    ['shfl.sync.b32.up %r1,%r2,1,0,-1;'], ['shfl.sync.up.b32 %r1|_,%r2,1,0,-1;'], ['vote.all.sync.pred %p1,%p2,-1;'], ['match.sync.any.b32 %r1,%f2,-1;'], ['match.all.sync.b32 _|%p1,%r2,-1;'], ['elect.sync _|%p1,-1;'],
    ['shfl.up.b32 %r1,%r2,1,0;', 'sm_75', '6.3'], ['vote.ballot.b32 %r1,%p2;', 'sm_60', '6.5'],
  ]
  for (const [text, target = 'sm_90a', version = '9.0'] of accepted) it(`accepts ${text}`, () => { expect(decode(text, target, version).instructions.length).toBe(2) })
  const refused: [text: string, problem: RegExp, target?: string, version?: string][] = [
    ['shfl.sync.up.f32 %f1,%f2,1,0,-1;', /one of/], ['shfl.sync.up.b32 _|%p1,%r2,1,0,-1;', /must be a register/], ['shfl.up.b32 %r1,%r2,1,0;', /needs \.sync/], ['vote.ballot.b32 %r1,%p2;', /needs \.sync/, 'sm_75', '6.5'], ['vote.sync.ballot.pred %p1,%p2,-1;', /of type \.b32/],
    ['match.any.sync.b32 %r1|%p1,%r2,-1;', /no predicate/], ['redux.sync.and.u32 %r1,%r2,-1;', /of type \.b32/], ['redux.sync.add.b32 %r1,%r2,-1;', /\.u32 or \.s32/], ['redux.sync.min.abs.NaN.f32 %f1,%f2,-1;', /sm_100/], ['activemask.u32 %r1;', /one of/],
    ['elect.sync %r1,-1;', /a register and a predicate/], ['redux.sync.add.u32 %r1,%r2,-1;', /sm_80/, 'sm_75', '7.0'], ['elect.sync %r1|%p1,-1;', /PTX 8\.0/, 'sm_90', '7.8'], ['match.any.sync.b32 %r1,%r2,-1;', /sm_70/, 'sm_60', '6.3'],
  ]
  for (const [text, problem, target = 'sm_90a', version = '9.0'] of refused) it(`refuses ${text}`, () => { expect(() => decode(text, target, version)).toThrow(problem) })
})
it('the old shfl and vote work on the lanes that are together', () => {
  expect(lanes('shfl.bfly.b32 %r3|%p1, %ti, 1, 31; setp.lt.u32 %p2, %ti, 3; vote.ballot.b32 %r4, %p2; add.u32 %r2, %r3, %r4;', { target: 'sm_60', version: '6.0' })).toEqual(each((l) => (l ^ 1) + 7))
})
