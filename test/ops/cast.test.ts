import { describeOp } from '../support/describe_op.ts'
import { castOp } from '../../src/ops/cast.ts'

describeOp(castOp)
