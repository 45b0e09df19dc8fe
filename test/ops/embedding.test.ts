import { describe, expect, it } from 'vitest'
import { runReference } from '../../src/check/index.ts'
import { caseRandom } from '../../src/check/random.ts'
import '../../src/ops/add.ts'
import { embedding, embeddingOp } from '../../src/ops/embedding.ts'
import { embedding_bwd } from '../../src/ops/embedding_bwd.ts'
import { describeOp } from '../support/describe_op.ts'
import { gradcheck } from '../support/gradcheck.ts'
import { f32, i32 } from '../support/values.ts'

describe('embedding by hand', () => {
  const w = f32([3, 2], [1, 2, 3, 4, 5, 6])

  it('takes rows, zeros for an id outside', () => {
    const { x } = runReference(embeddingOp, { ids: i32([4], [2, 0, -1, 3]), w }, {})
    expect([...x.data]).toEqual([5, 6, 1, 2, 0, 0, 0, 0])
  })

  it('adds up the gradients of a word used twice', () => {
    const dy = f32([3, 2], [1, 10, 2, 20, 4, 40])
    const { dw } = runReference(embedding_bwd, { dy, order: i32([3], [1, 0, 2]), offsets: i32([4], [0, 1, 1, 3]) }, {})
    expect([...dw.data]).toEqual([2, 20, 0, 0, 5, 50])
  })
})

it('embedding: backward agrees with differences', () => {
  const r = caseRandom('embedding gradcheck')
  gradcheck(({ ids, w }) => embedding(ids, w), { ids: i32([6], [3, 0, 3, 4, -1, 7]), w: r.normal([5, 3]) })
})

describeOp(embeddingOp)
describeOp(embedding_bwd)
