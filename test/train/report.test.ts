import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { learningRate, parseRunConfig } from '../../src/train/config.ts'
import type { EvalRow, StepRow } from '../../src/train/metrics.ts'
import { renderReport, type ReportData } from '../../src/train/report.ts'
import { escapeText, niceTicks, shortNumber } from '../../src/train/report_charts.ts'

const config = parseRunConfig(JSON.parse(readFileSync(new URL('../../presets/tiny.json', import.meta.url), 'utf8')), 'tiny')

function sample(numSteps: number, numLayers = 2, numExperts = 8): ReportData {
  const steps = Array.from({ length: numSteps }, (_, i) => i + 1)
  const rows = steps.map((step): StepRow => ({ event: 'step', step, loss: 2 + 3 / step, lr: learningRate(config.train, step), gradNorm: 1 + 1 / step, tokensPerSec: 12_000 + step, expertLoadMaxOverMean: 1 + 1 / step }))
  const evals = steps.filter((step) => step % 50 === 0).map((step): EvalRow => ({ event: 'eval', step, valLoss: 2.1 + 3 / step, bigramLoss: 2.456 }))
  const experts = steps.filter((step) => step % 2 === 0).map((step) => Array.from({ length: numLayers }, (_, l) => Array.from({ length: numExperts }, (_, e) => (e === l ? 500 : 100 + ((e * step) % 7)))))
  return { title: 'tiny', device: 'cpu', config, rows, evals, experts }
}

/** Tags open and close in order; void elements and self-closing tags aside. */
function checkNesting(html: string): void {
  const open: string[] = []
  for (const [, close, name, rest] of html.replace(/<style>.*?<\/style>/s, '').matchAll(/<(\/?)([a-z][a-z0-9]*)([^>]*)>/g)) {
    if (close) expect(open.pop()).toBe(name)
    else if (!rest.endsWith('/') && name !== 'meta') open.push(name)
  }
  expect(open).toEqual([])
}

describe('renderReport', () => {
  it('is a well-formed page with every figure, the same each time', () => {
    const html = renderReport(sample(200))
    checkNesting(html)
    expect(renderReport(sample(200))).toBe(html)
    for (const text of ['Cross-entropy', 'Gradient norm', 'Learning rate', 'Throughput', 'Layer 1', 'Layer 2', 'byte bigrams, 2.456', '200 of 200 steps', '409,600 tokens', 'prefers-color-scheme: dark']) expect(html).toContain(text)
    expect(html).not.toMatch(/NaN|undefined|Infinity/)
  })

  it('is self-contained', () => {
    const html = renderReport(sample(20))
    expect(html).not.toMatch(/<script|<link|<img|https?:|url\(|@import/)
  })

  it('escapes text from outside', () => {
    const nasty = `<script>alert("1")</script>&'`
    const html = renderReport({ ...sample(5), title: nasty, device: nasty, config: { ...config, data: { ...config.data, paths: [nasty] } } })
    checkNesting(html)
    expect(html).not.toContain('<script')
    expect(html).toContain(escapeText(nasty))
  })

  it.each<[string, ReportData]>([
    ['nothing', { ...sample(0) }],
    ['one step', sample(1)],
    ['two steps', sample(2)],
    ['NaN losses', { ...sample(20), rows: sample(20).rows.map((r) => ({ ...r, loss: NaN, gradNorm: NaN, tokensPerSec: Infinity })), evals: [{ event: 'eval', step: 20, valLoss: NaN, bigramLoss: NaN }] }],
    ['constant values', { ...sample(90), rows: sample(90).rows.map((r) => ({ ...r, loss: 2, gradNorm: 0, lr: 0, expertLoadMaxOverMean: 1 })) }],
    ['no experts', { ...sample(20), experts: [] }],
    ['idle experts', { ...sample(20), experts: [[[0, 0], [0, 0]]] }],
    ['resumed rows', { ...sample(300), rows: sample(300).rows.slice(120) }],
  ])('draws %s', (_, data) => {
    const html = renderReport(data)
    checkNesting(html)
    expect(html.replace(/<pre>.*<\/pre>/s, '')).not.toMatch(/="[^"]*(NaN|undefined|Infinity)/)
  })

  it('stays small for long runs and many experts', () => {
    const big = sample(20_000, 1, 8)
    const experts = sample(400, 58, 256).experts
    const html = renderReport({ ...big, experts })
    expect(html.length).toBeLessThan(1_500_000)
    expect(html).toContain('12 of 58 layers are shown')
    expect(html).toContain('4 experts a row')
  }, 20_000)
})

describe('labels', () => {
  it('are round numbers', () => {
    expect(niceTicks(0, 200, 5)).toEqual([0, 50, 100, 150, 200])
    expect(niceTicks(2.1, 5.6, 5)).toEqual([3, 4, 5])
    expect(niceTicks(0, 0.003, 5)).toEqual([0, 0.001, 0.002, 0.003])
    expect(niceTicks(1, 1, 5)).toEqual([1])
  })

  it('are short', () => {
    expect([0, 2.3456, 12_400, 2.2e-4, -0.5, NaN].map(shortNumber)).toEqual(['0', '2.35', '12,400', '2.20 × 10⁻⁴', '−0.5', 'not a number'])
  })
})
