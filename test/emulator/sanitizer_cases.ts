// The programs of golden/sanitizer-cases as launch cases.
import { readFileSync } from 'node:fs'
import type { PtxCase } from '../../backends/emulator/run_case.ts'

interface Entry { kernel: string; expect: string | null; also?: string[]; block?: number; grid?: number; cluster?: number; dynamic?: number; words?: number; tensorMap?: boolean }
export interface SanitizerCase { readonly name: string; readonly text: string; readonly expect: string | null; readonly accepted: readonly string[]; readonly launch: PtxCase }

const folder = new URL('../golden/sanitizer-cases/', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8')

const map = {
  dataType: 'UINT32', rank: 2, buffer: 'out', byteOffset: 8192, globalDim: [16, 64], globalStrides: [64], boxDim: [16, 16], elementStrides: [1, 1],
  interleave: 'NONE', swizzle: '64B', l2Promotion: 'NONE', oobFill: 'NONE',
}

export function sanitizerCases(): SanitizerCase[] {
  const files = JSON.parse(read('cases.json')) as Record<string, Entry[]>
  return Object.entries(files).flatMap(([file, entries]) => {
    const text = read(`${file}.ptx`)
    return entries.map(({ kernel, expect, also = [], block = 128, grid = 1, cluster, dynamic = 0, words = 4096, tensorMap }) => ({
      name: `${file}: ${kernel}`, text, expect, accepted: expect === null ? [] : [expect, ...also],
      launch: {
        name: kernel, ptx: `${file}.ptx`, kernel, grid: [grid, 1, 1], block: [block, 1, 1], cluster: cluster ? [cluster, 1, 1] : null, dynamicSharedBytes: dynamic,
        args: [...(tensorMap ? [{ tensorMap: map }] : []), { ptr: 'out' }, { ptr: 'in' }, { i32: words }],
        buffers: [{ name: 'out', type: 'u32', count: words, fill: 0 }, { name: 'in', type: 'u32', hex: '01000000'.repeat(words) }],
      } as PtxCase,
    }))
  })
}
