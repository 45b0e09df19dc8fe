// Names that the parser knows: fundamental types with their sizes, targets, special registers. (PTX ISA 5.2, 11.1, 10)

/** Bytes of a register or element; predicates have none. */
export const typeBytes: Readonly<Record<string, number>> = {
  s8: 1, u8: 1, b8: 1, s16: 2, u16: 2, b16: 2, f16: 2, bf16: 2, s32: 4, u32: 4, b32: 4, f32: 4, f16x2: 4, bf16x2: 4, u16x2: 4, s16x2: 4, tf32: 4,
  s64: 8, u64: 8, b64: 8, f64: 8, b128: 16, pred: 0, e4m3: 1, e5m2: 1, e4m3x2: 2, e5m2x2: 2, texref: 8, samplerref: 8, surfref: 8,
}

/** Types of instructions only: registers of them are .b8, .b16 and .b32. */
export const instructionTypes: ReadonlySet<string> = new Set(['bf16', 'bf16x2', 'u16x2', 's16x2', 'tf32', 'e4m3', 'e5m2', 'e4m3x2', 'e5m2x2'])

export const targets: ReadonlySet<string> = new Set(
  'sm_20 sm_21 sm_30 sm_32 sm_35 sm_37 sm_50 sm_52 sm_53 sm_60 sm_61 sm_62 sm_70 sm_72 sm_75 sm_80 sm_86 sm_87 sm_88 sm_89 sm_90 sm_90a sm_100 sm_100a sm_100f sm_101 sm_101a sm_101f sm_103 sm_103a sm_103f sm_110 sm_110a sm_110f sm_120 sm_120a sm_120f sm_121 sm_121a sm_121f'.split(' '),
)

const withComponents = new Set(['%tid', '%ntid', '%ctaid', '%nctaid', '%clusterid', '%nclusterid', '%cluster_ctaid', '%cluster_nctaid'])
const single = new Set([
  '%laneid', '%warpid', '%nwarpid', '%smid', '%nsmid', '%gridid', '%is_explicit_cluster', '%cluster_ctarank', '%cluster_nctarank',
  '%lanemask_eq', '%lanemask_le', '%lanemask_lt', '%lanemask_ge', '%lanemask_gt', '%clock', '%clock_hi', '%clock64', '%globaltimer',
  '%globaltimer_lo', '%globaltimer_hi', '%reserved_smem_offset_begin', '%reserved_smem_offset_end', '%reserved_smem_offset_cap',
  '%total_smem_size', '%aggr_smem_size', '%dynamic_smem_size', '%current_graph_exec', 'WARP_SZ',
])

/** 'components' for %tid and its like, 'single' for the rest, undefined for what PTX does not have. */
export function specialRegister(name: string): 'components' | 'single' | undefined {
  if (withComponents.has(name)) return 'components'
  if (single.has(name) || /^%(envreg([12]?\d|3[01])|pm[0-7](_64)?|reserved_smem_offset_[01])$/.test(name)) return 'single'
  return undefined
}

export const components: Readonly<Record<string, number>> = { x: 0, y: 1, z: 2, w: 3, r: 0, g: 1, b: 2, a: 3 }
