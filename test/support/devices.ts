// The devices that tests run on. Skips are loud; REQUIRE=webgpu,cuda turns absence into failure.
import { openDevice } from '../../src/device.ts'
import type { Device } from '../../src/core/device.ts'

export const deviceNames = (process.env.DEVICES ?? 'cpu,webgpu,emu:sm_80').split(',')
const required = new Set((process.env.REQUIRE ?? '').split(',').filter(Boolean))
const opened = new Map<string, Promise<Device | undefined>>()

/** One device of each name for a test file; undefined (with a line on stderr) where it is absent. */
export function testDevice(name: string): Promise<Device | undefined> {
  let device = opened.get(name)
  if (!device) opened.set(name, (device = open(name)))
  return device
}

async function open(name: string): Promise<Device | undefined> {
  try {
    return (await openDevice(name)).device
  } catch (error) {
    if (required.has(name.split(':')[0])) throw error
    console.error(`SKIPPED on ${name}: ${(error as Error).message}`)
    return undefined
  }
}
