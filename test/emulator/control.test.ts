// Branches, calls of device functions, exits and traps; the layout of shared and local memory; special registers.
import { describe, expect, it } from 'vitest'
import { faultOf, run, storeOwn, words } from './support.ts'

const own = (f: (i: number) => number) => Array.from({ length: 32 }, (_, i) => f(i))
const result = (body: string, before = '', options = {}) => words(run(`${body} ${storeOwn} %r1; ret;`, { before }, options)).slice(0, 32)

describe('branches', () => {
  it('bra.uni under a guard that divides', () => expect(result('mov.u32 %r1, 1; setp.lt.u32 %p1, %ti, 5; @!%p1 bra.uni E; mov.u32 %r1, 2; E:')).toEqual(own((i) => (i < 5 ? 2 : 1))))
  it('nested, with predicates of several kinds', () => {
    expect(result(`mov.u32 %r1, 0; and.b32 %r2, %ti, 1; setp.ne.u32 %p1, %r2, 0; @%p1 bra ODD; setp.lt.u32 %p2, %ti, 16; @%p2 bra LOW; mov.u32 %r1, 3; bra J; LOW: mov.u32 %r1, 4; bra J; ODD: mov.u32 %r1, 5; J:`))
      .toEqual(own((i) => (i % 2 ? 5 : i < 16 ? 4 : 3)))
  })
  it('brx.idx, all lanes alike and all different, some kept out', () => {
    const table = 'T: .branchtargets A, B, C;'
    const ends = 'mov.u32 %r1, 9; bra J; A: mov.u32 %r1, 10; bra J; B: mov.u32 %r1, 11; bra J; C: mov.u32 %r1, 12; J:'
    expect(result(`mov.u32 %r2, 2; ${table} brx.idx.uni %r2, T; ${ends}`)).toEqual(own(() => 12))
    expect(result(`rem.u32 %r2, %ti, 3; setp.lt.u32 %p1, %ti, 30; ${table} @%p1 brx.idx %r2, T; ${ends}`)).toEqual(own((i) => (i < 30 ? 10 + i % 3 : 9)))
    expect(faultOf(() => result(`mov.u32 %r2, 3; ${table} brx.idx %r2, T; ${ends}`)).message).toMatch(/index 3 of a branch table with 3 targets/)
  })
  it('exit of some lanes in a loop', () => expect(result(`mov.u32 %r2, 0; L: setp.eq.u32 %p1, %r2, %ti; mov.u32 %r1, %r2; @%p1 bra S; add.u32 %r2, %r2, 1; bra L; S: and.b32 %r3, %ti, 1; setp.eq.u32 %p2, %r3, 1; @%p2 exit;`)).toEqual(own((i) => (i % 2 ? 0 : i))))
})

const square = '.func (.reg .u32 r) square(.reg .u32 x) { mul.lo.u32 r, x, x; ret; }'
describe('calls', () => {
  it('parameters in registers, constants among them', () => {
    expect(result('call (%r1), square, (%ti);', square)).toEqual(own((i) => i * i))
    expect(result('call.uni (%r1), square, (12);', square)).toEqual(own(() => 144))
  })
  it('64 bits, narrow types, predicates and bytes in .param space', () => {
    const before = `.func (.reg .u64 r) mix(.reg .u64 a, .reg .u16 h, .reg .pred p) { .reg .u64 t; cvt.u64.u16 t, h; add.u64 r, a, t; @p add.u64 r, r, 1000; ret; }
      .func (.param .align 8 .b8 r[16]) pair(.param .align 8 .b8 x[16]) { .reg .b64 %a, %b; ld.param.b64 %a, [x]; ld.param.b64 %b, [x+8]; st.param.b64 [r], %b; st.param.b64 [r+8], %a; ret; }`
    const body = `.reg .b16 %h; cvt.u64.u32 %rd1, %ti; cvt.u16.u32 %h, %ti; setp.lt.u32 %p1, %ti, 3; call (%rd2), mix, (%rd1, %h, %p1);
      { .param .align 8 .b8 p[16]; .param .align 8 .b8 q[16]; st.param.b64 [p], %rd2; st.param.b64 [p+8], 7; call (q), pair, (p); ld.param.b64 %rd3, [q+8]; ld.param.b64 %rd4, [q]; }
      add.u64 %rd3, %rd3, %rd4; cvt.u32.u64 %r1, %rd3;`
    expect(result(body, before)).toEqual(own((i) => 2 * i + (i < 3 ? 1000 : 0) + 7))
  })
  it('recursion, of another depth in each lane, with local memory of its own', () => {
    // sum(n) keeps n in local memory across the inner call: an activation that shared it would give other sums.
    const before = `.func (.param .b32 r) sum(.param .b32 n) { .local .align 4 .b8 keep[4]; .reg .b32 %a, %b; .reg .pred %p; ld.param.b32 %a, [n]; setp.eq.u32 %p, %a, 0; @%p bra Z; st.local.b32 [keep], %a;
      sub.u32 %b, %a, 1; { .param .b32 m; .param .b32 q; st.param.b32 [m], %b; call (q), sum, (m); ld.param.b32 %b, [q]; } ld.local.b32 %a, [keep]; add.u32 %b, %b, %a; st.param.b32 [r], %b; ret; Z: st.param.b32 [r], 0; ret; }`
    const body = '{ .param .b32 m; .param .b32 q; st.param.b32 [m], %ti; call (q), sum, (m); ld.param.b32 %r1, [q]; }'
    for (const seed of [0, 4]) expect(result(body, before, { seed })).toEqual(own((i) => i * (i + 1) / 2))
  })
  it('through registers, to another function in each lane, and through a table in memory', () => {
    const before = `.func (.reg .u32 r) cube(.reg .u32 x) { mul.lo.u32 r, x, x; mul.lo.u32 r, r, x; ret; } ${square} .global .align 8 .u64 table[2] = { cube, square };`
    const prototype = 'P: .callprototype (.reg .u32 _) _ (.reg .u32 _);'
    expect(result(`${prototype} and.b32 %r2, %ti, 1; setp.eq.u32 %p1, %r2, 0; mov.u64 %rd1, square; mov.u64 %rd2, cube; selp.b64 %rd3, %rd1, %rd2, %p1; setp.lt.u32 %p2, %ti, 31; mov.u32 %r1, 5; @%p2 call (%r1), %rd3, (%ti), P;`, before))
      .toEqual(own((i) => (i === 31 ? 5 : i % 2 ? i ** 3 : i * i)))
    expect(result('T: .calltargets cube, square; and.b32 %r2, %ti, 1; mul.wide.u32 %rd1, %r2, 8; mov.u64 %rd2, table; add.u64 %rd1, %rd1, %rd2; ld.global.u64 %rd3, [%rd1]; call (%r1), %rd3, (%ti), T;', before)).toEqual(own((i) => (i % 2 ? i * i : i ** 3)))
    expect(faultOf(() => result(`${prototype} mov.u64 %rd3, 12345; call (%r1), %rd3, (%ti), P;`, before)).message).toMatch(/call of 0x3039, which is no function/)
  })
  it('lanes that return early or exit inside', () => {
    const before = '.func (.reg .u32 r) f(.reg .u32 x) { .reg .pred %p, %q; mov.u32 r, 1; setp.lt.u32 %p, x, 8; @%p ret; mov.u32 r, 2; setp.gt.u32 %q, x, 23; @%q exit; mov.u32 r, 3; }'
    expect(result('call (%r1), f, (%ti);', before)).toEqual(own((i) => (i < 8 ? 1 : i > 23 ? 0 : 3)))
  })
  it('an instruction that is not known is refused, also where nobody calls its function', () => {
    const before = '.func f() { frobnicate.u32 5; ret; }'
    expect(() => result('mov.u32 %r1, 1;', before)).toThrow(/k\.ptx:4:13: unknown instruction frobnicate/)
  })
  it('refuses wrong counts and sizes, functions without body, endless recursion', () => {
    expect(() => result('call (%r1), square, (%ti, %ti);', square)).toThrow(/2 arguments and 1 results; the function has 1 and 1/)
    expect(() => result('.reg .b16 %h; mov.b16 %h, 1; call (%r1), square, (%h);', square)).toThrow(/%h is \.b16/)
    expect(() => result('call g;', '.extern .func g();')).toThrow(/function g is declared but not defined/)
    expect(faultOf(() => result('call g;', '.func g() { call g; ret; }')).message).toMatch(/calls nest more than 4096 deep: g/)
  })
})

describe('shared memory of an entry', () => {
  const total = (before: string, body = '', dynamic = 0) => words(run(`${body} mov.u32 %r1, %total_smem_size; ${storeOwn} %r1; ret;`, { before, dynamic }))[0]
  // The figures are those of ptxas -v for the same text.
  it('counts what it declares and what it or its functions name, not what other entries use', () => {
    expect(total('.shared .align 4 .b8 big[4000]; .visible .entry other() { .reg .b32 %r; mov.u32 %r, big; st.shared.u32 [%r], 1; ret; }')).toBe(0)
    expect(total('', '.shared .b8 big[4000];')).toBe(4000)
    expect(total('', '.shared .align 1 .b8 s[30];')).toBe(30)
    expect(total('.func f() { .shared .align 4 .b8 s[2000]; ret; }', 'setp.gt.u32 %p1, %ti, 99; @%p1 call f;')).toBe(2000)
  })
  it('the dynamic part begins at its alignment behind the static one', () => {
    const before = '.extern .shared .align 1024 .b8 dyn[];'
    expect(total(before, '.shared .align 4 .b8 s[40]; mov.u32 %r2, dyn;', 100)).toBe(1124)
    expect(words(run(`.shared .align 4 .b8 s[40]; mov.u32 %r2, s; mov.u32 %r1, dyn; ${storeOwn} %r1; ret;`, { before, dynamic: 16 }))[0]).toBe(1024)
  })
})

describe('special registers', () => {
  it('clocks go on, also between two reads by one instruction in a loop', () => {
    const r = words(run(`mov.u32 %r1, %clock; mov.u32 %r2, 0; mov.u32 %r5, 1; L: mov.u64 %rd1, %clock64; cvt.u32.u64 %r3, %rd1; setp.gt.u32 %p1, %r3, %r1; selp.u32 %r4, 1, 0, %p1; and.b32 %r5, %r5, %r4; mov.u32 %r1, %r3; add.u32 %r2, %r2, 1; setp.lt.u32 %p2, %r2, 5; @%p2 bra L; ${storeOwn} %r5; ret;`))
    expect(r[0]).toBe(1)
  })
  it('of blocks and clusters', () => {
    const read = (name: string, cluster?: [number, number, number]) => words(run(`mov.u32 %r1, %ctaid.x; mov.u32 %r2, ${name}; mul.wide.u32 %rd1, %r1, 4; add.s64 %rd1, %out, %rd1; st.global.u32 [%rd1], %r2; ret;`, { grid: [4, 1, 1], block: [1, 1, 1], cluster })).slice(0, 4)
    expect(read('%cluster_ctarank', [2, 1, 1])).toEqual([0, 1, 0, 1])
    expect(read('%clusterid.x', [2, 1, 1])).toEqual([0, 0, 1, 1])
    expect(read('%nclusterid.x', [2, 1, 1])).toEqual([2, 2, 2, 2])
    const isExplicit = (cluster?: [number, number, number]) => words(run(`mov.pred %p1, %is_explicit_cluster; selp.u32 %r1, 1, 0, %p1; ${storeOwn} %r1; ret;`, { cluster }))[0]
    expect([isExplicit([1, 1, 1]), isExplicit()]).toEqual([1, 0])
    expect(read('%nctaid.x')).toEqual([4, 4, 4, 4])
  })
})

it('brkpt ends the kernel, pmevent and nanosleep do not', () => {
  expect(faultOf(() => result('brkpt;')).kind).toBe('trap')
  expect(result('pmevent 3; nanosleep.u32 100; mov.u32 %r1, 6;')).toEqual(own(() => 6))
})
