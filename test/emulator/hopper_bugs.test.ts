// The cases of hopper/, each with one bug put in: the sanitizer finds it however the copies land. And without a bug it is silent.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { EmulatorOptions } from '../../backends/emulator/machine.ts'
import { runCase, type CaseArg, type PtxCase } from '../../backends/emulator/run_case.ts'
import { createSanitizer } from '../../backends/emulator/sanitizer/index.ts'
import { classes, faultOf } from './support.ts'

const folder = new URL('../golden/ptx-cases/hopper/', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8')
const { cases } = JSON.parse(read('cases.json')) as { cases: PtxCase[] }
const named = (name: string) => cases.find((c) => c.name === name)!

/** `change` turns the kernel's text into a faulty one. */
function changed(c: PtxCase, change: (body: string) => string): string {
  const text = read(c.ptx)
  const at = text.indexOf(`.entry ${c.kernel}(`)
  const next = text.indexOf('.visible', at)
  const end = next < 0 ? text.length : next
  return text.slice(0, at) + change(text.slice(at, end)) + text.slice(end)
}
const go = (c: PtxCase, text: string, options: Partial<EmulatorOptions>) => runCase(c, text, { maxInstructions: 1e6, sanitize: true, ...options }, createSanitizer)
const without = (pattern: RegExp | string) => (body: string) => body.replace(pattern, '')
const waits = /\{\s*\.reg \.pred p;\s*W:[\s\S]*?\nD:\s*\}/g
/** Waits by their number in the text: in `ring` the producer has the first five. */
const withoutWaits = (which: (n: number) => boolean) => (body: string) => { let n = 0; return body.replace(waits, (m) => (which(n++) ? '' : m)) }
const firstClusterSync = (body: string) => body.replace(/barrier\.cluster\.arrive[^;]*;/, '').replace(/barrier\.cluster\.wait[^;]*;/, '')

const bugs: [string, string, string, (body: string) => string][] = [
  ['a load that nobody waits for', 'tma_2d_inside', 'async-race', withoutWaits(() => true)],
  ['no proxy fence before a store', 'tma_store', 'missing-proxy-fence', without('fence.proxy.async.shared::cta;')],
  ['the source is overwritten before it was read', 'tma_store_add_f32', 'async-race', without('cp.async.bulk.wait_group.read 0;')],
  ['one group too few is waited for', 'tma_store_add_f32', 'async-race', (b) => b.replace('wait_group.read 0', 'wait_group.read 1')],
  ['a reduction after a store that was only read', 'tma_store_add_f32', 'async-race', (b) => b.replace('wait_group 0', 'wait_group.read 0')],
  ['bytes of another block that are read before they came', 'dsmem_4', 'async-race', withoutWaits((n) => n < 2)],
  ['a producer that does not wait', 'ring_11', 'async-race', withoutWaits((n) => n < 5)],
  ['a barrier that nobody made', 'tma_2d_inside', 'mbarrier-misuse', without(/mbarrier\.init[^;]*;/)],
  ['a misaligned destination', 'tma_2d_inside', 'misaligned-address', (b) => b.replace(/(cp\.async\.bulk\.tensor\S+ \[%r\d+)\]/, '$1+16]')],
  ['blocks that use each other\'s memory too early', 'dsmem_4', 'mbarrier-misuse', firstClusterSync],
  ['no proxy fence before a copy to another block', 'dsmem_4', 'missing-proxy-fence', without('fence.proxy.async;')],
  ['a tile multiplied before it came', 'gemm_fp8_cluster', 'async-race', withoutWaits((n) => n === 1)],
  ['a stage freed in one block only', 'gemm_fp8_cluster', 'async-race', (b) => b.replace(/mapa\.shared::cluster\.u32 (%r\d+), (%r\d+), %r\d+;/g, 'mov.u32 $1, $2;')],
  ['a tile stored without a proxy fence', 'gemm_fp8_cluster', 'missing-proxy-fence', without('fence.proxy.async.shared::cta;')],
  ['a tensor map that was not acquired', 'tensormap_replace', 'missing-proxy-fence', without(/fence\.proxy\.tensormap[^;]*;/)],
  ['a tensor map that lanes write and one reads at once', 'tensormap_replace', 'shared-race', without(/bar\.warp\.sync[^;]*;/g)],
]

describe('bugs', () => {
  for (const [what, name, cls, change] of bugs) {
    it(`${what}: ${cls}`, () => {
      const c = named(name)
      const text = changed(c, change)
      expect(text).not.toBe(read(c.ptx))
      for (const [async, seed] of [['early', 0], ['late', 1]] as const) expect(classes(go(c, text, { async, seed }).diagnostics)).toContain(cls)
    })
  }
  const altered: [string, string, string, (c: PtxCase) => PtxCase][] = [
    ['more bytes expected than come', 'tma_2d_inside', 'deadlock', (c) => ({ ...c, args: c.args.map((a, i) => (i === 2 ? { i32: 528 } : a)) as CaseArg[] })],
    ['too little shared memory', 'tma_2d_inside', 'shared-out-of-bounds', (c) => ({ ...c, dynamicSharedBytes: 256 })],
    ['a map turned to more than its buffer', 'tensormap_replace', 'global-out-of-bounds', (c) => ({ ...c, args: c.args.map((a, i) => (i === 6 ? { i32: 100 } : a)) as CaseArg[] })],
  ]
  for (const [what, name, cls, alter] of altered) {
    it(`${what}: ${cls}`, () => {
      const c = alter(named(name))
      expect(classes(go(c, read(c.ptx), { async: 'late', seed: 1 }).diagnostics)).toContain(cls)
    })
  }
})

describe('no bug', () => {
  for (const name of ['tma_3d', 'tma_swizzle_128B_edges', 'tma_store_edge', 'tma_store_add_f16', 'tma_multicast_4', 'dsmem_8', 'ring_11', 'tensormap_replace', 'tracked', 'cuda_pipeline', 'gemm_fp8_cluster']) {
    it(name, () => {
      const c = named(name)
      for (const [async, seed] of [['late', 1], ['random', 2]] as const) expect(go(c, read(c.ptx), { async, seed })).toMatchObject({ equal: true, diagnostics: [] })
    })
  }
})

describe('without a sanitizer', () => {
  const told = (name: string, change: (body: string) => string, alter: (c: PtxCase) => PtxCase = (c) => c) => {
    const c = alter(named(name))
    return faultOf(() => runCase(c, changed(c, change), { maxInstructions: 1e6 }))
  }
  it('what lies there is no tensor map', () => {
    // The first word of the map is changed on its way through shared memory.
    const fault = told('tensormap_replace', (b) => b.replace(/(tensormap\.cp_fenceproxy)/, 'st.shared.u32 [%r99999], 0; $1').replace('%r99999', /tensormap\.replace\.tile\.rank\S* \[(%r\d+)\]/.exec(b)![1]))
    expect(fault.message).toMatch(/not a tensor map/)
  })
  it('a rank that the instruction does not have', () => {
    expect(told('tensormap_replace', (b) => b.replace(/(tensormap\.replace\.tile\.rank\S* \[%r\d+\]), %r\d+/, '$1, 2')).message).toMatch(/a tensor map of rank 3 with 2 coordinates/)
  })
  it('a box that no map has, a stride that no copy takes', () => {
    expect(told('tensormap_replace', (b) => b.replace(/(tensormap\.replace\.tile\.box_dim\S* \[%r\d+\], 1), %r\d+/, '$1, 300')).message).toMatch(/\.box_dim 300, must be at most 256/)
    expect(told('tensormap_replace', (b) => b, (c) => ({ ...c, args: c.args.map((a, i) => (i === 4 ? { i32: 40 } : a)) as CaseArg[] })).message).toMatch(/its stride 0 is 40, no multiple of 16/)
  })
  it('a reduction that the type does not have', () => {
    expect(told('tma_store_add_f32', (b) => b.replaceAll('shared::cta.add.tile', 'shared::cta.xor.tile')).message).toMatch(/\.xor on a tensor of FLOAT32/)
  })
})
