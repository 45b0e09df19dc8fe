// GEMM squares in a headless Chromium: Weft's own dispatches, made in Node, beside the plain kernel and, from a folder where they
// are installed, the matmul of other libraries; all in one page, in turn.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { GpuInfo } from '../src/core/kernel.ts'
import type { Specs } from '../src/core/op.ts'
import { gemm } from '../shaders/gemm.ts'
import { openPage } from './chromium.ts'
import { plainGemmWgsl, plainName } from './plain_gemm.ts'
import { squares, type GemmShape } from './gemm.ts'
import { installLibraries, type LibraryName } from './gemm_libraries.ts'
import { raceInPage, type PageDispatch, type PageKernel } from './gemm_page.ts'
import type { BenchRow } from './row.ts'

/** Libraries that a page can load from `node_modules` of a folder, with the script that does it (jax-js is imported where it is used). */
const libraries: { name: string; script: string; peer: LibraryName }[] = [
  { name: '@tensorflow/tfjs', script: '@tensorflow/tfjs/dist/tf.min.js', peer: 'tfjs' },
  { name: '@tensorflow/tfjs-backend-webgpu', script: '@tensorflow/tfjs-backend-webgpu/dist/tf-backend-webgpu.min.js', peer: 'tfjs' },
  { name: 'onnxruntime-web', script: 'onnxruntime-web/dist/ort.webgpu.min.js', peer: 'onnxruntime-web' },
  { name: '@jax-js/jax', script: '', peer: 'jax-js' },
]

export interface BrowserBench { disableRobustness: boolean; /** Has node_modules with some of the libraries. */ peers?: string }

export async function* benchGemmInBrowser({ disableRobustness, peers }: BrowserBench): AsyncGenerator<BenchRow> {
  const root = peers && join(peers, 'node_modules')
  const found = libraries.filter(({ name }) => root && existsSync(join(root, name, 'package.json')))
  const versions = new Map(found.map(({ name, peer }) => [peer, `${peer} ${JSON.parse(readFileSync(join(root!, name, 'package.json'), 'utf8')).version}`]))
  const { page, version, close } = await openPage({ disableRobustness, root })
  try {
    for (const { script } of found) if (script) await page.addScriptTag({ url: `/${script}` })
    await page.evaluate(installLibraries)
    const subgroups = await page.evaluate(async () => (await navigator.gpu.requestAdapter())!.features.has('subgroups'))
    for (const shape of squares) {
      const { layout, M, N, K } = shape
      const kernels: PageKernel[] = [{ name: 'weft', dispatches: ownDispatches(shape, subgroups) }, { name: plainName, dispatches: [plainDispatch(shape)] }]
      const libraryNames = layout === 'nn' ? [...versions.keys()] : []
      const times = await page.evaluate(raceInPage, { kernels, M, N, K, subgroups, libraries: libraryNames })
      const timeSec = times.weft
      for (const [peer, peerSec] of Object.entries(times)) {
        if (peer === 'weft') continue
        yield {
          event: 'bench', op: 'gemm', shape: `f32 ${layout} (m=${M}, n=${N}, k=${K})`, device: `webgpu, Chromium ${version}${disableRobustness ? ', no bounds checks' : ''}`, timeSec,
          flopPerSec: 2 * M * N * K / timeSec, bytesPerSec: 4 * (M * K + N * K + M * N) / timeSec, fractionOfPeak: null,
          peer: versions.get(peer as LibraryName) ?? peer, ratioToPeer: peerSec / timeSec,
        }
      }
    }
  } finally {
    await close()
  }
}

/** Buffers 0, 1, 2 are a, b, c; scratch memory comes after. */
function ownDispatches({ layout, M, N, K }: GemmShape, subgroups: boolean): PageDispatch[] {
  const specs: Specs = {
    a: { dtype: 'f32', shape: layout === 'tn' ? [K, M] : [M, K] }, b: { dtype: 'f32', shape: layout === 'nt' ? [N, K] : [K, N] }, c: { dtype: 'f32', shape: [M, N] },
  }
  const info: GpuInfo = { software: true, subgroups, maxBindingBytes: 2 ** 27 }
  const dispatches = gemm.launch({ specs, attrs: { layout, out: 'f32' } } as Parameters<typeof gemm.launch>[0], info)
  const scratch: string[] = []
  return dispatches.map(({ wgsl, entry, bindings, uniforms = [], workgroups }) => ({
    wgsl, entry, workgroups: [...workgroups], uniforms: uniforms.map(([, x]) => x),
    bindings: bindings.map((b) => {
      if (typeof b === 'string') return { index: 'abc'.indexOf(b), bytes: 0 }
      if (!scratch.includes(b.scratch)) scratch.push(b.scratch)
      return { index: 3 + scratch.indexOf(b.scratch), bytes: b.bytes }
    }),
  }))
}

const plainDispatch = ({ layout, M, N, K }: GemmShape): PageDispatch => ({
  wgsl: plainGemmWgsl(layout, M, N, K), entry: 'plain_gemm', workgroups: [Math.ceil(N / 64), Math.ceil(M / 64), 1], uniforms: [],
  bindings: [0, 1, 2].map((index) => ({ index, bytes: 0 })),
})
