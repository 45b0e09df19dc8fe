// One run per directory. `.lock` names its owner: pid, start time of that process, host and boot id, so that a lock
// left by a dead process, by a machine that was restarted, or by a pid that was given away since, is recognised.
//
// link(2) publishes a complete file and fails when the name is taken. To take over the lock of a dead owner X, a process
// links its own file as `.lock.after-<X's nonce>`: only one can. Whoever is reached from `.lock` through such names owns
// the directory, so a crash in the middle of a takeover is just one more dead owner.
import { link, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { InputError } from '../../core/errors.ts'
import { nonce } from '../files.ts'

/** startTicks: when the process started, in clock ticks since boot; '' where the system does not tell. */
export interface LockOwner { pid: number; startTicks: string; host: string; bootId: string; nonce: string }

export interface RunLock {
  readonly owner: LockOwner
  /** Removes the lock; calling it again does nothing. */
  release(): Promise<void>
}

const fileName = '.lock'
const after = (owner: LockOwner) => `${fileName}.after-${owner.nonce}`

/** Creates dir when needed. Throws InputError `another run (pid N) is using DIR` while a living process holds the lock. */
export async function lockRunDir(dir: string): Promise<RunLock> {
  await mkdir(dir, { recursive: true })
  const me: LockOwner = {
    pid: process.pid, startTicks: (await processStat(process.pid))?.startTicks ?? '', host: hostname(),
    bootId: await bootId(), nonce: nonce(),
  }
  const mine = join(dir, `${fileName}.new-${me.nonce}`)
  await writeFile(mine, JSON.stringify(me) + '\n')
  try {
    await acquire(dir, me, mine)
  } finally {
    await rm(mine, { force: true })
  }
  await removeLeftovers(dir)
  let held = true
  return {
    owner: me,
    async release() {
      if (!held) return
      held = false
      // Only if it is still ours: a person may have removed it and started another run.
      if ((await readOwner(join(dir, fileName)))?.nonce === me.nonce) await rm(join(dir, fileName), { force: true })
    },
  }
}

async function acquire(dir: string, me: LockOwner, mine: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const owner = await currentOwner(dir)
    if (owner && (await isAlive(owner))) throw inUse(dir, owner)
    const name = join(dir, owner ? after(owner) : fileName)
    if (!(await linkIfFree(mine, name))) continue
    // Between our look and our link the former owner may have been replaced; then our link hangs on nothing.
    if ((await currentOwner(dir))?.nonce !== me.nonce) {
      await rm(name, { force: true })
      continue
    }
    // A second name for our file, moved over `.lock`: the chain starts with us from now on. (rename between two names
    // of the same file does nothing, but then `.lock` is ours already.)
    if (owner) await rename(mine, join(dir, fileName))
    return
  }
  throw new InputError(`${dir}: the lock changes hands all the time, other runs are starting there`)
}

async function currentOwner(dir: string): Promise<LockOwner | undefined> {
  let owner = await readOwner(join(dir, fileName))
  for (let next = owner; next; next = await readOwner(join(dir, after(next)))) owner = next
  return owner
}

/** A file that cannot be read as an owner was torn by a crash of the machine, so its owner is dead. */
async function readOwner(path: string): Promise<LockOwner | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const { pid, startTicks, host, bootId, nonce } = JSON.parse(text) as LockOwner
    if (Number.isSafeInteger(pid) && pid > 0 && /^[0-9a-f]{12}$/.test(nonce)) {
      return { pid, startTicks: String(startTicks), host: String(host), bootId: String(bootId), nonce }
    }
  } catch {} // not JSON
  return { pid: 0, startTicks: '', host: hostname(), bootId: '', nonce: 'torn' }
}

async function linkIfFree(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function isAlive(owner: LockOwner): Promise<boolean> {
  if (owner.pid === 0) return false
  if (owner.host !== hostname()) return true // cannot be seen from here
  const boot = await bootId()
  if (boot && owner.bootId && owner.bootId !== boot) return false
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const stat = await processStat(owner.pid)
  if (!stat) return true
  if (stat.state === 'Z' || stat.state === 'X') return false // dead, only its parent has not asked yet
  return !owner.startTicks || stat.startTicks === owner.startTicks
}

function inUse(dir: string, owner: LockOwner): InputError {
  const where = owner.host === hostname() ? '' : ` on ${owner.host}; if it is gone, remove ${join(dir, fileName)}`
  return new InputError(`another run (pid ${owner.pid}) is using ${dir}${where}`)
}

/** Files of takeovers that are over: none can be in force while the owner, this process, lives. And of starts that died. */
async function removeLeftovers(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    const path = join(dir, name)
    if (name.startsWith(`${fileName}.after-`)) await rm(path, { force: true })
    if (!name.startsWith(`${fileName}.new-`)) continue
    const owner = await readOwner(path)
    if (owner && owner.nonce !== 'torn' && !(await isAlive(owner))) await rm(path, { force: true })
  }
}

/** '' where the system has none; then only the pid decides. */
async function bootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim()
}

async function processStat(pid: number): Promise<{ state: string; startTicks: string } | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // "pid (name) state ...": the name may hold blanks and parentheses; the start time is field 22.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return fields.length > 19 ? { state: fields[0], startTicks: fields[19] } : undefined
}
