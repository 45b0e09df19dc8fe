// Kernels that treat all their elements alike say `alias Item = f32;`. Where every width allows, their launch takes four elements to
// an item: a vec4 load costs a software adapter little more than a scalar one, and GPUs like wide loads too.
const wide = new Map<string, string>()

/** The text, and the number of elements per item: 4 if all widths are multiples of 4, else 1. */
export function items(wgsl: string, ...widths: number[]): { wgsl: string; per: number } {
  if (widths.some((w) => w % 4 !== 0)) return { wgsl, per: 1 }
  let text = wide.get(wgsl)
  if (!text && !wgsl.includes('alias Item = f32;')) throw new Error(`items: no line "alias Item = f32;" in ${wgsl.slice(0, 60)}`)
  if (!text) wide.set(wgsl, (text = wgsl.replace('alias Item = f32;', 'alias Item = vec4f;')))
  return { wgsl: text, per: 4 }
}
