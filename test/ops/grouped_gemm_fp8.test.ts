import { describeOp } from '../support/describe_op.ts'
import { grouped_gemm_fp8 } from '../../src/ops/grouped_gemm_fp8.ts'

describeOp(grouped_gemm_fp8)
