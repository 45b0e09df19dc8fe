// ldmatrix, stmatrix and movmatrix: every number of matrices, transposed or not; rows anywhere in shared memory.
import { describe, expect, it } from 'vitest'
import { LinearMemory } from '../../../backends/emulator/memory.ts'
import { LoadedModule } from '../../../backends/emulator/loader.ts'
import { parsePtx } from '../../../backends/emulator/parser.ts'
import { faultOf, run, words } from '../support.ts'

const shared = { before: '.shared .align 16 .b8 s[2048];', words: 512 }
/** Each thread fills 32 bytes of s with its own numbers: 16-bit element i of s is i. */
const fill = `mov.u32 %r30, s; shl.b32 %r31, %ti, 5; add.u32 %r30, %r30, %r31; shl.b32 %r31, %ti, 4; mov.u32 %r32, 0; again: add.u32 %r33, %r31, 1; shl.b32 %r33, %r33, 16; or.b32 %r33, %r33, %r31; st.shared.u32 [%r30], %r33;
  add.u32 %r30, %r30, 4; add.u32 %r31, %r31, 2; add.u32 %r32, %r32, 1; setp.lt.u32 %p7, %r32, 8; @%p7 bra again; bar.warp.sync -1;`
/** Lane l names the row at 48 l bytes: rows do not touch. */
const rows = 'mov.u32 %r20, s; mad.lo.u32 %r20, %ti, 48, %r20;'
const rowStart = (lane: number) => 24 * lane
const storeAll = (n: number) => Array.from({ length: n }, (_, i) => `mul.wide.u32 %rd1, %ti, ${4 * n}; add.s64 %rd1, %out, %rd1; st.global.u32 [%rd1+${4 * i}], %r${i};`).join(' ')
const list = (n: number) => (n === 1 ? '%r0' : `{${Array.from({ length: n }, (_, i) => `%r${i}`).join(', ')}}`)

describe('ldmatrix', () => {
  for (const n of [1, 2, 4]) for (const trans of ['', '.trans']) {
    it(`x${n}${trans}`, () => {
      const got = words(run(`${fill} ${rows} ldmatrix.sync.aligned.m8n8.x${n}${trans}.shared.b16 ${n === 1 ? '{%r0}' : list(n)}, [%r20]; ${storeAll(n)} ret;`, { ...shared, before: '.shared .align 16 .b8 s[2048];' }))
      // Memory past the 1024 bytes that were filled is zero.
      const element = (row: number, c: number) => { const i = rowStart(row) + c; return i < 512 ? i : 0 }
      for (let lane = 0; lane < 32; lane++) for (let m = 0; m < n; m++) {
        const [g, t] = [lane >> 2, lane & 3]
        const want = [0, 1].map((i) => (trans ? element(8 * m + 2 * t + i, g) : element(8 * m + g, 2 * t + i)))
        expect(got[lane * n + m]).toBe(want[0] | (want[1] << 16))
      }
    })
  }
})

describe('stmatrix', () => {
  for (const n of [1, 2, 4]) for (const trans of ['', '.trans']) {
    it(`x${n}${trans} writes what ldmatrix reads back`, () => {
      const set = Array.from({ length: n }, (_, i) => `mad.lo.u32 %r${i}, %ti, 131074, ${(2 * 0x10000 + 1) * 64 * i + 65536};`).join(' ')
      const back = `ldmatrix.sync.aligned.m8n8.x${n}.shared.b16 ${n === 1 ? '{%r0}' : list(n)}, [%r20];`
      const got = words(run(`${rows} ${set} stmatrix.sync.aligned.m8n8.x${n}${trans}.shared.b16 [%r20], ${n === 1 ? '{%r0}' : list(n)}; bar.warp.sync -1; ${back} ${storeAll(n)} ret;`, shared))
      const sent = (m: number, row: number, c: number) => { const word = (Math.imul(4 * row + (c >> 1), 131074) + (2 * 0x10000 + 1) * 64 * m + 65536) >>> 0; return (word >>> (16 * (c & 1))) & 0xffff }
      for (let lane = 0; lane < 32; lane++) for (let m = 0; m < n; m++) {
        const [g, t] = [lane >> 2, 2 * (lane & 3)]
        const want = trans ? [sent(m, t, g), sent(m, t + 1, g)] : [sent(m, g, t), sent(m, g, t + 1)]
        expect(got[lane * n + m]).toBe((want[0] | (want[1] << 16)) >>> 0)
      }
    })
  }
  it('rows must be aligned', () => { expect(faultOf(() => run(`${rows} add.u32 %r20, %r20, 8; stmatrix.sync.aligned.m8n8.x1.shared.b16 [%r20], {%r0}; ret;`, shared)).kind).toBe('misaligned-address') })
})

it('movmatrix transposes, in place too', () => {
  const got = words(run(`mad.lo.u32 %r0, %ti, 131074, 65536; movmatrix.sync.aligned.m8n8.trans.b16 %r0, %r0; ${storeAll(1)} ret;`))
  // Lane 4 g + t sent 2 (4 g + t) and 2 (4 g + t) + 1: element (r, c) is 8 r + c.
  for (let lane = 0; lane < 32; lane++) { const [g, t] = [lane >> 2, 2 * (lane & 3)]; expect(got[lane]).toBe((8 * t + g) | ((8 * (t + 1) + g) << 16)) }
})

describe('forms, as ptxas decides', () => {
  const decode = (text: string, target = 'sm_90a', version = '8.4') => new LoadedModule(parsePtx(`.version ${version}\n.target ${target}\n.address_size 64\n.visible .entry k()\n{ .reg .b32 %r<9>; .reg .b64 %rd<4>;\n${text} ret; }`, 'k.ptx'), new LinearMemory()).functionNamed('k')
  const refused: [text: string, problem: RegExp, target?: string, version?: string][] = [
    ['ldmatrix.sync.aligned.m8n8.b16 {%r0}, [%r1];', /number of matrices/], ['ldmatrix.sync.aligned.m16n16.x1.trans.shared.b8 {%r0,%r1}, [%r2];', /sm_100a/], ['ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%r0}, [%r1];', /1 elements where 2/],
    ['ldmatrix.sync.aligned.m8n8.x1.global.b16 {%r0}, [%r1];', /unknown modifier \.global/], ['ldmatrix.aligned.m8n8.x1.shared.b16 {%r0}, [%r1];', /needs \.sync/], ['stmatrix.sync.aligned.m8n8.x1.shared.b16 [%r1], {%r0};', /sm_90/, 'sm_80'],
    ['movmatrix.sync.aligned.m8n8.b16 %r0, %r1;', /\.trans/],
  ]
  for (const [text, problem, target, version] of refused) it(`refuses ${text}`, () => { expect(() => decode(text, target, version)).toThrow(problem) })
})
