// Executes a schedule: every rank runs its list in order and meets its partners between steps, in one process. What a stage computes
// comes from outside; what is done when is the schedule's.
import { WeightQueue } from '../core/autograd.ts'
import type { Tensor } from '../core/tensor.ts'
import { deadlockOf, exchangesOf, messageOf, type Exchange } from '../schedule/exchange.ts'
import type { Schedule, Step, Transfer, Work } from '../schedule/step.ts'

/** One micro-batch in one stage, between its forward and its backward. */
export interface StageRun {
  /** What the next stage takes, with a reference that the executor releases; undefined in the last. */
  readonly output: Tensor | undefined
  /**
   * `gradient` is that of the output, undefined in the last stage. Weight gradients go to `queue`, or are made at once. Gives the
   * gradient of the input, with a reference that the executor releases; undefined in the first stage.
   */
  backward(gradient: Tensor | undefined, queue: WeightQueue | undefined): Tensor | undefined
}
/** Runs a micro-batch of a stream forward; `input` is undefined in the first stage. */
export type Stage = (stream: number, microBatch: number, input: Tensor | undefined) => StageRun

export interface PipelineReport {
  /** Most micro-batches of each rank that were forward and not yet backward. */
  readonly peakInFlight: readonly number[]
  readonly messages: number
}

/** `stages[rank][chunk]`. Rejects with what a stage throws; throws where ranks would wait for each other. */
export async function executeSchedule(schedule: Schedule, stages: readonly (readonly Stage[])[]): Promise<PipelineReport> {
  const circle = deadlockOf(schedule)
  if (circle) throw new Error(`${schedule.kind}: ${circle}`)
  const post = new PostOffice()
  const ranks = schedule.steps.map((_, r) => new Rank(schedule, r, stages[r], post))
  await Promise.all(ranks.map((r) => r.run()))
  return { peakInFlight: ranks.map((r) => r.peak), messages: post.delivered }
}

/** Blocking communication: a message passes when both sides have come. */
class PostOffice {
  delivered = 0
  private readonly waiting = new Map<string, (value: Tensor) => void>()
  private readonly offered = new Map<string, { value: Tensor; taken: () => void }>()

  send(name: string, value: Tensor): Promise<void> {
    this.delivered++
    const receiver = this.waiting.get(name)
    this.waiting.delete(name)
    if (receiver) { receiver(value); return Promise.resolve() }
    return new Promise((taken) => this.offered.set(name, { value, taken }))
  }
  receive(name: string): Promise<Tensor> {
    const offer = this.offered.get(name)
    this.offered.delete(name)
    if (offer) { offer.taken(); return Promise.resolve(offer.value) }
    return new Promise((arrived) => this.waiting.set(name, arrived))
  }
}

const keyOf = (what: Transfer['what'], stream: number, stage: number, microBatch: number) => `${what} ${stream} ${stage} ${microBatch}`

class Rank {
  peak = 0
  private readonly inFlight = new Map<string, StageRun>()
  /** Outputs and gradients that are here, by who made them. */
  private readonly box = new Map<string, Tensor>()
  private readonly queues: WeightQueue[] = []
  private readonly exchanges: readonly Exchange[]

  constructor(private readonly schedule: Schedule, private readonly rank: number, private readonly stages: readonly Stage[], private readonly post: PostOffice) {
    this.exchanges = exchangesOf(schedule)[rank]
  }

  async run(): Promise<void> {
    const steps = this.schedule.steps[this.rank]
    for (let i = 0; i <= steps.length; i++) {
      await this.exchange(this.exchanges[i])
      if (i < steps.length) this.step(steps[i])
    }
  }

  private async exchange({ sends, receives }: Exchange): Promise<void> {
    await Promise.all([
      ...sends.map((t) => this.post.send(messageOf(this.rank, t.peer, t), this.take(t.what, t.stream, t.stage, t.microBatch))),
      ...receives.map(async (t) => { this.box.set(keyOf(t.what, t.stream, t.stage, t.microBatch), await this.post.receive(messageOf(t.peer, this.rank, t))) }),
    ])
  }

  private take(what: Transfer['what'], stream: number, stage: number, microBatch: number): Tensor {
    const key = keyOf(what, stream, stage, microBatch)
    const t = this.box.get(key)
    if (!t) throw new Error(`${this.schedule.kind}: rank ${this.rank} needs ${key}, which is not here`)
    this.box.delete(key)
    return t
  }

  private step({ kind, work, backward }: Step): void {
    if (kind === 'F' || kind === 'FB') this.forward(work)
    if (kind === 'B') this.backward(work, undefined)
    if (kind === 'FB') this.backward(backward!, undefined)
    if (kind === 'Bi') {
      const queue = new WeightQueue()
      this.backward(work, queue)
      this.queues.push(queue)
    }
    if (kind === 'W') this.queues.shift()!.run()
  }

  private forward({ chunk, microBatch }: Work): void {
    const { stage, stream } = this.schedule.places[this.rank][chunk]
    const input = stage > 0 ? this.take('activation', stream, stage - 1, microBatch) : undefined
    const run = this.stages[chunk](stream, microBatch, input)
    input?.release()
    if (run.output) this.box.set(keyOf('activation', stream, stage, microBatch), run.output)
    this.inFlight.set(`${chunk} ${microBatch}`, run)
    this.peak = Math.max(this.peak, this.inFlight.size)
  }

  private backward({ chunk, microBatch }: Work, queue: WeightQueue | undefined): void {
    const { stage, stream } = this.schedule.places[this.rank][chunk]
    const key = `${chunk} ${microBatch}`
    const gradient = stage < this.schedule.numStages - 1 ? this.take('gradient', stream, stage + 1, microBatch) : undefined
    const ofInput = this.inFlight.get(key)!.backward(gradient, queue)
    gradient?.release()
    this.inFlight.delete(key)
    if (ofInput) this.box.set(keyOf('gradient', stream, stage, microBatch), ofInput)
  }
}
