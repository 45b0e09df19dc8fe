// One instruction on many operands, a thread each: bit patterns in, bit patterns out.
import { runCase } from '../../backends/emulator/run_case.ts'

export interface Options { target?: string; version?: string; compile?: boolean | 'eager' }
const bytesOf: Readonly<Record<string, number>> = { b16: 2, b32: 4, b64: 8 }

/**
 * `text` computes %z from %a, %b, %c (%p and %q are predicates, %t, %u words, %w a long to use freely). Types are of registers and
 * memory: b16, b32, b64. `rows` are the operands of each thread.
 */
export function evaluate(text: string, types: readonly string[], result: string, rows: readonly (readonly bigint[])[], { target = 'sm_90a', version = '9.0', compile = false }: Options = {}): bigint[] {
  const names = ['a', 'b', 'c']
  const input = new BigUint64Array(rows.length * 3)
  rows.forEach((row, i) => row.forEach((v, j) => { input[3 * i + j] = BigInt.asUintN(64, v) }))
  const loads = types.map((t, j) => `ld.global.${t} %${names[j]}, [%in+${8 * j}];`).join(' ')
  const ptx = `.version ${version}\n.target ${target}\n.address_size 64\n.visible .entry k(.param .u64 in, .param .u64 out, .param .u32 n)\n{ .reg .pred %p, %q, %done; .reg .b32 %t, %u, %i, %n, %nt, %ct; .reg .b64 %w, %in, %out, %o;
    ${types.map((t, j) => `.reg .${t} %${names[j]};`).join(' ')} .reg .${result} %z;
    ld.param.u64 %in, [in]; ld.param.u64 %out, [out]; ld.param.u32 %n, [n]; mov.u32 %i, %tid.x; mov.u32 %nt, %ntid.x; mov.u32 %ct, %ctaid.x; mad.lo.u32 %i, %nt, %ct, %i;
    setp.ge.u32 %done, %i, %n; @%done exit; mul.wide.u32 %o, %i, 24; add.s64 %in, %in, %o; mul.wide.u32 %o, %i, 8; add.s64 %out, %out, %o;
    ${loads}\n${text}\nst.global.${result} [%out], %z; ret; }`
  const hex = Buffer.from(input.buffer).toString('hex')
  const r = runCase({
    name: 'k', ptx: 'k.ptx', kernel: 'k', grid: [Math.ceil(rows.length / 256), 1, 1], block: [256, 1, 1], args: [{ ptr: 'in' }, { ptr: 'out' }, { u32: rows.length }],
    buffers: [{ name: 'in', type: 'u64', hex }, { name: 'out', type: 'u64', count: rows.length }],
  }, ptx, { compile })
  return Array.from(new BigUint64Array(r.buffers.get('out')!.slice().buffer), (x) => BigInt.asUintN(8 * bytesOf[result], x))
}

export const pairs = <A, B>(a: readonly A[], b: readonly B[]): [A, B][] => a.flatMap((x) => b.map((y): [A, B] => [x, y]))

/** Pseudo-random patterns, the same every time. */
export function patterns(count: number, bits: number, seed = 1): bigint[] {
  let x = BigInt(seed) * 0x9e3779b97f4a7c15n
  return Array.from({ length: count }, () => {
    x = BigInt.asUintN(64, x + 0x9e3779b97f4a7c15n)
    let z = x
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n)
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn)
    return BigInt.asUintN(bits, z ^ (z >> 31n))
  })
}
