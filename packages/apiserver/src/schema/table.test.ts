import { describe, expect, it } from 'vitest';
import { isKnownKind } from './table.ts';

describe('the kinds that Kubernetes knows', () => {
  it('are told from what every object of JavaScript has', () => {
    expect(isKnownKind('v1', 'Pod')).toBe(true);
    expect(isKnownKind('v1', 'constructor')).toBe(false);
    expect(isKnownKind('hasOwnProperty', 'Pod')).toBe(false);
  });
});
