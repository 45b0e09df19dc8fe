// What `weft eval --dump` writes: the tensors that golden/README.md names, with its shapes and dtypes. Loss and gradients are
// plain next-token cross-entropy, without multi-token prediction and balance loss.
import { InputError } from '../core/errors.ts'
import type { Shape } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'
import type { Model } from './transformer.ts'

/** As the safetensors writer takes it. */
export interface DumpTensor { name: string; dtype: 'F32' | 'I64'; shape: Shape; bytes: () => Uint8Array }

/** ids [B][S], all sequences of one length. */
export async function dumpTensors(model: Model, ids: readonly (readonly number[])[], options: { grads?: boolean } = {}): Promise<DumpTensor[]> {
  const { device } = model
  const batch = ids.length
  const seqLen = ids[0]?.length ?? 0
  if (seqLen === 0) throw new InputError('ids are empty; they must be a list of sequences, each a list of at least one token')
  const odd = ids.findIndex((row) => row.length !== seqLen)
  if (odd >= 0) throw new InputError(`ids[${odd}] has ${ids[odd].length} tokens, must have ${seqLen} as ids[0]`)

  const shown = new Map<string, Tensor>()
  const keep = (name: string, t: Tensor) => { if (isDumped(name)) shown.set(name, t.retain()) }
  const pass = () => {
    const { roots, logits, loss } = model.loss({
      ids: ids.flat(), targets: ids.flatMap((row) => [...row.slice(1), -1]), batch, seqLen, countLoad: false, observe: keep,
    })
    keep('logits', logits)
    keep('loss', loss)
    return roots
  }
  const dump: DumpTensor[] = []
  try {
    device.scope(() => {
      if (!options.grads) return void device.withoutTape(pass)
      model.parameters.dropGradients()
      const { result: roots, tape } = device.record(pass)
      tape.backward(roots)
    })
    for (const [name, t] of shown) {
      const shape = name === 'loss' ? [1] : [batch, seqLen, t.shape[1]]
      dump.push(t.dtype === 'i32' ? integers(name, shape, await t.read()) : floats(name, shape, await t.readBytes()))
    }
    if (options.grads) {
      for (const { name, shape, bytes } of model.parameters.sources((p) => p.tensor.grad)) dump.push(floats(`grad.${name}`, shape, await bytes()))
    }
    return dump
  } finally {
    for (const t of shown.values()) t.release()
    if (options.grads) model.parameters.dropGradients()
  }
}

const isDumped = (name: string) => /^(logits|loss|hidden\.|attn_out\.|mlp_out\.|router\.\d+\.(scores|topk_indices|topk_weights)$)/.test(name)

const floats = (name: string, shape: Shape, bytes: Uint8Array): DumpTensor => ({ name, dtype: 'F32', shape, bytes: () => bytes })

function integers(name: string, shape: Shape, values: ArrayLike<number>): DumpTensor {
  const wide = BigInt64Array.from({ length: values.length }, (_, i) => BigInt(values[i]))
  return { name, dtype: 'I64', shape, bytes: () => new Uint8Array(wide.buffer) }
}
