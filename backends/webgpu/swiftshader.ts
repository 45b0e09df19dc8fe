// SwiftShader, a Vulkan driver that runs on the CPU, out of the npm package @sparticuz/chromium: no system package, no
// environment variable, nothing written outside one cache folder.
//
// Dawn opens "libvulkan.so.1". The dynamic linker answers that with any library already loaded under that SONAME, and
// SwiftShader exports vkGetInstanceProcAddr itself, so a copy of it whose SONAME says libvulkan.so.1, loaded into the
// process beforehand, is the driver without a Vulkan loader. This also works in worker threads, whose process.env is
// a copy that no C library reads.

const driverFile = 'libvk_swiftshader.so'
const loaderFile = 'libvulkan.so.1'
const icdFile = 'vk_swiftshader_icd.json'

export interface SwiftShader {
  folder: string      // extracted files, in the user's cache
  direct: string      // the copy whose SONAME is libvulkan.so.1
  icd: string         // its ICD manifest, for a Vulkan loader
  version: string     // of @sparticuz/chromium
}

/** Finds the package, extracts the driver on first use, and says where it lies. Throws an Error that names what is missing. */
export async function extractSwiftShader(): Promise<SwiftShader> {
  const fs = await import('node:fs')
  const { homedir } = await import('node:os')
  const { dirname, join } = await import('node:path')
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`the SwiftShader of @sparticuz/chromium is for linux-x64, this is ${process.platform}-${process.arch}`)
  }
  const packageFolder = await findPackage('@sparticuz/chromium')
  if (!packageFolder) throw new Error('the npm package @sparticuz/chromium (143.0.4), whose SwiftShader would do in its place, is not installed (npm install @sparticuz/chromium@143.0.4)')
  const { version } = JSON.parse(fs.readFileSync(join(packageFolder, 'package.json'), 'utf8')) as { version: string }

  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'weft')
  const folder = join(cache, `swiftshader-${version}`)
  const found: SwiftShader = { folder, direct: join(folder, 'direct', loaderFile), icd: join(folder, icdFile), version }
  if (fs.existsSync(found.direct)) return found

  const { brotliDecompressSync } = await import('node:zlib')
  const files = untar(brotliDecompressSync(fs.readFileSync(join(packageFolder, 'bin', 'swiftshader.tar.br'))))
  let fresh: string
  try {
    fs.mkdirSync(cache, { recursive: true })
    fresh = fs.mkdtempSync(folder + '.')
  } catch (error) {
    throw new Error(`cannot write the cache folder ${cache} (set XDG_CACHE_HOME to one that can be written): ${(error as Error).message}`)
  }
  const put = (name: string, bytes: Uint8Array) => {
    fs.mkdirSync(dirname(join(fresh, name)), { recursive: true })
    fs.writeFileSync(join(fresh, name), bytes, { mode: 0o755 })
  }
  for (const name of [driverFile, loaderFile, icdFile]) {
    const bytes = files.get(name)
    if (!bytes) throw new Error(`bin/swiftshader.tar.br of @sparticuz/chromium ${version} has no ${name}`)
    put(name, bytes)
  }
  put(join('direct', loaderFile), withSoname(files.get(driverFile)!, driverFile, loaderFile))

  // Publish with one rename: a folder of the final name is always complete. Losing a race against another process is fine.
  try {
    fs.renameSync(fresh, folder)
  } catch (error) {
    fs.rmSync(fresh, { recursive: true, force: true })
    if (!fs.existsSync(found.direct)) throw error
  }
  return found
}

/** Maps the renamed driver into the process; it stays mapped until the process ends. */
export function loadDirect(swiftShader: SwiftShader): void {
  const RTLD_NOW = 0x2, RTLD_NODELETE = 0x1000
  try {
    process.dlopen({ exports: {} }, swiftShader.direct, RTLD_NOW | RTLD_NODELETE)
  } catch (error) {
    // Node loads the library, sees that it is no addon, says this and closes it; NODELETE keeps it.
    if (!String((error as Error).message).includes('Module did not self-register')) throw error
  }
}

/** Walks up node_modules from this module's folder; the package's main entry need not be importable. */
export async function findPackage(name: string): Promise<string | undefined> {
  const { existsSync } = await import('node:fs')
  const { dirname, join } = await import('node:path')
  const { fileURLToPath } = await import('node:url')
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name)
    if (existsSync(join(candidate, 'package.json'))) return candidate
    if (folder === dirname(folder)) return undefined
  }
}

/** Files of a tar archive by base name. Headers are 512 bytes: name at 0..99, size in octal at 124..135; data is padded to 512. */
export function untar(tar: Uint8Array): Map<string, Uint8Array> {
  const text = (from: number, to: number) => new TextDecoder().decode(tar.subarray(from, to)).split('\0')[0].trim()
  const files = new Map<string, Uint8Array>()
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0;) {
    const name = text(at, at + 100).split('/').pop()!
    const sizeBytes = parseInt(text(at + 124, at + 136) || '0', 8)
    if (name) files.set(name, tar.subarray(at + 512, at + 512 + sizeBytes))
    at += 512 + Math.ceil(sizeBytes / 512) * 512
  }
  return files
}

/** A copy of a shared library under another, not longer SONAME: overwritten in its string table, so no offset moves. */
function withSoname(library: Uint8Array, from: string, to: string): Uint8Array {
  const copy = Buffer.from(library)
  const needle = Buffer.from(`\0${from}\0`)
  const at = copy.indexOf(needle)
  if (at < 0 || copy.indexOf(needle, at + 1) >= 0) throw new Error(`SONAME ${from} must occur exactly once in the library`)
  copy.fill(0, at + 1, at + 1 + from.length)
  copy.write(to, at + 1, 'latin1')
  return copy
}
