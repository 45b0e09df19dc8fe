// The heavy half of the page, behind comlink: one device, shared by training and parity, and the emulator.
import { expose } from 'comlink'
import { device } from './device.ts'
import { parity } from './worker/parity.ts'
import { training } from './worker/training.ts'

const api = {
  async device() {
    const { device: { name, backend: { description } }, why } = await device()
    return { name, description, why }
  },
  ...parity,
  ...training,
}
export type DemoWorker = typeof api
expose(api)
