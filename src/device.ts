// Opens a backend by its name. Heavy modules load only when their device is asked for.
import { Device } from './core/device.ts'
import { InputError } from './core/errors.ts'

export interface OpenedDevice {
  device: Device
  /** Why this one: a sentence for the user. */
  why: string
}

export interface DeviceOptions {
  /** webgpu: kernels without bounds checks. */
  readonly disableRobustness?: boolean
  /** emu: threads over the blocks of a launch, 1 unless more are asked for. */
  readonly threads?: number
  /** emu: with the sanitizer; its first diagnostic is an error that the next wait tells. */
  readonly sanitize?: boolean
}

/** Opens `cpu`, `webgpu`, `cuda:<n>`, `emu:<target>` or `auto` (the first of cuda:0, webgpu, cpu that works). An absent named device is an InputError. */
export async function openDevice(name: string, options: DeviceOptions = {}): Promise<OpenedDevice> {
  switch (name) {
    case 'cpu': {
      const { ReferenceBackend } = await import('../backends/reference/index.ts')
      return { device: new Device(new ReferenceBackend()), why: 'asked for' }
    }
    case 'webgpu': return { device: await openWebGpu(options), why: 'asked for' }
    case 'auto': return openFirst(options)
    case 'emu:sm_80': case 'emu:sm_90a': {
      const [{ CudaBackend }, { EmulatorDriver }] = await Promise.all([import('../backends/cuda/index.ts'), import('../backends/emulator/driver.ts')])
      const node = inNode() ? await import('../backends/emulator/node_worker.ts') : undefined
      node?.allowFusedMultiplyAdd()
      const createSanitizer = options.sanitize ? (await import('../backends/emulator/sanitizer/index.ts')).createSanitizer : undefined
      const { threads = 1 } = options
      if (threads < 1 || threads > 17) throw new InputError(`device ${name}: ${threads} threads; there may be 1 to 17`)
      const crew = node && threads > 1 ? node.nodeCrew(threads - 1) : undefined
      return { device: new Device(new CudaBackend(new EmulatorDriver(name.slice(4), {}, createSanitizer, crew))), why: 'asked for' }
    }
    default: {
      const ordinal = /^cuda:(\d+)$/.exec(name)
      if (ordinal) return { device: await openCudaDevice(Number(ordinal[1])), why: 'asked for' }
      throw new InputError(`device "${name}" is unknown; known are auto, cpu, webgpu, cuda:0, emu:sm_80, emu:sm_90a`)
    }
  }
}

async function openFirst(options: DeviceOptions): Promise<OpenedDevice> {
  const absent: string[] = []
  for (const open of [() => openCudaDevice(0), () => openWebGpu(options)]) {
    try {
      const device = await open()
      return { device, why: `the first of cuda:0, webgpu, cpu that works${absent.length ? ` (${absent.join('; ')})` : ''}` }
    } catch (error) { absent.push((error as Error).message.replace(/^device /, '')) }
  }
  const { device } = await openDevice('cpu')
  return { device, why: `neither cuda:0 nor webgpu works here (${absent.join('; ')})` }
}

const inNode = () => typeof process !== 'undefined' && process.versions?.node !== undefined

async function openCudaDevice(ordinal: number): Promise<Device> {
  try {
    if (!inNode()) throw new Error('a browser cannot reach libcuda')
    const [{ CudaBackend }, { openCuda }] = await Promise.all([import('../backends/cuda/index.ts'), import('../backends/cuda/driver_koffi.ts')])
    return new Device(new CudaBackend(await openCuda(ordinal)))
  } catch (error) {
    throw new InputError(`device cuda:${ordinal}: ${(error as Error).message}`)
  }
}

async function openWebGpu(options: DeviceOptions): Promise<Device> {
  const { WebGpuBackend } = await import('../backends/webgpu/index.ts')
  try {
    if (inNode()) {
      const { openNodeGpu } = await import('../backends/webgpu/node_adapter.ts')
      const { adapter, kind, why } = await openNodeGpu(options)
      const { napping } = await import('../backends/webgpu/nap.ts')
      const software = kind === 'software'
      return new Device(await WebGpuBackend.open({ adapter, description: why, software, waiting: software ? napping : undefined }))
    }
    const adapter = await navigator.gpu?.requestAdapter({ powerPreference: 'high-performance' })
    if (!adapter) throw new Error('this browser offers no WebGPU adapter')
    const software = adapter.info.isFallbackAdapter || /swiftshader|llvmpipe/i.test(`${adapter.info.architecture} ${adapter.info.description}`)
    return new Device(await WebGpuBackend.open({ adapter, description: describeAdapter(adapter), software }))
  } catch (error) {
    throw new InputError(`device webgpu: ${(error as Error).message}`)
  }
}

function describeAdapter({ info }: GPUAdapter): string {
  return [info.vendor, info.architecture, info.description].filter(Boolean).join(' ') || 'adapter without a name'
}
