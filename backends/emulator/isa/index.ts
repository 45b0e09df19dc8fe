// Every chapter of instructions, one line each.
import type { Decoder } from '../decode.ts'

export const chapters: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([])
