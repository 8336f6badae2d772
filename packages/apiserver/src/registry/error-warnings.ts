const warnings = new WeakMap<object, readonly string[]>();

/** Keeps what a request that failed was warned of before it did: clients are told of that, too. */
export function withWarnings(error: unknown, texts: readonly string[]): unknown {
  if (texts.length > 0 && typeof error === 'object' && error !== null) warnings.set(error, [...texts]);
  return error;
}

/** The warnings that go with the answer to a failed request. */
export function warningsOf(error: unknown): readonly string[] {
  return (typeof error === 'object' && error !== null && warnings.get(error)) || [];
}
