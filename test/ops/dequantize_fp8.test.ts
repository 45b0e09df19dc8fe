import { describeOp } from '../support/describe_op.ts'
import { dequantize_fp8 } from '../../src/ops/dequantize_fp8.ts'

describeOp(dequantize_fp8)
