// The simulator against what was published, against formulas, and against what must hold for any plan.
import { describe, expect, it } from 'vitest'
import { readPlan } from '../../src/cli/plan_spec.ts'
import { renderSweep } from '../../src/cli/sweep_report.ts'
import { makeSchedule, scheduleKinds } from '../../src/schedule/index.ts'
import { replay, unitCosts } from '../../src/schedule/replay.ts'
import { allToAll } from '../../src/sim/all_to_all.ts'
import { stageLayers } from '../../src/sim/chunk.ts'
import { compare, flopPerToken, simulate } from '../../src/sim/plan.ts'
import { trafficOf } from '../../src/sim/routing.ts'
import { PlanError, fits, fitted, type PlanSpec } from '../../src/sim/spec.ts'
import { traceOf } from '../../src/sim/trace.ts'
import { errorOf, validate } from '../../src/sim/validation.ts'

const deepseek = readPlan({ preset: 'deepseek-v3-2048xh800', set: [] })
const megatron = readPlan({ preset: 'megatron-1024xh100', set: [] })
const change = (layout: Partial<PlanSpec['layout']>, rest: Partial<PlanSpec> = {}): PlanSpec => ({ ...deepseek, ...rest, layout: { ...deepseek.layout, ...layout } })
const roomy = { ...deepseek, cluster: { ...deepseek.cluster, gpu: { ...deepseek.cluster.gpu, memoryBytes: 1e15 } } }

describe('published figures', () => {
  const rows = validate(deepseek, megatron)
  const of = (what: string) => rows.find((r) => r.what === what)!
  it('the step of 2,048 H800 within 2 %, all predicted rows of its table within 5 %', () => {
    expect(Math.abs(errorOf(of('step')))).toBeLessThan(0.02)
    for (const r of rows.filter((x) => ['step table', 'technical report', 'DeepEP', 'bubble formula', 'Megatron-Core'].includes(x.source))) expect(Math.abs(errorOf(r)), `${r.source} ${r.what}`).toBeLessThan(0.051)
  })
  it('every constant says what it was fitted to', () => expect(Object.keys(fits).sort()).toEqual(Object.keys(fitted).sort()))
  it('FLOP a token: 250 G causal, 280 G non-causal', () => {
    expect(flopPerToken(deepseek).causal / 1e9).toBeCloseTo(250, 0)
    expect(Math.abs(flopPerToken(deepseek).nonCausal / 280e9 - 1)).toBeLessThan(0.01)
  })
})

describe('a plan', () => {
  const { plan, schedule, clock } = simulate(deepseek)
  it('accounts for all of the step', () => {
    expect(Object.values(plan.partsSec).reduce((a, b) => a + b, 0)).toBeCloseTo(plan.stepTimeSec, 6)
    expect(plan.microBatches).toBe(120)
    expect(plan.tokensPerDay).toBeCloseTo(15360 * 4096 / plan.stepTimeSec * 86400, 0)
    for (const m of plan.memoryBytesPerRank) expect(m.weights + m.gradients + m.master + m.moments + m.activations + m.buffers).toBeCloseTo(m.total, 0)
  })
  it('is traced as it was timed', () => {
    const { traceEvents } = traceOf({ plan, schedule, clock })
    const slices = traceEvents.filter((e) => e.ph === 'X' && e.name !== 'optimizer')
    expect(slices).toHaveLength(schedule.steps.reduce((n, l) => n + l.length, 0))
    expect(Math.max(...slices.map((e) => e.ts! + e.dur!)) / 1e6).toBeCloseTo(clock.makespan, 6)
    for (let r = 0; r < 16; r++) {
      const own = slices.filter((e) => e.tid === r)
      own.forEach((e, i) => { if (i) expect(e.ts!).toBeGreaterThanOrEqual(own[i - 1].ts! + own[i - 1].dur! - 1e-3) })
    }
  })
  it('layers: all of them, MTP too, once', () => {
    for (const stages of [1, 4, 16, 31, 62]) {
      const list = stageLayers(deepseek, stages)
      expect(list.reduce((n, s) => n + s.dense, 0)).toBe(3)
      expect(list.reduce((n, s) => n + s.moe, 0)).toBe(59)
      expect(list.filter((s) => s.mtp).length).toBe(1)
    }
  })
  it('the same twice', () => expect(simulate(deepseek).plan).toEqual(plan))
})

describe('what must follow', () => {
  const time = (spec: PlanSpec) => simulate(spec).plan.stepTimeSec
  const base = time(deepseek)
  it('too few SMs for communication slow it, too many take computation', () => {
    expect(time(change({}, { communicationSms: 8 }))).toBeGreaterThan(1.2 * base)
    expect(time(change({}, { communicationSms: 40 }))).toBeGreaterThan(1.05 * base)
  })
  it('skewed loads cost, EPLB mends most of it', () => {
    const skewed = time({ ...roomy, routing: { kind: 'skewed', sigma: 0.5, seed: 3 } })
    const mended = time({ ...roomy, routing: { kind: 'skewed', sigma: 0.5, seed: 3, replicasPerGpu: 1 } })
    expect(skewed).toBeGreaterThan(1.1 * base)
    expect(mended - base).toBeLessThan(0.6 * (skewed - base))
  })
  it('recorded loads replay: even ones are balanced, one hot expert is not', () => {
    const even = [new Array<number>(256).fill(7)], hot = [[5 * 256, ...new Array<number>(255).fill(1)]]
    expect(time({ ...roomy, routing: { kind: 'replay', loads: even } })).toBeCloseTo(base, 9)
    expect(trafficOf({ ...deepseek, routing: { kind: 'replay', loads: hot } }).imbalance).toBeCloseTo((5 * 256 + 3) / ((5 * 256 + 255) / 64), 6)
  })
  it('node-limited routing: 4 of 8 groups touch at most 4 nodes, without it more', () => {
    const limited = trafficOf(deepseek).nodes
    expect(limited).toBeGreaterThan(3.5)
    expect(limited).toBeLessThanOrEqual(4)
    const free = { ...deepseek, model: { ...deepseek.model, topk_group: 8 } }
    expect(trafficOf(free).nodes).toBeGreaterThan(5)
    expect(allToAll(free, trafficOf(free)).dispatchSec).toBeGreaterThan(1.3 * allToAll(deepseek, trafficOf(deepseek)).dispatchSec)
  })
  it('expected nodes and GPUs equal a count by drawing', () => {
    let state = 1
    const random = () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8) / 2 ** 24
    const draw = <T>(list: T[], n: number) => { for (let i = 0; i < n; i++) { const j = i + Math.floor(random() * (list.length - i)); [list[i], list[j]] = [list[j], list[i]] } return list.slice(0, n) }
    let nodes = 0, gpus = 0
    const draws = 20000
    for (let t = 0; t < draws; t++) {
      const experts = draw(draw([0, 1, 2, 3, 4, 5, 6, 7], 4).flatMap((g) => Array.from({ length: 32 }, (_, i) => 32 * g + i)), 8)
      gpus += new Set(experts.map((e) => e >> 2)).size
      nodes += new Set(experts.map((e) => e >> 6)).size // EP 32: a node holds two groups
    }
    expect(trafficOf(deepseek).gpus).toBeCloseTo(gpus / draws, 1)
    expect(trafficOf(change({ ep: 32 })).nodes).toBeCloseTo(nodes / draws, 1)
  })
  it('stragglers slow everyone', () => expect(time(change({}, { stragglers: { fraction: 0.01, slowdown: 1.5 } }))).toBeGreaterThan(1.1 * base))
  it('without communication and with equal costs a schedule ends where its clock of unit costs says', () => {
    for (const kind of scheduleKinds) {
      const s = makeSchedule(kind, 4, 8)
      expect(replay(s, (_, step) => unitCosts[step.kind]).makespan).toBe(replay(s, unitCosts).makespan)
      expect(replay(s, unitCosts, 0.5).makespan).toBeGreaterThan(replay(s, unitCosts).makespan)
    }
  })
  it('compares all schedules, and says why one cannot be', () => {
    const all = compare({ ...roomy, layout: { ...roomy.layout, globalBatch: 16384 } }, scheduleKinds)
    expect(all.every((c) => c.plan)).toBe(true)
    expect(compare(change({ globalBatch: 128 * 16 }), ['dualpipe'])[0].why).toMatch(/DualPipe needs .* 16 ranks and 16 micro-batches/)
  })
  it('a sweep is drawn with its numbers', () => {
    const html = renderSweep('sms=<4>', [{ value: 4, plan: simulate(change({}, { communicationSms: 4 })).plan }, { value: 200, why: 'none & left' }])
    expect(html).toContain('sms=&#60;4&#62;')
    expect(html).toContain('none &#38; left')
  })
  it('steps of work grow with ranks times micro-batches, no faster', () => {
    const steps = (pp: number, m: number) => makeSchedule('dualpipe', pp, m).steps.reduce((n, l) => n + l.length, 0) / (pp * m)
    expect(steps(64, 1024)).toBeLessThan(1.1 * steps(16, 256))
  })
})

describe('bad plans are sentences', () => {
  it.each([
    [change({ pp: 15 }), /2048 GPUs .* do not divide into pipelines of PP 15/], [change({ ep: 48 }), /128 GPUs, which do not divide into expert groups of EP 48/],
    [change({ globalBatch: 15361 }), /a batch of 15361 sequences does not divide over 128 replicas/], [change({}, { communicationSms: 132 }), /132 SMs for communication leave none of 132/],
    [change({ microBatch: 2, globalBatch: 15360 }), /needs [\d.]+ GB, [\d.]+ GB more than the 80\.0 GB of a H800 SXM; it would fit with/], [change({}, { communicationSms: 0 }), /all-to-all between GPUs needs SMs/],
    [change({ tp: 3 }), /do not divide into pipelines of PP 16 x TP 3/], [change({ pp: 64, ep: 32, globalBatch: 32 * 128 }), /64 pipeline stages need as many layers; the model has 62/],
  ])('%#', (spec, message) => {
    expect(() => simulate(spec)).toThrow(PlanError)
    expect(() => simulate(spec)).toThrow(message)
  })
  it('in its file', () => {
    expect(() => readPlan({ preset: 'deepseek-v4', set: [] })).toThrow(/no plan "deepseek-v4".*plans are/)
    expect(() => readPlan({ preset: 'deepseek-v3-2048xh800', set: ['layout.pq=3'] })).toThrow(/layout\.pq is not a known key.*did you mean "pp"/)
    expect(() => readPlan({ preset: 'deepseek-v3-2048xh800', set: ['layout.pp="x"'] })).toThrow(/layout\.pp is "x"; it must be an integer/)
    expect(() => readPlan({ preset: 'deepseek-v3-2048xh800', set: ['routing.kind=replay'] })).toThrow(/needs routing\.loads/)
  })
})
