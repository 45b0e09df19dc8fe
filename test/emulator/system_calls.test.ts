// What kernels print, assert and allocate, as nvcc calls it; and calls of what nobody defines.
import { describe, expect, it } from 'vitest'
import { EmulatorFault } from '../../backends/emulator/launch.ts'
import { run, storeOwn, words } from './support.ts'

const declared = `.extern .func (.param .b32 func_retval0) vprintf (.param .b64 vprintf_param_0, .param .b64 vprintf_param_1);
.extern .func __assertfail (.param .b64 m, .param .b64 f, .param .b32 l, .param .b64 n, .param .b64 s) .noreturn;
.extern .func (.param .b64 r) malloc (.param .b64 n);
.extern .func free (.param .b64 p);
.extern .func (.param .b32 r) cudaDeviceSynchronize ();`
const text = (name: string, s: string) => `.global .align 1 .b8 ${name}[${s.length + 1}] = {${[...s].map((c) => c.charCodeAt(0)).join(', ')}, 0};`

/** One thread prints with the packed arguments that `stores` lay into %SP's local array. */
function printed(format: string, stores: string, before = ''): string {
  let out = ''
  const body = `.local .align 8 .b8 depot[64]; .reg .b64 %SP, %f; .param .b64 p0; .param .b64 p1; .param .b32 r0;
    mov.u64 %SP, depot; ${stores} cvta.local.u64 %SP, %SP; mov.u64 %f, fmt; cvta.global.u64 %f, %f; st.param.b64 [p0], %f; st.param.b64 [p1], %SP;
    call.uni (r0), vprintf, (p0, p1); ld.param.b32 %r1, [r0]; ${storeOwn} %r1; ret;`
  const r = run(body, { before: `${declared}\n${text('fmt', format)}\n${before}`, block: [1, 1, 1] }, { print: (t) => { out += t } })
  return `${out}|${words(r)[0]}`
}

describe('vprintf', () => {
  it('integers, characters and widths', () => {
    expect(printed('%d %5u|%-4x|%05d %c%%\n', 'st.local.u32 [%SP], -7; st.local.u32 [%SP+4], 42; st.local.u32 [%SP+8], 255; st.local.u32 [%SP+12], -12; st.local.u32 [%SP+16], 65;')).toBe('-7    42|ff  |-0012 A%\n|5')
    expect(printed('%lld %lu %#llx %hhd', 'st.local.u64 [%SP], -5000000000; st.local.u64 [%SP+8], 18446744073709551615; st.local.u64 [%SP+16], 4096; st.local.u32 [%SP+24], 511;')).toBe('-5000000000 18446744073709551615 0x1000 -1|4')
  })
  it('doubles behind a word are aligned', () => {
    expect(printed('%d %f %.2e %g %g', 'st.local.u32 [%SP], 1; st.local.f64 [%SP+8], 1.5; st.local.f64 [%SP+16], 12345.678; st.local.f64 [%SP+24], 0.0001; st.local.f64 [%SP+32], 1e20;')).toBe('1 1.500000 1.23e+04 0.0001 1e+20|5')
  })
  it('strings and pointers', () => {
    expect(printed('[%6s] %p', '.reg .b64 %s; mov.u64 %s, word; cvta.global.u64 %s, %s; st.local.u64 [%SP], %s; st.local.u64 [%SP+8], 4096;', text('word', 'weft'))).toBe('[  weft] 0x1000|2')
  })
})

it('__assertfail ends the launch with its text', () => {
  const body = `.reg .b64 %f; .param .b64 a; .param .b64 b; .param .b32 c; .param .b64 d; .param .b64 e; mov.u64 %f, why; cvta.global.u64 %f, %f; st.param.b64 [a], %f; st.param.b64 [b], %f; st.param.b32 [c], 12; st.param.b64 [d], %f; st.param.b64 [e], 1;
    setp.ne.u32 %p1, %ti, 5; @%p1 bra fine; call.uni __assertfail, (a, b, c, d, e); fine: ret;`
  expect(() => run(body, { before: `${declared}\n${text('why', 'x > 0')}` })).toThrow(/assertion "x > 0" failed at x > 0:12, in x > 0, block \(0, 0, 0\), thread 5/)
})

it('malloc and free, each lane its own', () => {
  const body = `.reg .b64 %q; .param .b64 n; .param .b64 r; st.param.b64 [n], 16; call.uni (r), malloc, (n); ld.param.b64 %q, [r]; st.u32 [%q+4], %ti; bar.warp.sync -1; ld.u32 %r1, [%q+4]; .param .b64 f; st.param.b64 [f], %q; call.uni free, (f); ${storeOwn} %r1; ret;`
  expect(words(run(body, { before: declared })).slice(0, 32)).toEqual(Array.from({ length: 32 }, (_, i) => i))
  expect(() => run('.param .b64 f; .reg .b64 %q; cvta.to.global.u64 %q, %out; st.param.b64 [f], %q; call.uni free, (f); ret;', { before: declared })).toThrow(/which malloc did not give/)
})

it('a call of what is nowhere defined is refused when it runs, by name', () => {
  const body = (guard: string) => `.param .b32 r; setp.eq.u32 %p1, %ti, 99; ${guard} call.uni (r), cudaDeviceSynchronize; ret;`
  expect(() => run(body(''), { before: declared })).toThrow(/function cudaDeviceSynchronize is declared but not defined/)
  expect(() => run(body('@%p1'), { before: declared })).not.toThrow(EmulatorFault)
})
