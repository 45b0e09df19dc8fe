// The whole model: embedding, blocks, final norm, head, and multi-token prediction beside the head.
import { recompute } from '../core/autograd.ts'
import type { Device } from '../core/device.ts'
import { InputError } from '../core/errors.ts'
import { Tensor } from '../core/tensor.ts'
import { addOf } from '../ops/add.ts'
import { crossEntropy } from '../ops/cross_entropy.ts'
import { embedding } from '../ops/embedding.ts'
import { rmsNorm } from '../ops/rms_norm.ts'
import { Block } from './block.ts'
import type { ModelConfig } from './config.ts'
import { repeated, type Context } from './context.ts'
import { initialize } from './init.ts'
import { linear, type Recipe } from './linear.ts'
import { ropeTables } from './mla.ts'
import type { MixtureOfExperts } from './moe.ts'
import { MultiTokenPrediction } from './mtp.ts'
import { lasting, ParameterStore, type Parameter, type ReadNumbers } from './parameters.ts'

export interface ModelOptions {
  /** Default f32. */
  recipe?: Recipe
  /** Segments of experts begin at multiples of it: default 128 in fp8 (its tile), otherwise 8. */
  rowAlign?: number
  /** Blocks keep only their input for backward and run again there. */
  recompute?: boolean
}

/** T = batch * seqLen tokens, sequence after sequence. */
export interface Input {
  ids: ArrayLike<number>
  batch: number
  seqLen: number
  /** Replaces the gate's choices: [T, topk] i32 for each MoE layer by its number. */
  forcedRouting?: ReadonlyMap<number, Tensor>
  /** Is shown each tensor that golden/README.md names (hidden.0, attn_out.0, router.1.scores, ...) as it is made; to keep it, retain it. */
  observe?: (name: string, t: Tensor) => void
}

export interface RouterInfo {
  layer: number
  scores: Tensor // [T, E]
  topkIndices: Tensor // [T, topk] i32
  topkWeights: Tensor // [T, topk]
  counts: Tensor // [E] i32: tokens per expert
}

export interface ForwardResult {
  logits: Tensor // [T, V]
  hidden: Tensor // [T, H] after the final norm
  router: RouterInfo[] // of the MoE layers, without the MTP block's
}

export interface LossInput extends Input {
  targets: ArrayLike<number> // [T]: the next token, -1 = ignored
  mtpTargets?: ArrayLike<number> // [T]: the one after it; without them the MTP block does not run
  /** What sums of token losses are divided by: default the number of targets. With micro-batches, that of the whole step. */
  count?: number
  mtpCount?: number
  mtpWeight?: number // lambda, default 0.3
  /** Alpha of the sequence balance loss, a mean over this call's sequences; with n equal micro-batches, alpha / n. Default 0. */
  balanceAlpha?: number
  /** Adds to the experts' loads (default); false for evaluation. */
  countLoad?: boolean
}

export interface LossResult {
  /** For `tape.backward`. The balance loss needs no root: see MixtureOfExperts. */
  roots: Tensor[]
  loss: Tensor // [1]: cross-entropy of the next token
  tokenLosses: Tensor // [T]
  mtpLoss: Tensor | undefined // [1], lambda included
  balanceLoss: Tensor | undefined // [1], summed over layers, alpha included
  logits: Tensor // [T, V]
}

export class Model {
  readonly parameters: ParameterStore
  readonly recipe: Recipe
  private readonly rowAlign: number
  private readonly recomputes: boolean
  private readonly embed: Parameter // [V, H]
  private readonly blocks: Block[]
  private readonly norm: Parameter
  private readonly head: Parameter // [V, H]
  private readonly mtp: MultiTokenPrediction | undefined
  private tables: { seqLen: number; cos: Tensor; sin: Tensor } | undefined

  /** Weights are undefined until `initialize` or `loadTensors`. */
  constructor(readonly device: Device, readonly config: ModelConfig, options: ModelOptions = {}) {
    this.recipe = options.recipe ?? 'f32'
    this.rowAlign = options.rowAlign ?? (this.recipe === 'fp8' ? 128 : 8)
    this.recomputes = options.recompute ?? false
    if (this.recipe === 'fp8' && this.rowAlign % 128 !== 0) throw new InputError(`rowAlign is ${this.rowAlign}; in fp8 it must be a multiple of 128`)
    const { vocab_size: V, hidden_size: H, num_hidden_layers: L } = config
    const store = this.parameters = new ParameterStore(device)
    this.embed = store.add('model.embed_tokens.weight', [V, H])
    this.blocks = Array.from({ length: L }, (_, layer) => new Block(store, config, layer))
    this.norm = store.add('model.norm.weight', [H], 'one')
    this.head = store.add('lm_head.weight', [V, H])
    this.mtp = config.num_nextn_predict_layers > 0 ? new MultiTokenPrediction(store, config, L) : undefined
  }

  /** Fresh weights: norms 1, router biases 0, all else N(0, std), a function of seed and tensor name alone. */
  initialize(seed: number, std: number): void { initialize(this.parameters, seed, std) }

  /** Weights from Hugging Face tensors; an FP8 checkpoint must be decoded by `read`. */
  loadTensors(read: ReadNumbers): Promise<void> { return this.parameters.load(read) }

  /** Layers with experts, the MTP block's last. */
  get moeLayers(): MixtureOfExperts[] {
    return [...this.blocks, this.mtp?.block].flatMap((block) => block?.moe ?? [])
  }

  /** Once after each step: the routers' biases by the loads counted since the last time, which begin anew. */
  updateBiases(gamma: number): void { for (const moe of this.moeLayers) moe.updateBias(gamma) }

  /** Results belong to the caller's scope. */
  forward(input: Input): ForwardResult {
    const { device } = this
    const shown = new Map<string, Tensor>()
    const ctx = this.context(input, (name, t) => { if (name.startsWith('router.')) shown.set(name, t.retain()) })
    const hidden = this.hidden(input, ctx)
    const logits = this.logits(hidden)
    for (const t of shown.values()) device.adopt(t)
    const router = this.blocks.filter((b) => b.moe).map(({ layer }) => {
      const named = (name: string) => shown.get(`router.${layer}.${name}`)!
      return { layer, scores: named('scores'), topkIndices: named('topk_indices'), topkWeights: named('topk_weights'), counts: named('counts') }
    })
    return { logits, hidden, router }
  }

  /** Under `device.record` the roots are ready for backward. Results belong to the caller's scope. */
  loss(input: LossInput): LossResult {
    const { ctx, balance } = this.lossContext(input)
    return this.lossOf(this.hidden(input, ctx), input, ctx, balance)
  }

  /**
   * Layers [from, to) for a pipeline stage, under `device.record`. The first stage (from 0) embeds the ids, others take `x`, the
   * stage before's result; the last one (to = number of layers) goes on to the loss, the others give [T, H]. To the caller's scope.
   */
  stage(from: number, to: number, input: LossInput, x?: Tensor): { hidden: Tensor; loss?: undefined } | { loss: LossResult; hidden?: undefined } {
    const { ctx, balance } = this.lossContext(input)
    if ((x === undefined) !== (from === 0)) throw new Error(`stage of layers ${from} to ${to}: ${x ? 'the first stage takes no x' : 'x is missing'}`)
    const hidden = this.layers(x ? x.retain() : this.embedded(input), ctx, from, to)
    if (to === this.blocks.length) return { loss: this.lossOf(this.normed(hidden, ctx), input, ctx, balance) }
    for (const t of balance) t.release()
    return { hidden: this.device.adopt(hidden) }
  }

  private lossContext(input: LossInput): { ctx: Context; balance: Tensor[] } {
    const { balanceAlpha = 0, countLoad = true } = input
    const balance: Tensor[] = []
    return { balance, ctx: this.context(input, (name, t) => { if (name.startsWith('balance.')) balance.push(t.retain()) }, { balanceAlpha, countLoad }) }
  }

  private lossOf(hidden: Tensor, input: LossInput, ctx: Context, balance: Tensor[]): LossResult {
    const { device } = this
    const { mtpTargets, mtpWeight = 0.3 } = input
    const targets = this.integers('targets', input.targets, input, -1)
    const logits = this.logits(hidden)
    const { total: loss, losses: tokenLosses } = crossEntropy(logits, targets, inverse(input.count ?? countOf(input.targets)))
    const roots = [loss]

    let mtpLoss: Tensor | undefined
    if (this.mtp && mtpTargets) {
      const further = this.integers('mtpTargets', mtpTargets, input, -1)
      // Where no next token is known, any will do: what is predicted from it is ignored, and earlier positions do not see it.
      const next = this.integers('targets', Int32Array.from(input.targets, (t) => Math.max(t, 0)), input)
      mtpLoss = device.scope(() => {
        const ready = this.mtp!.forward(hidden, embedding(next, this.embed.tensor), ctx, this.run)
        return crossEntropy(this.logits(ready), further, mtpWeight * inverse(input.mtpCount ?? countOf(mtpTargets))).total
      })
      roots.push(mtpLoss)
    }

    for (const t of balance) device.adopt(t)
    const balanceLoss = balance.length > 0 ? device.withoutTape(() => balance.reduce(addOf)) : undefined
    return { roots, loss, tokenLosses, mtpLoss, balanceLoss, logits }
  }

  release(): void {
    for (const moe of this.moeLayers) moe.release()
    this.parameters.release()
    this.tables?.cos.release()
    this.tables?.sin.release()
    this.tables = undefined
  }

  /** ids -> [T, H] after the final norm. */
  private hidden(input: Input, ctx: Context): Tensor { return this.normed(this.layers(this.embedded(input), ctx, 0, this.blocks.length), ctx) }

  /** Each block's input is let go as soon as no tape needs it, not at the end of the caller's scope. */
  private embedded(input: Input): Tensor { return lasting(this.device, () => embedding(this.integers('ids', input.ids, input), this.embed.tensor)) }

  /** Takes over the reference to `x`; the result is the caller's. */
  private layers(x: Tensor, ctx: Context, from: number, to: number): Tensor {
    if (from === 0) ctx.emit('hidden.0', x)
    for (const block of this.blocks.slice(from, to)) {
      const y = lasting(this.device, () => this.run(block, x, ctx))
      x.release()
      x = y
      ctx.emit(`hidden.${block.layer + 1}`, x)
    }
    return x
  }

  private normed(x: Tensor, ctx: Context): Tensor {
    const normed = rmsNorm(this.device.adopt(x), this.norm.tensor, this.config.rms_norm_eps)
    ctx.emit('hidden.final_norm', normed)
    return normed
  }

  private readonly run = (block: Block, x: Tensor, ctx: Context): Tensor => {
    if (!this.recomputes) return block.forward(x, ctx)
    let context = ctx
    return recompute(this.device, [x], ([x]) => {
      const y = block.forward(x, context)
      context = repeated(ctx)
      return y
    })
  }

  /** hidden [T, H] -> [T, V]; bf16 also in the fp8 recipe. [deepseek-v3.md §2] */
  private logits(hidden: Tensor): Tensor {
    return linear(hidden, this.head, this.recipe === 'f32' ? 'f32' : 'bf16')
  }

  private context(input: Input, emit: Context['emit'], options = { balanceAlpha: 0, countLoad: false }): Context {
    const { observe, forcedRouting, seqLen } = input
    const { cos, sin } = this.rope(seqLen)
    const both = observe ? (name: string, t: Tensor) => { emit(name, t); observe(name, t) } : emit
    return { recipe: this.recipe, seqLen, cos, sin, rowAlign: this.rowAlign, forcedRouting, emit: both, ...options }
  }

  /** Tables for sequences of one length; those of the last length are kept. */
  private rope(seqLen: number) {
    if (this.tables?.seqLen === seqLen) return this.tables
    const { cos, sin } = ropeTables(this.config, seqLen)
    const shape = [seqLen, this.config.qk_rope_head_dim / 2]
    this.tables?.cos.release()
    this.tables?.sin.release()
    const made = lasting(this.device, () => ({ cos: this.device.tensor('f32', shape, cos), sin: this.device.tensor('f32', shape, sin) }))
    return (this.tables = { seqLen, ...made })
  }

  private integers(name: string, values: ArrayLike<number>, { batch, seqLen }: Input, low = 0): Tensor {
    const T = batch * seqLen
    if (values.length !== T) throw new InputError(`${name} has ${values.length} tokens, must have batch * seqLen = ${T}`)
    const V = this.config.vocab_size
    for (let i = 0; i < T; i++) {
      const id = values[i]
      if (!(Number.isInteger(id) && id >= low && id < V)) throw new InputError(`${name}[${i}] is ${id}, must be an integer from ${low} to ${V - 1}`)
    }
    return this.device.tensor('i32', [T], values)
  }
}

function countOf(targets: ArrayLike<number>): number {
  let n = 0
  for (let i = 0; i < targets.length; i++) if (targets[i] >= 0) n++
  return n
}
const inverse = (count: number) => (count > 0 ? 1 / count : 0)
