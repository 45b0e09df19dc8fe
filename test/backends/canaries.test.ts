// The canary driver sees what a GPU would not tell: writes just outside a buffer, and outputs that nobody wrote.
import { describe, expect, it } from 'vitest'
import { withCanaries } from '../../backends/cuda/canaries.ts'
import { EmulatorDriver } from '../../backends/emulator/driver.ts'

/** Writes n words of 7 from `first` bytes on. */
const ptx = `.version 8.0
.target sm_80
.address_size 64
.visible .entry sevens(.param .u64 out, .param .s32 first)
{
  .reg .b32 %i, %at, %seven;
  .reg .b64 %out, %offset;
  ld.param.u64 %out, [out];
  ld.param.s32 %at, [first];
  mov.u32 %i, %tid.x;
  mad.lo.s32 %at, %i, 4, %at;
  cvt.s64.s32 %offset, %at;
  add.s64 %out, %out, %offset;
  mov.u32 %seven, 7;
  st.global.u32 [%out], %seven;
  ret;
}`

async function setUp() {
  const { driver, check } = withCanaries(new EmulatorDriver('sm_80'))
  const fn = (await driver.loadModule(ptx, 'sevens')).functions.get('sevens')!
  const sevens = (pointer: number, first: number, threads: number) => {
    const params = new Uint8Array(12)
    new DataView(params.buffer).setBigUint64(0, BigInt(pointer), true)
    new DataView(params.buffer).setInt32(8, first, true)
    driver.launch(fn, { grid: [1, 1, 1], block: [threads, 1, 1] }, params)
  }
  return { driver, check, sevens }
}

describe('canaries', () => {
  it('say nothing of clean work, and show what was not written as NaN', async () => {
    const { driver, check, sevens } = await setUp()
    const p = driver.alloc(64)
    sevens(p, 0, 8)
    const words = new Uint32Array((await driver.copyFromDevice(p, 64)).buffer)
    expect([...words]).toEqual([...new Array(8).fill(7), ...new Array(8).fill(0xffffffff)])
    expect(await check()).toEqual([])
    driver.free(p)
    expect(await check()).toEqual([])
  })
  it.each([[-4, 'before it, 4 bytes away'], [64, 'after it, 0 bytes away'], [80, 'after it, 16 bytes away']])('a write at %i of 64 bytes', async (first, found) => {
    const { driver, check, sevens } = await setUp()
    const p = driver.alloc(64)
    sevens(p, first, 1)
    expect(await check()).toEqual([`64 bytes: ${found}, something was written`])
    driver.free(p)
    expect(await check()).toHaveLength(1)
  })
})
