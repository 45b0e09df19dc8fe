// The demo in a real headless Chromium with WebGPU: no error in the console, no request leaves the origin, usable by everyone, and the
// numbers it shows are those of the command line.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium } from '../../bench/chromium.ts'
import { readPlan } from '../../src/cli/plan_spec.ts'
import { makeSchedule } from '../../src/schedule/index.ts'
import { replay, unitCosts } from '../../src/schedule/replay.ts'
import { simulate } from '../../src/sim/plan.ts'
import { serveDemo, type ServedDemo } from '../support/demo_page.ts'

let served: ServedDemo, browser: Browser
beforeAll(async () => { [served, browser] = await Promise.all([serveDemo(), launchChromium()]) })
afterAll(async () => { await browser.close(); served.close() })

/** Opens the page and fails the test on a console error, an uncaught one, or a request elsewhere. */
async function withPage(address: string, options: Parameters<Browser['newPage']>[0], run: (page: Page) => Promise<void>): Promise<void> {
  const page = await browser.newPage(options)
  const problems: string[] = []
  page.on('console', (m) => { if (['error', 'warning'].includes(m.type())) problems.push(`${m.type()}: ${m.text()}`) })
  page.on('pageerror', (e) => problems.push(`uncaught: ${e.message}`))
  page.on('request', (r) => { if (!r.url().startsWith(served.url) && !r.url().startsWith('data:')) problems.push(`request to ${r.url()}`) })
  try {
    await page.goto(served.url + address)
    await run(page)
    expect(problems).toEqual([])
  } finally { await page.close() }
}
const figure = (page: Page, panel: string, name: string) => page.locator(`#${panel} dt`, { hasText: new RegExp(`^${name}$`) }).locator('xpath=following-sibling::dd').evaluate((e) => e.firstChild!.textContent)

describe('the page', () => {
  it('opens with its device named', () => withPage('', {}, async (page) => {
    await page.waitForFunction(() => !document.getElementById('device')!.textContent!.startsWith('Looking'))
    expect(await page.locator('#device').textContent()).toMatch(/through WebGPU|No WebGPU here/)
  }))
  it.each(['light', 'dark'] as const)('breaks no rule of axe, %s', (colorScheme) => withPage('#pipeline', { colorScheme }, async (page) => {
    await page.waitForSelector('#pipeline svg')
    // As the page's own content security policy has it, axe comes as a function, not as a script tag.
    const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
    const session = await page.context().newCDPSession(page)
    await session.send('Runtime.evaluate', { expression: axe })
    const { result } = await session.send('Runtime.evaluate', { expression: 'axe.run().then((r) => JSON.stringify(r.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(" | ")}`)))', awaitPromise: true })
    expect(JSON.parse(result.value as string)).toEqual([])
  }))
  it('fits a phone', () => withPage('#pipeline', { viewport: { width: 360, height: 740 } }, async (page) => {
    await page.waitForSelector('#pipeline svg')
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360)
  }))
})

describe('pipelining', () => {
  it.each([['dualpipe', 8, 20], ['zb1p', 4, 12], ['dualpipev', 4, 10]] as const)('%s of %i ranks and %i micro-batches: the numbers of weft plan schedule', (kind, ranks, microBatches) =>
    withPage(`#pipeline?pipeline.kind=${kind}&pipeline.ranks=${ranks}&pipeline.microBatches=${microBatches}`, {}, async (page) => {
      await page.waitForSelector('#pipeline svg')
      const clock = replay(makeSchedule(kind, ranks, microBatches), unitCosts)
      expect(await figure(page, 'pipeline', 'Ends at')).toBe(String(clock.makespan))
      expect(await figure(page, 'pipeline', 'Activations in flight')).toBe(Math.min(...clock.peakInFlight) === Math.max(...clock.peakInFlight) ? String(clock.peakInFlight[0]) : `${Math.min(...clock.peakInFlight)}–${Math.max(...clock.peakInFlight)}`)
      expect(await page.locator('#pipeline .scroll svg rect:not(.kind-idle)').count()).toBe(makeSchedule(kind, ranks, microBatches).steps.reduce((n, l) => n + l.length, 0))
    }))
  it('the cluster has the figures of weft plan, and the slider moves them', () => withPage('#pipeline', {}, async (page) => {
    await page.waitForSelector('#pipeline .curve')
    const step = (sms: number) => `${simulate(readPlan({ preset: 'deepseek-v3-2048xh800', set: [`communicationSms=${sms}`] })).plan.stepTimeSec.toFixed(2)} s`
    expect(await figure(page, 'pipeline', 'One training step')).toBe(step(20))
    await page.getByRole('slider', { name: 'SMs that communicate, of 132' }).fill('8')
    expect(await figure(page, 'pipeline', 'One training step')).toBe(step(8))
    expect(page.url()).toContain('pipeline.sms=8')
  }))
  it('says why a schedule cannot be', () => withPage('#pipeline?pipeline.ranks=7', {}, async (page) => {
    await page.waitForFunction(() => /DualPipe needs an even number/.test(document.querySelector('#pipeline')!.textContent!))
  }))
})

describe('parity', () => {
  it('the button runs the suite on the reference, WebGPU and emulated PTX, and all is okay', () => withPage('#parity', {}, async (page) => {
    await page.getByRole('button', { name: 'Run the suite' }).click()
    await page.waitForFunction(() => /^(overall okay|stopped)/.test(document.querySelector('#parity .verdict')!.textContent!), undefined, { timeout: 170_000 })
    const verdict = (await page.locator('#parity .verdict').textContent())!
    const [, passed, total] = /^overall okay: (\d+)\/(\d+)$/.exec(verdict) ?? []
    expect(await page.locator('#parity li.bad').allTextContents()).toEqual([])
    expect(passed, verdict).toBe(total)
    expect(Number(total)).toBeGreaterThan(1000)
    expect(await page.locator('#parity thead th').allTextContents()).toEqual(['operation', 'reference', 'WebGPU, this browser', 'PTX, emulated Hopper'])
  }))
})
