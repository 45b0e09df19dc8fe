// A disk that fills up while a run trains: what was saved stays, and the run says what it lacks.
import { describe, expect, it } from 'vitest'
import { InputError } from '../../src/core/errors.ts'
import { openDevice } from '../../src/device.ts'
import { train, type RunEvent } from '../../src/train/run.ts'
import { FaultyFiles } from '../support/faulty_files.ts'
import { MemoryFiles } from '../support/memory_files.ts'
import { smallRun, smallText } from '../support/small_run.ts'

const config = smallRun({ train: { steps: 8 }, checkpoint: { every: 2 } })
const disk = (memory: MemoryFiles, failAt = 0, sticky = false) => new FaultyFiles(memory, { failAt, fault: 'ENOSPC', sticky })

/** Trains; `calls` tells how many file calls had been made when each checkpoint was there. */
async function run(files: FaultyFiles) {
  const { device } = await openDevice('cpu')
  const warnings: string[] = []
  const events: RunEvent[] = []
  const calls = new Map<number, number>()
  let error: Error | undefined
  try {
    for await (const event of train({ device, config, tokens: smallText(), files, runDir: 'run', warn: (m) => { warnings.push(m) } })) {
      events.push(event)
      if (event.event === 'checkpoint') calls.set(event.step, files.calls)
    }
  } catch (e) {
    error = e as Error
  }
  return { error, warnings, events, calls }
}

/** The run that nothing disturbs, once for all tests. */
const quiet = new MemoryFiles()
const undisturbed = run(disk(quiet))

const losses = (events: RunEvent[]) => events.flatMap((e) => (e.event === 'step' ? [[e.step, e.loss, e.gradNorm]] : []))
async function contents(files: MemoryFiles, dir: string): Promise<Record<string, Uint8Array>> {
  const found: Record<string, Uint8Array> = {}
  for (const name of await files.list(dir)) {
    const path = `${dir}/${name}`
    if ((await files.stat(path))!.kind === 'file') found[path] = await files.readFile(path)
    else Object.assign(found, await contents(files, path))
  }
  return found
}

describe('a full disk', () => {
  it('warns, gives up after three saves, and the newest checkpoint goes on to the same bits', async () => {
    const { calls, events, error: none } = await undisturbed
    expect(none).toBeUndefined()
    const memory = new MemoryFiles()
    const { error, warnings } = await run(disk(memory, calls.get(2)! + 4, true))
    expect(error).toBeInstanceOf(InputError)
    expect(error!.message).toMatch(/^3 saves in a row failed; last: run\/step-8 was not saved: ENOSPC.* The newest checkpoint is step 2: the same command goes on from there\.$/)
    expect(warnings).toEqual([expect.stringMatching(/step-4 was not saved: ENOSPC/), expect.stringMatching(/step-6 was not saved: ENOSPC/)])
    const after = await run(disk(memory))
    expect(after.error).toBeUndefined()
    expect(after.events[0]).toMatchObject({ event: 'start', step: 2 })
    expect(losses(after.events)).toEqual(losses(events).slice(2))
    const saved = await contents(memory, 'run/step-8')
    expect(Object.keys(saved).length).toBeGreaterThan(3)
    expect(saved).toEqual(await contents(quiet, 'run/step-8'))
  })

  it('that is full for a moment only: the run goes on', async () => {
    const { calls } = await undisturbed
    const { error, warnings, events } = await run(disk(new MemoryFiles(), calls.get(2)! + 4))
    expect(error).toBeUndefined()
    expect(warnings).toEqual([expect.stringMatching(/step-4 was not saved: ENOSPC/)])
    expect(events.at(-1)).toMatchObject({ event: 'finished', step: 8 })
  })

  it('at the last save: the run does not end as if all were well', async () => {
    const { calls } = await undisturbed
    const { error } = await run(disk(new MemoryFiles(), calls.get(6)! + 4, true))
    expect(error).toBeInstanceOf(InputError)
    expect(error!.message).toMatch(/^run\/step-8 was not saved: ENOSPC.* The newest checkpoint is step 6/)
  })
})
