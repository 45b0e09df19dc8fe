// One instruction on the registers of one warp: they come from buffers and go back to one.
import type { EmulatorOptions } from '../../../backends/emulator/machine.ts'
import { runCase } from '../../../backends/emulator/run_case.ts'
import { bitsOf, sizeOf, type Matrix } from './operands.ts'
import { hexOfWords } from './warpgroup.ts'

/** A register name ($a0 to $z9 after the buffer's letter) and what each lane's register r holds: a word, or a bigint of 64 bits. */
export interface Registers { readonly count: number; readonly wide?: boolean; readonly value?: (lane: number, r: number) => number | bigint }

/** Words of each lane's %d registers (two a register if they are wide). `text` uses %a0, %b0, %c0, %d0, %e0 and so on. */
export function runTile(registers: Readonly<Record<string, Registers>>, text: string, options: Partial<EmulatorOptions> = {}, target = 'sm_90a'): Uint32Array {
  const names = Object.keys(registers)
  const bytes = (n: string) => registers[n].count * (registers[n].wide ? 8 : 4)
  const moves = (n: string, op: 'ld' | 'st') => Array.from({ length: registers[n].count }, (_, r) => {
    const { wide } = registers[n]
    const [type, at] = [wide ? 'b64' : 'b32', `[%p${n}+${r * (wide ? 8 : 4)}]`]
    return op === 'ld' ? `ld.global.${type} %${n}${r}, ${at};` : `st.global.${type} ${at}, %${n}${r};`
  }).join('\n')
  const ptx = `.version 9.0
.target ${target}
.address_size 64
.visible .entry k(${names.map((n) => `.param .u64 p${n}`).join(', ')})
{
.reg .b32 %t; .reg .b64 %o; .reg .pred %q<4>;
mov.u32 %t, %tid.x;
${names.map((n) => `.reg .${registers[n].wide ? 'b64' : 'b32'} %${n}<${registers[n].count}>; .reg .b64 %p${n}; ld.param.u64 %p${n}, [p${n}]; mul.wide.u32 %o, %t, ${bytes(n)}; add.s64 %p${n}, %p${n}, %o;`).join('\n')}
${names.map((n) => moves(n, 'ld')).join('\n')}
${text}
${moves('d', 'st')}
ret;
}
`
  const wordsOf = (n: string) => {
    const { count, wide, value = () => 0 } = registers[n]
    return Array.from({ length: 32 * count }, (_, i) => value(Math.floor(i / count), i % count)).flatMap((v) => (wide ? [Number(BigInt.asUintN(32, BigInt(v))), Number(BigInt.asUintN(64, BigInt(v)) >> 32n)] : [Number(v) >>> 0]))
  }
  const result = runCase({
    name: 'k', ptx: 'k.ptx', kernel: 'k', grid: [1, 1, 1], block: [32, 1, 1], args: names.map((ptr) => ({ ptr })), buffers: names.map((name) => ({ name, type: 'u32', hex: hexOfWords(wordsOf(name)) })),
  }, ptx, options)
  return new Uint32Array(result.buffers.get('d')!.buffer)
}

/** Register r of a fragment of A: rows g and g + 8 of `blocks` blocks first, then along K; each register holds consecutive elements. (PTX ISA 9.7.14.5) */
export const fragmentA = (A: Matrix, type: string, blocks: 1 | 2) => (lane: number, r: number): number => packed(type, (e, per) => A.at((lane >> 2) + 8 * (r % blocks), (lane & 3) * per + e + 4 * per * Math.floor(r / blocks)))
/** Register r of a fragment of B, given as [N, K]: column g. */
export const fragmentB = (B: Matrix, type: string) => fragmentA(B, type, 1)
function packed(type: string, element: (e: number, per: number) => number): number {
  const per = 32 / sizeOf[type]
  let word = 0
  for (let e = 0; e < per; e++) word |= bitsOf[type](element(e, per)) << (sizeOf[type] * e)
  return word >>> 0
}
