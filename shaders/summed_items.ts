import { items } from './items.ts'

const narrow = 'fn total(x: Item) -> f32 { return x; }'
const wide = 'fn total(x: Item) -> f32 { return (x.x + x.y) + (x.z + x.w); }'
const texts = new Map<string, string>()

/** items() for kernels that sum a row: where an item is four elements, their `total` adds the four, in a fixed order. */
export function summedItems(wgsl: string, ...widths: number[]): { wgsl: string; per: number } {
  const item = items(wgsl, ...widths)
  if (item.per === 1) return item
  let text = texts.get(item.wgsl)
  if (!text) {
    if (!item.wgsl.includes(narrow)) throw new Error(`a kernel over summed items must say \`${narrow}\``)
    texts.set(item.wgsl, (text = item.wgsl.replace(narrow, wide)))
  }
  return { wgsl: text, per: item.per }
}
