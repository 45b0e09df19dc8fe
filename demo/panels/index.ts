// The panels in the order of the page.
import type { Panel } from '../panel.ts'
import { parityPanel } from './parity.ts'
import { pipeline } from './pipeline.ts'
import { routing } from './routing.ts'
import { train } from './train.ts'

export const panels: readonly Panel[] = [train, routing, pipeline, parityPanel]
