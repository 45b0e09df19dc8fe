// What the layers of one pass share.
import type { Tensor } from '../core/tensor.ts'
import type { Recipe } from './linear.ts'

export interface Context {
  readonly recipe: Recipe
  readonly seqLen: number // S; rows are B sequences of S tokens: T = B * S
  readonly cos: Tensor // [S, qk_rope_head_dim / 2] f32
  readonly sin: Tensor
  readonly rowAlign: number // segments of experts begin at multiples of it
  /** Sequence balance loss; 0 leaves it out. */
  readonly balanceAlpha: number
  /** Adds each MoE layer's tokens per expert to its load. */
  readonly countLoad: boolean
  /** Choices that replace the gate's, [T, topk] i32 by layer. */
  readonly forcedRouting?: ReadonlyMap<number, Tensor>
  /** Shows a tensor of this pass by its name in golden/README.md; whoever wants it longer than the layer retains it. */
  readonly emit: (name: string, t: Tensor) => void
}

/** For the second run of a layer, which recomputes what backward needs: shows nothing and counts nothing. */
export const repeated = (ctx: Context): Context => ({ ...ctx, countLoad: false, emit: () => {} })
