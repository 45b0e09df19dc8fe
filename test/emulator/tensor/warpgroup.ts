// A kernel of one warpgroup for tests of wgmma: shared memory and accumulators come from buffers, registers go back to one.
import type { SanitizerFactory } from '../../../backends/emulator/launch.ts'
import type { EmulatorOptions } from '../../../backends/emulator/machine.ts'
import { runCase, type CaseResult } from '../../../backends/emulator/run_case.ts'

export const hex = (bytes: Uint8Array) => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('')
export const hexOfWords = (words: ArrayLike<number>) => hex(new Uint8Array(Uint32Array.from(words).buffer))

export interface WarpgroupRun {
  readonly image: Uint8Array
  /** Words of each thread's %d registers before the body, and how many there are. */
  readonly registers: number
  readonly before?: (thread: number, r: number) => number
  /** %a0 to %a3 of each thread. */
  readonly a?: (thread: number, r: number) => number
  /** Between the barrier and the stores; %da and %db hold the descriptors. */
  readonly body: string
  readonly descriptors?: readonly bigint[]
  readonly options?: Partial<EmulatorOptions>
  readonly sanitizer?: SanitizerFactory
  readonly threads?: number
  readonly directives?: string
  readonly prologue?: string
}

/** `{%d0, %d1, ...}` */
export const accumulators = (n: number, prefix = '%d') => `{${Array.from({ length: n }, (_, i) => `${prefix}${i}`).join(', ')}}`
export const whole = (multiply: string) => `wgmma.fence.sync.aligned; ${multiply} wgmma.commit_group.sync.aligned; wgmma.wait_group.sync.aligned 0;`

export function runWarpgroup(r: WarpgroupRun): CaseResult & { words: Uint32Array } {
  const { image, registers, before = () => 0, a = () => 0, body, descriptors = [], options = {}, sanitizer, threads = 128, directives = '', prologue = 'fence.proxy.async; bar.sync 0;' } = r
  const bytes = Math.ceil(image.length / 2048) * 2048
  const padded = new Uint8Array(bytes)
  padded.set(image)
  const moves = (op: string, base: string, prefix: string, count: number) => Array.from({ length: count }, (_, i) => (op === 'ld' ? `ld.global.u32 ${prefix}${i}, [${base}+${4 * i}];` : `st.global.u32 [${base}+${4 * i}], ${prefix}${i};`)).join('\n')
  const text = `.version 8.4
.target sm_90a
.address_size 64
.extern .shared .align 1024 .b8 smem[];
.visible .entry k(.param .u64 image, .param .u64 before, .param .u64 a, .param .u64 out) ${directives}
{
.reg .pred %p<8>; .reg .b32 %d<${registers}>; .reg .b32 %a<4>; .reg .b32 %r<20>; .reg .b64 %rd<20>; .reg .b64 %desc<4>; .reg .f32 %f<8>;
mov.u32 %r0, %tid.x;
ld.param.u64 %rd0, [image]; ld.param.u64 %rd1, [before]; ld.param.u64 %rd2, [a]; ld.param.u64 %rd3, [out];
mul.wide.u32 %rd4, %r0, ${4 * registers}; add.s64 %rd1, %rd1, %rd4; add.s64 %rd3, %rd3, %rd4;
mul.wide.u32 %rd4, %r0, 16; add.s64 %rd2, %rd2, %rd4; add.s64 %rd0, %rd0, %rd4;
shl.b32 %r1, %r0, 4; mov.u32 %r2, smem; add.u32 %r2, %r2, %r1;
copy: setp.ge.u32 %p0, %r1, ${bytes}; @%p0 bra copied;
ld.global.v4.u32 {%r4, %r5, %r6, %r7}, [%rd0]; st.shared.v4.u32 [%r2], {%r4, %r5, %r6, %r7};
add.u32 %r1, %r1, ${16 * threads}; add.u32 %r2, %r2, ${16 * threads}; add.s64 %rd0, %rd0, ${16 * threads}; bra copy;
copied:
${prologue}
${moves('ld', '%rd1', '%d', registers)}
${moves('ld', '%rd2', '%a', 4)}
${descriptors.map((d, i) => `mov.b64 %desc${i}, 0x${d.toString(16)};`).join('\n')}
${body}
${moves('st', '%rd3', '%d', registers)}
ret;
}
`
  const list = (n: number, f: (thread: number, i: number) => number) => Array.from({ length: threads * n }, (_, i) => f(Math.floor(i / n), i % n) >>> 0)
  const result = runCase({
    name: 'k', ptx: 'k.ptx', kernel: 'k', grid: [1, 1, 1], block: [threads, 1, 1], dynamicSharedBytes: bytes, args: ['image', 'before', 'a', 'out'].map((ptr) => ({ ptr })),
    buffers: [
      { name: 'image', type: 'u8', hex: hex(padded) }, { name: 'before', type: 'u32', hex: hexOfWords(list(registers, before)) }, { name: 'a', type: 'u32', hex: hexOfWords(list(4, a)) },
      { name: 'out', type: 'u32', count: threads * registers },
    ],
  }, text, { ...options, sanitize: sanitizer !== undefined }, sanitizer)
  return { ...result, words: new Uint32Array(result.buffers.get('out')!.buffer) }
}

/** Row and column of accumulator register r of a thread; packed registers hold column and column + 1. (PTX ISA 9.7.15.5) */
export function accumulatorPlace(thread: number, r: number, packed = false): [row: number, column: number] {
  const i = packed ? 2 * r : r
  const [w, l] = [thread >> 5, thread & 31]
  return [16 * w + (l >> 2) + 8 * ((i >> 1) & 1), 8 * (i >> 2) + 2 * (l & 3) + (i & 1)]
}
