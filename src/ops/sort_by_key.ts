// sort_by_key: order = the stable order of keys, offsets[k] = number of keys below k. Keys outside 0..numKeys-1 come last.
import { defineOp } from '../core/op.ts'
import { need, spec } from '../core/shape.ts'
import type { Tensor } from '../core/tensor.ts'

export type SortByKeyAttrs = { readonly numKeys: number }

export const sort_by_key = defineOp<SortByKeyAttrs>({
  name: 'sort_by_key',
  args: [['keys', 'in'], ['order', 'out'], ['offsets', 'out']],
  infer({ keys }, { numKeys }) {
    need(keys.shape.length === 1 && keys.shape[0] > 0 && keys.dtype === 'i32', 'sort_by_key', 'keys', keys, '[N] i32, N > 0')
    need(Number.isInteger(numKeys) && numKeys > 0 && numKeys < 2 ** 31 - 1, 'sort_by_key', 'keys', keys, `numKeys from 1 to 2^31 - 2, not ${numKeys}`)
    return { order: spec('i32', keys.shape), offsets: spec('i32', [numKeys + 1]) }
  },
  reference({ keys, order, offsets }, { numKeys }) {
    const N = keys.shape[0]
    const bucket = (i: number) => (keys.data[i] >= 0 && keys.data[i] < numKeys ? keys.data[i] : numKeys)
    const next = new Int32Array(numKeys + 1) // where the next element of each key goes
    for (let i = 0; i < N; i++) if (bucket(i) < numKeys) next[bucket(i) + 1]++
    for (let k = 0; k < numKeys; k++) next[k + 1] += next[k]
    offsets.data.set(next)
    for (let i = 0; i < N; i++) order.data[next[bucket(i)]++] = i
  },
  tolerance: () => 0,
  toleranceReason: 'integers',
})

/** keys [N] i32 -> order [N] i32 (indices of keys, stable), offsets [numKeys + 1] i32 (where each key's run begins). */
export function sortByKey(keys: Tensor, numKeys: number): { order: Tensor; offsets: Tensor } {
  const { order, offsets } = keys.device.run(sort_by_key, { keys }, { numKeys })
  return { order, offsets }
}
