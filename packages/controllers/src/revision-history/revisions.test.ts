import type { ControllerRevision } from '@keelson/core';
import { describe, expect, it } from 'vitest';
import { meta } from '../pod-control/test-objects.ts';
import { hashOf, inOrder, keepsTemplate, surplusRevisions, templatePatch } from './revisions.ts';

const template = {
  spec: { dnsPolicy: 'ClusterFirst', containers: [{ name: 'c', image: 'i' }] },
  metadata: { name: '', labels: { b: '1', a: '2' } },
};
const revision = (name: string, number: number): ControllerRevision => ({
  metadata: meta(name),
  revision: number,
  data: templatePatch(template),
});

describe('revisions', () => {
  it('keep a template in the bytes that Go would give it', () => {
    expect(JSON.stringify(templatePatch(template))).toBe(
      '{"spec":{"template":{"$patch":"replace","metadata":{"labels":{"a":"2","b":"1"},"name":""},"spec":{"containers":[{"image":"i","name":"c"}],"dnsPolicy":"ClusterFirst"}}}}',
    );
    expect(keepsTemplate(revision('a', 1), template)).toBe(true);
    expect(hashOf(template, 0)).not.toBe(hashOf(template, 1));
  });

  it('go oldest first, but for those in use', () => {
    const all = [revision('c', 3), revision('a', 1), revision('b', 2)];
    expect(inOrder(all).map(({ metadata }) => metadata.name)).toEqual(['a', 'b', 'c']);
    expect(surplusRevisions(all, new Set(['c', 'a']), 0).map(({ metadata }) => metadata.name)).toEqual(['b']);
    expect(surplusRevisions(all, new Set(['c']), 1).map(({ metadata }) => metadata.name)).toEqual(['a']);
  });
});
