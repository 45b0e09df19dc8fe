// setmaxnreg: warps give registers to their block's pool and take them from it (PTX ISA 9.7.19.5; ptx-isa-notes 2.7).
import type { DecodedFunction } from '../image.ts'
import type { Chapter, DecodeContext } from '../decode.ts'
import { NEXT, RETRY, type Cta, type Warp } from '../machine.ts'
import { since } from './free_modifiers.ts'
import { matrixModifiers, needTogether, together, wholeWarp } from './matrix_sync.ts'

const registerFile = 65536

/**
 * Registers of a thread at entry, as the assembler settles them: .maxnreg, or what a launch bound leaves each thread of as many blocks
 * as shall fit, but no more than the largest setmaxnreg.inc asks for. undefined: unknown, and then it ignores setmaxnreg.
 */
function atEntry({ ptx }: DecodedFunction): number | undefined {
  const { maxnreg, reqntid, maxntid, minnctapersm } = ptx.directives
  if (maxnreg !== undefined) return Math.ceil(maxnreg / 8) * 8
  const threads = (reqntid ?? maxntid)?.reduce((a, b) => a * b, 1)
  if (threads === undefined || minnctapersm === undefined) return undefined
  const bound = Math.min(256, Math.floor(registerFile / (Math.ceil(threads / 128) * 128 * minnctapersm) / 8) * 8)
  const asked = ptx.body!.statements.filter((s) => s.opcode === 'setmaxnreg' && s.modifiers[0] === 'inc').map((s) => (s.operands[0]?.kind === 'int' ? Number(s.operands[0].value) : 0))
  return asked.length ? Math.min(bound, Math.max(...asked)) : bound
}

/** Registers of the block that no warp has, in threads times registers. */
interface Pool { free: number }
function poolOf(cta: Cta): Pool {
  let pool = cta.state.get('registers') as Pool | undefined
  if (!pool) cta.state.set('registers', (pool = { free: 0 }))
  return pool
}

/** What a warp has now; before its first setmaxnreg, what the kernel began with. */
function current(w: Warp, entry: number): number {
  if (!w.state.has('registers')) { w.state.set('registers', true); w.registers = entry }
  return w.registers
}

function amount(ctx: DecodeContext, s: Parameters<Chapter[string]>[0]): number {
  const value = ctx.constant(s.operands[0], 'the number of registers')
  if (value < 24 || value > 256 || value % 8 !== 0) ctx.error(`setmaxnreg ${value}; the number must be a multiple of 8 from 24 to 256`, s.operands[0].at)
  return value
}

export const setmaxnreg: Chapter = {
  setmaxnreg(s, ctx) {
    const { one, types } = matrixModifiers(ctx, { action: ['inc', 'dec'], ...together }, ['u32', 's32'])
    since(ctx, 'setmaxnreg', 8.0, 90)
    if (ctx.smSuffix === '') ctx.error(`setmaxnreg needs sm_90a, this is sm_${ctx.sm}`)
    if (one.action === undefined || s.modifiers[0] !== one.action) ctx.error('setmaxnreg needs .inc or .dec')
    needTogether(ctx, 'setmaxnreg', one)
    if (types.length !== 1) ctx.error('setmaxnreg needs its type: .u32')
    ctx.operands(1)
    const wanted = amount(ctx, s)
    const change = wholeWarp((w) => {
      const entry = atEntry(w.cta.launch.entry as DecodedFunction)
      if (entry === undefined) return
      const have = current(w, entry)
      if (one.action === 'dec' ? have < wanted : have > wanted) w.machine.fault('illegal-instruction', `setmaxnreg.${one.action} ${wanted} by a warp that has ${have} registers a thread`, w, 0)
      poolOf(w.cta).free += (have - wanted) * 32
      w.registers = wanted
    })
    return {
      control(w, g, mask) {
        if (mask === 0) { g.pc++; return NEXT }
        const entry = atEntry(w.cta.launch.entry as DecodedFunction)
        const pool = poolOf(w.cta)
        const need = entry === undefined || one.action === 'dec' ? 0 : (wanted - current(w, entry)) * 32
        if (need > pool.free) {
          g.wait = { what: `${w.current.name} ${wanted}: needs ${need} registers for the warp, the block's pool has ${pool.free}`, ready: () => pool.free >= need }
          return RETRY
        }
        return change.control!(w, g, mask)
      },
    }
  },
}
