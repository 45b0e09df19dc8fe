// weft doctor: what is on this machine, what would be used and why.
import os from 'node:os'
import { existsSync } from 'node:fs'
import { openDevice } from '../../device.ts'
import type { Command } from './index.ts'
import { parseOptions } from '../options.ts'

export const command: Command = {
  summary: 'tells what is on this machine, what would be used and why',
  usage: '  --json          one JSON object a line',
  run: doctor,
}

async function doctor(args: string[]): Promise<number> {
  const { json } = parseOptions('doctor', args, { json: { type: 'boolean', default: false } })
  const say = (item: string, state: string) =>
    process.stdout.write(json ? `${JSON.stringify({ event: 'doctor', item, state })}\n` : `${item.padEnd(12)}${state}\n`)
  say('node', `${process.version} on ${process.platform} ${process.arch}, ${os.cpus().length} cores, ${(os.totalmem() / 2 ** 30).toFixed(0)} GiB`)
  for (const name of ['cuda:0', 'webgpu', 'cpu', 'emu:sm_80', 'emu:sm_90a']) say(name, await probe(name))
  const { device, why } = await openDevice('auto')
  say('auto', `takes ${device.name}: ${why}`)
  await device.backend.destroy()
  return 0
}

async function probe(name: string): Promise<string> {
  try {
    const { device } = await openDevice(name)
    const text = `works: ${device.backend.description}`
    await device.backend.destroy()
    return text
  } catch (error) {
    const hint = name === 'cuda:0' && existsSync('/dev/nvidiactl') ? ' (an NVIDIA driver is here)' : ''
    return `absent: ${(error as Error).message.replace(`device ${name}: `, '')}${hint}`
  }
}
