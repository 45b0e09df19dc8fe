// Tokens as batches: split, shuffled by epoch, and a cursor in plain JSON that continues exactly.
import { InputError } from '../core/errors.ts'
import { permutation } from '../core/random.ts'

export interface DataOptions {
  sequenceLength: number // S
  vocabSize: number
  validationFraction: number // 0..1, the contiguous tail of the tokens; 0: no validation
  seed: number
  extra?: 1 | 2 // tokens after each sequence: 1 for the next token, 2 for multi-token prediction
  where?: string // names the data in errors
}

/** Where training stands: `offset` sequences of this epoch's order are used up. */
export interface Cursor { epoch: number; offset: number }

export interface Batch {
  ids: Int32Array // [B, S]
  targets: Int32Array // [B, S], one token further
  mtpTargets: Int32Array | null // [B, S], two tokens further, with extra 2
  numSequences: number // B
}

/** Sequences of S tokens with stride S over a text; neighbours share the `extra` tokens that are only targets. */
export class TokenData {
  /** Everything, validation tail included. Bytes are Uint8Array. */
  readonly tokens: Uint8Array | Int32Array
  /** tokens[0, numTrainTokens) train, the rest validate. */
  readonly numTrainTokens: number
  readonly numTrainSequences: number
  readonly numValidationSequences: number
  /** 16 hexadecimal digits of the tokens, for a run's fingerprint: finds a change, resists no attacker. */
  readonly hash: string
  private readonly options: Required<DataOptions>
  private order: { epoch: number; at: (index: number) => number } | undefined

  /** Throws InputError for a token >= vocabSize (with its position) and for less than one sequence in either part. */
  constructor(tokens: Uint8Array | Int32Array, options: DataOptions) {
    this.options = { extra: 1, where: 'the training data', ...options }
    this.tokens = tokens
    const { where, vocabSize, validationFraction, sequenceLength, extra } = this.options
    if (tokens.length === 0) throw new InputError(`${where} is empty`)
    checkTokens(tokens, vocabSize, where)
    const numValidation = Math.floor(tokens.length * validationFraction)
    this.numTrainTokens = tokens.length - numValidation
    this.numTrainSequences = Math.floor((this.numTrainTokens - extra) / sequenceLength)
    this.numValidationSequences = Math.max(0, Math.floor((numValidation - extra) / sequenceLength))
    const needs = `one sequence needs ${sequenceLength + extra} (train.sequenceLength + ${extra})`
    if (this.numTrainSequences < 1) throw new InputError(`${where} has ${this.numTrainTokens} tokens to train on; ${needs}`)
    if (validationFraction > 0 && this.numValidationSequences < 1) {
      throw new InputError(`${where} has ${tokens.length} tokens, so data.validationFraction = ${validationFraction} leaves ${numValidation} to validate on; ${needs}: raise the fraction, or set it to 0`)
    }
    this.hash = hashTokens(tokens)
  }

  get trainTokens() { return this.tokens.subarray(0, this.numTrainTokens) }
  get validationTokens() { return this.tokens.subarray(this.numTrainTokens) }

  /**
   * The next batchSize sequences after the cursor and the cursor behind them. A batch may cross into the next epoch:
   * no sequence is left out. The same cursor gives the same batch, whatever was read before.
   */
  batch(cursor: Cursor, batchSize: number): Batch & { cursor: Cursor } {
    let { epoch, offset } = this.checkCursor(cursor)
    const batch = this.emptyBatch(batchSize)
    for (let row = 0; row < batchSize; row++) {
      if (offset >= this.numTrainSequences) { epoch++; offset = 0 }
      this.fillRow(batch, row, this.orderOf(epoch)(offset++) * this.options.sequenceLength)
    }
    return { ...batch, cursor: { epoch, offset } }
  }

  /** The first maxBatches batches of the validation part in text order, always the same; [] without validation. */
  validationBatches(batchSize: number, maxBatches: number): Batch[] {
    const rows = Math.min(batchSize, this.numValidationSequences) // a small text gives one smaller batch
    const count = rows === 0 ? 0 : Math.min(maxBatches, Math.floor(this.numValidationSequences / rows))
    return Array.from({ length: count }, (_, i) => {
      const batch = this.emptyBatch(rows)
      for (let row = 0; row < rows; row++) this.fillRow(batch, row, this.numTrainTokens + (i * rows + row) * this.options.sequenceLength)
      return batch
    })
  }

  private emptyBatch(rows: number): Batch {
    const size = rows * this.options.sequenceLength
    const mtpTargets = this.options.extra === 2 ? new Int32Array(size) : null
    return { ids: new Int32Array(size), targets: new Int32Array(size), mtpTargets, numSequences: rows }
  }

  private fillRow(batch: Batch, row: number, begin: number): void {
    const S = this.options.sequenceLength
    batch.ids.set(this.tokens.subarray(begin, begin + S), row * S)
    batch.targets.set(this.tokens.subarray(begin + 1, begin + 1 + S), row * S)
    batch.mtpTargets?.set(this.tokens.subarray(begin + 2, begin + 2 + S), row * S)
  }

  /** Each epoch has an order of its own, a function of seed and epoch alone. */
  private orderOf(epoch: number): (index: number) => number {
    if (this.order?.epoch !== epoch) this.order = { epoch, at: permutation(this.numTrainSequences, this.options.seed, `data.epoch.${epoch}`) }
    return this.order.at
  }

  private checkCursor(cursor: Cursor): Cursor {
    const { epoch, offset } = cursor
    if (!Number.isSafeInteger(epoch) || epoch < 0 || !Number.isSafeInteger(offset) || offset < 0 || offset > this.numTrainSequences) {
      throw new InputError(`data cursor is {epoch: ${epoch}, offset: ${offset}}; it must be whole numbers with an offset of at most ${this.numTrainSequences}, the sequences of ${this.options.where}`)
    }
    return cursor
  }
}

function checkTokens(tokens: Uint8Array | Int32Array, vocabSize: number, where: string): void {
  if (tokens instanceof Uint8Array && vocabSize >= 256) return
  // A kernel's embedding lookup checks no bounds, so this is the only guard.
  const at = tokens.findIndex((token) => token < 0 || token >= vocabSize)
  if (at >= 0) throw new InputError(`${where}: token ${at} is ${tokens[at]}; it must be below the vocabulary's size, ${vocabSize}`)
}

/** Two different 32-bit multiplicative hashes side by side. */
function hashTokens(tokens: Uint8Array | Int32Array): string {
  let a = 0x811c9dc5 ^ tokens.length
  let b = 0x9e3779b9
  for (const token of tokens) {
    a = Math.imul(a ^ token, 0x01000193)
    b = Math.imul((b << 13) | (b >>> 19), 5) + Math.imul(token + 0x5bd1, 0x85ebca6b) | 0
  }
  return [a, b].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
}

/**
 * Cross-entropy of the validation text in nats per byte under a byte bigram model counted on the training text, with
 * add-alpha smoothing at the best of five alphas: what a model must beat to have learnt more than letter pairs.
 */
export function bigramLoss(train: Uint8Array | Int32Array, validation: Uint8Array | Int32Array): number {
  if (train.length < 2 || validation.length < 2) return Math.log(256)
  const counts = countPairs(train)
  const asked = countPairs(validation)
  const totals = new Float64Array(256)
  counts.forEach((count, pair) => { totals[pair >> 8] += count })
  const losses = [1, 0.3, 0.1, 0.03, 0.01].map((alpha) => {
    let sum = 0
    asked.forEach((times, pair) => { if (times > 0) sum -= times * Math.log((counts[pair] + alpha) / (totals[pair >> 8] + 256 * alpha)) })
    return sum / (validation.length - 1)
  })
  return Math.min(...losses)
}

/** [256 * 256]: how often byte pair >> 8 is followed by byte pair & 255. */
function countPairs(text: Uint8Array | Int32Array): Float64Array {
  const counts = new Float64Array(65536)
  for (let i = 1; i < text.length; i++) {
    if ((text[i] & ~255) !== 0) throw new InputError(`bigram loss: token ${i} is ${text[i]}; it must be a byte`)
    counts[(text[i - 1] << 8) | text[i]]++
  }
  return counts
}
