// Parity: one button runs the shared suite here, and the matrix fills as it goes.
import { proxy } from 'comlink'
import { h } from '../dom.ts'
import type { Panel } from '../panel.ts'
import type { ParityCell } from '../worker/parity.ts'

const deviceNames: Readonly<Record<string, string>> = { cpu: 'reference', webgpu: 'WebGPU, this browser', 'emu:sm_90a': 'PTX, emulated Hopper' }

export const parityPanel: Panel = {
  id: 'parity',
  title: 'Prove it here',
  lead: 'Every operation has one reference in plain TypeScript. The same cases run on this browser’s WebGPU and on hand-written PTX in an emulator; each result must lie within a bound that follows from float64 arithmetic.',
  async mount(root, { worker, announce }) {
    const { ops, devices } = await worker.parityPlan()
    const verdict = h('p', { class: 'mono verdict', role: 'status' }, 'not run yet')
    const problems = h('ul', { class: 'note' })
    const cells = new Map<string, HTMLTableCellElement>()
    const table = h('table', {},
      h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'operation'), ...devices.map((d) => h('th', { scope: 'col' }, deviceNames[d] ?? d)))),
      h('tbody', {}, ...ops.map((op) => h('tr', {}, h('th', { scope: 'row', class: 'mono' }, op), ...devices.map((d) => {
        const td = h('td', {}, '·')
        cells.set(`${op} ${d}`, td)
        return td
      })))))
    let running = false
    const show = ({ op, device, cases, passed, worst, error, bound, failures }: ParityCell) => {
      const td = cells.get(`${op} ${device}`)!
      const okay = passed === cases
      td.className = okay ? 'good' : 'bad'
      td.textContent = okay ? (error === 0 ? `${cases} equal bits` : `${cases} within ${(100 * worst!).toFixed(0)} % of the bound`) : `${cases - passed} of ${cases} failed`
      td.title = worst === null ? '' : `worst error ${error.toExponential(1)} of ${bound.toExponential(1)} allowed`
      for (const f of failures) problems.append(h('li', { class: 'bad' }, `${op} on ${device}: ${f}`))
    }
    const button = h('button', { type: 'button', class: 'primary', click: async () => {
      if (running) { running = false; return }
      running = true
      button.textContent = 'Stop'
      problems.replaceChildren()
      for (const td of cells.values()) { td.className = ''; td.textContent = '·' }
      let done = 0
      try {
        const { passed, total } = await worker.runParity(devices, proxy((c: ParityCell) => {
          show(c)
          verdict.textContent = `running: ${++done} of ${ops.length * devices.length} cells`
        }), proxy(() => running))
        verdict.textContent = running ? `overall okay: ${passed}/${total}` : `stopped after ${passed}/${total}`
        verdict.classList.toggle('good', running && passed === total)
        verdict.classList.toggle('bad', passed !== total)
        announce(verdict.textContent)
      } catch (error) { verdict.textContent = `stopped: ${(error as Error).message}` } finally {
        running = false
        button.textContent = 'Run the suite'
      }
    } }, 'Run the suite')
    root.append(h('div', { class: 'controls' }, button, verdict), problems, h('div', { class: 'scroll matrix', tabindex: '0', role: 'region', 'aria-label': 'Parity matrix' }, table))
  },
}
