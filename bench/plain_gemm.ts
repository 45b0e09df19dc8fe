// The peer of `weft bench`: a plain register-blocked GEMM, 8 x 8 outputs an invocation, 8 x 8 invocations a workgroup, and
// nothing known of the machine. It runs on a WebGPU device of its own, past all of Weft's machinery.

export type Layout = 'nt' | 'nn' | 'tn'
export const plainName = 'plain 8x8'

const eight = [0, 1, 2, 3, 4, 5, 6, 7]

/** c = a * b^T (nt), a * b (nn), a^T * b (tn); M and N divisible by 8. */
export function plainGemmWgsl(layout: Layout, M: number, N: number, K: number): string {
  const a = (i: number) => (layout === 'tn' ? `a[k * ${M} + m + ${i}]` : `a[(m + ${i}) * ${K} + k]`)
  const b = (j: number) => (layout === 'nt' ? `b[(n + ${j}) * ${K} + k]` : `b[k * ${N} + n + ${j}]`)
  const all = (line: (i: number, j: number) => string) => eight.map((i) => `  ${eight.map((j) => line(i, j)).join(' ')}`).join('\n')
  return `
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
@compute @workgroup_size(8, 8)
fn plain_gemm(@builtin(global_invocation_id) id: vec3u) {
  let m = id.y * 8;
  let n = id.x * 8;
  if (m >= ${M} || n >= ${N}) { return; }
${all((i, j) => `var c${i}${j} = 0.0;`)}
  for (var k = 0u; k < ${K}; k++) {
  ${eight.map((i) => `let a${i} = ${a(i)};`).join(' ')}
  ${eight.map((j) => `let b${j} = ${b(j)};`).join(' ')}
${all((i, j) => `c${i}${j} += a${i} * b${j};`)}
  }
${all((i, j) => `c[(m + ${i}) * ${N} + n + ${j}] = c${i}${j};`)}
}`
}

export interface PlainGemm {
  run(count: number): Promise<void>
  result(): Promise<Float32Array>
  destroy(): void
}

/** Uploads a and b and compiles. `gpu` is a device opened for this; several GEMMs may share it. */
export async function plainGemm(gpu: GPUDevice, layout: Layout, [M, N, K]: readonly [number, number, number], a: Float32Array, b: Float32Array): Promise<PlainGemm> {
  if (M % 8 || N % 8) throw new Error(`plain gemm: m=${M}, n=${N} must be multiples of 8`)
  const buffer = (elements: number, data?: Float32Array) => {
    const made = gpu.createBuffer({ size: elements * 4, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST })
    if (data) gpu.queue.writeBuffer(made, 0, data as Float32Array<ArrayBuffer>)
    return made
  }
  const buffers = [buffer(M * K, a), buffer(N * K, b), buffer(M * N)]
  const module = gpu.createShaderModule({ code: plainGemmWgsl(layout, M, N, K) })
  const pipeline = await gpu.createComputePipelineAsync({ layout: 'auto', compute: { module, entryPoint: 'plain_gemm' } })
  const group = gpu.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: buffers.map((b, binding) => ({ binding, resource: { buffer: b } })) })
  return {
    async run(count) {
      const encoder = gpu.createCommandEncoder()
      const pass = encoder.beginComputePass()
      pass.setPipeline(pipeline)
      pass.setBindGroup(0, group)
      for (let i = 0; i < count; i++) pass.dispatchWorkgroups(Math.ceil(N / 64), Math.ceil(M / 64))
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
      const copy = new Float32Array(staging.getMappedRange().slice(0))
      staging.destroy()
      return copy
    },
    destroy() { for (const b of buffers) b.destroy() },
  }
}
