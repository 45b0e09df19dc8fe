// AdamW over all parameters of a model, with one global gradient norm. Nothing is read back: the norm stays on the device
// until someone asks, and a norm that is not finite leaves weights and moments as they were.
import type { Tensor } from '../core/tensor.ts'
import type { Device } from '../core/device.ts'
import { lasting, type Parameter, type ParameterStore } from '../model/parameters.ts'
import { adamwOf } from '../ops/adamw.ts'
import { clipCoefficient } from '../ops/clip_coefficient.ts'
import { sumSquares } from '../ops/sum_squares.ts'

export interface AdamWOptions {
  beta1: number
  beta2: number
  eps: number
  /** Decoupled, on every parameter with `decay`. */
  weightDecay: number
  /** Largest global norm of the gradients; 0: no clipping. */
  clip: number
  /** DeepSeek-V3 keeps bf16. Default f32. */
  moments?: 'f32' | 'bf16'
}

interface Moments { m: Tensor; v: Tensor }

export class AdamW {
  /** Steps done; a restart sets it. */
  numSteps = 0
  private readonly device: Device
  private readonly moments: Map<Parameter, Moments>

  constructor(readonly parameters: ParameterStore, readonly options: AdamWOptions) {
    const device = this.device = parameters.device
    const dtype = options.moments ?? 'f32'
    this.moments = new Map(parameters.trainable.map((p) => [p, lasting(device, () => ({
      m: device.zeros(dtype, p.tensor.shape), v: device.zeros(dtype, p.tensor.shape),
    }))]))
  }

  /** First and second moment; undefined for buffers. For checkpoints: `parameters.sources(optimizer.m)`. */
  readonly m = (p: Parameter): Tensor | undefined => this.moments.get(p)?.m
  readonly v = (p: Parameter): Tensor | undefined => this.moments.get(p)?.v

  /**
   * One step with the gradients that are there, which are dropped. A parameter without a gradient stays as it is.
   * Returns the global norm before clipping, [1], which belongs to the caller's scope.
   */
  step(lr: number): Tensor {
    return this.device.withoutTape(() => this.device.scope(() => {
      const { coef, norm } = clipCoefficient(this.sumOfSquares(), this.options.clip)
      this.update(lr, coef)
      return norm
    }))
  }

  /** [1]; ranks that hold different parameters add theirs before `update`. */
  sumOfSquares(): Tensor {
    const acc = this.device.zeros('f32', [1])
    for (const { tensor } of this.moments.keys()) if (tensor.grad) sumSquares(tensor.grad, acc)
    return acc
  }

  /** The step itself; gradients are multiplied by coef [1]. */
  update(lr: number, coef: Tensor): void {
    const { beta1, beta2, eps, weightDecay } = this.options
    this.numSteps++
    for (const [p, { m, v }] of this.moments) {
      if (!p.tensor.grad) continue
      adamwOf(p.tensor, p.tensor.grad, m, v, coef, { lr, beta1, beta2, eps, weightDecay: p.decay ? weightDecay : 0, step: this.numSteps })
      p.changed()
      p.dropGradient()
    }
  }

  release(): void {
    for (const { m, v } of this.moments.values()) { m.release(); v.release() }
    this.moments.clear()
  }
}
