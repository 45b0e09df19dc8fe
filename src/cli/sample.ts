// Text out of a byte model.
import { sample } from '../model/sample.ts'
import type { Model } from '../model/transformer.ts'

export interface TextOptions { prompt: string; tokens: number; temperature: number; seed: number; onBytes?: (bytes: Uint8Array) => void }

/** The prompt and what the model makes of it. */
export async function sampleText(model: Model, { prompt, tokens, temperature, seed, onBytes }: TextOptions): Promise<string> {
  const ids = new TextEncoder().encode(prompt)
  const made = await sample(model, ids, { maxTokens: tokens, temperature, seed, onToken: (id) => onBytes?.(Uint8Array.of(id)) })
  return prompt + new TextDecoder().decode(Uint8Array.from(made))
}
