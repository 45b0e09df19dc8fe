import { ops } from '../../src/ops/index.ts'
import { describeOp } from '../support/describe_op.ts'
for (const n of 'sort_by_key embedding embedding_bwd moe_gate moe_gate_bwd moe_weights moe_weights_bwd moe_plan moe_permute moe_permute_bwd moe_unpermute moe_unpermute_bwd moe_load bias_update balance_loss'.split(' ')) describeOp(ops.find(([o]) => o.name === n)![0])
