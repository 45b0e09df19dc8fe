import { describeOp } from '../support/describe_op.ts'
import { ops } from '../../src/ops/index.ts'
const mine = new Set('adamw add attention attention_bwd clip_coefficient concat cross_entropy mla_kv mla_kv_bwd rope scale_by slice slice_bwd sum_squares swiglu swiglu_bwd'.split(' '))
for (const [op] of ops) if (mine.has(op.name)) describeOp(op)
