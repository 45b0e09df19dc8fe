// Hugging Face model folders: config.json beside model.safetensors, or beside model.safetensors.index.json and its
// shards. The index comes from a stranger: it may name only files of this folder, and each shard must hold exactly the
// tensors that the index gives it.
import { InputError } from '../core/errors.ts'
import { type Files, badFileName, encodeText, joinPath, quote, readText } from './files.ts'
import { type StoredTensor, type TensorInfo, type TensorSource, SafetensorsReader, tensorBytes, writeSafetensors } from './safetensors.ts'
import { JsonScanner } from './strict_json.ts'

const singleName = 'model.safetensors'
const indexName = 'model.safetensors.index.json'
const maxConfigBytes = 1024 * 1024
const maxIndexBytes = 100_000_000
const maxShards = 10_000

export interface HfFolder {
  readonly dir: string
  /** config.json as it stands; the caller parses it. */
  readonly configText: string
  names(): string[]
  has(name: string): boolean
  /** Throws InputError for an unknown name. */
  info(name: string): TensorInfo
  read(name: string): Promise<StoredTensor>
  /** Bytes begin <= i < end of one tensor. */
  readBytes(name: string, begin: number, end: number): Promise<Uint8Array>
}

/** Opens a folder, reading config, index and every header. Throws InputError when anything is missing or does not agree. */
export async function openHfFolder(files: Files, dir: string): Promise<HfFolder> {
  if (!(await files.stat(dir))) throw new InputError(`${dir}: no such folder`)
  await requirePlainFile(files, dir, 'config.json')
  const configText = await readText(files, joinPath(dir, 'config.json'), maxConfigBytes)
  const readers = await openWeights(files, dir)
  const readerOf = (name: string): SafetensorsReader => {
    const reader = readers.get(name)
    if (!reader) throw new InputError(`${dir} has no tensor ${quote(name)}`)
    return reader
  }
  return {
    dir,
    configText,
    names: () => [...readers.keys()],
    has: (name) => readers.has(name),
    info: (name) => readerOf(name).info(name),
    read: async (name) => readerOf(name).read(name),
    readBytes: async (name, begin, end) => readerOf(name).readBytes(name, begin, end),
  }
}

async function openWeights(files: Files, dir: string): Promise<Map<string, SafetensorsReader>> {
  const single = await files.stat(joinPath(dir, singleName))
  const index = await files.stat(joinPath(dir, indexName))
  if (single && index) throw new InputError(`${dir} has both ${singleName} and ${indexName}, must have one of them`)
  if (!single && !index) throw new InputError(`${dir} has neither ${singleName} nor ${indexName}, must have one of them`)
  if (index) return openShards(files, dir)
  await requirePlainFile(files, dir, singleName)
  const reader = await SafetensorsReader.open(files, joinPath(dir, singleName))
  return new Map([...reader.tensors.keys()].map((name) => [name, reader]))
}

async function openShards(files: Files, dir: string): Promise<Map<string, SafetensorsReader>> {
  await requirePlainFile(files, dir, indexName)
  const where = joinPath(dir, indexName)
  const shardOf = parseIndex(await readText(files, where, maxIndexBytes), where)
  const shards = new Map<string, SafetensorsReader>()
  for (const shard of new Set(shardOf.values())) {
    await requirePlainFile(files, dir, shard)
    const reader = await SafetensorsReader.open(files, joinPath(dir, shard))
    shards.set(shard, reader)
    for (const name of reader.tensors.keys()) {
      const wanted = shardOf.get(name)
      if (wanted === undefined) throw new InputError(`${reader.path} holds tensor ${quote(name)}, which ${indexName} does not name`)
      if (wanted !== shard) throw new InputError(`${reader.path} holds tensor ${quote(name)}, which ${indexName} places in ${quote(wanted)}`)
    }
  }
  const readers = new Map<string, SafetensorsReader>()
  for (const [name, shard] of shardOf) {
    const reader = shards.get(shard)!
    if (!reader.tensors.has(name)) throw new InputError(`${reader.path} has no tensor ${quote(name)}, which ${indexName} places there`)
    readers.set(name, reader)
  }
  return readers
}

/** Tensor name -> shard's file name. Throws InputError for a name that comes twice and for a shard outside the folder. */
export function parseIndex(text: string, where: string): Map<string, string> {
  const shardOf = new Map<string, string>()
  const shards = new Set<string>()
  const scan = new JsonScanner(text, where)
  let found = false
  scan.object('the index', (key) => {
    if (key !== 'weight_map') return scan.skip(quote(key), 4)
    found = true
    scan.object('weight_map', (name) => {
      const shard = scan.string(`the shard of ${quote(name)}`)
      if (!shards.has(shard)) {
        const bad = badFileName(shard) ?? (shard.endsWith('.safetensors') ? undefined : 'does not end with .safetensors')
        if (bad) scan.fail(`the shard of ${quote(name)} is ${quote(shard)}, must be the name of a file in this folder: it ${bad}`)
        if (shards.size === maxShards) scan.fail(`there are more than ${maxShards} shards`)
        shards.add(shard)
      }
      shardOf.set(name, shard)
    })
  })
  scan.end()
  if (!found) throw new InputError(`${where} has no weight_map`)
  return shardOf
}

/** A link could lead out of the folder, and a device or pipe would never end. */
async function requirePlainFile(files: Files, dir: string, name: string): Promise<void> {
  const path = joinPath(dir, name)
  const info = await files.stat(path)
  if (!info) throw new InputError(`${path}: no such file`)
  if (info.kind === 'link') throw new InputError(`${path} is a symbolic link, must be a plain file: copy the folder with 'cp -rL'`)
  if (info.kind !== 'file') throw new InputError(`${path} is not a file`)
}

export interface WriteHfOptions {
  /** A shard holds at most this much tensor data, unless one tensor alone is larger. Default 2 GiB. */
  maxShardBytes?: number
}

/**
 * Writes config.json and the tensors, in the order given, as model.safetensors or as shards with an index. The same
 * input gives the same bytes. Returns the names of the files. Throws InputError when dir holds weights already.
 */
export async function writeHfFolder(
  files: Files, dir: string, configJson: string, tensors: Iterable<TensorSource>, options: WriteHfOptions = {},
): Promise<string[]> {
  await files.makeDir(dir)
  const old = (await files.list(dir)).find((name) => name.startsWith('model') && name.includes('.safetensors'))
  if (old) throw new InputError(`${dir} holds weights already (${old}), must be a folder without`)
  const shards = intoShards([...tensors], options.maxShardBytes ?? 2 * 1024 ** 3)
  const written: string[] = []
  const weightMap: Record<string, string> = Object.create(null)
  for (const [i, shard] of shards.entries()) {
    const name = shards.length === 1 ? singleName : `model-${number(i + 1)}-of-${number(shards.length)}.safetensors`
    for (const tensor of shard.tensors) {
      if (weightMap[tensor.name] !== undefined) throw new Error(`${dir}: tensor name ${quote(tensor.name)} is taken`)
      weightMap[tensor.name] = name
    }
    // transformers refuses a file without this entry.
    await writeSafetensors(files, joinPath(dir, name), shard.tensors, { format: 'pt' })
    written.push(name)
  }
  if (shards.length > 1) {
    const total = shards.reduce((sum, shard) => sum + shard.bytes, 0)
    await writeText(indexName, jsonOf({ metadata: { total_size: total }, weight_map: weightMap }))
  }
  await writeText('config.json', configJson)
  await files.sync(dir)
  return written

  async function writeText(name: string, text: string) {
    await files.writeFile(joinPath(dir, name), [encodeText(text)])
    written.push(name)
  }
}

interface Shard { tensors: TensorSource[]; bytes: number }

/** Fills shards in order; never an empty one, except the only one. */
function intoShards(tensors: TensorSource[], maxBytes: number): Shard[] {
  const shards: Shard[] = [{ tensors: [], bytes: 0 }]
  for (const tensor of tensors) {
    const bytes = tensorBytes(tensor.dtype, tensor.shape) ?? Infinity // the writer refuses such a tensor by name
    let shard = shards[shards.length - 1]
    if (shard.tensors.length && shard.bytes + bytes > maxBytes) shards.push((shard = { tensors: [], bytes: 0 }))
    shard.tensors.push(tensor)
    shard.bytes += bytes
  }
  return shards
}

const number = (i: number) => String(i).padStart(5, '0')
const jsonOf = (value: unknown) => JSON.stringify(value, null, 2) + '\n'
