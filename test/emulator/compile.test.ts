// Compiled code against the interpreter: the same programs give the same registers, memory, faults and counts, bit for bit.
import { readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { assumeFusing } from '../../backends/emulator/codegen/support.ts'
import { CompiledFunction } from '../../backends/emulator/codegen/tier.ts'
import type { EmulatorOptions } from '../../backends/emulator/machine.ts'
import { allowFusedMultiplyAdd } from '../../backends/emulator/node_worker.ts'
import { runCase, type CaseResult, type PtxCase } from '../../backends/emulator/run_case.ts'
import { faultOf, run, storeOwn, type Shape } from './support.ts'

type Go = (options: Partial<EmulatorOptions>) => CaseResult
/** Runs it both ways and compares all that can be seen; `used`: compiled code was entered. */
function both(go: Go): { result: CaseResult; used: number } {
  const plain = go({ compile: false })
  let used = 0
  const { enter } = CompiledFunction.prototype
  CompiledFunction.prototype.enter = function (...args) { const left = enter.apply(this, args); used += args[2] - left; return left }
  try {
    const compiled = go({ compile: 'eager' })
    for (const [name, bytes] of plain.buffers) {
      const [a, b] = [new Uint32Array(bytes.buffer), new Uint32Array(compiled.buffers.get(name)!.buffer)]
      const at = a.findIndex((x, i) => x !== b[i])
      if (at >= 0) throw new Error(`${name}[${at}]: interpreted ${a[at].toString(16)}, compiled ${b[at].toString(16)}`)
    }
    expect(compiled.threadInstructions).toBe(plain.threadInstructions)
    expect(compiled.differences).toEqual(plain.differences)
    return { result: compiled, used }
  } finally { CompiledFunction.prototype.enter = enter }
}

/** The same fault at the same place, after as many instructions. */
function bothFault(body: string, shape: Shape = {}, options: Partial<EmulatorOptions> = {}): string {
  const [plain, compiled] = ([false, 'eager'] as const).map((compile) => faultOf(() => run(body, shape, { ...options, compile })))
  expect({ kind: compiled.kind, message: compiled.message, place: compiled.place, target: compiled.target }).toEqual({ kind: plain.kind, message: plain.message, place: plain.place, target: plain.target })
  return compiled.message
}

function generator(seed: number): (n: number) => number {
  let x = (seed * 2654435761 + 12345) >>> 0
  return (n) => { x = (Math.imul(x, 1664525) + 1013904223) >>> 0; return Math.floor(x / 2 ** 32 * n) }
}

const edges = [
  0, 1, 2, 31, 32, 33, 0xff, 0x7f, 0x80, 0xffff, 0x7fff, 0x8000, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe, 0x3f800000, 0xbf800000, 0x3f800001, 0x3f7fffff, 0x7f800000, 0xff800000,
  0x7fc00000, 0xffc12345, 0x7f7fffff, 0xff7fffff, 0x00800000, 0x007fffff, 0x80000001, 0x00000003, 0x4b000000, 0x4b000001, 0x4f000000, 0xcf000000, 0x4f800000, 0x3f000000, 0xbf000000, 0x3fc00000, 0x40200000,
  0x38800000, 0x387fffff, 0x33000000, 0x477fefff, 0x477ff000, 0x47800000, 0x1a800008, 0x1a7ffffe, 0x0, 0x400000, 0x7c00, 0xfc01, 0x3c00, 0x0001,
]

const numbers = { r: 12, q: 6, h: 5, p: 5 }
/** `$r` a 32-bit register, `$q` a 64-bit one, `$h` a 16-bit one, `$p` a predicate; `$i` a register or an immediate, `$n` a shift's amount. */
const forms = [
  ...['add', 'sub', 'min', 'max', 'div', 'rem'].flatMap((o) => ['u32', 's32'].map((t) => `${o}.${t} $r, $r, $i`)), 'mul.lo.u32 $r, $r, $i', 'mul.hi.u32 $r, $r, $i', 'mul.hi.s32 $r, $r, $r',
  'mul.wide.u32 $q, $r, $i', 'mul.wide.s32 $q, $r, $r', 'mad.lo.u32 $r, $r, $i, $r', 'mad.lo.s32 $r, $r, $r, $i', 'mad.hi.u32 $r, $r, $r, $r', 'mad.wide.u32 $q, $r, $r, $q', 'mad.wide.s32 $q, $r, $i, $q',
  ...['add', 'sub', 'min', 'max'].flatMap((o) => ['u64', 's64'].map((t) => `${o}.${t} $q, $q, $q`)), 'mul.lo.s64 $q, $q, $q', 'mad.lo.u64 $q, $q, $q, $q', 'neg.s32 $r, $r', 'neg.s64 $q, $q', 'abs.s32 $r, $r', 'abs.s64 $q, $q',
  ...['add', 'sub', 'min', 'max', 'mul.lo', 'mul.hi'].flatMap((o) => ['u16', 's16'].map((t) => `${o}.${t} $h, $h, $h`)), 'mul.wide.u16 $r, $h, $h', 'mul.wide.s16 $r, $h, $h', 'mad.lo.u16 $h, $h, $h, $h', 'not.b16 $h, $h',
  ...['and', 'or', 'xor'].flatMap((o) => [`${o}.b32 $r, $r, $i`, `${o}.b64 $q, $q, $q`, `${o}.b16 $h, $h, $h`, `${o}.pred $p, $p, $!p`]), 'not.b32 $r, $r', 'not.b64 $q, $q', 'not.pred $p, $p',
  ...['shl.b', 'shr.u', 'shr.s'].flatMap((o) => [`${o}32 $r, $r, $n`, `${o}64 $q, $q, $n`, `${o}16 $h, $h, $n`, `${o}32 $r, $r, $r`, `${o}64 $q, $q, $r`]),
  'shf.l.wrap.b32 $r, $r, $r, $n', 'shf.r.wrap.b32 $r, $r, $r, $n', 'shf.l.clamp.b32 $r, $r, $r, $n', 'shf.r.clamp.b32 $r, $r, $r, $n', 'shf.l.wrap.b32 $r, $r, $r, $r', 'lop3.b32 $r, $r, $r, $i, $t', 'lop3.b32 $r, $r, $r, $r, $t',
  'bfe.u32 $r, $r, $n, $n', 'bfe.s32 $r, $r, $n, $n', 'bfe.u32 $r, $r, $r, $r', 'bfi.b32 $r, $r, $r, $n, $n', 'bfi.b32 $r, $r, $r, $r, $r', 'prmt.b32 $r, $r, $r, $s', 'prmt.b32 $r, $r, $r, $r', 'popc.b32 $r, $r', 'clz.b32 $r, $r', 'brev.b32 $r, $r',
  'mov.u32 $r, $r', 'mov.b32 $r, $i', 'mov.b64 $q, $q', 'mov.b16 $h, $h', 'mov.pred $p, $p', 'mov.u32 $r, %laneid', 'mov.b64 $q, {$r, $r}', 'mov.b64 {$r, $r}, $q', 'mov.b32 $r, {$h, $h}', 'mov.b32 {$h, $h}, $r',
  'selp.b32 $r, $r, $i, $p', 'selp.f32 $r, $r, $r, $p', 'selp.b64 $q, $q, $q, $p', 'selp.b16 $h, $h, $h, $p',
  ...['eq', 'ne', 'lt', 'le', 'gt', 'ge'].flatMap((c) => [`setp.${c}.s32 $p, $r, $i`, `setp.${c}.u32 $p, $r, $r`, `setp.${c}.s64 $p, $q, $q`, `setp.${c}.u64 $p, $q, $q`, `setp.${c}.s16 $p, $h, $h`, `setp.${c}.f32 $p, $r, $r`]),
  ...['equ', 'neu', 'ltu', 'leu', 'gtu', 'geu', 'num', 'nan'].map((c) => `setp.${c}.f32 $p, $r, $r`), 'setp.lo.u32 $p, $r, $r', 'setp.hs.u32 $p, $r, $r', 'setp.lt.and.u32 $p, $r, $r, $p', 'setp.ge.or.s32 $p|$p, $r, $i, $!p', 'setp.eq.xor.b32 $p|$p, $r, $r, $p',
  ...['u8', 's8', 'u16', 's16', 'u32', 's32'].flatMap((t) => ['u8', 's8', 'u16', 's16', 'u32', 's32'].map((f) => `cvt.${t}.${f} $r, $r`)), 'cvt.u64.u32 $q, $r', 'cvt.s64.s32 $q, $r', 'cvt.u64.s32 $q, $r', 'cvt.s64.u16 $q, $h', 'cvt.u32.u64 $r, $q', 'cvt.s32.s64 $r, $q', 'cvt.u16.u32 $h, $r', 'cvt.u16.u64 $h, $q', 'cvt.u32.u16 $r, $h', 'cvt.s32.s16 $r, $h', 'cvt.s16.s8 $h, $h', 'cvt.u8.u32 $h, $r',
  ...['s32', 'u32'].flatMap((t) => [`cvt.rn.f32.${t} $r, $r`, ...['rzi', 'rni', 'rmi', 'rpi'].map((m) => `cvt.${m}.${t}.f32 $r, $r`)]), 'cvt.rn.f32.s16 $r, $h', 'cvt.rn.f32.u16 $r, $h', 'cvt.rn.f32.u64 $r, $q',
  'cvt.rn.bf16.f32 $h, $r', 'cvt.rn.f16.f32 $h, $r', 'cvt.f32.bf16 $r, $h', 'cvt.f32.f16 $r, $h', 'cvt.rn.bf16x2.f32 $r, $r, $r', 'cvt.rn.f16x2.f32 $r, $r, $r', 'cvt.rz.bf16x2.f32 $r, $r, $r',
  ...['add', 'sub', 'mul', 'div'].flatMap((o) => [`${o}.rn.f32 $r, $r, $r`, `${o}.rn.ftz.f32 $r, $r, $r`]), 'add.f32 $r, $r, $r', 'mul.f32 $r, $r, 0f40490FDB', 'add.sat.f32 $r, $r, $r', 'mul.rn.ftz.sat.f32 $r, $r, $r', 'add.rz.f32 $r, $r, $r', 'div.approx.f32 $r, $r, $r', 'div.full.f32 $r, $r, $r',
  'fma.rn.f32 $r, $r, $r, $r', 'fma.rn.f32 $r, $r, $r, $r', 'fma.rn.f32 $r, $r, 0f3F800001, $r', 'fma.rn.ftz.f32 $r, $r, $r, $r', 'fma.rn.sat.f32 $r, $r, $r, $r', 'fma.rp.f32 $r, $r, $r, $r', 'sqrt.rn.f32 $r, $r', 'sqrt.approx.f32 $r, $r', 'rcp.rn.f32 $r, $r', 'rcp.approx.ftz.f32 $r, $r', 'rsqrt.approx.f32 $r, $r',
  'ex2.approx.f32 $r, $r', 'ex2.approx.ftz.f32 $r, $r', 'lg2.approx.f32 $r, $r', 'neg.f32 $r, $r', 'abs.f32 $r, $r', 'neg.ftz.f32 $r, $r', 'min.f32 $r, $r, $r', 'max.f32 $r, $r, $r', 'min.ftz.f32 $r, $r, $r', 'fma.rn.f16x2 $r, $r, $r, $r', 'add.f64 $q, $q, $q',
]

/** A program of `length` random instructions, a third of them guarded, over registers with edge values; all registers are stored. */
function program(seed: number, length: number, pool: readonly string[], around: (body: string) => string): { text: string; shape: Shape } {
  const pick = generator(seed)
  const register = (kind: 'r' | 'q' | 'h' | 'p') => `%${kind}${kind}${pick(numbers[kind])}`
  const value = () => (pick(3) ? edges[pick(edges.length)] : pick(2 ** 32))
  const fill = (form: string) => form.replace(/\$(!p|[rqhpints])/g, (_, c: string) => {
    if (c === 'i') return pick(2) ? register('r') : `0x${value().toString(16)}`
    if (c === 'n') return String(pick(4) ? pick(34) : pick(300))
    if (c === 't') return String(pick(256))
    if (c === 's') return `0x${pick(65536).toString(16)}`
    if (c === '!p') return `${pick(2) ? '!' : ''}${register('p')}`
    return register(c as 'r')
  })
  const lines: string[] = []
  for (let i = 0; i < length; i++) {
    const guard = pick(3) ? '' : `@${pick(2) ? '!' : ''}${register('p')} `
    let line = fill(pool[pick(pool.length)])
    // A vector or a pair may not name one register twice.
    while (/\{(%\w+), \1\}, |(%\w+)\|\2,/.test(line)) line = fill(pool[pick(pool.length)])
    lines.push(`${guard}${line};`)
  }
  // Each lane's words come from a table in constant memory: edges in another order for every register.
  const total = 32 * (numbers.r + 2 * numbers.q)
  const table = Array.from({ length: total }, value)
  const load = [
    'mov.u64 %rd0, table; mul.wide.u32 %rd1, %ti, 4; add.s64 %rd0, %rd0, %rd1; mul.wide.u32 %rd1, %ti, 4; add.s64 %rd2, %rd0, %rd1;',
    ...Array.from({ length: numbers.r }, (_, i) => `ld.global.u32 %rr${i}, [%rd0+${128 * i}];`),
    ...Array.from({ length: numbers.q }, (_, i) => `ld.global.u64 %qq${i}, [%rd2+${128 * (numbers.r + 2 * i)}];`),
    ...Array.from({ length: numbers.h }, (_, i) => `cvt.u16.u32 %hh${i}, %rr${i};`),
    ...Array.from({ length: numbers.p }, (_, i) => `and.b32 %r1, %rr${i}, ${1 << (i + 2)}; setp.ne.u32 %pp${i}, %r1, 0;`),
  ]
  const store = [
    'mul.wide.u32 %rd1, %ti, 8; add.s64 %rd1, %out, %rd1;',
    ...Array.from({ length: numbers.r }, (_, i) => `st.global.u32 [%rd1+${256 * i}], %rr${i};`),
    ...Array.from({ length: numbers.q }, (_, i) => `st.global.u64 [%rd1+${256 * (numbers.r + i)}], %qq${i};`),
    ...Array.from({ length: numbers.h }, (_, i) => `cvt.u32.u16 %r1, %hh${i}; st.global.u32 [%rd1+${256 * (numbers.r + numbers.q + i)}], %r1;`),
    'mov.u32 %r2, 0;', ...Array.from({ length: numbers.p }, (_, i) => `selp.u32 %r1, ${1 << i}, 0, %pp${i}; or.b32 %r2, %r2, %r1;`), `st.global.u32 [%rd1+${256 * (numbers.r + numbers.q + numbers.h)}], %r2;`,
  ]
  const declare = `.reg .b32 %rr<${numbers.r}>; .reg .b64 %qq<${numbers.q}>; .reg .b16 %hh<${numbers.h}>; .reg .pred %pp<${numbers.p}>;`
  const text = [declare, ...load, around(lines.join('\n')), ...store, 'ret;'].join('\n')
  return { text, shape: { words: 64 * (numbers.r + numbers.q + numbers.h + 1), before: `.global .align 16 .u32 table[${total}] = { ${table.join(', ')} };` } }
}

const ways: Readonly<Record<string, (body: string) => string>> = {
  'by whole warps': (body) => body,
  'by a third of the lanes': (body) => `rem.u32 %r0, %ti, 3; setp.ne.u32 %p0, %r0, 1;\n@%p0 bra over;\n${body}\nover:`,
  'by one lane': (body) => `setp.ne.u32 %p0, %ti, 21;\n@%p0 bra over;\n${body}\nover:`,
}

allowFusedMultiplyAdd()
describe.each([['with the engine\'s fused multiply-add, where it has one', undefined], ['without', false]] as const)('lane-wise instructions, %s', (_, fuses) => {
  beforeAll(() => assumeFusing(fuses))
  afterAll(() => assumeFusing(undefined))
  for (const [way, around] of Object.entries(ways)) {
    it(`${way}, in random programs`, () => {
      for (let seed = 0; seed < 12; seed++) {
        const { text, shape } = program(seed, 100, forms, around)
        try { expect(both((options) => run(text, shape, options)).used).toBeGreaterThan(50) } catch (error) { throw new Error(`seed ${seed}: ${(error as Error).message}\n${text}`) }
      }
    })
  }
  it('a few forms at a time', () => {
    for (let i = 0; i < forms.length; i += 4) {
      const own = forms.slice(i, i + 4)
      const { text, shape } = program(1000 + i, 32, own, ways['by whole warps'])
      try { both((options) => run(text, shape, options)) } catch (error) { throw new Error(`${own.join('; ')}: ${(error as Error).message}\n${text}`) }
    }
  })
})

describe('sample cases', () => {
  const folder = 'test/golden/ptx-cases'
  for (const file of readdirSync(folder).filter((f) => f.endsWith('.json'))) {
    const c = JSON.parse(readFileSync(`${folder}/${file}`, 'utf8')) as PtxCase
    const ptx = readFileSync(`${folder}/${c.ptx}`, 'utf8')
    it.each([0, 3])(`${c.name}, seed %d`, (seed) => { expect(both((options) => runCase(c, ptx, { ...options, seed })).used).toBeGreaterThan(0) })
  }
})

describe('control flow', () => {
  it('loops of different length in every lane', () => {
    const { used } = both((o) => run(`mov.u32 %r1, 0; mov.u32 %r2, 1;\nagain:\nadd.u32 %r1, %r1, 1; mad.lo.u32 %r2, %r2, 7, %r1;\nsetp.lt.u32 %p1, %r1, %ti;\n@%p1 bra again;\n${storeOwn}%r2; ret;`, {}, o))
    expect(used).toBeGreaterThan(100)
  })
  it('nested divided loops with uniform ones inside, several warps, seeds', () => {
    const body = `mov.u32 %r1, 0; mov.u32 %r3, 0;
      outer: mov.u32 %r2, 0; and.b32 %r4, %ti, 7; setp.eq.u32 %p2, %r4, 3; @%p2 bra skip;
      inner: add.u32 %r2, %r2, 1; mad.lo.u32 %r3, %r3, 5, %r2; setp.le.u32 %p1, %r2, %r4; @%p1 bra inner;
      skip: add.u32 %r1, %r1, 1; setp.lt.u32 %p1, %r1, 9; @%p1 bra outer;
      ${storeOwn}%r3; ret;`
    for (const seed of [0, 1, 5]) both((o) => run(body, { block: [96, 1, 1], words: 96 }, { ...o, seed }))
  })
  it('branches over a few instructions: of all lanes, of some, with loads, stores and guards inside, faults and budgets', () => {
    const over = (condition: string, fault = '') => `mov.u32 %r3, 0; mov.u32 %r2, %ti; mul.wide.u32 %rd1, %ti, 4; add.s64 %rd1, %out, %rd1;
      again: and.b32 %r4, %r2, 7; ${condition} @%p1 bra over; add.u32 %r2, %r2, 3; mad.lo.u32 %r5, %r2, 5, %r3; st.global.u32 [%rd1+512], %r5; setp.gt.u32 %p2, %r4, 4; @%p2 ld.global.u32 %r6, [%rd1+512]; @%p2 xor.b32 %r2, %r2, %r6; ${fault} add.u32 %r2, %r2, 1;
      over: add.u32 %r3, %r3, 1; xor.b32 %r2, %r2, %r3; setp.lt.u32 %p3, %r3, 40; @%p3 bra again; st.global.u32 [%rd1], %r2; ret;`
    for (const condition of ['setp.ne.u32 %p1, %r4, 0;', 'setp.ne.u32 %p1, %ti, 5;', 'setp.ge.u32 %p1, %r4, 8;', 'setp.lt.u32 %p1, %r4, 8;', 'and.b32 %r7, %r3, 3; setp.gt.u32 %p1, %r4, %r7;']) {
      for (const [seed, threads] of [[0, 32], [0, 40], [4, 96]]) both((o) => run(over(condition), { block: [threads, 1, 1], words: 512 }, { ...o, seed }))
    }
    bothFault(over('setp.ne.u32 %p1, %r4, 3;', 'setp.eq.u32 %p0, %r3, 20; @%p0 add.s64 %rd1, %rd1, 100000; st.global.u32 [%rd1+4], %r2;'), { words: 512 })
    bothFault(`${over('setp.ne.u32 %p1, %r4, 3;').replace('ret;', 'mov.u32 %r3, 0; bra again;')}`, { words: 512, block: [64, 1, 1] }, { maxInstructions: 54321 })
  })
  it('guarded returns: of no lane, of some, of all', () => {
    for (const n of [0, 1, 20, 32, 64, 96]) both((o) => run(`setp.ge.u32 %p1, %ti, ${n}; add.u32 %r1, %ti, 5; @%p1 ret; mul.lo.u32 %r1, %r1, 3; setp.eq.u32 %p2, %ti, ${n >> 1}; @%p2 exit; ${storeOwn}%r1; @!%p1 ret; trap;`, { block: [64, 1, 1] }, o))
  })
  it('barriers, shared memory and shuffles', () => {
    const body = `.shared .align 4 .b8 buf[512];
      mov.u32 %r1, buf; shl.b32 %r2, %ti, 2; add.u32 %r1, %r1, %r2; mul.lo.u32 %r3, %ti, 77; st.shared.u32 [%r1], %r3; mov.u32 %r5, 64;
      loop: bar.sync 0; setp.ge.u32 %p1, %ti, %r5; @%p1 bra skip;
      shl.b32 %r6, %r5, 2; add.u32 %r6, %r1, %r6; ld.shared.u32 %r7, [%r6]; ld.shared.u32 %r8, [%r1]; xor.b32 %r7, %r7, %r8; st.shared.u32 [%r1], %r7;
      skip: shr.u32 %r5, %r5, 1; setp.ne.u32 %p2, %r5, 0; @%p2 bra loop;
      ld.shared.u32 %r9, [%r1];
      shfl.sync.bfly.b32 %r10, %r9, 16, 31, -1; shfl.sync.down.b32 %r11|%p3, %r10, 3, 31, -1; shfl.sync.up.b32 %r12, %r11, 5, 0, -1; shfl.sync.idx.b32 %r13, %r12, 9, 0x181f, -1; shfl.sync.bfly.b32 %r13, %r13, 2, 31, -1;
      selp.u32 %r14, 1, 0, %p3; add.u32 %r14, %r14, %r13; add.u32 %r14, %r14, %r11; ${storeOwn}%r14; ret;`
    for (const seed of [0, 2]) expect(both((o) => run(body, { block: [128, 1, 1], words: 128 }, { ...o, seed })).used).toBeGreaterThan(200)
  })
  it('an endless loop ends after as many instructions', () => {
    expect(bothFault('loop: add.u32 %r1, %r1, 1; xor.b32 %r2, %r1, %ti; bra loop;', { block: [40, 1, 1] }, { maxInstructions: 12345 })).toMatch(/too|more than 12345/)
  })
  it('reads of the clock count the same', () => { both((o) => run(`mov.u32 %r1, %clock; add.u32 %r2, %r1, 1; mov.u32 %r3, %clock; sub.u32 %r3, %r3, %r1; ${storeOwn}%r3; ret;`, {}, o)) })
})

describe('loads and stores', () => {
  // Every shape: contiguous, one address for all, strided and backwards; whole warps and some lanes. Values come back as bytes.
  const spaces: Readonly<Record<string, string>> = { global: '%out', shared: '%rd0', local: '%rd0' }
  const vectors = [[1, 'b8'], [1, 's8'], [1, 'u16'], [1, 's16'], [1, 'b32'], [1, 'b64'], [2, 'b8'], [2, 'u16'], [2, 'b32'], [2, 'b64'], [4, 'u8'], [4, 'b16'], [4, 'f32']] as const
  const addresses = ['shl.b32 %r1, %ti, 4', 'mov.u32 %r1, 64', 'mul.lo.u32 %r1, %ti, 48', 'sub.u32 %r1, 31, %ti; shl.b32 %r1, %r1, 4', 'STEP']
  for (const space of Object.keys(spaces)) {
    it(space, () => {
      for (const [count, type] of vectors) {
        const bytes = count * Number(type.slice(1)) / 8
        const wide = type.endsWith('64')
        const list = (prefix: string) => (count === 1 ? `${prefix}0` : `{${Array.from({ length: count }, (_, i) => `${prefix}${i}`).join(', ')}}`)
        const v = count === 1 ? '' : `.v${count}`
        const [from, to] = wide ? ['%la', '%lb'] : ['%wa', '%wb']
        for (const guard of ['', '@%p1 ']) {
          const body = addresses.map((a, n) => {
            const base = space === 'global' ? 'add.s64 %rd1, %out, %rd1;' : 'add.s64 %rd1, %rd0, %rd1;'
            const fill = Array.from({ length: 4 }, (_, i) => `mad.lo.u32 %wa${i}, %ti, ${7919 * (i + n + 1)}, ${0x80c0a081 | 0}; cvt.u64.u32 %la${i}, %wa${i}; shl.b64 %la${i}, %la${i}, ${i + 20}; mov.u32 %wb${i}, ${i}; mov.u64 %lb${i}, ${i};`).join('')
            return `${a.replace('STEP', `mul.lo.u32 %r1, %ti, ${bytes}`)}; mul.wide.u32 %rd1, %r1, 1; ${base} ${fill}
              ${guard}st.${space}${v}.${type} [%rd1+${16 * n}], ${list(from)}; ${guard}ld.${space}${v}.${type} ${list(to)}, [%rd1+${16 * n}];
              mul.wide.u32 %rd2, %ti, 64; add.s64 %rd2, %out, %rd2; add.s64 %rd2, %rd2, ${4096 + 2048 * n};
              ${Array.from({ length: count }, (_, i) => `st.global.b${wide ? 64 : 32} [%rd2+${8 * i}], ${to}${i};`).join('')}`
          }).join('\n')
          const place = space === 'global' ? '' : `.${space} .align 16 .b8 buf[2048]; mov.u64 %rd0, buf;`
          const text = `.reg .b32 %wa<4>, %wb<4>; .reg .b64 %la<4>, %lb<4>; ${place} and.b32 %r2, %ti, 5; setp.ne.u32 %p1, %r2, 4;\n${body}\nret;`
          try { expect(both((o) => run(text, { words: 4096 }, o)).used).toBeGreaterThan(50) } catch (error) { throw new Error(`${guard}${space}${v}.${type}: ${(error as Error).message}`) }
        }
      }
    })
  }
  it('parameters of every size, and constants', () => {
    const body = `.reg .b32 %x<4>; ld.const.v2.b32 {%x0, %x1}, [numbers+8]; ld.param.b32 %x2, [out]; ld.param.v2.b32 {%x3, %r1}, [out]; add.u32 %x0, %x0, %x1; sub.u32 %x2, %x2, %x3; add.u32 %x0, %x0, %x2; ${storeOwn}%x0; ret;`
    both((o) => run(body, { before: '.const .align 8 .u32 numbers[4] = { 1, 2, 30, 400 };' }, o))
  })
  it('asynchronous copies that land at once, with and without sizes', () => {
    const body = `.shared .align 16 .b8 buf[2048]; mov.u32 %r1, buf; mad.lo.u32 %r2, %ti, 16, %r1; mul.wide.u32 %rd1, %ti, 16; add.s64 %rd1, %out, %rd1; and.b32 %r3, %ti, 3; setp.ne.u32 %p1, %r3, 1;
      mad.lo.u32 %r7, %ti, 31, 5; st.global.u32 [%rd1], %r7; st.global.u32 [%rd1+8], %r2; selp.u32 %r4, 16, 0, %p1; mul.lo.u32 %r5, %ti, 3; and.b32 %r5, %r5, 15;
      cp.async.cg.shared.global [%r2], [%rd1], 16; cp.async.commit_group; cp.async.ca.shared.global [%r2+512], [%rd1], 16, %r4; @%p1 cp.async.ca.shared.global [%r2+1024], [%rd1+4], 4; @!%p1 cp.async.ca.shared.global [%r2+1024], [%rd1], 8;
      cp.async.commit_group; cp.async.ca.shared.global [%r2+1536], [%rd1], 16, %r5; cp.async.wait_group 1; cp.async.wait_all;
      ld.shared.v4.u32 {%r8, %r9, %r10, %r11}, [%r2]; st.global.v4.u32 [%rd1+1024], {%r8, %r9, %r10, %r11}; ld.shared.v4.u32 {%r8, %r9, %r10, %r11}, [%r2+512]; st.global.v4.u32 [%rd1+2048], {%r8, %r9, %r10, %r11};
      ld.shared.v4.u32 {%r8, %r9, %r10, %r11}, [%r2+1024]; st.global.v4.u32 [%rd1+3072], {%r8, %r9, %r10, %r11}; ld.shared.v4.u32 {%r8, %r9, %r10, %r11}, [%r2+1536]; st.global.v4.u32 [%rd1+4096], {%r8, %r9, %r10, %r11}; ret;`
    for (const async of ['early', 'late'] as const) both((o) => run(body, { words: 2048 }, { ...o, async }))
    bothFault(`.shared .align 16 .b8 buf[512]; mov.u32 %r1, buf; mul.wide.u32 %rd1, %ti, 16; add.s64 %rd1, %out, %rd1; mad.lo.u32 %r2, %ti, 16, %r1; cp.async.cg.shared.global [%r2], [%rd1], 16; cp.async.cg.shared.global [%r2], [%rd1+16], 16; ret;`, { words: 128 }, { async: 'early' })
    bothFault(`.shared .align 16 .b8 buf[500]; mov.u32 %r1, buf; mul.wide.u32 %rd1, %ti, 16; add.s64 %rd1, %out, %rd1; mad.lo.u32 %r2, %ti, 16, %r1; cp.async.cg.shared.global [%r2], [%rd1], 16; ret;`, { words: 128 }, { async: 'early' })
  })
  it('several buffers through one instruction', () => {
    const body = 'mov.u64 %rd0, other; and.b32 %r1, %ti, 1; setp.eq.u32 %p1, %r1, 0; selp.b64 %rd1, %rd0, %out, %p1; mul.wide.u32 %rd2, %ti, 4; add.s64 %rd1, %rd1, %rd2; st.global.u32 [%rd1], %ti; ld.global.u32 %r3, [%rd1]; add.s64 %rd3, %out, %rd2; st.global.u32 [%rd3+128], %r3; ret;'
    both((o) => run(body, { before: '.global .align 4 .u32 other[64];' }, o))
  })
})

describe('faults', () => {
  const step = 'mul.wide.u32 %rd1, %ti, 4; add.s64 %rd1, %out, %rd1;'
  it('past the end of a buffer, in the lane that it is', () => expect(bothFault(`mov.u32 %r1, 0; loop: ${step} st.global.u32 [%rd1], %r1; add.s64 %out, %out, 128; add.u32 %r1, %r1, 1; bra loop;`)).toMatch(/k.ptx:\d+:\d+.*outside every live allocation.*thread 0/))
  it('before its beginning', () => { bothFault(`${step} setp.eq.u32 %p1, %ti, 7; @%p1 sub.s64 %rd1, %rd1, 4096; ld.global.u32 %r1, [%rd1]; ret;`) })
  it('misaligned', () => { bothFault(`${step} setp.eq.u32 %p1, %ti, 9; @%p1 add.s64 %rd1, %rd1, 2; st.global.u32 [%rd1], %ti; ret;`) })
  it('a carry out of the low word', () => { bothFault('mov.u64 %rd1, 0x7e00fffffff0; ld.global.u32 %r1, [%rd1+2147483632]; ret;') })
  it('a null pointer', () => { bothFault('mov.u64 %rd1, 0; ld.global.u32 %r1, [%rd1+8]; ret;') })
  it('shared memory', () => { bothFault('.shared .align 4 .b8 buf[256]; mov.u32 %r1, buf; mad.lo.u32 %r1, %ti, 12, %r1; st.shared.u32 [%r1], %r1; ret;') })
  it('no shared memory at all', () => { bothFault('mov.u32 %r1, 0; ld.shared.u32 %r1, [%r1]; ret;') })
  it('local memory', () => { bothFault('.local .align 4 .b8 buf[64]; mov.u64 %rd1, buf; mul.wide.u32 %rd2, %ti, 4; add.s64 %rd1, %rd1, %rd2; st.local.u32 [%rd1], %ti; ret;') })
  it('in some lanes of a divided warp, after loops', () => { bothFault(`setp.lt.u32 %p1, %ti, 20; @%p1 bra over; ${step} mov.u32 %r1, 0; loop: add.u32 %r1, %r1, 1; setp.lt.u32 %p2, %r1, %ti; @%p2 bra loop; st.global.u32 [%rd1+200], %r1; over: ret;`) })
})
