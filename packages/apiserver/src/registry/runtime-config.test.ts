import { expect, it } from 'vitest';
import { runtimeConfigProblems, servedVersions } from './runtime-config.ts';

const claims = { group: 'resource.k8s.io', version: 'v1beta2', resource: 'resourceclaims' };
const classes = { group: 'resource.k8s.io', version: 'v1beta2', resource: 'deviceclasses' };
const rules = { group: 'resource.k8s.io', version: 'v1alpha3', resource: 'devicetaintrules' };
const pods = { group: '', version: 'v1', resource: 'pods' };

it('serves the stable versions, and what is switched on', () => {
  const all = [pods, claims, rules];
  const served = (config: Record<string, boolean>) => all.map(servedVersions(config));
  expect(served({})).toEqual([true, false, false]);
  expect(served({ 'api/beta': true })).toEqual([true, true, false]);
  expect(served({ 'api/alpha': true })).toEqual([true, false, true]);
  expect(served({ 'api/all': true })).toEqual([true, true, true]);
  expect(served({ 'api/all': false, 'api/ga': true })).toEqual([true, false, false]);
  expect(served({ 'resource.k8s.io/v1beta2': true })).toEqual([true, true, false]);
});

it('lets the narrower word win', () => {
  const serves = servedVersions({
    'api/all': true,
    'resource.k8s.io/v1beta2': false,
    'resource.k8s.io/v1beta2/deviceclasses': true,
  });
  expect([claims, classes, rules].map(serves)).toEqual([false, true, true]);
  expect(servedVersions({ v1: false })(pods)).toBe(false);
});

it('knows what it cannot switch', () => {
  expect(runtimeConfigProblems({ 'api/all': true, v1: true, 'apps/v1/deployments': false })).toEqual([]);
  expect(runtimeConfigProblems({ 'foo.k8s.io/v1': true, beta: true })).toEqual([
    'unknown api groups or versions: foo.k8s.io/v1',
    'unknown api groups or versions: beta',
  ]);
  expect(() => servedVersions({ nonsense: true })).toThrow('unknown api groups or versions: nonsense');
});
