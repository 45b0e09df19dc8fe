/** `space`: where a warp keeps what it orders experts by: shared memory, or (for more experts than fit there) scratch memory. */
export function moeGatePtx(space: 'shared' | 'global'): string {
  const shared = space === 'shared'
  return `// moe_gate: scores = sigmoid(logits); the topk experts of largest scores + bias within the topkGroup groups of largest score, one token a warp.
//   logits        [T, E]      f32  in
//   bias          [E]         f32  in
//   scores        [T, E]      f32  out
//   topk_indices  [T, topk]   i32  out, descending, ties to the lower index
//   keys          [T, E + G]  u32  scratch: what experts and groups are ordered by${shared ? ', here in shared memory' : ''}
// grid      (ceil(T / 4), 1, 1)
// block     (128, 1, 1)
// smem      ${shared ? '16 (E + G) bytes    dynamic: keys of experts and groups, 4 tokens' : '0 bytes'}
// regs      ${shared ? 25 : 31}             ptxas 13.0, sm_80, no spills
// source    deepseek-v3.md section 1.4; reference in src/ops/moe_gate.ts
.version 8.0
.target sm_80
.address_size 64

${shared ? '.extern .shared .align 16 .b8 key_memory[];\n\n' : ''}.visible .entry moe_gate(.param .u64 logits, .param .u64 bias, .param .u64 scores, .param .u64 topk_indices, ${shared ? '' : '.param .u64 keys, '}.param .u32 T, .param .u32 E, .param .u32 groups, .param .u32 topkGroup, .param .u32 topk)
.reqntid 128, 1, 1
{
  .reg .pred %outside, %more, %first, %negative, %better, %mine, %single;
  .reg .b32 %thread, %lane, %t, %T, %E, %groups, %topkGroup, %topk, %g, %e, %end, %size, %key, %bits, %n, %best, %bestIndex;
  .reg .${shared ? 'b32' : 'b64'} %keys, %groupKeys, %base, %slot;
  .reg .b64 %logits, %bias, %scores, %indices, %at, %wide;
  .reg .f32 %x, %p, %q, %s, %c, %b, %top, %second, %other, %low;

  // Phase 1: token and lane; the warp of an absent token leaves as a whole. Its keys: E of experts, then one for each group.
  mov.u32 %thread, %tid.x;
  and.b32 %lane, %thread, 31;
  shr.u32 %thread, %thread, 5;
  mov.u32 %t, %ctaid.x;
  mad.lo.u32 %t, %t, 4, %thread;
  ld.param.u32 %T, [T];
  setp.ge.u32 %outside, %t, %T;
  @%outside ret;
  ld.param.u32 %E, [E];
  ld.param.u32 %groups, [groups];
  ld.param.u32 %topkGroup, [topkGroup];
  ld.param.u32 %topk, [topk];
  ld.param.u64 %logits, [logits];
  ld.param.u64 %bias, [bias];
  ld.param.u64 %scores, [scores];
  ld.param.u64 %indices, [topk_indices];
  add.u32 %n, %E, %groups;
${shared ? `  mov.u32 %base, key_memory;
  mul.lo.u32 %n, %n, %thread;
  shl.b32 %n, %n, 2;
  add.u32 %keys, %base, %n;
  shl.b32 %n, %E, 2;
  add.u32 %groupKeys, %keys, %n;
` : `  ld.param.u64 %base, [keys];
  mul.wide.u32 %at, %t, %n;
  shl.b64 %at, %at, 2;
  add.s64 %keys, %base, %at;
  mul.wide.u32 %at, %E, 4;
  add.s64 %groupKeys, %keys, %at;
`}  mul.wide.u32 %at, %t, %E;
  shl.b64 %at, %at, 2;
  add.s64 %logits, %logits, %at;
  add.s64 %scores, %scores, %at;
  mul.wide.u32 %at, %t, %topk;
  shl.b64 %at, %at, 2;
  add.s64 %indices, %indices, %at;
  div.u32 %size, %E, %groups;

  // Phase 2: group by group, scores and keys of its experts and the sum of its two best.
  mov.u32 %g, 0;
group:
  mad.lo.u32 %e, %g, %size, %lane;
  mad.lo.u32 %end, %g, %size, %size;
  mov.f32 %top, 0fFF7FFFFF;
  mov.f32 %second, 0fFF7FFFFF;
  setp.ge.u32 %outside, %e, %end;
  @%outside bra scored;
score:
  mul.wide.u32 %wide, %e, 4;
  add.s64 %at, %logits, %wide;
  ld.global.nc.f32 %x, [%at];
  // exp of a number that is not positive cannot overflow.
  abs.f32 %p, %x;
  mul.rn.f32 %p, %p, 0fBFB8AA3B;
  ex2.approx.f32 %p, %p;
  add.rn.f32 %q, %p, 0f3F800000;
  rcp.rn.f32 %q, %q;
  mul.rn.f32 %p, %p, %q;
  setp.lt.f32 %negative, %x, 0f00000000;
  selp.f32 %s, %p, %q, %negative;
  add.s64 %at, %scores, %wide;
  st.global.f32 [%at], %s;
  // What experts are ordered by is finite: NaN counts as the least number. + 0 makes -0 the 0 that it equals.
  add.s64 %at, %bias, %wide;
  ld.global.nc.f32 %b, [%at];
  add.rn.f32 %c, %s, %b;
  add.rn.f32 %c, %c, 0f00000000;
  max.f32 %c, %c, 0fFF7FFFFF;
  min.f32 %c, %c, 0f7F7FFFFF;
${keyOf('%c')}${shared ? '  shl.b32 %slot, %e, 2;\n  add.u32 %slot, %keys, %slot;' : '  add.s64 %slot, %keys, %wide;'}
  st.${space}.u32 [%slot], %key;
  min.f32 %low, %top, %c;
  max.f32 %second, %second, %low;
  max.f32 %top, %top, %c;
  add.u32 %e, %e, 32;
  setp.lt.u32 %more, %e, %end;
  @%more bra score;
scored:
${[16, 8, 4, 2, 1].map(topTwo).join('')}  // Halves first: the sum of two of the largest numbers must not become infinite. A lone expert stands for itself.
  setp.eq.u32 %single, %size, 1;
  mul.rn.f32 %second, %second, 0f3F000000;
  @%single mov.f32 %second, 0f00000000;
  fma.rn.f32 %c, %top, 0f3F000000, %second;
  max.f32 %c, %c, 0fFEFFFFFF;
  min.f32 %c, %c, 0f7EFFFFFF;
  add.rn.f32 %c, %c, %c;
  add.rn.f32 %c, %c, 0f00000000;
${keyOf('%c')}${slotOf('%groupKeys', '%g')}  setp.eq.u32 %first, %lane, 0;
  @%first st.${space}.u32 [%slot], %key;
  add.u32 %g, %g, 1;
  setp.lt.u32 %more, %g, %groups;
  @%more bra group;
  bar.warp.sync 0xffffffff;

  // Phase 3: the topkGroup best groups give their keys up for 0; the others then clear the keys of their experts.
  setp.ge.u32 %outside, %topkGroup, %groups;
  @%outside bra experts;
  mov.u32 %n, 0;
keep:
${best('group', '%groupKeys', '%groups')}  add.u32 %n, %n, 1;
  setp.lt.u32 %more, %n, %topkGroup;
  @%more bra keep;
  bar.warp.sync 0xffffffff;
  mov.u32 %e, %lane;
drop:
  setp.ge.u32 %outside, %e, %E;
  @%outside bra experts;
  div.u32 %g, %e, %size;
${slotOf('%groupKeys', '%g')}  ld.${space}.u32 %key, [%slot];
  setp.ne.u32 %better, %key, 0;
${slotOf('%keys', '%e')}  @%better st.${space}.u32 [%slot], 0;
  add.u32 %e, %e, 32;
  bra drop;
experts:
  bar.warp.sync 0xffffffff;

  // Phase 4: the topk best of what is left, each giving its key up for 0.
  mov.u32 %n, 0;
choose:
${best('expert', '%keys', '%E')}  @%first st.global.u32 [%indices], %bestIndex;
  add.s64 %indices, %indices, 4;
  add.u32 %n, %n, 1;
  setp.lt.u32 %more, %n, %topk;
  @%more bra choose;
  ret;
}
`

  /** The largest of `count` keys, of equal ones the first; its key becomes 0, which no finite number has. */
  function best(what: string, keys: string, count: string): string {
    return `  mov.u32 %best, 0;
  mov.u32 %bestIndex, 0xffffffff;
  mov.u32 %e, %lane;
  setp.ge.u32 %outside, %e, ${count};
  @%outside bra ${what}_read;
${what}_next:
${slotOf(keys, '%e')}  ld.${space}.u32 %key, [%slot];
  setp.gt.u32 %better, %key, %best;
  selp.b32 %best, %key, %best, %better;
  selp.b32 %bestIndex, %e, %bestIndex, %better;
  add.u32 %e, %e, 32;
  setp.lt.u32 %more, %e, ${count};
  @%more bra ${what}_next;
${what}_read:
  redux.sync.max.u32 %key, %best, 0xffffffff;
  setp.ne.u32 %better, %key, %best;
  @%better mov.u32 %bestIndex, 0xffffffff;
  redux.sync.min.u32 %bestIndex, %bestIndex, 0xffffffff;
${slotOf(keys, '%bestIndex')}  // Lane i & 31 alone reads key i: no other need wait for it.
  and.b32 %key, %bestIndex, 31;
  setp.eq.u32 %mine, %key, %lane;
  @%mine st.${space}.u32 [%slot], 0;
`
  }

  function slotOf(keys: string, index: string): string {
    return shared ? `  shl.b32 %slot, ${index}, 2;\n  add.u32 %slot, ${keys}, %slot;\n` : `  mul.wide.u32 %slot, ${index}, 4;\n  add.s64 %slot, ${keys}, %slot;\n`
  }
}

/** Unsigned numbers in the order of floats: negative ones complemented, others with the sign bit set. */
const keyOf = (value: string) => `  mov.b32 %bits, ${value};
  shr.s32 %key, %bits, 31;
  or.b32 %key, %key, 0x80000000;
  xor.b32 %key, %key, %bits;
`

/** The two best of two lanes: all lanes come to the same. */
const topTwo = (step: number) => `  shfl.sync.bfly.b32 %other, %second, ${step}, 31, 0xffffffff;
  max.f32 %second, %second, %other;
  shfl.sync.bfly.b32 %other, %top, ${step}, 31, 0xffffffff;
  min.f32 %low, %top, %other;
  max.f32 %second, %second, %low;
  max.f32 %top, %top, %other;
`
