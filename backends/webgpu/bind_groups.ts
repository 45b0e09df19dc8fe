// Bind groups and uniform buffers by content. Pooled buffers come back in the same order every step, so steps hit the cache.
import type { Uniform } from '../../src/core/kernel.ts'
import type { PooledBuffer } from './buffer_pool.ts'
import type { Pipeline } from './pipelines.ts'

/** Entries kept; the oldest half goes when full (uniforms that change every step, such as the learning rate). */
const capacity = 8192

export class BindGroups {
  private groups = new Map<string, GPUBindGroup>()
  private uniforms = new Map<string, GPUBuffer>()

  constructor(private readonly gpu: GPUDevice) {}

  get(pipeline: Pipeline, buffers: PooledBuffer[], uniforms: readonly Uniform[] = []): GPUBindGroup {
    const words = uniforms.length ? uniformKey(uniforms) : ''
    const key = `${pipeline.id}:${buffers.map((b) => b.id).join()}:${words}`
    const found = this.groups.get(key)
    if (found) return found
    const entries: GPUBindGroupEntry[] = buffers.map((b, binding) => ({ binding, resource: { buffer: b.gpuBuffer } }))
    if (uniforms.length) entries.push({ binding: buffers.length, resource: { buffer: this.uniformBuffer(words, uniforms) } })
    const group = this.gpu.createBindGroup({ layout: pipeline.layout, entries })
    evict(this.groups)
    this.groups.set(key, group)
    return group
  }

  /** Contents never change once made: the queue may still hold earlier uses. */
  private uniformBuffer(key: string, uniforms: readonly Uniform[]): GPUBuffer {
    const found = this.uniforms.get(key)
    if (found) return found
    const size = Math.ceil((uniforms.length * 4) / 16) * 16
    const buffer = this.gpu.createBuffer({ size, usage: GPUBufferUsage.UNIFORM, mappedAtCreation: true })
    new Uint32Array(buffer.getMappedRange()).set(uniformWords(uniforms))
    buffer.unmap()
    evict(this.uniforms)
    this.uniforms.set(key, buffer)
    return buffer
  }
}

const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

function uniformWords(uniforms: readonly Uniform[]): number[] {
  return uniforms.map(([type, x]) => {
    if (type !== 'f32') return x >>> 0
    float[0] = x
    return bits[0]
  })
}

const uniformKey = (uniforms: readonly Uniform[]) => uniformWords(uniforms).join()

function evict(map: Map<string, unknown>): void {
  if (map.size < capacity) return
  let drop = capacity / 2
  for (const key of map.keys()) {
    if (drop-- === 0) break
    map.delete(key)
  }
}
