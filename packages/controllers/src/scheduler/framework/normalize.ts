/** Stretches scores so that the largest becomes 100; `reverse` turns them round, so that the largest becomes 0. */
export function normalizeToMaximum(scores: Float64Array, reverse: boolean): void {
  let maximum = 0;
  for (const score of scores) maximum = Math.max(maximum, score);
  if (maximum === 0) {
    if (reverse) scores.fill(100);
    return;
  }
  for (let each = 0; each < scores.length; each += 1) {
    const score = Math.trunc((scores[each]! * 100) / maximum);
    scores[each] = reverse ? 100 - score : score;
  }
}

/** Stretches scores so that the lowest becomes 0 and the highest 100; all 0 where they are equal. */
export function normalizeToRange(scores: Float64Array): void {
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  for (const score of scores) {
    lowest = Math.min(lowest, score);
    highest = Math.max(highest, score);
  }
  const range = highest - lowest;
  for (let each = 0; each < scores.length; each += 1) {
    scores[each] = range > 0 ? Math.trunc((100 * (scores[each]! - lowest)) / range) : 0;
  }
}
