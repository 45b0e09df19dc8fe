// manifest.json of a checkpoint: what it consists of, with sizes and hashes. It holds no wall time, so that equal states
// give equal bytes.
import { InputError } from '../core/errors.ts'
import { type Digest, type Files, badFileName, joinPath, quote, readText } from '../io/files.ts'
import { JsonScanner } from '../io/strict_json.ts'

export const manifestName = 'manifest.json'
const maxManifestBytes = 64 * 1024 * 1024

/** Paths are relative to the checkpoint's directory. */
export interface Manifest { format: 1; step: number; files: Map<string, Digest> }

/** The one way to write a manifest: readManifest refuses a text that differs in a single byte. */
export function manifestText({ format, step, files }: Manifest): string {
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1))
  const lines = sorted.map(([path, { sizeBytes, sha256 }]) =>
    `    ${JSON.stringify(path)}: {"sizeBytes": ${sizeBytes}, "sha256": "${sha256}"}`)
  return `{\n  "format": ${format},\n  "step": ${step},\n  "files": {\n${lines.join(',\n')}\n  }\n}\n`
}

/** Throws InputError when it is missing or damaged, or belongs to another step. */
export async function readManifest(files: Files, dir: string, step: number): Promise<Manifest> {
  const where = joinPath(dir, manifestName)
  const manifest = parseManifest(await readText(files, where, maxManifestBytes), where)
  if (manifest.step !== step) throw new InputError(`${where} is of step ${manifest.step}, must be of step ${step}`)
  return manifest
}

export function parseManifest(text: string, where: string): Manifest {
  const found = new Map<string, Digest>()
  let format = -1
  let step = -1
  const scan = new JsonScanner(text, where)
  scan.object('the manifest', (key) => {
    if (key === 'format') format = scan.integer('format')
    else if (key === 'step') step = scan.integer('step')
    else if (key === 'files') scan.object('files', (path) => void found.set(checkedPath(scan, path), parseDigest(scan, path)))
    else scan.fail(`the manifest has the unknown key ${quote(key)}`)
    if (key === 'format' && format !== 1) scan.fail(`the format is ${format}, this version reads format 1`)
  })
  scan.end()
  const manifest: Manifest = { format: 1, step, files: found }
  if (manifestText(manifest) !== text) throw new InputError(`${where} was not written by Weft or was changed since`)
  return manifest
}

function parseDigest(scan: JsonScanner, path: string): Digest {
  const digest = { sizeBytes: -1, sha256: '' }
  scan.object(quote(path), (key) => {
    if (key === 'sizeBytes') digest.sizeBytes = scan.integer(`sizeBytes of ${quote(path)}`)
    else if (key === 'sha256') digest.sha256 = scan.string(`sha256 of ${quote(path)}`)
    else scan.fail(`${quote(path)} has the unknown key ${quote(key)}`)
  })
  if (!/^[0-9a-f]{64}$/.test(digest.sha256)) scan.fail(`sha256 of ${quote(path)} is ${quote(digest.sha256)}, must be 64 digits`)
  return digest
}

function checkedPath(scan: JsonScanner, path: string): string {
  for (const part of path.split('/')) {
    const bad = badFileName(part)
    if (bad) scan.fail(`${quote(path)} must be a path inside the checkpoint: ${quote(part)} ${bad}`)
  }
  return path
}

/** Throws InputError for the first file that is missing or differs. Files that the manifest does not name are ignored. */
export async function verifyManifest(files: Files, dir: string, manifest: Manifest): Promise<void> {
  for (const [name, wanted] of manifest.files) {
    const path = joinPath(dir, name)
    const info = await files.stat(path)
    if (info?.kind !== 'file') throw new InputError(`${path} ${info ? 'is not a file' : 'is missing'}`)
    if (info.sizeBytes !== wanted.sizeBytes) {
      throw new InputError(`${path} has ${info.sizeBytes} bytes, must have ${wanted.sizeBytes}`)
    }
    const found = await files.digest(path)
    if (found.sha256 !== wanted.sha256) throw new InputError(`${path} has changed: its sha256 is ${found.sha256}, must be ${wanted.sha256}`)
  }
}
