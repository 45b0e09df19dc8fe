// A small checkpoint whose content follows from its step, for the tests of the protocol.
import type { Files } from '../../src/io/files.ts'
import { SafetensorsReader, bytesOf, toFloat32, writeSafetensors } from '../../src/io/safetensors.ts'

/** Two files, one of them in a folder. `scale` makes a second version of the same step. */
export function writeContent(step: number, scale = 1, elements = 6) {
  return async (dir: string, files: Files): Promise<void> => {
    const values = Float32Array.from({ length: elements }, (_, i) => scale * (step + i / 8))
    await writeSafetensors(files, `${dir}/state.safetensors`, [
      { name: 'w', dtype: 'F32', shape: [elements], bytes: () => bytesOf(values) },
      { name: 'step', dtype: 'I32', shape: [1], bytes: () => bytesOf(Int32Array.of(step)) },
    ])
    await files.makeDir(`${dir}/more`)
    await files.writeFile(`${dir}/more/note`, [new TextEncoder().encode(`step ${step} scale ${scale}`)])
  }
}

/** The scale that the checkpoint was written with; throws when the content is not that of `step`. */
export async function readContent(files: Files, dir: string, step: number): Promise<number> {
  const reader = await SafetensorsReader.open(files, `${dir}/state.safetensors`)
  const w = toFloat32(await reader.read('w'))
  const note = new TextDecoder().decode(await files.readFile(`${dir}/more/note`))
  const scale = Number(/ scale (\d+)$/.exec(note)?.[1])
  if (note !== `step ${step} scale ${scale}` || w.some((x, i) => x !== Math.fround(scale * (step + i / 8)))) {
    throw new Error(`${dir} does not hold step ${step}: ${note}, ${w}`)
  }
  return scale
}
