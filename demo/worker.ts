// The heavy half of the page, behind comlink: one device, shared by training and parity, and the emulator.
import { expose } from 'comlink'
import { openDevice, type OpenedDevice } from '../src/device.ts'

let opened: Promise<OpenedDevice> | undefined
/** WebGPU where there is an adapter, else the reference. */
export function device(): Promise<OpenedDevice> { return (opened ??= openDevice('auto')) }

const api = {
  async device() {
    const { device: { name, backend: { description } }, why } = await device()
    return { name, description, why }
  },
}
export type DemoWorker = typeof api
expose(api)
