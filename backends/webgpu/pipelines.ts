// Compute pipelines by text and overrides. A step repeats the same few, so nothing is ever evicted.
import type { Dispatch } from '../../src/core/kernel.ts'

export interface Pipeline { readonly id: number; readonly pipeline: GPUComputePipeline; readonly layout: GPUBindGroupLayout }

export class Pipelines {
  private byText = new Map<string, Map<string, Pipeline>>()
  private nextId = 0

  constructor(private readonly gpu: GPUDevice, private readonly onError: (error: Error) => void) {}

  get(d: Dispatch, label: string): Pipeline {
    let variants = this.byText.get(d.wgsl)
    if (!variants) this.byText.set(d.wgsl, (variants = new Map()))
    const key = d.overrides ? `${d.entry} ${JSON.stringify(d.overrides)}` : d.entry
    let made = variants.get(key)
    if (!made) variants.set(key, (made = this.make(d, label)))
    return made
  }

  private make(d: Dispatch, label: string): Pipeline {
    this.gpu.pushErrorScope('validation')
    const module = this.gpu.createShaderModule({ label, code: d.wgsl })
    const pipeline = this.gpu.createComputePipeline({
      label, layout: 'auto', compute: { module, entryPoint: d.entry, constants: d.overrides as Record<string, number> },
    })
    void this.gpu.popErrorScope().then(async (error) => {
      if (!error) return
      const { messages } = await module.getCompilationInfo()
      const where = messages.filter((m) => m.type === 'error').map((m) => `line ${m.lineNum}: ${m.message}`).join('; ')
      this.onError(new Error(`webgpu: ${label}.wgsl does not compile: ${where || error.message}`))
    }, () => {})
    return { id: this.nextId++, pipeline, layout: pipeline.getBindGroupLayout(0) }
  }
}
