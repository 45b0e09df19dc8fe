// Checks vjps against central differences, in float64 on the reference backend.
import { ReferenceBackend } from '../../backends/reference/index.ts'
import { caseRandom } from '../../src/check/random.ts'
import { Device } from '../../src/core/device.ts'
import { isInteger } from '../../src/core/dtype.ts'
import type { HostTensor } from '../../src/core/op.ts'
import { Tensor } from '../../src/core/tensor.ts'

type Outputs = Tensor | readonly Tensor[] | Record<string, Tensor>

export interface GradcheckOptions {
  /** Step of the central differences. */
  eps?: number
  rtol?: number
  atol?: number
  /** The outputs are losses whose gradient is one by definition (cross_entropy, balance_loss): sum them, unweighted. */
  roots?: boolean
}

/**
 * Compares the gradient of loss = sum over outputs of (fixed random weights * output) with (loss(x + eps) - loss(x - eps)) / 2 eps,
 * for every element of every float input. `fn` gets the inputs as tensors, by name. Throws at the first element that differs.
 */
export function gradcheck(
  fn: (t: Record<string, Tensor>) => Outputs,
  inputs: Record<string, HostTensor>,
  { eps = 1e-6, rtol = 1e-6, atol = 1e-8, roots = false }: GradcheckOptions = {},
): void {
  const backend = new ReferenceBackend({ float64: true })
  const device = new Device(backend)
  const numbers = (t: Tensor) => backend.numbers(t.storage.handle)
  const leaves: Record<string, Tensor> = {}
  for (const [name, { dtype, shape, data }] of Object.entries(inputs)) {
    leaves[name] = device.empty(dtype, shape)
    numbers(leaves[name]).set(data)
    leaves[name].requiresGrad = !isInteger(dtype)
  }
  const weightsOf = (t: Tensor, i: number) => roots
    ? device.tensor('f32', t.shape, new Array(t.numElements).fill(1))
    : device.tensor('f32', t.shape, caseRandom(`gradcheck ${i}`).uniform(t.shape, -1, 1).data)
  const lossOf = (outputs: Tensor[]) => {
    let loss = 0
    outputs.forEach((t, i) => {
      const y = numbers(t), w = numbers(weightsOf(t, i))
      for (let j = 0; j < y.length; j++) loss += w[j] * y[j]
    })
    return loss
  }

  const { result, tape } = device.record(() => list(fn(leaves)))
  if (roots) tape.backward(result)
  else tape.backward([], { seeds: result.map((t, i) => [t, weightsOf(t, i)]) })

  for (const [name, leaf] of Object.entries(leaves)) {
    if (!leaf.requiresGrad) continue
    const x = numbers(leaf)
    const grad = leaf.grad && numbers(leaf.grad)
    for (let i = 0; i < x.length; i++) {
      const was = x[i]
      x[i] = was + eps
      const above = lossOf(list(fn(leaves)))
      x[i] = was - eps
      const below = lossOf(list(fn(leaves)))
      x[i] = was
      const numeric = (above - below) / (2 * eps)
      const analytic = grad ? grad[i] : 0
      if (!(Math.abs(numeric - analytic) <= atol + rtol * Math.max(Math.abs(numeric), Math.abs(analytic)))) {
        throw new Error(`gradcheck: d loss / d ${name}[${i}] of [${leaf.shape.join(', ')}] is ${numeric} by differences, ${analytic} by backward`)
      }
    }
  }
}

/** Float tensors among the outputs. */
function list(outputs: Outputs): Tensor[] {
  const all = outputs instanceof Tensor ? [outputs] : Object.values(outputs as Record<string, Tensor>)
  return all.filter((t) => !isInteger(t.dtype))
}
