// The panels in the order of the page.
import type { Panel } from '../panel.ts'
import { parityPanel } from './parity.ts'
import { pipeline } from './pipeline.ts'

export const panels: readonly Panel[] = [pipeline, parityPanel]
