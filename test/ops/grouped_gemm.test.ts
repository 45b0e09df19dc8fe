import { describeOp } from '../support/describe_op.ts'
import { grouped_gemm } from '../../src/ops/grouped_gemm.ts'

describeOp(grouped_gemm)
