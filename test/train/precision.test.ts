// fp8 against bf16 on the same data and seed: the mean loss of the last tenth within 0.25 %. [reliability.md N5]
import { expect, it } from 'vitest'
import { openDevice } from '../../src/device.ts'
import { TokenData } from '../../src/io/data.ts'
import { Trainer } from '../../src/train/trainer.ts'
import { smallRun } from '../support/small_run.ts'
import { kjvText } from '../../src/io/node/data_files.ts'

const steps = 300

async function finalLoss(precision: 'bf16' | 'fp8'): Promise<number> {
  const { device } = await openDevice('cpu')
  const config = smallRun({ train: { precision, steps, sequenceLength: 32, batchSize: 4, optimizer: { lr: 0.003 } } })
  const text = new TextEncoder().encode(kjvText().slice(0, 400_000))
  const trainer = new Trainer({ device, config, data: new TokenData(text, { sequenceLength: 32, vocabSize: 256, validationFraction: 0.1, seed: 1, extra: 2 }) })
  const losses: number[] = []
  for (let i = 0; i < steps; i++) losses.push((await trainer.queueStep()).loss)
  trainer.release()
  return losses.slice(-steps / 10).reduce((a, b) => a + b, 0) / (steps / 10)
}

it.skipIf(!process.env.FULL)('fp8 ends within 0.25 % of bf16', async () => {
  const bf16 = await finalLoss('bf16')
  const fp8 = await finalLoss('fp8')
  console.log(`bf16 ${bf16.toFixed(4)}, fp8 ${fp8.toFixed(4)}: ${(100 * (fp8 / bf16 - 1)).toFixed(3)} %`)
  expect(Math.abs(fp8 / bf16 - 1)).toBeLessThan(0.0025)
}, 900_000)
