import { describeOp } from '../support/describe_op.ts'
import { gemm_fp8 } from '../../src/ops/gemm_fp8.ts'

describeOp(gemm_fp8)
