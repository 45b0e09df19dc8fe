// Fresh weights by counter-based random numbers: each Hugging Face tensor has a stream of its own name, so that the numbers
// depend on neither the order of the layers nor the ranks they lie on. [deepseek-v3.md §1.1: every parameter N(0, 0.006)]
import { fillNormal } from '../core/random.ts'
import type { ParameterStore } from './parameters.ts'

/** Norms 1, router biases 0, all else N(0, std). */
export function initialize(parameters: ParameterStore, seed: number, std: number): void {
  for (const p of parameters.all) {
    const numbers = new Float32Array(p.tensor.numElements)
    if (p.start === 'one') numbers.fill(1)
    if (p.start === 'normal') {
      for (const s of p.slices) fillNormal(numbers.subarray(s.start, s.start + s.numElements), seed, s.name, std)
    }
    p.tensor.write(numbers)
    p.changed()
  }
}
