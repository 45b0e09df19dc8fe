// The entries of a PTX text with the layout of their parameters, as the driver lays them out: each at its alignment, in order.
// The driver can tell this too (cuFuncGetParamInfo), from CUDA 12.4 on only.

export interface EntryParams { readonly name: string; readonly params: readonly { readonly offset: number; readonly bytes: number }[]; readonly paramBytes: number }

const sizes: Readonly<Record<string, number>> = { b8: 1, u8: 1, s8: 1, b16: 2, u16: 2, s16: 2, f16: 2, b32: 4, u32: 4, s32: 4, f32: 4, b64: 8, u64: 8, s64: 8, f64: 8 }

export function entryParams(ptx: string): EntryParams[] {
  const text = ptx.replace(/\/\*[^]*?\*\/|\/\/.*/g, '')
  return [...text.matchAll(/\.entry\s+([\w$%]+)\s*(?:\(([^)]*)\))?/g)].map(([, name, list = '']) => {
    let end = 0
    const params = list.split(',').map((p) => p.trim()).filter(Boolean).map((declaration) => {
      const [, rest, count] = /^\.param\s+(.*?)\s*(?:\[\s*(\d+)\s*\])?$/.exec(declaration) ?? []
      const type = /\.([busf]\d+)\b/.exec(rest ?? '')?.[1]
      if (!type || !(type in sizes)) throw new Error(`entry ${name}: parameter "${declaration}" is not understood`)
      // `.ptr .align 16` speaks of what a pointer points to, not of the parameter.
      const align = Number(/^(?:(?!\.ptr).)*?\.align\s+(\d+)/.exec(rest)?.[1] ?? sizes[type])
      const offset = Math.ceil(end / align) * align
      const bytes = sizes[type] * Number(count ?? 1)
      end = offset + bytes
      return { offset, bytes }
    })
    return { name, params, paramBytes: end }
  })
}
