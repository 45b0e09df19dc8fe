// The public API.
export { openDevice, type OpenedDevice } from './device.ts'

export { recompute, WeightQueue, type Tape } from './core/autograd.ts'
export type { Backend, Memory } from './core/backend.ts'
export { Device } from './core/device.ts'
export type { DType, Numbers } from './core/dtype.ts'
export { DeviceLost, InputError, UnsupportedOp } from './core/errors.ts'
export { defineOp, type Op, type OpCall, type OpCase } from './core/op.ts'
export type { Shape, Spec } from './core/shape.ts'
export { Tensor } from './core/tensor.ts'

export { runCase, type CellResult } from './check/index.ts'
export { ops } from './ops/index.ts'

export { countParameters, parseModelConfig, type ModelConfig } from './model/config.ts'
export { sample, type SampleOptions } from './model/sample.ts'
export { Model } from './model/transformer.ts'

export { bigramLoss, TokenData, type Batch, type Cursor, type DataOptions } from './io/data.ts'
export type { Files } from './io/files.ts'

export { learningRate, parseRunConfig, type RunConfig } from './train/config.ts'
export { train, type RunEvent, type RunOptions } from './train/run.ts'
export { Trainer, type StepMetrics, type TrainerOptions } from './train/trainer.ts'
