// The worker's one device: WebGPU where there is an adapter, else the reference.
import { openDevice, type OpenedDevice } from '../src/device.ts'

let opened: Promise<OpenedDevice> | undefined
export function device(): Promise<OpenedDevice> { return (opened ??= openDevice('auto')) }
