import { describe, expect, it } from 'vitest';
import { sameValues } from './same-values.ts';

const pod = 'io.k8s.api.core.v1.Pod';
const podOf = (memory: string, more: object = {}) => ({
  spec: { containers: [{ name: 'a', resources: { limits: { memory } } }], ...more },
});

describe('values of a definition', () => {
  it('are the same where amounts are only written otherwise', () => {
    expect(sameValues(pod, podOf('1Gi'), podOf('1073741824'))).toBe(true);
    expect(sameValues(pod, podOf('1Gi'), podOf('1073741825'))).toBe(false);
    expect(sameValues(pod, podOf('1Gi'), podOf('1073741824', { nodeName: 'n' }))).toBe(false);
    const several = { spec: { containers: [...podOf('1Gi').spec.containers, { name: 'b' }] } };
    expect(sameValues(pod, several, podOf('1Gi'))).toBe(false);
  });

  it('are otherwise what they are', () => {
    const labelled = (value: string) => ({ metadata: { labels: { a: value } } });
    expect(sameValues(pod, labelled('1'), labelled('+1'))).toBe(false);
    expect(sameValues('io.k8s.api.core.v1.ConfigMap', { data: { a: '1' } }, { data: { a: '1' } })).toBe(true);
    const crd = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition';
    expect(sameValues(crd, { spec: { group: 'a' } }, { spec: { group: 'b' } })).toBe(false);
  });
});
