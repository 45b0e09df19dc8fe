// The live run as the panels see it: training tells it, the routing panel listens.
import { proxy, type Remote } from 'comlink'
import type { TrainNews, TrainSettings } from './worker/training.ts'
import type { DemoWorker } from './worker.ts'

export type LiveState = 'idle' | 'training' | 'paused'
type Listener = (news: TrainNews | undefined, state: LiveState) => void

class Live {
  state: LiveState = 'idle'
  settings: TrainSettings = { topk: 3, groupLimit: 2, balancing: true }
  failure: string | undefined
  private readonly listeners = new Set<Listener>()
  listen(listener: Listener): void { this.listeners.add(listener) }
  private tell(news?: TrainNews): void { for (const l of this.listeners) l(news, this.state) }

  async start(worker: Remote<DemoWorker>): Promise<void> {
    if (this.state === 'training') return
    this.state = 'training'
    this.failure = undefined
    this.tell()
    try { await worker.train(this.settings, proxy((news: TrainNews) => this.tell(news))) } catch (error) { this.failure = (error as Error).message }
    if ((this.state as LiveState) === 'training') this.state = 'paused'
    this.tell()
  }
  async pause(worker: Remote<DemoWorker>): Promise<void> {
    this.state = 'paused'
    await worker.pauseTraining()
    this.tell()
  }
  async reset(worker: Remote<DemoWorker>): Promise<void> {
    this.state = 'idle'
    this.tell()
    await worker.resetTraining()
  }
  /** Balancing changes the run as it goes; the others begin a new one. */
  async set(worker: Remote<DemoWorker>, change: Partial<TrainSettings>): Promise<void> {
    const was = this.state
    this.settings = { ...this.settings, ...change }
    if (change.topk === undefined && change.groupLimit === undefined) { await worker.setBalancing(this.settings.balancing); return }
    await this.reset(worker)
    if (was === 'training') void this.start(worker)
  }
}
export const live = new Live()
