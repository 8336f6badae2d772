/** The object that was made last; of those of one second, the first by name. */
export function youngest<
  T extends { readonly metadata: { readonly creationTimestamp?: string; readonly name: string } },
>(objects: readonly T[]): T | undefined {
  return [...objects].sort(
    (a, b) =>
      (b.metadata.creationTimestamp ?? '').localeCompare(a.metadata.creationTimestamp ?? '') ||
      a.metadata.name.localeCompare(b.metadata.name),
  )[0];
}
