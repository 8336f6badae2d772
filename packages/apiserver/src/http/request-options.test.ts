import { isStatusError, type Verb } from '@keelson/core';
import { describe, expect, it } from 'vitest';
import { parseQueryOptions } from './request-options.ts';

function refusal(query: string, verb: Verb): string {
  try {
    parseQueryOptions(new URLSearchParams(query), verb);
  } catch (error) {
    if (isStatusError(error)) return error.status.message ?? '';
    throw error;
  }
  return '';
}

// Answers of Kubernetes v1.35.4.
describe('options in a query', () => {
  it('are read in the order of their struct', () => {
    expect(refusal('limit=x&timeoutSeconds=y', 'list')).toBe('strconv.ParseInt: parsing "y": invalid syntax');
    expect(refusal('limit=&timeoutSeconds=x', 'list')).toBe('strconv.ParseInt: parsing "x": invalid syntax');
    expect(refusal('limit=', 'list')).toBe('strconv.ParseInt: parsing "": invalid syntax');
  });

  it('may not name an empty policy', () => {
    expect(refusal('propagationPolicy=', 'delete')).toContain(
      'propagationPolicy: Unsupported value: "": supported values: "Foreground", "Background", "Orphan", "nil"',
    );
  });
});
