// What runs inside the page: sent there as source text, so it stands alone and imports types only.
import type { Contestant, LibraryName } from './gemm_libraries.ts'

export interface PageDispatch { wgsl: string; entry: string; bindings: { index: number; bytes: number }[]; uniforms: number[]; workgroups: number[] }
export interface PageKernel { name: string; dispatches: PageDispatch[] }
export interface PageRace { kernels: PageKernel[]; M: number; N: number; K: number; subgroups: boolean; libraries: LibraryName[] }

/** Least seconds of one product for each contestant, after a warm-up; throws when results differ. Uniforms are integers. */
export async function raceInPage({ kernels, M, N, K, subgroups, libraries }: PageRace): Promise<Record<string, number>> {
  const adapter = (await navigator.gpu.requestAdapter())!
  const gpu = await adapter.requestDevice({ requiredFeatures: subgroups ? ['subgroups' as GPUFeatureName] : [] })
  const failures: string[] = []
  gpu.addEventListener('uncapturederror', (event) => { failures.push((event as GPUUncapturedErrorEvent).error.message) })
  const scatter = (n: number, seed: number) => {
    const out = new Float32Array(n)
    let state = seed
    for (let i = 0; i < n; i++) out[i] = ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8) / 2 ** 24 - 0.5
    return out
  }
  const a = scatter(M * K, 1)
  const b = scatter(N * K, 2)
  const buffer = (bytes: number, data?: Float32Array) => {
    const made = gpu.createBuffer({ size: bytes, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST })
    if (data) gpu.queue.writeBuffer(made, 0, data as Float32Array<ArrayBuffer>)
    return made
  }

  const ownKernel = (kernel: PageKernel) => {
    const buffers = [buffer(a.byteLength, a), buffer(b.byteLength, b), buffer(M * N * 4)]
    const steps = kernel.dispatches.map(({ wgsl, entry, bindings, uniforms, workgroups }) => {
      const pipeline = gpu.createComputePipeline({ layout: 'auto', compute: { module: gpu.createShaderModule({ code: wgsl }), entryPoint: entry } })
      const entries = bindings.map(({ index, bytes }, binding) => ({ binding, resource: { buffer: (buffers[index] ??= buffer(bytes)) } }))
      if (uniforms.length) {
        const uniform = buffer(Math.ceil(uniforms.length / 4) * 16)
        gpu.queue.writeBuffer(uniform, 0, new Uint32Array(uniforms))
        entries.push({ binding: bindings.length, resource: { buffer: uniform } })
      }
      return { pipeline, workgroups, group: gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }) }
    })
    return {
      async run(count: number) {
        const encoder = gpu.createCommandEncoder()
        const pass = encoder.beginComputePass()
        for (let i = 0; i < count; i++) {
          for (const { pipeline, group, workgroups: [x, y, z] } of steps) {
            pass.setPipeline(pipeline)
            pass.setBindGroup(0, group)
            pass.dispatchWorkgroups(x, y, z)
          }
        }
        pass.end()
        gpu.queue.submit([encoder.finish()])
        await gpu.queue.onSubmittedWorkDone()
      },
      async result() {
        const staging = gpu.createBuffer({ size: M * N * 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST })
        const encoder = gpu.createCommandEncoder()
        encoder.copyBufferToBuffer(buffers[2], 0, staging, 0, M * N * 4)
        gpu.queue.submit([encoder.finish()])
        await staging.mapAsync(GPUMapMode.READ)
        return new Float32Array(staging.getMappedRange().slice(0))
      },
    }
  }

  // The libraries multiply [M, K] by [K, N] and are asked for the result of the last of `count` products.
  const contestants: Record<string, Contestant> = {}
  for (const kernel of kernels) contestants[kernel.name] = ownKernel(kernel)
  const { weftPeers } = globalThis as unknown as { weftPeers: Record<LibraryName, (a: Float32Array, b: Float32Array, M: number, N: number, K: number) => Promise<Contestant>> }
  for (const name of libraries) contestants[name] = await weftPeers[name](a, b, M, N, K)

  const names = Object.keys(contestants)
  const seconds = async (name: string, count: number) => {
    const start = performance.now()
    await contestants[name].run(count)
    return (performance.now() - start) / 1000
  }
  const counts: Record<string, number> = {}
  for (const name of names) {
    await seconds(name, 1) // compiles
    counts[name] = Math.max(1, Math.ceil(0.05 / await seconds(name, 1)))
  }
  if (failures.length) throw new Error(failures[0])
  const expected = await contestants[names[0]].result()
  for (const name of names) {
    const got = await contestants[name].result()
    let error = 0
    for (let i = 0; i < expected.length; i++) error = Math.max(error, Math.abs(got[i] - expected[i]))
    if (!(error <= 1e-4 * Math.sqrt(K))) throw new Error(`gemm m=${M} n=${N} k=${K}: ${names[0]} and ${name} differ by ${error}`)
  }
  const best: Record<string, number> = {}
  // One that takes seconds runs twice.
  for (let rep = 0; rep < 5; rep++) for (const name of names) if (rep < 2 || best[name] < 1) best[name] = Math.min(best[name] ?? Infinity, await seconds(name, counts[name]) / counts[name])
  gpu.destroy()
  return best
}
