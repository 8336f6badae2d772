import type * as Vitest from 'vitest';

/** The suites are shipped with the SDK, vitest is not: importing a suite without it only defines. */
const vitest: typeof Vitest | undefined = await import('vitest').catch((error: NodeJS.ErrnoException) => {
  if (error.code === 'ERR_MODULE_NOT_FOUND') return undefined;
  throw error;
});

/** @throws Error where vitest is not installed */
export function installedVitest(): typeof Vitest {
  if (vitest === undefined) throw new Error('a conformance suite runs by vitest: npm install --save-dev vitest');
  return vitest;
}
