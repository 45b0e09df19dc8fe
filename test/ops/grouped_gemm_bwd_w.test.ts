import { describeOp } from '../support/describe_op.ts'
import { grouped_gemm_bwd_w } from '../../src/ops/grouped_gemm_bwd_w.ts'

describeOp(grouped_gemm_bwd_w)
