// A model in pipeline stages: layers in even parts, the embedding with the first, norm, head, loss and MTP with the last.
import type { Tape } from '../core/autograd.ts'
import { Tensor } from '../core/tensor.ts'
import type { Stage } from '../dist/pipeline.ts'
import type { LossInput, LossResult, Model } from '../model/transformer.ts'

/** First layer of each stage, and the number of layers: as even as it goes, later stages the larger (the first one embeds, the last has the head: both cost). */
export function layerBounds(numLayers: number, numStages: number): number[] {
  if (numLayers < numStages) throw new RangeError(`${numLayers} layers cannot make ${numStages} pipeline stages`)
  return Array.from({ length: numStages + 1 }, (_, s) => Math.floor((s * numLayers) / numStages))
}

export interface StageOptions {
  readonly numStages: number
  /** The data of a micro-batch. */
  input(stream: number, microBatch: number): LossInput
  /** Called by the last stage; what it keeps of the result it retains. */
  onLoss?(stream: number, microBatch: number, result: LossResult): void
}

/** Stage s of the model. Stages share the model's parameters, as the two ranks do that hold a stage in DualPipe. */
export function modelStage(model: Model, s: number, { numStages, input, onLoss }: StageOptions): Stage {
  const { device } = model
  const bounds = layerBounds(model.config.num_hidden_layers, numStages)
  return (stream, microBatch, given) => {
    // A leaf of this stage's tape, whatever made it.
    const x = given && new Tensor(device, given.dtype, given.shape, given.retain().storage, true)
    let output: Tensor | undefined
    let roots: Tensor[] = []
    let tape!: Tape
    device.scope(() => {
      const recorded = device.record(() => model.stage(bounds[s], bounds[s + 1], input(stream, microBatch), x))
      const { hidden, loss } = recorded.result
      tape = recorded.tape
      output = hidden?.retain()
      roots = loss?.roots.map((t) => t.retain()) ?? []
      if (loss) onLoss?.(stream, microBatch, loss)
    })
    return {
      output,
      backward(gradient, queue) {
        let ofInput: Tensor | undefined
        device.scope(() => {
          [ofInput] = tape.backward(roots, { seeds: output && gradient ? [[output, gradient]] : [], queue, wanted: x ? [x] : [] })
          ofInput?.retain()
        })
        for (const t of roots) t.release()
        x?.release()
        return ofInput
      },
    }
  }
}
