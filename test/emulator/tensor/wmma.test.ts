// wmma: matrices in memory, loaded, multiplied and stored; every shape, type, layout, with and without strides, against plain sums.
import { describe, expect, it } from 'vitest'
import { LinearMemory } from '../../../backends/emulator/memory.ts'
import { LoadedModule } from '../../../backends/emulator/loader.ts'
import { parsePtx } from '../../../backends/emulator/parser.ts'
import { runCase } from '../../../backends/emulator/run_case.ts'
import { decodeFloat, formats } from '../../../backends/emulator/numeric/small_float.ts'
import { faultOf } from '../support.ts'
import { bitsOf, integers, product, rangeOf, sizeOf, type Matrix } from './operands.ts'
import { hex } from './warpgroup.ts'

const sizes: Readonly<Record<string, number>> = { ...sizeOf, f32: 32, s32: 32, f64: 64 }
function write(image: DataView, type: string, at: number, x: number): void {
  switch (type) {
    case 'f64': image.setFloat64(at / 8, x, true); break
    case 'f32': image.setFloat32(at / 8, x, true); break
    case 's32': image.setInt32(at / 8, x, true); break
    case 'f16': case 'bf16': image.setUint16(at / 8, bitsOf[type](x), true); break
    case 'tf32': image.setUint32(at / 8, bitsOf.tf32(x), true); break
    default: image.setUint8(at >> 3, image.getUint8(at >> 3) | (bitsOf[type](x) << (at & 7)))
  }
}
function read(image: DataView, type: string, at: number): number {
  return type === 'f64' ? image.getFloat64(at, true) : type === 'f32' ? image.getFloat32(at, true) : type === 's32' ? image.getInt32(at, true) : decodeFloat(image.getUint16(at, true), formats.f16)
}
/** The matrix in memory: rows `stride` elements apart, or columns. */
function imageOf(M: Matrix, type: string, byRows: boolean, stride: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(((byRows ? M.rows : M.columns) * stride * sizes[type]) / 8))
  const view = new DataView(bytes.buffer)
  for (let r = 0; r < M.rows; r++) for (let c = 0; c < M.columns; c++) write(view, type, (byRows ? r * stride + c : c * stride + r) * sizes[type], M.at(r, c))
  return bytes
}
const flip = (M: Matrix): Matrix => ({ rows: M.columns, columns: M.rows, at: (r, c) => M.at(c, r) })

interface Form { shape: [number, number, number]; a: string; b: string; c: string; d: string; layouts: [string, string, string, string]; strides: boolean; space?: string; options?: string }
const registers = (type: string, part: 'a' | 'b' | 'c' | 'd', [M, N, K]: [number, number, number]) =>
  (part === 'a' || part === 'b') && type === 'f16' ? 8 : Math.max(1, ((part === 'a' ? M * K : part === 'b' ? N * K : M * N) * sizes[type]) / (type === 'f64' ? 2048 : 1024))

function run({ shape, a, b, c, d, layouts: [la, lb, lc, ld], strides, space = '', options = '' }: Form): void {
  const [M, N, K] = shape
  const limits = (t: string): [number, number] => (t === 'f64' ? [-1e6, 1e6] : rangeOf[t])
  const [A, B, C] = [integers(M, K, 1, ...limits(a)), integers(N, K, 2, ...limits(b)), integers(M, N, 3, -20, 20)]
  // Multiples of 16 bytes, and of 32 elements of one bit.
  const extra = (type: string) => (strides ? (type === 'b1' ? 128 : 256 / sizes[type]) : 0)
  const dense = { a: la === 'row' ? K : M, b: lb === 'col' ? K : N, c: lc === 'row' ? N : M, d: ld === 'row' ? N : M }
  const stride = { a: dense.a + extra(a), b: dense.b + extra(b), c: dense.c + extra(c), d: dense.d + extra(d) }
  const name = `m${M}n${N}k${K}`
  const kind = (t: string) => (t === 'f64' ? 'f64' : t === 'f32' ? 'f32' : 'b32')
  const parts = [['a', la, a], ['b', lb, b], ['c', lc, c], ['d', ld, d]] as const
  const list = (p: 'a' | 'b' | 'c' | 'd', t: string) => `{${Array.from({ length: registers(t, p, shape) }, (_, i) => `%${p}${i}`).join(', ')}}`
  const operand = (p: 'a' | 'b' | 'c' | 'd') => (strides ? `, %s${p}` : '')
  const types = a === 'f16' ? `${d}.${c}` : `${d}.${a}.${b}.${c}`
  const text = `.version ${options === '.satfinite' && a === 'f16' ? '6.4' : '8.0'}
.target ${options === '.satfinite' ? 'sm_70' : 'sm_90a'}
.address_size 64
.visible .entry k(.param .u64 pa, .param .u64 pb, .param .u64 pc, .param .u64 pd)
{
${parts.map(([p, , t]) => `.reg .${kind(t)} %${p}<${registers(t, p, shape)}>; .reg .b64 %p${p}; .reg .b32 %s${p}; ld.param.u64 %p${p}, [p${p}]; mov.u32 %s${p}, ${stride[p]};`).join('\n')}
${parts.slice(0, 3).map(([p, l, t]) => `wmma.load.${p}.sync.aligned.${l}.${name}${space}.${t} ${list(p, t)}, [%p${p}]${operand(p)};`).join('\n')}
wmma.mma${a === 'b1' ? options : ''}.sync.aligned.${la}.${lb}.${name}${a === 'b1' ? '' : options}.${types} ${list('d', d)}, ${list('a', a)}, ${list('b', b)}, ${list('c', c)};
wmma.store.d.sync.aligned.${ld}.${name}${space}.${d} [%pd]${operand('d')}, ${list('d', d)};
ret;
}
`.replace(/wmma\.store(.*)\[%pd\](, %sd)?, (\{.*\});/, (_, form: string, s: string | undefined, v: string) => `wmma.store${form}[%pd], ${v}${s ?? ''};`)
  const D = { rows: M, columns: N, at: () => 0 }
  const images = { a: imageOf(A, a, la === 'row', stride.a), b: imageOf(flip(B), b, lb === 'row', stride.b), c: imageOf(C, c, lc === 'row', stride.c), d: imageOf(D, d, ld === 'row', stride.d) }
  const result = runCase({
    name: 'k', ptx: 'k.ptx', kernel: 'k', grid: [1, 1, 1], block: [32, 1, 1], args: (['a', 'b', 'c', 'd'] as const).map((ptr) => ({ ptr })), buffers: (['a', 'b', 'c', 'd'] as const).map((n) => ({ name: n, type: 'u8', hex: hex(images[n]) })),
  }, text, { compile: strides })
  const got = result.buffers.get('d')!
  const view = new DataView(got.buffer)
  const sum = (m: number, n: number) => (options.startsWith('.xor') ? Array.from({ length: K }, (_, k) => A.at(m, k) ^ B.at(n, k)).reduce((x, y) => x + y, 0) : product(A, B, m, n))
  for (let m = 0; m < M; m++) for (let n = 0; n < N; n++) expect(read(view, d, ((ld === 'row' ? m * stride.d + n : n * stride.d + m) * sizes[d]) / 8), `row ${m}, column ${n}`).toBe(C.at(m, n) + sum(m, n))
}

const wide: [number, number, number][] = [[16, 16, 16], [8, 32, 16], [32, 8, 16]]
const [rc, all] = [[['row', 'col']], [['row', 'col'], ['row', 'row'], ['col', 'col'], ['col', 'row']]] as [string, string][][]
const forms: [shapes: [number, number, number][], a: string, b: string, results: [d: string, c: string][], layouts: [string, string][], options?: string][] = [
  [wide, 'f16', 'f16', [['f32', 'f32'], ['f16', 'f16'], ['f32', 'f16'], ['f16', 'f32']], all], [wide, 'bf16', 'bf16', [['f32', 'f32']], all], [[[16, 16, 8]], 'tf32', 'tf32', [['f32', 'f32']], all],
  [wide, 's8', 's8', [['s32', 's32']], all], [wide, 'u8', 'u8', [['s32', 's32']], rc], [[[8, 8, 4]], 'f64', 'f64', [['f64', 'f64']], all], [[[8, 8, 32]], 's4', 's4', [['s32', 's32']], rc], [[[8, 8, 32]], 'u4', 'u4', [['s32', 's32']], rc],
  [[[8, 8, 128]], 'b1', 'b1', [['s32', 's32']], rc, '.xor.popc'], [[[8, 8, 128]], 'b1', 'b1', [['s32', 's32']], rc, '.and.popc'], [wide, 'f16', 'f16', [['f32', 'f32'], ['f16', 'f16']], rc, '.satfinite'],
]
describe('load, multiply, store', () => {
  for (const [shapes, a, b, results, layouts, options] of forms) for (const shape of shapes) for (const [d, c] of results) {
    it(`m${shape.join(',')} ${d}.${a}.${b}.${c}${options ?? ''}`, () => {
      layouts.forEach(([la, lb], i) => { for (const strides of [false, true]) run({ shape, a, b, c, d, layouts: [la, lb, i % 2 ? 'col' : 'row', strides ? 'col' : 'row'], strides, space: strides ? '.global' : '', options }) })
    })
  }
})

describe('forms, as ptxas decides', () => {
  const decode = (text: string, target = 'sm_90a', version = '8.7') => new LoadedModule(parsePtx(`.version ${version}\n.target ${target}\n.address_size 64\n.visible .entry k()\n{ .reg .b32 %r<20>; .reg .f32 %f<20>; .reg .b64 %rd<4>;\n${text} ret; }`, 'k.ptx'), new LinearMemory()).functionNamed('k')
  const eight = (p: string) => `{${Array.from({ length: 8 }, (_, i) => `%${p}${i}`).join(',')}}`
  const refused: [text: string, problem: RegExp, target?: string, version?: string][] = [
    [`wmma.load.a.sync.aligned.row.m16n16k8.f16 ${eight('r')}, [%rd1];`, /no shape \.m16n16k8/], [`wmma.load.d.sync.aligned.row.m16n16k16.f32 ${eight('f')}, [%rd1];`, /loads \.a, \.b or \.c/], [`wmma.load.a.sync.aligned.m16n16k16.f16 ${eight('r')}, [%rd1];`, /needs a layout/],
    ['wmma.load.a.sync.aligned.col.m8n8k32.s4 {%r0}, [%rd1];', /is \.row/], [`wmma.load.a.sync.aligned.row.m16n16k16.f16 {%r0,%r1}, [%rd1];`, /8 are needed/], [`wmma.mma.sync.aligned.row.col.m16n16k16.f32.bf16.f16.f32 ${eight('f')},${eight('r')},${eight('r')},${eight('f')};`, /do not go together/],
    [`wmma.load.a.sync.row.m16n16k16.f16 ${eight('r')}, [%rd1];`, /needs \.aligned/], [`wmma.load.a.sync.aligned.row.m16n16k16.f16 ${eight('r')}, [%rd1];`, /PTX 6\.3/, 'sm_70', '6.0'],
    [`wmma.load.a.sync.aligned.row.m16n16k16.bf16 {%r0,%r1,%r2,%r3}, [%rd1];`, /sm_80/, 'sm_75', '7.0'],
  ]
  for (const [text, problem, target, version] of refused) it(`refuses ${text}`, () => { expect(() => decode(text, target, version)).toThrow(problem) })
  it('accepts wmma without .aligned before PTX 6.3', () => { expect(decode(`wmma.load.a.sync.row.m16n16k16.f16 ${eight('r')}, [%rd1];`, 'sm_70', '6.0').instructions.length).toBe(2) })
  it('a matrix that ends outside its buffer is told', () => {
    const text = `.version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k(.param .u64 p)\n{ .reg .b32 %r<8>; .reg .b64 %rd; ld.param.u64 %rd, [p]; wmma.load.a.sync.aligned.row.m16n16k16.global.f16 ${eight('r')}, [%rd]; ret; }`
    expect(faultOf(() => runCase({ name: 'k', ptx: 'k.ptx', kernel: 'k', grid: [1, 1, 1], block: [32, 1, 1], args: [{ ptr: 'p' }], buffers: [{ name: 'p', type: 'u8', count: 256 }] }, text)).kind).toBe('illegal-address')
  })
})
