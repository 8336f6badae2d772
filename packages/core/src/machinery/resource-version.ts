const decimal = /^[1-9]\d*$/;

/**
 * Which of two resource versions of one kind is later: negative if `left` is the earlier one, 0 if they are the same,
 * `undefined` where they cannot be compared. Since Kubernetes v1.35 every server counts them in decimal numbers, of any
 * length (KEP-5504, api-concepts "Resource versions").
 */
export function compareResourceVersions(left: string, right: string): number | undefined {
  if (!decimal.test(left) || !decimal.test(right)) return undefined;
  if (left.length !== right.length) return left.length - right.length;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Whether a cache that stands at `version` has seen `wanted`. What cannot be compared counts as seen. */
export function hasReached(version: string, wanted: string): boolean {
  const order = compareResourceVersions(version, wanted);
  return order === undefined || order >= 0;
}
