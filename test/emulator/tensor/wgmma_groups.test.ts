// wgmma beside the threads: when products land, what registers hold until then, groups, warps that do not do the same.
import { describe, expect, it } from 'vitest'
import { LinearMemory } from '../../../backends/emulator/memory.ts'
import { LoadedModule } from '../../../backends/emulator/loader.ts'
import { parsePtx } from '../../../backends/emulator/parser.ts'
import { classes, faultOf, recorder } from '../support.ts'
import { descriptor, integers, product, store, type Placing } from './operands.ts'
import { accumulatorPlace, runWarpgroup, type WarpgroupRun } from './warpgroup.ts'

const [N, K, registers] = [8, 16, 4]
const [A, B] = [integers(64, K, 1, -9, 9), integers(N, K, 2, -9, 9)]
const layout = (start: number): Placing => ({ major: 'k', swizzle: 32, leading: 16, stride: 256, start })
const image = new Uint8Array(4096)
store(image, 'bf16', A, layout(0))
store(image, 'bf16', B, layout(2048))
const mma = (d = '{%d0, %d1, %d2, %d3}', scale = '1') => `wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 ${d}, %desc0, %desc1, ${scale}, 1, 1, 0, 0;`
const [fence, commit, wait] = ['wgmma.fence.sync.aligned;', 'wgmma.commit_group.sync.aligned;', 'wgmma.wait_group.sync.aligned']
const f32 = (bits: number) => new Float32Array(Uint32Array.of(bits).buffer)[0]
const run = (body: string, more: Partial<WarpgroupRun> = {}) => runWarpgroup({ image, registers, descriptors: [descriptor(layout(0)), descriptor(layout(2048))], body, ...more })
const values = (body: string, more: Partial<WarpgroupRun> = {}) => Array.from(run(body, more).words, f32)
/** times * A B in the place of each thread's registers. */
const times = (n: number) => Array.from({ length: 128 * registers }, (_, i) => { const [r, c] = accumulatorPlace(Math.floor(i / registers), i % registers); return n * product(A, B, r, c) })
const modes = ['early', 'late', 'random'] as const

describe('groups', () => {
  it('a chain on one accumulator, waited for at the end', () => {
    for (const async of modes) for (const seed of [0, 1, 2]) expect(values(`${fence} ${mma()} ${mma()} ${commit} ${mma()} ${commit} ${wait} 0;`, { options: { async, seed } })).toEqual(times(3))
  })
  it('wait_group 1 gives back the older group', () => {
    const body = `.reg .b32 %e<4>; ${fence} ${mma()} ${commit} ${mma('{%e0, %e1, %e2, %e3}', '0')} ${commit} ${wait} 1; mov.b32 %a0, %d0; mov.b32 %a1, %d1; ${wait} 0; mov.b32 %d0, %a0; mov.b32 %d1, %a1; mov.b32 %d2, %e2; mov.b32 %d3, %e3;`
    for (const async of modes) expect(values(body, { options: { async } })).toEqual(times(1))
  })
  it('registers hold no numbers before the wait, and are not given back by a wait for less', () => {
    for (const async of modes) {
      expect(values(`${fence} ${mma()} ${commit}`, { options: { async } }).every(Number.isNaN)).toBe(true)
      expect(values(`${fence} ${mma()} ${commit} ${wait} 1;`, { options: { async } }).every(Number.isNaN)).toBe(true)
      expect(values(`${fence} ${mma()} ${wait} 0;`, { options: { async } }).every(Number.isNaN)).toBe(true)
    }
  })
  it('a move of an accumulator in flight waits for it, as ptxas makes it', () => {
    const body = `.reg .b32 %e<4>; ${fence} ${mma()} ${mma()} ${commit} ${[0, 1, 2, 3].map((i) => `mov.b32 %e${i}, %d${i};`).join(' ')} ${wait} 0; ${[0, 1, 2, 3].map((i) => `mov.b32 %d${i}, %e${i};`).join(' ')}`
    for (const async of modes) for (const seed of [0, 1]) expect(values(body, { options: { async, seed } })).toEqual(times(2))
    const { factory, diagnostics } = recorder()
    run(body, { sanitizer: factory })
    expect(diagnostics).toEqual([])
  })
  it('each warp has its own scale-d', () => {
    const got = values(`shr.u32 %r1, %r0, 5; setp.ge.u32 %p1, %r1, 2; ${fence} ${mma()} ${mma('{%d0, %d1, %d2, %d3}', '%p1')} ${commit} ${wait} 0;`)
    expect(got).toEqual([...times(1).slice(0, 64 * registers), ...times(2).slice(64 * registers)])
  })
  it('accumulators that share some registers', () => {
    const wide = (first: number) => `{${[0, 1, 2, 3].map((i) => `%e${first + i}`).join(', ')}}`
    const body = `.reg .b32 %e<8>; ${fence} ${mma(wide(0), '0')} ${mma(wide(2), '0')} ${commit} ${wait} 0; mov.b32 %d0, %e0; mov.b32 %d1, %e1; mov.b32 %d2, %e4; mov.b32 %d3, %e5;`
    expect(values(body, { options: { async: 'late' } })).toEqual(times(1))
  })
  it('a guard that is false for the whole warpgroup skips it', () => {
    expect(values(`setp.gt.u32 %p1, %r0, 999; ${fence} @%p1 ${mma()} @!%p1 ${mma()} ${commit} ${wait} 0;`)).toEqual(times(1))
  })
  it('shared memory is read when the product is performed: early and late differ where it is changed too soon', () => {
    const body = `.reg .b32 %z; mov.b32 %z, 0; ${fence} ${mma()} ${commit} bar.sync 0; add.u32 %r1, %r0, 0; shl.b32 %r1, %r1, 4; mov.u32 %r2, smem; add.u32 %r2, %r2, %r1; st.shared.v4.u32 [%r2], {%z, %z, %z, %z}; bar.sync 0; ${wait} 0;`
    expect(values(body, { options: { async: 'early' } })).toEqual(times(1))
    expect(values(body, { options: { async: 'late' } })).toEqual(times(0).map(() => 0))
  })
  it('two warpgroups do not wait for each other', () => {
    const body = `shr.u32 %r1, %r0, 7; setp.eq.u32 %p1, %r1, 0; @%p1 bra first; ${fence} ${mma()} ${mma()} ${commit} ${wait} 0; bra end; first: ${fence} ${mma()} ${commit} ${wait} 0; end:`
    for (const seed of [0, 1, 2, 3]) expect(values(body, { threads: 256, options: { seed } })).toEqual([...times(1), ...times(2)])
  })
})

it('a warpgroup that exits without waiting leaves the others alone', () => {
  const body = `shr.u32 %r1, %r0, 7; setp.eq.u32 %p1, %r1, 0; ${fence} ${mma()} ${commit} @%p1 exit; ${wait} 0;`
  for (const async of modes) for (const seed of [0, 1]) expect(values(body, { threads: 256, options: { async, seed } }).slice(128 * registers)).toEqual(times(1))
})

describe('what is wrong', () => {
  const problem = (body: string, more: Partial<WarpgroupRun> = {}) => { const f = faultOf(() => { const { fault } = run(body, more); if (fault) throw fault }); return [f.kind, f.message] }
  it('warps of one warpgroup at different products', () => {
    expect(problem(`shr.u32 %r1, %r0, 5; setp.eq.u32 %p1, %r1, 2; ${fence} @%p1 bra other; ${mma()} bra end; other: ${mma()} end: ${commit} ${wait} 0;`))
      .toEqual(['illegal-instruction', expect.stringMatching(/warp [0-3] executes wgmma\.mma_async.*in line \d+ where others of its warpgroup execute/)])
  })
  it('descriptors that differ between warps', () => {
    expect(problem(`shr.u32 %r1, %r0, 5; cvt.u64.u32 %rd5, %r1; add.s64 %desc0, %desc0, %rd5; ${fence} ${mma()} ${commit} ${wait} 0;`)).toEqual(['illegal-instruction', expect.stringMatching(/other descriptors/)])
    expect(problem(`cvt.u64.u32 %rd5, %r0; add.s64 %desc0, %desc0, %rd5; ${fence} ${mma()} ${commit} ${wait} 0;`, { sanitizer: recorder().factory })).toEqual(['illegal-instruction', expect.stringMatching(/lanes 0 and 1 bring different descriptors/)])
  })
  it('a warp that never comes is a deadlock that names it', () => {
    expect(problem(`shr.u32 %r1, %r0, 5; setp.eq.u32 %p1, %r1, 3; ${fence} @%p1 exit; ${mma()} ${commit} ${wait} 0;`)).toEqual(['deadlock', expect.stringMatching(/warp 3 of the warpgroup has not executed wgmma\.mma_async/)])
  })
  it('fewer than four warps', () => { expect(problem(`${fence} ${mma()} ${commit} ${wait} 0;`, { threads: 96 })).toEqual(['illegal-instruction', expect.stringMatching(/is for 4 whole warps/)]) })
  it('an operand past the end of shared memory', () => { expect(problem(`add.s64 %desc1, %desc1, 128; ${fence} ${mma()} ${commit} ${wait} 0;`)).toEqual(['illegal-address', expect.stringMatching(/outside shared memory of 4096 bytes/)]) })
})

describe('with a sanitizer', () => {
  it('tells it what is read, when it is done and when that is seen', () => {
    const { factory, calls, diagnostics } = recorder()
    run(`${fence} ${mma()} ${commit} ${wait} 0;`, { sanitizer: factory, options: { async: 'late' } })
    expect(calls.filter((c) => c.startsWith('async'))).toEqual([...Array(4).fill(['asyncIssue async', 'asyncRegisters write']).flat(), ...Array(4).fill('asyncObserved -1 false')])
    expect(diagnostics).toEqual([])
  })
  it('reports a product without a fence', () => {
    const found = (body: string) => { const { factory, diagnostics } = recorder(); run(body, { sanitizer: factory }); return [classes(diagnostics), diagnostics[0].message] }
    expect(found(`${mma()} ${commit} ${wait} 0;`)).toEqual([['async-race'], expect.stringMatching(/not ordered by any wgmma\.fence/)])
  })
})

describe('forms', () => {
  const decode = (text: string, target = 'sm_90a', version = '8.4') => new LoadedModule(parsePtx(`.version ${version}\n.target ${target}\n.address_size 64\n.visible .entry k()\n{ .reg .pred %p<4>; .reg .b32 %r<300>; .reg .b64 %rd<4>; .reg .f32 %f<300>;\n${text} ret; }`, 'k.ptx'), new LinearMemory()).functionNamed('k')
  const d = (n: number, p = '%f') => `{${Array.from({ length: n }, (_, i) => `${p}${i}`).join(',')}}`
  const refused: [text: string, problem: RegExp, target?: string, version?: string][] = [
    [`wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 ${d(4)}, %rd0, %rd1, %p0, 1, 1, 0, 0;`, /sm_90a/, 'sm_90'],
    [`wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.f16 ${d(4)}, %rd0, %rd1, %p0, 1, 1, 0, 0;`, /do not go together/],
    [`wgmma.mma_async.sync.aligned.m64n8k32.f32.bf16.bf16 ${d(4)}, %rd0, %rd1, %p0, 1, 1, 0, 0;`, /m64nNk16/],
    [`wgmma.mma_async.sync.aligned.m64n12k16.f32.bf16.bf16 ${d(6)}, %rd0, %rd1, %p0, 1, 1, 0, 0;`, /multiple of 8/],
    [`wgmma.mma_async.sync.aligned.m64n40k32.s32.s8.s8 ${d(20, '%r')}, %rd0, %rd1, %p0;`, /multiple of 16/],
    [`wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 ${d(4)}, %rd0, %rd1, %p0, 2, 1, 0, 0;`, /imm-scale-a is 2/],
    [`wgmma.mma_async.sync.aligned.m64n8k8.f32.tf32.tf32 ${d(4)}, %rd0, %rd1, %p0, 1, 1, 0, 0;`, /operands/],
    [`wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16.relu ${d(4)}, %rd0, %rd1, %p0, 1, 1, 0, 0;`, /unknown modifier \.relu/],
    [`wgmma.mma_async.sync.aligned.m64n8k32.s32.s8.u8 ${d(4, '%r')}, %rd0, %rd1, %p0;`, /PTX 8\.4/, 'sm_90a', '8.0'],
    ['wgmma.fence.aligned;', /needs \.sync/], ['wgmma.wait_group.sync.aligned -1;', /0 or more/], ['wgmma.arrive.sync.aligned;', /unknown instruction/],
    ['setmaxnreg.inc.sync.aligned.u32 41;', /multiple of 8/], ['setmaxnreg.inc.sync.aligned.u32 264;', /24 to 256/], ['setmaxnreg.sync.aligned.u32 40;', /\.inc or \.dec/], ['setmaxnreg.dec.sync.aligned.u32 40;', /sm_90a/, 'sm_90'],
  ]
  for (const [text, message, target, version] of refused) it(`refuses ${text}`, () => { expect(() => decode(text, target, version)).toThrow(message) })
})
