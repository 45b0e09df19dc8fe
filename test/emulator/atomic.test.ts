// atom and red: every operation on every type, against values worked out by hand or by other arithmetic.
import { describe, expect, it } from 'vitest'
import { LinearMemory } from '../../backends/emulator/memory.ts'
import { LoadedModule } from '../../backends/emulator/loader.ts'
import { parsePtx } from '../../backends/emulator/parser.ts'
import { run, words, type Shape } from './support.ts'

const declared = '.reg .b16 %h<12>; .reg .f32 %f<12>; .reg .f64 %fd<4>; .reg .b128 %q<4>; .shared .align 16 .b8 sh[64];'
const go = (body: string, shape: Shape = {}, seed = 0) => words(run(`${declared} ${body} ret;`, shape, { seed }))
const hex = (n: number) => `0x${(n >>> 0).toString(16)}`

describe('32 bits, one thread', () => {
  const cases: [form: string, old: number, b: number, after: number][] = [
    ['add.u32', 0xffffffff, 2, 1], ['add.s32', 0x7fffffff, 1, 0x80000000], ['min.u32', 5, 0xffffffff, 5], ['min.s32', 5, 0xffffffff, 0xffffffff], ['max.u32', 5, 0xffffffff, 0xffffffff], ['max.s32', 5, 0xffffffff, 5],
    ['and.b32', 0xff00ff00, 0xf0f0f0f0, 0xf000f000], ['or.b32', 0xff00ff00, 0xf0f0f0f0, 0xfff0fff0], ['xor.b32', 0xff00ff00, 0xf0f0f0f0, 0x0ff00ff0], ['exch.b32', 1, 0x80000001, 0x80000001],
    ['inc.u32', 4, 5, 5], ['inc.u32', 5, 5, 0], ['inc.u32', 9, 5, 0], ['inc.u32', 0xfffffffe, 0xffffffff, 0xffffffff], ['inc.u32', 0xffffffff, 0xffffffff, 0], ['dec.u32', 5, 5, 4], ['dec.u32', 0, 5, 5], ['dec.u32', 6, 5, 5], ['dec.u32', 0, 0xffffffff, 0xffffffff],
    ['add.f32', 0x3f800000, 0x40000000, 0x40400000], ['add.f32', 0x7f800000, 0xff800000, 0x7fffffff], ['add.f32', 0x4b800000, 0x3f800000, 0x4b800000],
    ['add.noftz.f16x2', 0x3c003c00, 0x4000bc00, 0x42000000], ['add.noftz.f16x2', 0x7bff6800, 0x7bff3c00, 0x7c006800], ['add.noftz.f16x2', 0x00010001, 0x00018001, 0x00020000], ['add.noftz.bf16x2', 0x3f803f80, 0x3b803c00, 0x3f803f81], ['add.noftz.bf16x2', 0x7f800001, 0xff800001, 0x7fff0002],
  ]
  for (const [form, old, b, after] of cases) {
    it(`${form} of ${hex(old)} and ${hex(b)} in global and shared memory`, () => {
      const body = (space: string, place: string) => `mov.u32 %r1, ${hex(old)}; mov.b32 %r2, ${hex(b)}; mov.b32 %f1, %r2; st.${space}.u32 [${place}], %r1; atom.${space}.${form} ${form === 'add.f32' ? '%f2' : '%r3'}, [${place}], ${form === 'add.f32' ? '%f1' : '%r2'}; ${form === 'add.f32' ? 'mov.b32 %r3, %f2;' : ''} ld.${space}.u32 %r4, [${place}]; st.global.v2.u32 [%out+16], {%r3, %r4};`
      expect(go(body('global', '%out'), { block: [1, 1, 1] }).slice(4, 6).map(hex)).toEqual([hex(old), hex(after)])
      expect(go(body('shared', 'sh+4'), { block: [1, 1, 1] }).slice(4, 6).map(hex)).toEqual([hex(old), hex(after)])
    })
  }
  it('f32 sums flush subnormals in global memory, and keep them in shared memory', () => {
    const body = (space: string, place: string) => `mov.u32 %r1, 3; mov.b32 %f1, 0x80000001; st.${space}.u32 [${place}], %r1; red.${space}.add.f32 [${place}], %f1; ld.${space}.u32 %r4, [${place}]; st.global.u32 [%out+16], %r4;`
    expect([go(body('global', '%out'), { block: [1, 1, 1] })[4], go(body('shared', 'sh'), { block: [1, 1, 1] })[4]]).toEqual([0, 2])
  })
})

describe('64 bits, one thread', () => {
  const cases: [form: string, old: bigint, b: bigint, after: bigint][] = [
    ['add.u64', 0xffffffffffffffffn, 2n, 1n], ['min.u64', 5n, -1n, 5n], ['min.s64', 5n, -1n, -1n], ['max.u64', 5n, -1n, -1n], ['max.s64', 5n, -1n, 5n], ['and.b64', 0xff00ff0000000000n, 0xf0f0f0f0f0f0f0f0n, 0xf000f00000000000n],
    ['or.b64', 1n << 63n, 1n, (1n << 63n) + 1n], ['xor.b64', -1n, 1n, -2n], ['exch.b64', 1n, 1n << 40n, 1n << 40n], ['add.f64', 0x3ff0000000000000n, 0x4000000000000000n, 0x4008000000000000n],
  ]
  for (const [form, old, b, after] of cases) {
    it(`${form} of ${old} and ${b}`, () => {
      const r = go(`mov.u64 %rd1, ${BigInt.asUintN(64, old)}U; mov.b64 %rd2, ${BigInt.asUintN(64, b)}U; st.global.u64 [%out], %rd1; atom.global.${form} %rd3, [%out], %rd2; st.global.u64 [%out+8], %rd3;`, { block: [1, 1, 1] })
      const long = (i: number) => BigInt(r[i]) | (BigInt(r[i + 1]) << 32n)
      expect([long(0), long(2)]).toEqual([BigInt.asUintN(64, after), BigInt.asUintN(64, old)])
    })
  }
})

describe('compare and swap', () => {
  it('b16 leaves its neighbour alone', () => {
    expect(go('mov.u32 %r1, 0x00050007; st.global.u32 [%out], %r1; mov.u16 %h1, 5; mov.u16 %h2, 9; atom.global.cas.b16 %h3, [%out+2], %h1, %h2; atom.global.cas.b16 %h4, [%out], %h1, %h2; mov.b32 %r2, {%h3, %h4}; st.global.u32 [%out+4], %r2;', { block: [1, 1, 1] }).slice(0, 2)).toEqual([0x00090007, 0x00070005])
  })
  it('b32, b64: old value back, written only when equal', () => {
    expect(go('atom.global.cas.b32 %r1, [%out], 0, 5; atom.global.cas.b32 %r2, [%out], 4, 6; atom.global.cas.b64 %rd1, [%out+8], 0, 0x500000006; atom.global.cas.b64 %rd2, [%out+8], 6, 1; st.global.v2.u32 [%out+16], {%r1, %r2}; st.global.v2.u64 [%out+32], {%rd1, %rd2};', { block: [1, 1, 1] }).slice(0, 12)).toEqual([5, 0, 6, 5, 0, 5, 0, 0, 0, 0, 6, 5])
  })
  it('b128: all 16 bytes must be equal', () => {
    const body = `mov.b64 %rd1, 1; mov.b64 %rd2, 2; mov.b64 %rd3, 3; mov.b128 %q0, {%rd1, %rd2}; mov.b128 %q1, {%rd1, %rd3}; mov.b128 %q2, {%rd3, %rd3}; st.global.b128 [%out], %q0;
      atom.global.cas.b128 %q3, [%out], %q1, %q2; st.global.b128 [%out+16], %q3; atom.global.cas.b128 %q3, [%out], %q0, %q2; atom.global.exch.b128 %q3, [%out], %q1; st.global.b128 [%out+32], %q3;`
    expect(go(body, { block: [1, 1, 1] }).slice(0, 12)).toEqual([1, 0, 3, 0, 1, 0, 2, 0, 3, 0, 3, 0])
  })
  it('the result may be the operand', () => expect(go('mov.u32 %r1, 7; st.global.u32 [%out], 3; atom.global.add.u32 %r1, [%out], %r1; st.global.u32 [%out+4], %r1;', { block: [1, 1, 1] }).slice(0, 2)).toEqual([10, 3]))
})

describe('halves', () => {
  const half = (form: string, old: number, b: number) => go(`mov.u16 %h1, ${old}; mov.b16 %h2, ${b}; st.global.u16 [%out], %h1; st.global.u16 [%out+2], 0x1234; atom.global.${form} %h3, [%out], %h2; st.global.u16 [%out+4], %h3;`, { block: [1, 1, 1] }).slice(0, 2).map(hex)
  it('f16 and bf16 sums round to nearest even', () => {
    // 2048 + 1 is a tie: stays; 2050 + 1 goes to 2052 (0x6802). bf16: 256 + 1 stays, 258 + 1 goes to 260.
    expect([half('add.noftz.f16', 0x6800, 0x3c00), half('add.noftz.f16', 0x6801, 0x3c00)]).toEqual([['0x12346800', '0x6800'], ['0x12346802', '0x6801']])
    expect([half('add.noftz.bf16', 0x4380, 0x3f80), half('add.noftz.bf16', 0x4381, 0x3f80)]).toEqual([['0x12344380', '0x4380'], ['0x12344382', '0x4381']])
    expect(half('add.noftz.bf16', 0x7f80, 0xff80)).toEqual(['0x12347fff', '0x7f80'])
  })
  it('vector min and max: a number wins over NaN, -0 is below 0', () => {
    const body = (op: string) => `mov.u32 %r1, 0x7e003c00; mov.u32 %r2, 0x80000000; st.global.v2.u32 [%out], {%r1, %r2}; mov.u16 %h1, 0x4000; mov.u16 %h2, 0x3800; mov.u16 %h3, 0x8000; mov.u16 %h4, 0x0000; red.global.${op}.noftz.v4.f16 [%out], {%h1, %h2, %h3, %h4};`
    expect([go(body('min'), { block: [1, 1, 1] }).slice(0, 2).map(hex), go(body('max'), { block: [1, 1, 1] }).slice(0, 2).map(hex)]).toEqual([['0x38003c00', '0x80008000'], ['0x38004000', '0x0']])
  })
})

describe('vectors', () => {
  it('red and atom v4.f32 in both spellings', () => {
    const r = go('mov.f32 %f1, 1.0; mov.f32 %f2, 2.0; red.global.add.v4.f32 [%out], {%f1, %f2, %f1, %f2}; bar.warp.sync -1; atom.global.v4.f32.add {%f1, %f2, %f3, %f4}, [%out+16], {%f1, %f1, %f2, %f2}; setp.eq.u32 %p1, %ti, 31; @%p1 st.global.v4.f32 [%out+32], {%f1, %f2, %f3, %f4};')
    expect(Array.from(new Float32Array(Uint32Array.from(r.slice(0, 12)).buffer))).toEqual([32, 64, 32, 64, 32, 32, 64, 64, 31, 31, 62, 62])
  })
  it('results that are operands of later elements do not disturb them', () => {
    const r = go('mov.f32 %f1, 1.0; mov.f32 %f2, 2.0; atom.global.add.v2.f32 {%f2, %f1}, [%out], {%f1, %f2}; st.global.v2.f32 [%out+8], {%f1, %f2};', { block: [1, 1, 1] })
    expect(Array.from(new Float32Array(Uint32Array.from(r.slice(0, 4)).buffer))).toEqual([1, 2, 0, 0])
  })
  it('v8.bf16, v2.f16x2, v4.bf16x2', () => {
    const h = Array.from({ length: 8 }, (_, i) => `mov.b16 %h${i}, 0x3f80;`).join(' ')
    expect(go(`${h} red.global.add.noftz.v8.bf16 [%out], {%h0, %h1, %h2, %h3, %h4, %h5, %h6, %h7};`).slice(0, 5).map(hex)).toEqual(['0x42004200', '0x42004200', '0x42004200', '0x42004200', '0x0'])
    expect(go('mov.b32 %r1, 0x3c003c00; red.global.add.noftz.v2.f16x2 [%out], {%r1, %r1}; mov.b32 %r2, 0x3f803f80; red.global.add.noftz.v4.bf16x2 [%out+16], {%r2, %r2, %r2, %r2};').slice(0, 8).map(hex)).toEqual(['0x50005000', '0x50005000', '0x0', '0x0', '0x42004200', '0x42004200', '0x42004200', '0x42004200'])
  })
})

describe('lanes take turns', () => {
  const old = (seed: number) => go('shl.b32 %r1, %ti, 2; cvt.u64.u32 %rd1, %r1; add.u64 %rd1, %rd1, %out; atom.global.add.u32 %r2, [%out+252], 1; st.global.u32 [%rd1], %r2;', {}, seed)
  it('in order with seed 0, in others with seeds, each value once', () => {
    expect(old(0).slice(0, 32)).toEqual(Array.from({ length: 32 }, (_, l) => l))
    const orders = [1, 2, 3, 4, 5].map((seed) => old(seed))
    for (const o of orders) expect([...o.slice(0, 32)].sort((a, b) => a - b)).toEqual(Array.from({ length: 32 }, (_, l) => l))
    expect(new Set(orders.map(String)).size).toBeGreaterThan(2)
    expect(old(3)).toEqual(old(3))
  })
  it('generic addresses of both spaces, and with guards', () => {
    expect(go('st.shared.u32 [sh], 0; cvta.shared.u64 %rd1, sh; and.b32 %r1, %ti, 1; setp.eq.u32 %p1, %r1, 0; selp.u64 %rd2, %rd1, %out, %p1; setp.lt.u32 %p2, %ti, 10; @%p2 red.add.u32 [%rd2], %ti; bar.warp.sync -1; ld.shared.u32 %r2, [sh]; st.global.u32 [%out+4], %r2;').slice(0, 2)).toEqual([25, 20])
  })
})

const registers = '.reg .b16 %h<9>; .reg .b32 %r<9>; .reg .b64 %rd<9>; .reg .f32 %f<9>; .reg .f64 %fd<9>; .local .b32 lo;'
const decode = (text: string, target = 'sm_90a', version = '9.0') => new LoadedModule(parsePtx(`.version ${version}\n.target ${target}\n.address_size 64\n.visible .entry k()\n{ ${registers}\n${text} ret; }`, 'k.ptx'), new LinearMemory()).functionNamed('k')
// As ptxas 13.0 decides.
describe('forms', () => {
  for (const text of ['atom.add.global.u32 %r1,[%rd1],%r2;', 'atom.global.u32.add %r1,[%rd1],%r2;', 'atom.gpu.acquire.global.add.u32 %r1,[%rd1],%r2;', 'atom.acq_rel.sys.shared::cluster.cas.b64 %rd1,[%rd2],%rd3,%rd4;', 'atom.global.add.L2::cache_hint.u32 %r1,[%rd1],%r2,%rd3;', 'atom.global.cas.b32 _,[%rd1],%r2,%r3;', 'red.relaxed.gpu.global.add.noftz.L2::cache_hint.v4.f16 [%rd1],{%h1,%h2,%h3,%h4},%rd2;', 'red.release.gpu.global.add.u32 [%rd1],%r2;', 'atom.global.exch.b32 %f1,[%rd1],%f2;']) {
    it(`accepts ${text}`, () => { expect(decode(text).instructions.length).toBe(2) })
  }
  const refused: [text: string, problem: RegExp, target?: string, version?: string][] = [
    ['atom.global.add.s64 %rd1,[%rd2],%rd3;', /no form \.s64; it has/], ['atom.global.exch.u32 %r1,[%rd1],%r2;', /no form/], ['atom.global.min.f32 %f1,[%rd1],%f2;', /no form/], ['atom.global.and.u32 %r1,[%rd1],%r2;', /no form/], ['red.global.exch.b32 [%rd1],%r1;', /red has no \.exch/],
    ['red.global.add.f16x2 [%rd1],%r1;', /needs \.noftz/], ['atom.global.add.noftz.f32 %f1,[%rd1],%f2;', /noftz is not for/], ['atom.global.min.noftz.f16x2 %r1,[%rd1],%r2;', /no form/], ['red.global.min.v2.f32 [%rd1],{%f1,%f2};', /no form \.v2\.f32/], ['red.shared.add.v2.f32 [%rd1],{%f1,%f2};', /global memory only/],
    ['red.global.add.v8.f32 [%rd1],{%f1,%f2,%f3,%f4,%f5,%f6,%f7,%f8};', /no form/], ['atom.sc.gpu.global.add.u32 %r1,[%rd1],%r2;', /one of/], ['red.acquire.gpu.global.add.u32 [%rd1],%r2;', /one of/], ['atom.local.add.u32 %r1,[%rd1],%r2;', /one of/], ['atom.add.u32 %r1,[lo],%r2;', /no atomics in \.local/],
    ['atom.shared.add.L2::cache_hint.u32 %r1,[%rd1],%r2,%rd3;', /global memory only/], ['atom.global.cas.L2::cache_hint.b32 %r1,[%rd1],%r2,%r3,%rd3;', /no \.L2/], ['atom.global.add.u32 %r1,[%rd1];', /2 operands/],
    ['atom.global.add.noftz.bf16 %h1,[%rd1],%h2;', /sm_90/, 'sm_80', '8.0'], ['atom.cluster.global.add.u32 %r1,[%rd1],%r2;', /sm_90/, 'sm_80', '8.0'], ['red.global.add.v2.f32 [%rd1],{%f1,%f2};', /PTX 8\.1/, 'sm_90', '7.8'], ['atom.global.add.f64 %fd1,[%rd1],%fd2;', /sm_60/, 'sm_52', '6.0'],
  ]
  for (const [text, problem, target, version] of refused) it(`refuses ${text}`, () => { expect(() => decode(text, target, version)).toThrow(problem) })
})
