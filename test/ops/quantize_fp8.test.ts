import { describeOp } from '../support/describe_op.ts'
import { quantize_fp8 } from '../../src/ops/quantize_fp8.ts'

describeOp(quantize_fp8)
