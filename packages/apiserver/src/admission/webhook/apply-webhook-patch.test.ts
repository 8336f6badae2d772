import { expect, it } from 'vitest';
import { applyWebhookPatch } from './apply-webhook-patch.ts';

const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', labels: { k: 'v' } } };

// What the real server's library says: the key as it is meant, the path as it was sent.
it.each([
  [
    { op: 'remove', path: '/metadata/labels/a~1b~0c' },
    "error in remove for path: '/metadata/labels/a~1b~0c': Unable to remove nonexistent key: a/b~c: missing value",
  ],
  [
    { op: 'remove', path: '/metadata/labels/x' },
    "error in remove for path: '/metadata/labels/x': Unable to remove nonexistent key: x: missing value",
  ],
  [
    { op: 'remove', path: '/metadata/annotations/x' },
    'remove operation does not apply: doc is missing path: "/metadata/annotations/x": missing value',
  ],
])('%j', (operation, message) => expect(() => applyWebhookPatch(object, [operation])).toThrow(message));
