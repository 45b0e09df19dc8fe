// Opens a backend by its name. Heavy modules load only when their device is asked for.
import { Device } from './core/device.ts'
import { InputError } from './core/errors.ts'

export interface OpenedDevice {
  device: Device
  /** Why this one: a sentence for the user. */
  why: string
}

/** Opens `cpu`, `webgpu` or `auto` (the first of cuda:0, webgpu, cpu that works). An absent named device is an InputError. */
export async function openDevice(name: string, options: { disableRobustness?: boolean } = {}): Promise<OpenedDevice> {
  switch (name) {
    case 'cpu': {
      const { ReferenceBackend } = await import('../backends/reference/index.ts')
      return { device: new Device(new ReferenceBackend()), why: 'asked for' }
    }
    case 'webgpu': return { device: await openWebGpu(options), why: 'asked for' }
    case 'auto': return openFirst(options)
    case 'emu:sm_80': case 'emu:sm_90a': {
      const [{ CudaBackend }, { EmulatorDriver }] = await Promise.all([import('../backends/cuda/index.ts'), import('../backends/emulator/driver.ts')])
      return { device: new Device(new CudaBackend(new EmulatorDriver(name.slice(4)))), why: 'asked for' }
    }
    case 'cuda:0': throw new InputError(`device ${name}: libcuda is not bound yet; use emu:sm_80 (a part of the ops), webgpu or cpu`)
    default: throw new InputError(`device "${name}" is unknown; known are auto, cpu, webgpu, cuda:0, emu:sm_80, emu:sm_90a`)
  }
}

async function openFirst(options: { disableRobustness?: boolean }): Promise<OpenedDevice> {
  try {
    const device = await openWebGpu(options)
    return { device, why: 'the first of cuda:0, webgpu, cpu that works (cuda:0: libcuda is not bound yet)' }
  } catch (error) {
    const { device } = await openDevice('cpu')
    return { device, why: `webgpu does not work here: ${(error as Error).message}` }
  }
}

async function openWebGpu(options: { disableRobustness?: boolean }): Promise<Device> {
  const { WebGpuBackend } = await import('../backends/webgpu/index.ts')
  const isNode = typeof process !== 'undefined' && process.versions?.node !== undefined
  try {
    if (isNode) {
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
