// weft ptx run on input that cannot be run: a sentence with the place, exit code 2; what the kernel does wrong is a result, 3.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, it, vi } from 'vitest'
import { command } from '../../src/cli/commands/ptx.ts'

const root = mkdtempSync(join(tmpdir(), 'weft-ptx-run-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
afterEach(() => { vi.restoreAllMocks() })

const kernel = (body: string, before = '') => `.version 8.0\n.target sm_80\n.address_size 64\n${before}\n.visible .entry k(.param .u64 out, .param .u32 n)\n{\n.reg .b32 %r<9>; .reg .b64 %d<9>; .reg .pred %p;\nld.param.u64 %d1, [out]; ld.param.u32 %r1, [n];\n${body}\nret;\n}\n`
const good = kernel('st.global.u32 [%d1], %r1;')

let count = 0
/** A case file with its PTX; `change` spoils it. */
function written(ptx: string, change: object = {}): string {
  const name = `c${count++}`
  writeFileSync(join(root, `${name}.ptx`), ptx)
  const c = {
    schema: 'ptx-case/1', name, ptx: `${name}.ptx`, kernel: 'k', target: 'sm_80', grid: [1, 1, 1], block: [32, 1, 1], args: [{ ptr: 'out' }, { u32: 7 }],
    buffers: [{ name: 'out', type: 'u32', count: 4, fill: 0 }], expected: [{ buffer: 'out', type: 'u32', count: 4, hex: '07000000'.padEnd(32, '0'), compare: 'bits' }], ...change,
  }
  writeFileSync(join(root, `${name}.json`), JSON.stringify(c))
  return join(root, `${name}.json`)
}
async function weft(path: string, ...more: string[]): Promise<{ code: number; out: string }> {
  let out = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => { out += text; return true })
  const code = await command.run(['run', '--case', path, ...more])
  return { code, out }
}

const bad: [string, string, object, string[], RegExp][] = [
  ['a text that is no PTX', 'hello', {}, [], /\.ptx:1:1: expected a directive such as \.version/],
  ['a missing semicolon', good.replace('ret;', 'ret'), {}, [], /\.ptx:11:1: expected an operand or ";" after ret, found "}"/],
  ['an unknown instruction', kernel('frobnicate.u32 %r1;'), {}, [], /\.ptx:9:1: unknown instruction frobnicate/],
  ['an unknown modifier in a function that nobody calls', kernel('', '.func f() { .reg .b32 %r<3>; add.foo.u32 %r1, %r1, %r2; ret; }'), {}, [], /\.ptx:4:30: add\.foo\.u32: unknown modifier \.foo/],
  ['a kernel that does not exist', good, { kernel: 'nobody' }, [], /there is no function nobody/],
  ['a function that is no kernel', kernel('', '.func f() { ret; }'), { kernel: 'f' }, [], /f is a \.func, not an \.entry/],
  ['too few arguments', good, { args: [{ ptr: 'out' }] }, [], /1 arguments, kernel k has 2 parameters/],
  ['an argument of another size', good, { args: [{ u32: 1 }, { u32: 7 }] }, [], /argument 0 has 4 bytes, parameter out 8/],
  ['a buffer that does not exist', good, { args: [{ ptr: 'in' }, { u32: 7 }] }, [], /argument 0: there is no buffer in/],
  ['too many threads', good, { block: [2048, 1, 1] }, [], /block 2048 x 1 x 1 has 2048 threads, must have 1 to 1024/],
  ['a block that the kernel does not allow', good.replace('n)\n', 'n) .reqntid 64\n'), {}, [], /the kernel requires \.reqntid 64/],
  ['too much shared memory', kernel('', '.shared .b8 big[300000];').replace('ret;', 'mov.u32 %r1, big; ret;'), {}, [], /300000 \+ 0 bytes of shared memory, a block has at most 232448/],
  ['too much dynamic shared memory', good, { dynamicSharedBytes: 400000 }, [], /400000 bytes of shared memory, a block has at most/],
  ['an endless loop', kernel('again: bra again;'), {}, ['--max-instructions', '100000'], /\.ptx:9:8: bra: more than 100000 thread instructions/],
  ['more memory than there is', good, { buffers: [{ name: 'out', type: 'u32', count: 2 ** 31 }], expected: [] }, [], /the emulated device has no 85\d+/],
  ['no hexadecimal digits', good, { buffers: [{ name: 'out', type: 'u32', hex: 'zz' }] }, [], /buffer out: hex must be pairs of hexadecimal digits/],
]
it.each(bad)('%s', async (_, ptx, change, more, message) => {
  await expect(weft(written(ptx, change), ...more)).rejects.toMatchObject({ exitCode: 2, message: expect.stringMatching(message) })
})

it('equal is 0, different and faulty are 3', async () => {
  expect((await weft(written(good))).code).toBe(0)
  expect(await weft(written(kernel('st.global.u32 [%d1+4], %r1;')))).toMatchObject({ code: 3, out: expect.stringMatching(/DIFFERENT[^]*out\[0\] is 0, expected 7/) })
  expect(await weft(written(kernel('st.global.u32 [%d1+64], %r1;')))).toMatchObject({ code: 3, out: expect.stringContaining('global-out-of-bounds') })
  expect(await weft(written(kernel('trap;')))).toMatchObject({ code: 3, out: expect.stringMatching(/trap: .*\.ptx:9:1/) })
})

it('what a kernel prints is shown', async () => {
  const ptx = kernel(`.local .align 8 .b8 depot[8]; .param .b64 a, b; .param .b32 r; mov.u64 %d2, depot; st.local.u32 [%d2], %r1; cvta.local.u64 %d2, %d2; mov.u64 %d3, fmt; cvta.global.u64 %d3, %d3; st.param.b64 [a], %d3; st.param.b64 [b], %d2;
    mov.u32 %r2, %tid.x; setp.ne.u32 %p, %r2, 3; @%p ret; call (r), vprintf, (a, b);`, '.extern .func (.param .b32 r) vprintf (.param .b64 a, .param .b64 b);\n.global .align 1 .b8 fmt[6] = {110, 61, 37, 100, 10, 0};')
  expect((await weft(written(ptx, { expected: undefined }))).out).toMatch(/^n=7\n/)
  expect((await weft(written(ptx, { expected: undefined }), '--json')).out).toMatch(/^\{"event":"print","text":"n=7\\n"\}\n/)
})
