import { describeOp } from '../support/describe_op.ts'
import { gemmOp } from '../../src/ops/gemm.ts'

describeOp(gemmOp)
