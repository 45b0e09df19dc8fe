// The run's TensorBoard event file.
import { join } from 'node:path'
import { NodeAppendFile } from '../io/node/append_file.ts'
import type { MetricRow } from '../train/metrics.ts'
import { eventFileName, TensorBoardWriter } from '../train/tensorboard.ts'

export const openEvents = (out: string, resumeStep: number): Promise<TensorBoardWriter> =>
  TensorBoardWriter.open(new NodeAppendFile(join(out, eventFileName)), resumeStep, () => Date.now() / 1000)

export async function writeEvent(events: TensorBoardWriter, row: MetricRow): Promise<void> {
  if (row.event === 'step') {
    await events.write(row.step, {
      'train/loss': row.loss, 'train/lr': row.lr, 'train/grad_norm': row.gradNorm,
      'train/tokens_per_sec': row.tokensPerSec, 'moe/load_max_over_mean': row.expertLoadMaxOverMean,
    })
  } else if (row.event === 'eval') await events.write(row.step, { 'validation/loss': row.valLoss })
}
