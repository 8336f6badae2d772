import type { PodSpec, ResourceRequirements } from '@keelson/core';
import { describe, expect, it } from 'vitest';
import type { Draft } from '../../draft.ts';
import { FieldErrors } from '../../strategy.ts';
import { defaultPod } from '../pod-defaults.ts';
import { validatePodResources } from './resource-validation.ts';

describe('what a pod takes as a whole', () => {
  const huge = { limits: { 'hugepages-2Mi': '4Mi', cpu: '1' }, requests: { 'hugepages-2Mi': '4Mi', cpu: '1' } };

  it.each<[Draft<ResourceRequirements>, object, object]>([
    [{ limits: { 'ephemeral-storage': '1Gi' } }, {}, { limits: { 'ephemeral-storage': '1Gi' } }],
    [
      { limits: { 'ephemeral-storage': '1Gi' }, requests: {} },
      {},
      { limits: { 'ephemeral-storage': '1Gi' }, requests: {} },
    ],
    [{ limits: { cpu: '2' } }, {}, { limits: { cpu: '2' }, requests: { cpu: '2' } }],
    [{ requests: { 'hugepages-2Mi': '2Mi' } }, {}, { requests: { 'hugepages-2Mi': '2Mi' } }],
    [{ requests: { 'hugepages-2Mi': '2Mi' } }, huge, { requests: { 'hugepages-2Mi': '2Mi' } }],
    [
      { requests: { cpu: '1' } },
      huge,
      { limits: { 'hugepages-2Mi': '4Mi' }, requests: { cpu: '1', 'hugepages-2Mi': '4Mi' } },
    ],
  ])('%j beside %j', (given, container, expected) => {
    const resources: Draft<ResourceRequirements> = structuredClone(given);
    const spec = { containers: [{ name: 'c', image: 'i', resources: container }], resources };
    defaultPod(spec);
    expect(spec.resources).toEqual(expected);
  });

  it('names each claim that is wrong, twice if it stands there twice', () => {
    const errors = new FieldErrors();
    const claims = [
      { name: 'n', request: 'B_' },
      { name: 'n', request: 'B_' },
    ];
    const spec: PodSpec = { containers: [{ name: 'c', image: 'i' }], resources: { claims } };
    validatePodResources(spec, new Set(['n']), 'spec', errors);
    expect(errors.list.map(({ field, message }) => `${field}: ${message?.split(':')[0]}`)).toEqual([
      'spec.resources.claims: Forbidden',
      'spec.resources.claims[0].request: Invalid value',
      'spec.resources.claims[1].request: Invalid value',
      'spec.resources.claims[1]: Duplicate value',
    ]);
  });
});
