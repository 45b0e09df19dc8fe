// Checkpoints that survive kill -9, a full disk and a lost power supply. What a checkpoint contains is the caller's
// business. A directory `step-<n>` appears by one rename, after everything in it is on the disk; the newest one whose
// hashes match is the newest, and no pointer file can disagree.
//
//   .tmp-<n>-<nonce>/         being written                         removed at start
//   step-<n>/                 complete, with manifest.json
//   .old-<n>-<nonce>/         the former step-<n> while it is being replaced; put back when step-<n> is missing
//   .del-<nonce>/             being removed                         removed at start
//   quarantine-step-<n>-<nonce>/   was damaged; only a person removes it
import { InputError } from '../core/errors.ts'
import { type Digest, type Files, encodeText, joinPath, nonce, parentOf } from '../io/files.ts'
import { type Manifest, manifestName, manifestText, parseManifest, readManifest, verifyManifest } from './manifest.ts'

type Warn = (message: string) => void

export interface SaveOptions {
  /** How many checkpoints stay, at least 2 (default): the newest may turn out to be unreadable. */
  keep?: number
  /** Bytes that `write` will need. With it the save is refused before anything is written when the disk is too full. */
  needBytes?: number
  /** Told what went wrong after the checkpoint was safe: old ones that could not be removed. */
  warn?: Warn
}

/** The save failed and the earlier checkpoints are as they were. The run may go on. */
export class CheckpointNotSaved extends Error {
  override name = 'CheckpointNotSaved'
}

/**
 * Saves `runDir/step-<step>` and returns its path. `write` fills the directory it is given through the `files` it is
 * given, which fsyncs and hashes on the way; files written otherwise are fsynced and hashed afterwards. The caller holds
 * the lock of runDir. Throws InputError for bad arguments and CheckpointNotSaved (cause: what happened) for the rest.
 */
export async function saveCheckpoint(
  files: Files, runDir: string, step: number, write: (tmpDir: string, files: Files) => Promise<void>, options: SaveOptions = {},
): Promise<string> {
  const keep = options.keep ?? 2
  if (!Number.isSafeInteger(keep) || keep < 2) throw new InputError(`checkpoint.keep is ${keep}, must be an integer >= 2`)
  if (!Number.isSafeInteger(step) || step < 0) throw new InputError(`checkpoint step is ${step}, must be an integer >= 0`)
  const tmp = joinPath(runDir, `.tmp-${step}-${nonce()}`)
  const dir = joinPath(runDir, `step-${step}`)
  let old: string | undefined
  try {
    await prepare(files, runDir, options.needBytes)
    await fill(files, tmp, step, write)
    old = await moveIntoPlace(files, runDir, tmp, dir, step)
  } catch (cause) {
    await discard(files, tmp).catch(() => {}) // the next start sweeps it
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CheckpointNotSaved(`${dir} was not saved: ${reason}. Earlier checkpoints are as they were.`, { cause })
  }
  try {
    if (old) await discard(files, old)
    await prune(files, runDir, step, keep)
  } catch (error) {
    options.warn?.(`${dir} is saved, but old checkpoints could not be removed: ${error}`)
  }
  return dir
}

async function prepare(files: Files, runDir: string, needBytes: number | undefined): Promise<void> {
  if (!(await files.stat(runDir))) {
    await files.makeDir(runDir)
    await files.sync(parentOf(runDir))
  }
  if (needBytes === undefined) return
  const free = await files.freeBytes(runDir)
  if (free < needBytes) throw new Error(`it needs ${needBytes} bytes, and only ${free} are free in ${runDir}`)
}

/** Content, then the manifest, then the names: whoever sees a manifest may rely on what it lists. */
async function fill(files: Files, tmp: string, step: number, write: (tmp: string, files: Files) => Promise<void>): Promise<void> {
  await files.makeDir(tmp)
  const digests = new Map<string, Digest>()
  await write(tmp, recording(files, digests))
  const manifest: Manifest = { format: 1, step, files: new Map() }
  const dirs = [tmp]
  for (let i = 0; i < dirs.length; i++) {
    for (const name of await files.list(dirs[i])) {
      const path = joinPath(dirs[i], name)
      const info = await files.stat(path)
      if (info?.kind === 'directory') {
        dirs.push(path)
        continue
      }
      if (info?.kind !== 'file') throw new Error(`${path} is not a plain file`)
      let digest = digests.get(path)
      if (!digest) {
        await files.sync(path)
        digest = await files.digest(path)
      }
      // Catches a write that was cut short without an error, before an older checkpoint is given up for this one.
      if (digest.sizeBytes !== info.sizeBytes) throw new Error(`${path} has ${info.sizeBytes} bytes, ${digest.sizeBytes} were written`)
      manifest.files.set(path.slice(tmp.length + 1), digest)
    }
  }
  const path = joinPath(tmp, manifestName)
  const text = manifestText(manifest)
  parseManifest(text, path) // a name that could not be read back must fail now
  const { sizeBytes } = await files.writeFile(path, [encodeText(text)])
  if ((await files.stat(path))?.sizeBytes !== sizeBytes) throw new Error(`${path} was cut short, ${sizeBytes} bytes were written`)
  for (const dir of dirs.reverse()) await files.sync(dir)
}

/** Notes the digest of each file written through it, so that a checkpoint is not read back to be hashed. */
function recording(files: Files, digests: Map<string, Digest>): Files {
  const forget = (path: string) => {
    for (const key of digests.keys()) if (key === path || key.startsWith(`${path}/`)) digests.delete(key)
  }
  return {
    readFile: (path) => files.readFile(path),
    readRange: (path, begin, end) => files.readRange(path, begin, end),
    digest: (path) => files.digest(path),
    makeDir: (path) => files.makeDir(path),
    sync: (path) => files.sync(path),
    list: (path) => files.list(path),
    stat: (path) => files.stat(path),
    freeBytes: (path) => files.freeBytes(path),
    async writeFile(path, pieces) {
      forget(path)
      const digest = await files.writeFile(path, pieces)
      digests.set(path, digest)
      return digest
    },
    async rename(from, to) {
      forget(from)
      forget(to)
      await files.rename(from, to)
    },
    async remove(path) {
      forget(path)
      await files.remove(path)
    },
  }
}

/** Returns where a former checkpoint of the same step went. A crash between the two renames leaves `.old-`, which sweep puts back. */
async function moveIntoPlace(files: Files, runDir: string, tmp: string, dir: string, step: number): Promise<string | undefined> {
  const old = (await files.stat(dir)) ? joinPath(runDir, `.old-${step}-${nonce()}`) : undefined
  if (old) await files.rename(dir, old)
  try {
    await files.rename(tmp, dir)
  } catch (error) {
    if (old) await files.rename(old, dir).catch(() => {})
    throw error
  }
  await files.sync(runDir)
  return old
}

/** Removal of a directory takes many steps; the rename makes sure that a half removed one is never taken for a checkpoint. */
async function discard(files: Files, path: string): Promise<void> {
  if (!(await files.stat(path))) return
  const del = joinPath(parentOf(path), `.del-${nonce()}`)
  await files.rename(path, del)
  await files.remove(del)
}

/** Keeps the one just saved and the newest of the others. A damaged one does not count as kept, and is left for findCheckpoint. */
async function prune(files: Files, runDir: string, saved: number, keep: number): Promise<void> {
  let kept = 1
  for (const step of await stepsIn(files, runDir)) {
    if (step === saved) continue
    const dir = joinPath(runDir, `step-${step}`)
    if (!(await looksComplete(files, dir, step))) continue
    if (kept < keep) kept++
    else await discard(files, dir)
  }
}

async function looksComplete(files: Files, dir: string, step: number): Promise<boolean> {
  try {
    const manifest = await readManifest(files, dir, step)
    for (const [name, { sizeBytes }] of manifest.files) {
      if ((await files.stat(joinPath(dir, name)))?.sizeBytes !== sizeBytes) return false
    }
    return true
  } catch (error) {
    if (error instanceof InputError) return false
    throw error
  }
}

/** Steps that have a directory, newest first. */
async function stepsIn(files: Files, runDir: string): Promise<number[]> {
  const steps: number[] = []
  for (const name of await files.list(runDir)) {
    const match = /^step-(0|[1-9][0-9]{0,15})$/.exec(name)
    if (match) steps.push(Number(match[1]))
  }
  return steps.sort((a, b) => b - a)
}

/** Removes what a crash left over, and puts back a checkpoint that was being replaced. The caller holds the lock of runDir. */
export async function sweepCheckpoints(files: Files, runDir: string): Promise<void> {
  for (const name of await files.list(runDir)) {
    const path = joinPath(runDir, name)
    const replaced = /^\.old-([0-9]+)-/.exec(name)
    if (replaced) {
      const dir = joinPath(runDir, `step-${replaced[1]}`)
      if (await files.stat(dir)) await discard(files, path)
      else await files.rename(path, dir)
    } else if (/^\.(tmp|del)-/.test(name)) {
      await files.remove(path)
    }
  }
}

export interface FindOptions {
  /** Told about each checkpoint that is passed over, and why. */
  warn?: Warn
  /** Looks without sweeping or quarantining: for those who do not hold the lock, as `generate` beside a running `train`. */
  readOnly?: boolean
}

export interface Checkpoint { step: number; dir: string; manifest: Manifest }

/**
 * The newest checkpoint whose files all match their hashes; undefined when there is none. A damaged one is reported to
 * `warn`, moved aside and never removed. One that cannot be read (EIO, EACCES) is passed over where it stands; if no other
 * is left, the read error is thrown, since starting afresh would be the wrong answer.
 */
export async function findCheckpoint(files: Files, runDir: string, options: FindOptions = {}): Promise<Checkpoint | undefined> {
  if (!(await files.stat(runDir))) return undefined
  if (!options.readOnly) await sweepCheckpoints(files, runDir)
  let unreadable: unknown
  for (const step of await stepsIn(files, runDir)) {
    const dir = joinPath(runDir, `step-${step}`)
    try {
      const manifest = await readManifest(files, dir, step)
      await verifyManifest(files, dir, manifest)
      return { step, dir, manifest }
    } catch (error) {
      if (!(error instanceof InputError)) {
        unreadable = error
        options.warn?.(`${dir} cannot be read (${error}); trying an older checkpoint`)
      } else if (options.readOnly) {
        options.warn?.(`${error.message}; trying an older checkpoint`)
      } else {
        const aside = joinPath(runDir, `quarantine-step-${step}-${nonce()}`)
        await files.rename(dir, aside)
        options.warn?.(`${error.message}; moved to ${aside}, trying an older checkpoint`)
      }
    }
  }
  if (unreadable) throw unreadable
  return undefined
}
