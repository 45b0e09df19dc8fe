// wgmma_tile: one warpgroup multiplies a bf16 tile m64n128k16 in shared memory `n` times into its registers.
const accumulators = Array.from({ length: 64 }, (_, i) => `%d${i}`)

export const text = `.version 8.1
.target sm_90a
.address_size 64

.visible .entry wgmma_tile(.param .u64 out, .param .u32 n)
.reqntid 128, 1, 1
{
  .reg .pred %again;
  .reg .f32 %d<64>;
  .reg .b32 %i, %n, %thread, %at, %value;
  .reg .b64 %out, %offset, %a, %b;
  .shared .align 1024 .b8 tiles[8192];

  ld.param.u64 %out, [out];
  ld.param.u32 %n, [n];
  mov.u32 %thread, %tid.x;

  // Both tiles: 2048 words with pairs of small bf16 numbers.
  mov.u32 %at, tiles;
  mad.lo.u32 %at, %thread, 4, %at;
  mov.u32 %i, 0;
fill:
  mad.lo.u32 %value, %thread, 7, %i;
  and.b32 %value, %value, 0x003f003f;
  or.b32 %value, %value, 0x3f803f00;
  st.shared.b32 [%at], %value;
  add.u32 %at, %at, 512;
  add.u32 %i, %i, 1;
  setp.lt.u32 %again, %i, 16;
  @%again bra fill;
  fence.proxy.async.shared::cta;
  bar.sync 0;

  // Core matrices of 8 rows by 16 bytes: along K they are 128 bytes apart, along M and N 256; no swizzle.
  mov.u64 %a, tiles;
  shr.u64 %a, %a, 4;
  or.b64 %a, %a, 0x0000001000080000;
  add.s64 %b, %a, 128;
${accumulators.map((d) => `  mov.f32 ${d}, 0f00000000;`).join('\n')}
  mov.u32 %i, 0;
loop:
  wgmma.fence.sync.aligned;
  wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 {${accumulators.join(', ')}}, %a, %b, 1, 1, 1, 0, 0;
  wgmma.commit_group.sync.aligned;
  wgmma.wait_group.sync.aligned 0;
  add.u32 %i, %i, 1;
  setp.lt.u32 %again, %i, %n;
  @%again bra loop;

${accumulators.slice(1).map((d) => `  add.rn.f32 %d0, %d0, ${d};`).join('\n')}
  mul.wide.u32 %offset, %thread, 4;
  add.s64 %out, %out, %offset;
  st.global.f32 [%out], %d0;
  ret;
}
`
