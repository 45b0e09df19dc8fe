// Continues a text, one token at a time: the most likely token, or one drawn at a temperature from counter-based randomness.
import { InputError } from '../core/errors.ts'
import { uniform } from '../core/random.ts'
import { lasting } from './parameters.ts'
import type { Model } from './transformer.ts'

export interface SampleOptions {
  maxTokens: number
  /** 0 (default): always the most likely token. */
  temperature?: number
  /** The same seed gives the same continuation. */
  seed?: number
  /** Generation ends after this token; default: it never ends early. */
  stopToken?: number | null
  onToken?: (id: number) => void
}

/** The new tokens. Beyond max_position_embeddings the model sees only the last tokens that fit. */
export async function sample(model: Model, prompt: ArrayLike<number>, options: SampleOptions): Promise<number[]> {
  const { maxTokens, temperature = 0, seed = 0, stopToken, onToken } = options
  if (prompt.length === 0) throw new InputError('the prompt is empty; it must have at least one token')
  if (!(temperature >= 0 && temperature < Infinity)) throw new InputError(`temperature is ${temperature}; it must be a number >= 0`)
  const ids = Array.from(prompt)
  for (let i = 0; i < maxTokens; i++) {
    const logits = await lastLogits(model, ids.slice(-model.config.max_position_embeddings))
    const id = temperature === 0 ? argmax(logits) : draw(logits, temperature, uniform(seed, 'sample', i))
    ids.push(id)
    onToken?.(id)
    if (id === stopToken) break
  }
  return ids.slice(prompt.length)
}

/** Logits after the last token: [V]. */
export async function lastLogits(model: Model, ids: ArrayLike<number>): Promise<Float32Array> {
  const { device } = model
  const logits = device.withoutTape(() => lasting(device, () => model.forward({ ids, batch: 1, seqLen: ids.length }).logits))
  try {
    return (await logits.read()).slice(-model.config.vocab_size) as Float32Array
  } finally {
    logits.release()
  }
}

/** The lower index wins a tie. */
export function argmax(x: ArrayLike<number>): number {
  let best = 0
  for (let i = 1; i < x.length; i++) if (x[i] > x[best]) best = i
  return best
}

/** The token at which the running sum of softmax(logits / temperature) passes u, 0 <= u < 1. */
export function draw(logits: ArrayLike<number>, temperature: number, u: number): number {
  const top = logits[argmax(logits)]
  const weights = Float64Array.from({ length: logits.length }, (_, i) => Math.exp((logits[i] - top) / temperature))
  let rest = u * weights.reduce((sum, w) => sum + w, 0)
  let last = 0
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue
    if (rest < weights[i]) return i
    rest -= weights[i]
    last = i
  }
  return last
}
