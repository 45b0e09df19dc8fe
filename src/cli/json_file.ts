// Reads JSON that a user named: what is wrong with the file is an InputError that names it.
import { readFileSync } from 'node:fs'
import { InputError } from '../core/errors.ts'

export function readTextFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new InputError(`${path}: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (error as Error).message}`)
  }
}

export function readJsonFile(path: string): unknown {
  const text = readTextFile(path)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new InputError(`${path} is not JSON: ${(error as Error).message}`)
  }
}
