// A WebGPU adapter in Node, through the npm package `webgpu` (Dawn): a real GPU where there is one, else SwiftShader.
// Also puts the WebGPU constants and classes (GPUBufferUsage, GPUDevice, ...) on globalThis, as a browser has them.

import { extractSwiftShader, loadDirect } from './swiftshader.ts'

export interface NodeGpu {
  adapter: GPUAdapter               // unused: one requestDevice is left in it
  kind: 'hardware' | 'software'
  why: string                       // one line for people: what was chosen and why
}

export interface NodeGpuOptions {
  disableRobustness?: boolean       // no bounds checks in kernels: faster on SwiftShader, for trusted kernels only
}

type Dawn = { create: (flags: string[]) => GPU; globals: object }

/** Opens an adapter; throws an Error that names what is missing when there is none. */
export async function openNodeGpu(options: NodeGpuOptions = {}): Promise<NodeGpu> {
  const dawn = await importDawn()
  Object.assign(globalThis, dawn.globals)
  const flags = options.disableRobustness ? ['enable-dawn-features=disable_robustness'] : []

  // Real drivers first, but only where a device file promises one: a create() that finds no adapter may leave the system's
  // libvulkan.so.1 loaded under the very name that loadDirect needs.
  const sign = await hardwareSign()
  if (sign) {
    const adapter = await requestAdapter(dawn, flags, 'system')
    if (adapter) {
      const kind = isSoftware(adapter.info) ? 'software' : 'hardware'
      return { adapter, kind, why: `${describe(adapter.info)}: the system's adapter (${sign})` }
    }
  }
  const noGpu = sign ? `${sign}, but it gave no WebGPU adapter` : 'no GPU device file on this machine'

  let swiftShader
  try {
    swiftShader = await extractSwiftShader()
  } catch (error) {
    throw new Error(`no WebGPU adapter: ${noGpu}; ${(error as Error).message}`)
  }
  loadDirect(swiftShader)
  let adapter = await requestAdapter(dawn, flags, 'swiftshader')
  if (!adapter) {
    // A system Vulkan loader came first. It reads this variable from the real environment (main thread only).
    process.env.VK_DRIVER_FILES = process.env.VK_ICD_FILENAMES = swiftShader.icd
    adapter = await requestAdapter(dawn, flags, 'swiftshader-icd')
  }
  if (!adapter) {
    throw new Error(`no WebGPU adapter: ${noGpu}, and SwiftShader (@sparticuz/chromium ${swiftShader.version}) gave none either; ` +
      `if a system Vulkan loader is in the way, set VK_DRIVER_FILES=${swiftShader.icd} before starting node`)
  }
  return { adapter, kind: 'software', why: `${describe(adapter.info)} of @sparticuz/chromium ${swiftShader.version}: ${noGpu}` }
}

async function importDawn(): Promise<Dawn> {
  try {
    return await import('webgpu') as unknown as Dawn
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new Error(code === 'ERR_MODULE_NOT_FOUND'
      ? 'no WebGPU in this Node: the npm package webgpu (0.6.2) is not installed (npm install webgpu@0.6.2)'
      : `no WebGPU in this Node: the npm package webgpu does not load on ${process.platform}-${process.arch}: ${message}`)
  }
}

/**
 * One GPU object per driver and set of flags, on globalThis for good: Dawn crashes at process exit once the object that
 * create() returned has been collected. Tests may load this module several times in one process, so a module variable is not enough.
 */
function gpuOf(dawn: Dawn, flags: string[], driver: string): GPU {
  const kept = globalThis as { __weftNodeGpus?: Map<string, GPU> }
  const gpus = kept.__weftNodeGpus ??= new Map()
  const key = [driver, ...flags].join(' ')
  if (!gpus.has(key)) gpus.set(key, dawn.create(flags))
  return gpus.get(key)!
}

async function requestAdapter(dawn: Dawn, flags: string[], driver: string): Promise<GPUAdapter | null> {
  return await gpuOf(dawn, flags, driver).requestAdapter({ powerPreference: 'high-performance' })
}

/** What suggests a real GPU, in words; undefined when nothing does. */
async function hardwareSign(): Promise<string | undefined> {
  if (process.platform !== 'linux') return `platform ${process.platform}`
  const { existsSync, readdirSync } = await import('node:fs')
  const file = ['/dev/nvidiactl', '/dev/kfd', '/dev/dxg'].find(path => existsSync(path))
  if (file) return `found ${file}`
  const node = existsSync('/dev/dri') && readdirSync('/dev/dri').find(name => name.startsWith('renderD'))
  return node ? `found /dev/dri/${node}` : undefined
}

function isSoftware(info: GPUAdapterInfo): boolean {
  const text = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`
  return info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|software|basic render/i.test(text)
}

function describe(info: GPUAdapterInfo): string {
  return info.description || [info.vendor, info.architecture].filter(Boolean).join(' ') || 'an unnamed adapter'
}
