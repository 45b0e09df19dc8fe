// Tensor maps made on the device: tensormap.replace and tensormap.cp_fenceproxy (PTX ISA 9.7.9.26, 9.7.13.15.18).
import type { Chapter } from '../decode.ts'
import type { Scope, Warp } from '../machine.ts'
import { lowestLane } from '../diagnostics.ts'
import { adoptTensorMap, replaceField, replaceFields, tensorMapAlign, tensorMapBytes, type ReplaceField } from '../tensor_map.ts'
import { isOwnBlock, linear, resolve, spaceOf, type Access, type AddressSpace } from './addresses.ts'
import type { AddressParts } from '../decode_context.ts'
import { since, takeAll } from './free_modifiers.ts'
import { forLanes } from './lanes.ts'
import { scopes } from './memory_modifiers.ts'
import { mapChanged } from './tensormap_proxy.ts'

const pieceBytes = 16

/** Tells the sanitizer of all 128 bytes, and leaves the map's place in `linear`; the lanes that may go on. */
function wholeMap(w: Warp, mask: number, at: AddressParts, space: AddressSpace, kind: Access['kind'], ownBlock: boolean): number {
  const access = { space, kind, order: 'weak', scope: 'cta', ownBlock } as const
  let go = mask
  for (let x = tensorMapBytes - pieceBytes; x > 0; x -= pieceBytes) go = go && resolve(w, go, { ...at, offset: at.offset + x }, { ...access, bytes: pieceBytes })
  return go && resolve(w, go, at, { ...access, bytes: tensorMapAlign })
}

export const tensormap: Chapter = {
  'tensormap.replace'(s, ctx) {
    const m = ctx.modifiers
    m.flag('replace')
    since(ctx, 'tensormap.replace', 8.3, 90)
    if (ctx.smSuffix === '') ctx.error(`tensormap.replace needs sm_90a, this is sm_${ctx.sm}`)
    m.need(['tile'] as const, 'mode')
    if (m.peek() === 'swizzle_atomicity') ctx.error('.swizzle_atomicity needs sm_100a')
    const name = m.need(Object.keys(replaceFields) as ReplaceField[], 'field')
    const field = replaceFields[name]
    const t = takeAll(ctx, { space: ['global', 'shared::cta'], size: ['b1024'], type: ['b32', 'b64'] })
    if (t.size === undefined) m.need(['b1024'] as const, 'size')
    const type = name === 'global_address' || name === 'global_stride' ? 'b64' : 'b32'
    if (t.type !== type) ctx.error(`.${name} is of type .${type}${t.type ? `, not .${t.type}` : ''}`)
    const listed = field.entries > 1
    ctx.operands(listed ? 3 : 2)
    const at = ctx.address(s.operands[0])
    const space = spaceOf(ctx, t.space, at)
    const ordinal = listed ? ctx.constant(s.operands[1], 'the ordinal') : 0
    if (ordinal < 0 || ordinal >= field.entries) ctx.error(`ordinal ${ordinal}, .${name} has 0 to ${field.entries - 1}`, s.operands[1].at)
    const value = s.operands[listed ? 2 : 1]
    if (field.immediate) {
      const code = ctx.constant(value, `the new .${name}`)
      if (code < 0 || code > field.most) ctx.error(`.${name} ${code} must be 0 to ${field.most}`, value.at)
    }
    const slot = ctx.src(value, type)
    return {
      touchesMemory: true,
      exec(w, mask) {
        const { memory } = w.machine
        const go = wholeMap(w, mask, at, space, 'write', isOwnBlock(t.space))
        forLanes(go, (lane) => {
          const word = ((w.base + slot) >> 2) + lane * (type === 'b64' ? 2 : 1)
          if (!adoptTensorMap(memory, linear[lane])) w.machine.fault('illegal-instruction', 'not a tensor map', w, lane)
          const high = type === 'b64' ? memory.u32[word + 1] : 0
          if (memory.u32[word] + high * 2 ** 32 > field.most) w.machine.fault('illegal-instruction', `.${name} ${memory.u32[word] + high * 2 ** 32}, must be at most ${field.most}`, w, lane)
          replaceField(memory, linear[lane], name, ordinal, memory.u32[word], high)
          mapChanged(w, linear[lane])
        })
      },
    }
  },
  'tensormap.cp_fenceproxy'(s, ctx) {
    const m = ctx.modifiers
    m.flag('cp_fenceproxy')
    since(ctx, 'tensormap.cp_fenceproxy', 8.3, 90)
    m.need(['global'] as const, 'destination space')
    m.need(['shared::cta'] as const, 'source space')
    m.need(['tensormap::generic'] as const, 'proxies')
    m.need(['release'] as const, 'order')
    const scope: Scope = m.need(scopes, 'scope')
    m.need(['sync'] as const, 'synchronisation')
    m.need(['aligned'] as const, 'synchronisation')
    ctx.operands(3)
    const [to, from] = [ctx.address(s.operands[0]), ctx.address(s.operands[1])]
    if (ctx.constant(s.operands[2], 'the size') !== tensorMapBytes) ctx.error(`the size must be ${tensorMapBytes}`, s.operands[2].at)
    return {
      touchesMemory: true,
      exec(w, mask) {
        // All lanes name the same places: the lowest one copies.
        const one = mask & -mask
        const lane = lowestLane(one)
        if (wholeMap(w, one, from, 'shared', 'read', true) !== 0) {
          const source = linear[lane]
          if (wholeMap(w, one, to, 'global', 'write', false) !== 0) {
            w.machine.memory.u8.copyWithin(linear[lane], source, source + tensorMapBytes)
            mapChanged(w, linear[lane])
          }
        }
        w.machine.sanitizer?.fence(w, mask, 'release', scope)
      },
    }
  },
}
