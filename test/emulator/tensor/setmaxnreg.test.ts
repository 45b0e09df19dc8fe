// setmaxnreg: registers move between warpgroups through the block's pool.
import { describe, expect, it } from 'vitest'
import { faultOf, run } from '../support.ts'

const kernel = (body: string, directives: string, threads: number, seed = 0) => run(`.reg .b32 %n; shr.u32 %n, %ti, 7; setp.eq.u32 %p1, %n, 0; ${body} ret;`, { block: [threads, 1, 1], target: 'sm_90a', directives, words: threads }, { seed })
const bounds = '.maxntid 384, 1, 1 .minnctapersm 1'

describe('setmaxnreg', () => {
  // 168 registers at entry: one producer gives 144 to the pool, two consumers take 72 each.
  const roles = (consumer: number) => `@%p1 bra producer; setmaxnreg.inc.sync.aligned.u32 ${consumer}; bra end; producer: setmaxnreg.dec.sync.aligned.u32 24; end:`
  it('consumers get what the producer gives', () => { for (const seed of [0, 1, 2, 3]) expect(kernel(roles(240), bounds, 384, seed).diagnostics).toEqual([]) })
  it('more than there is is a deadlock that says so', () => {
    const fault = faultOf(() => kernel(roles(248), bounds, 384))
    expect([fault.kind, fault.message]).toEqual(['deadlock', expect.stringMatching(/setmaxnreg\.inc\.sync\.aligned\.u32 248: needs 2560 registers for the warp, the block's pool has 512/)])
  })
  it('.maxnreg is the number at entry', () => {
    expect(kernel('@%p1 bra few; setmaxnreg.inc.sync.aligned.u32 152; bra end; few: setmaxnreg.dec.sync.aligned.u32 56; end:', '.maxnreg 104', 256).diagnostics).toEqual([])
    expect(faultOf(() => kernel('setmaxnreg.dec.sync.aligned.u32 112;', '.maxnreg 104', 128)).message).toMatch(/setmaxnreg\.dec 112 by a warp that has 104/)
    expect(faultOf(() => kernel('setmaxnreg.dec.sync.aligned.u32 40; setmaxnreg.inc.sync.aligned.u32 24;', '.maxnreg 104', 128)).message).toMatch(/setmaxnreg\.inc 24 by a warp that has 40/)
  })
  it('without a bound on registers it does nothing, as the assembler decides', () => { expect(kernel('setmaxnreg.inc.sync.aligned.u32 240;', '.maxntid 384, 1, 1', 384).diagnostics).toEqual([]) })
})
