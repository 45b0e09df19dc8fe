// train --dry-run: what a run will take, found by walking one step without computing anything.
import type { RunConfig } from '../train/config.ts'

export async function dryRun(_config: RunConfig, _json: boolean): Promise<number> {
  throw new Error('train --dry-run is not built yet')
}
