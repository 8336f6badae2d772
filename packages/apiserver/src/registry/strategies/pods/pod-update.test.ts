import type { Pod } from '@keelson/core';
import { describe, expect, it } from 'vitest';
import { FieldErrors } from '../../strategy.ts';
import { validatePodUpdate } from './pod-update.ts';

const pod = (name: string, tolerations?: readonly object[]): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'a', namespace: 'default' },
  spec: { containers: [{ name, image: 'x' }], ...(tolerations && { tolerations: [...tolerations] }) },
});

describe('an update of a pod', () => {
  it('is refused for what it changes beside tolerations that are taken away', () => {
    const old = pod('c', [{ key: 'a', operator: 'Exists' }]);
    const found = (now: Pod) => {
      const errors = new FieldErrors();
      validatePodUpdate(now, old, errors);
      return errors.list.map(({ field }) => field);
    };
    expect(found(pod('d', [{ key: 'b', operator: 'Exists' }]))).toEqual(['spec.tolerations', 'spec']);
    expect(found(pod('c', [{ key: 'b', operator: 'Exists' }]))).toEqual(['spec.tolerations']);
    expect(found(pod('c', [...(old.spec.tolerations ?? []), { key: 'b', operator: 'Exists' }]))).toEqual([]);
  });
});
