// train --dry-run: what a run will take, found by walking two steps of it on a backend that only counts.
import { DryBackend } from '../../backends/dry/index.ts'
import { Device } from '../core/device.ts'
import { TokenData } from '../io/data.ts'
import { countParameters } from '../model/config.ts'
import type { RunConfig } from '../train/config.ts'
import { stateBytes } from '../train/state.ts'
import { Trainer } from '../train/trainer.ts'
import { bytes, compact } from './progress.ts'

export interface DryFigures {
  parameters: number
  activeParameters: number
  /** Of the matrix products of one step: forward, backward. */
  flopsPerStep: number
  tokensPerStep: number
  peakBytes: number
  /** Composition of the peak. */
  peakBytesByClass: Record<string, number>
  checkpointBytes: number
  opCallsPerStep: number
}

export async function measureDry(config: RunConfig): Promise<DryFigures> {
  const backend = new DryBackend()
  const device = new Device(backend)
  const { sequenceLength, batchSize } = config.train
  // The values do not matter: as many tokens as one step needs; the second begins the text anew.
  const data = new TokenData(new Uint8Array(sequenceLength * batchSize + 2), { sequenceLength, vocabSize: config.model.vocab_size, validationFraction: 0, seed: 0, extra: 2 })
  const trainer: Trainer = new Trainer({
    device, config, data, initialize: false,
    onPhase(phase) {
      if (phase === 'weights' || phase === 'moments') return backend.setClass(phase)
      if (phase === 'forward') return backend.setClass('activations')
      if (phase === 'backward') return backend.mark('backward')
      for (const p of trainer.model.parameters.trainable) if (p.tensor.grad) backend.retag(p.tensor.grad.storage.handle, 'gradients')
    },
  })
  await trainer.queueStep() // the first also makes what stays: tables, bf16 and fp8 forms of the weights
  backend.reset()
  await trainer.queueStep()
  const { peakBytes, peakByClass, flops, dispatchCount } = backend.report()
  const count = countParameters(config.model)
  return {
    parameters: count.total + count.mtp, activeParameters: count.active, flopsPerStep: flops, tokensPerStep: batchSize * sequenceLength,
    peakBytes, peakBytesByClass: peakByClass, checkpointBytes: stateBytes(trainer), opCallsPerStep: dispatchCount,
  }
}

export async function dryRun(config: RunConfig, json: boolean): Promise<number> {
  const f = await measureDry(config)
  if (json) {
    process.stdout.write(`${JSON.stringify({ event: 'dryRun', ...f })}\n`)
    return 0
  }
  const row = (name: string, value: string) => process.stdout.write(`${name.padEnd(22)}${value}\n`)
  row('parameters', `${compact(f.parameters)} in all, ${compact(f.activeParameters)} active per token`)
  row('matrix FLOP a step', `${compact(f.flopsPerStep)} for ${compact(f.tokensPerStep)} tokens (${compact(f.flopsPerStep / f.tokensPerStep)} a token)`)
  row('op calls a step', String(f.opCallsPerStep))
  row('peak memory', bytes(f.peakBytes))
  for (const [name, n] of Object.entries(f.peakBytesByClass).sort((a, b) => b[1] - a[1])) row(`  ${name}`, `${bytes(n).padEnd(12)}${((100 * n) / f.peakBytes).toFixed(0)} %`)
  row('checkpoint', `${bytes(f.checkpointBytes)}, times checkpoint.keep + 1 while saving`)
  return 0
}
