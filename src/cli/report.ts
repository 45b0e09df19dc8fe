// Writes report.html of a run from its rows.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Device } from '../core/device.ts'
import type { RunConfig } from '../train/config.ts'
import type { EvalRow, LoadRow, MetricRow, StepRow } from '../train/metrics.ts'
import { renderReport } from '../train/report.ts'

/** Returns the report's path. */
export async function writeReport({ out, config, device, rows }: { out: string; config: RunConfig; device: Device; rows: readonly MetricRow[] }): Promise<string> {
  const loads = rows.filter((r): r is LoadRow => r.event === 'load')
  const path = join(out, 'report.html')
  await writeFile(path, renderReport({
    title: out, device: `${device.name} (${device.backend.description})`, config,
    rows: rows.filter((r): r is StepRow => r.event === 'step'), evals: rows.filter((r): r is EvalRow => r.event === 'eval'),
    experts: loads.map((r) => r.load), expertSteps: loads.map((r) => r.step),
  }))
  return path
}
