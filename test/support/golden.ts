// Reads golden safetensors files: tensors as typed arrays.
import { fileURLToPath } from 'node:url'
import { NodeFiles } from '../../src/io/node/files.ts'
import { SafetensorsReader } from '../../src/io/safetensors.ts'

export interface GoldenTensor { shape: number[]; bytes: Uint8Array; f32: Float32Array }

/** `file`: a path under test/golden. */
export async function readGolden(file: string): Promise<(name: string) => Promise<GoldenTensor>> {
  const reader = await SafetensorsReader.open(new NodeFiles(), fileURLToPath(new URL(`../golden/${file}`, import.meta.url)))
  return async (name) => {
    const { shape, bytes } = await reader.read(name)
    const copy = bytes.slice() // aligned
    return { shape, bytes: copy, f32: new Float32Array(copy.buffer, 0, copy.length >> 2) }
  }
}
