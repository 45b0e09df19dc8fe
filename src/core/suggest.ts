// "did you mean": the nearest of the known words, for unknown keys, flags and names.

/** Number of insertions, deletions, replacements and swaps of neighbours that turn a into b. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j], beforeLast[j - 2] + 1)
    }
    beforeLast = last
    last = row
  }
  return last[b.length]
}

/** `; did you mean "steps"?` for the nearest candidate that is close enough, otherwise ''. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  if (word.length > 64) return '' // nobody mistypes that much; keeps the quadratic distance small
  const bare = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '')
  let best: string | undefined
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    // batch_size for batchSize is a matter of spelling, not a typing mistake.
    const distance = bare(word) === bare(candidate) ? 0 : editDistance(word, candidate)
    if (distance < bestDistance) { best = candidate; bestDistance = distance; }
  }
  return best === undefined ? '' : `; did you mean "${best}"?`
}
