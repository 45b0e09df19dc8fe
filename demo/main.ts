// The page: panels one below the other, each mounted when it comes near; the heavy work in a worker.
import { wrap } from 'comlink'
import { h } from './dom.ts'
import { UrlState, type Shared } from './panel.ts'
import { panels } from './panels/index.ts'
import type { DemoWorker } from './worker.ts'

// The one policy: scripts and workers of this origin, nothing else.
interface Policies { createPolicy(name: string, rules: { createScriptURL(url: string): string }): unknown }
const { trustedTypes } = globalThis as { trustedTypes?: Policies }
trustedTypes?.createPolicy('default', { createScriptURL(url) {
  const { origin } = new URL(url, location.href)
  if (origin !== location.origin) throw new TypeError(`a script of ${origin} is not allowed here`)
  return url
} })

const worker = wrap<DemoWorker>(new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' }))
const announcer = document.getElementById('announcer')!
const shared: Shared = { worker, state: new UrlState(), announce: (text) => { announcer.textContent = text } }

const place = document.getElementById('panels')!
const contents = document.getElementById('contents')!
for (const panel of panels) {
  const root = h('div')
  const section = h('section', { class: 'panel', id: panel.id, 'aria-labelledby': `${panel.id}-title` }, h('h2', { id: `${panel.id}-title` }, panel.title), h('p', { class: 'lead' }, panel.lead), root)
  place.append(section)
  contents.append(h('a', { href: `#${panel.id}` }, panel.title))
  const mount = () => { Promise.resolve(panel.mount(root, shared)).catch((error: Error) => { root.append(h('p', { class: 'bad' }, `This panel stopped: ${error.message}`)) }) }
  const near = new IntersectionObserver((entries) => { if (entries.some((e) => e.isIntersecting)) { near.disconnect(); mount() } }, { rootMargin: '600px' })
  near.observe(section)
}
const wanted = location.hash.slice(1).split('?')[0]
if (wanted) document.getElementById(wanted)?.scrollIntoView()

const device = document.getElementById('device')!
worker.device().then(({ name, description, why }) => {
  device.textContent = name === 'webgpu'
    ? `Runs here on ${description}, through WebGPU${/swiftshader|llvmpipe|software/i.test(description) ? ': a software adapter, so expect patience' : ''}.`
    : `No WebGPU here (${why}). Training runs on the reference backend, plain TypeScript on one core; pipelining and the PTX emulator need no GPU.`
}, (error: Error) => { device.textContent = `The worker did not start: ${error.message}` })
