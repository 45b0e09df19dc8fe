// weft ptx emit: the texts that a call of an op launches, as a person wrote them or a person's function made them, with launch shapes.
import { InputError } from '../../core/errors.ts'
import type { PtxDispatch } from '../../core/kernel.ts'
import type { Attrs, Op, Specs } from '../../core/op.ts'
import { show, spec } from '../../core/shape.ts'
import { byteSize, type DType } from '../../core/dtype.ts'
import { parseOptions } from '../options.ts'
import { deviceInfo, findCase, launchesOf, specsOf, targetOf, targetOption } from '../ptx_texts.ts'

export async function run(args: string[]): Promise<number> {
  const [opName, ...rest] = args
  if (!opName || opName.startsWith('-')) throw new InputError('weft ptx emit: an op is needed: weft ptx emit rms_norm')
  const options = parseOptions('ptx emit', rest, {
    case: { type: 'string' }, shape: { type: 'string', multiple: true, default: [] }, attr: { type: 'string', multiple: true, default: [] },
    target: { type: 'string' }, device: { type: 'string' }, json: { type: 'boolean', default: false },
  })
  const target = targetOption('weft ptx emit', options)
  const { op, testCase } = findCase('weft ptx emit', opName, options.case)
  const attrs = withAttributes(op, testCase.attrs, options.attr)
  const specs = specsOf(op, { ...testCase, attrs }, (given) => withShapes(op, given, options.shape))
  const info = deviceInfo(target === 'sm_80' ? 80 : 90)
  const dispatches = launchesOf(op, specs, attrs, info)
  if (!dispatches) throw new InputError(`weft ptx emit: ${op.name} has no PTX kernel for ${Object.entries(specs).map(([n, s]) => `${n} ${show(s)}`).join(', ')}`)
  if (options.json) for (const d of dispatches) process.stdout.write(`${JSON.stringify({ event: 'launch', ...launchOf(d), target: targetOf(d.ptx), ptx: d.ptx })}\n`)
  else process.stdout.write(printed(op, specs, attrs, dispatches))
  return 0
}

const launchOf = ({ entry, grid, block, cluster, smemBytes, args }: PtxDispatch) =>
  ({ entry, grid, block, cluster: cluster ?? [1, 1, 1], smemBytes: smemBytes ?? 0, args: args.map(argument) })

function argument(a: PtxDispatch['args'][number]): string {
  if (typeof a === 'string') return a
  if ('scratch' in a) return `scratch ${a.scratch} (${a.bytes} bytes)`
  if ('tensorMap' in a) return `tensor map of ${argument(a.tensorMap.buffer)}, box ${a.tensorMap.boxDim.join(' x ')}`
  return `${a[1]} (${a[0]})`
}

/** One PTX text after another, each once, behind comments that say what is launched: one text alone can be assembled as it stands. */
function printed(op: Op, specs: Specs, attrs: Attrs, dispatches: readonly PtxDispatch[]): string {
  const texts = [...new Set(dispatches.map((d) => d.ptx))]
  const call = `// ${op.name}(${Object.entries(specs).map(([n, s]) => `${n} ${show(s)}`).join(', ')})${Object.entries(attrs).map(([n, v]) => ` ${n}=${v}`).join('')}: ${dispatches.length} launch${dispatches.length === 1 ? '' : 'es'} of ${texts.length} text${texts.length === 1 ? '' : 's'}\n`
  const launches = dispatches.map((d, i) => {
    const { entry, grid, block, cluster, smemBytes, args } = launchOf(d)
    return `// launch ${i + 1}: ${entry} grid (${grid.join(', ')}) block (${block.join(', ')})${cluster.every((n) => n === 1) ? '' : ` cluster (${cluster.join(', ')})`} dynamic shared memory ${smemBytes} bytes; ${args.join(', ')}\n`
  })
  return `${call}${launches.join('')}\n${texts.join('\n')}`
}

function withShapes(op: Op, given: Specs, shapes: readonly string[]): Specs {
  const changed = { ...given }
  for (const text of shapes) {
    const [, name, dims, dtype] = /^(\w+)=(\d+(?:x\d+)*)(?::(\w+))?$/.exec(text) ?? []
    if (name === undefined) throw new InputError(`weft ptx emit: --shape is "${text}", must be like x=7x4096 or x=7x4096:bf16`)
    if (!given[name]) throw new InputError(`weft ptx emit: ${op.name} has no input ${name}; its inputs are ${Object.keys(given).join(', ')}`)
    if (dtype !== undefined && !(dtype in byteSize)) throw new InputError(`weft ptx emit: --shape ${text}: no dtype ${dtype}; there are ${Object.keys(byteSize).join(', ')}`)
    changed[name] = spec((dtype as DType | undefined) ?? given[name].dtype, dims.split('x').map(Number))
  }
  return changed
}

function withAttributes(op: Op, attrs: Attrs, changes: readonly string[]): Attrs {
  const changed: Record<string, number | string | boolean> = { ...attrs }
  for (const text of changes) {
    const [, name, value] = /^(\w+)=(.+)$/.exec(text) ?? []
    if (name === undefined) throw new InputError(`weft ptx emit: --attr is "${text}", must be like eps=1e-6`)
    if (!(name in attrs)) throw new InputError(`weft ptx emit: ${op.name} has no attribute ${name}; it has ${Object.keys(attrs).join(', ') || 'none'}`)
    const type = typeof attrs[name]
    if (type === 'number' && !Number.isFinite(Number(value))) throw new InputError(`weft ptx emit: --attr ${text}: ${name} is a number`)
    if (type === 'boolean' && value !== 'true' && value !== 'false') throw new InputError(`weft ptx emit: --attr ${text}: ${name} is true or false`)
    changed[name] = type === 'number' ? Number(value) : type === 'boolean' ? value === 'true' : value
  }
  return changed
}
