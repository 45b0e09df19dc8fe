// weft eplb: places and replicates experts for a measured load.
import { InputError } from '../../core/errors.ts'
import { eplb, type EplbInput, type EplbPlacement } from '../../schedule/eplb.ts'
import { readJsonFile } from '../json_file.ts'
import { parseOptions } from '../options.ts'
import type { Command } from './index.ts'

export const command: Command = {
  summary: 'places and replicates experts for a measured load',
  usage: `  --case F.json   {"weight": [layers][experts], "num_replicas", "num_groups", "num_nodes", "num_gpus"}, or a list of such
  --distinct      never two replicas of one expert on one GPU
  --json          one JSON object a case: {"phy2log", "log2phy", "logcnt", "gpu_load"}`,
  run,
}

interface Case { name?: string; input: EplbInput }

async function run(args: string[]): Promise<number> {
  const options = parseOptions('eplb', args, { case: { type: 'string' }, distinct: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } })
  if (options.case === undefined) throw new InputError('weft eplb: --case F.json is needed')
  const json = readJsonFile(options.case)
  const cases = (Array.isArray(json) ? json : [json]).map((c, i) => parse(c, `${options.case}${Array.isArray(json) ? `[${i}]` : ''}`))
  for (const { name, input } of cases) {
    const { phy2log, log2phy, logcnt, gpuLoad } = eplb({ ...input, distinct: options.distinct })
    if (options.json) process.stdout.write(`${JSON.stringify({ phy2log, log2phy, logcnt, gpu_load: gpuLoad })}\n`)
    else process.stdout.write(describe(name, input, { phy2log, log2phy, logcnt, gpuLoad }))
  }
  return 0
}

function parse(json: unknown, where: string): Case {
  if (typeof json !== 'object' || json === null) throw new InputError(`${where} must be an object with weight, num_replicas, num_groups, num_nodes, num_gpus`)
  const fields = json as Record<string, unknown>
  const number = (key: string) => {
    if (typeof fields[key] !== 'number') throw new InputError(`${where}: ${key} is ${JSON.stringify(fields[key]) ?? 'missing'}; it must be a number`)
    return fields[key]
  }
  if (!Array.isArray(fields.weight) || !fields.weight.every((w) => Array.isArray(w) && w.every((x) => typeof x === 'number'))) throw new InputError(`${where}: weight must be a list of lists of numbers, [layers][experts]`)
  return {
    name: typeof fields.name === 'string' ? fields.name : undefined,
    input: { weight: fields.weight as number[][], numReplicas: number('num_replicas'), numGroups: number('num_groups'), numNodes: number('num_nodes'), numGpus: number('num_gpus') },
  }
}

function describe(name: string | undefined, { weight, numReplicas, numGpus }: EplbInput, { phy2log, gpuLoad }: EplbPlacement): string {
  const perGpu = numReplicas / numGpus
  const layers = phy2log.map((slots, layer) => {
    const load = gpuLoad[layer]
    const [most, mean] = [Math.max(...load), load.reduce((a, b) => a + b, 0) / numGpus]
    const before = Math.max(...weight[layer]) / (weight[layer].reduce((a, b) => a + b, 0) / weight[layer].length)
    const rows = load.map((l, g) => `  GPU ${String(g).padStart(3)}  ${'#'.repeat(Math.round(30 * l / (most || 1))).padEnd(31)}${l.toFixed(1).padStart(10)}  experts ${slots.slice(g * perGpu, (g + 1) * perGpu).join(' ')}`)
    return `layer ${layer}: GPU load max / mean ${(most / (mean || 1)).toFixed(3)} (experts before: ${before.toFixed(3)})\n${rows.join('\n')}\n`
  })
  return `${name === undefined ? '' : `${name}\n`}${layers.join('')}`
}
