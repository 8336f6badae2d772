import type { Service } from '@keelson/core';
import { describe, expect, it } from 'vitest';
import type { Draft } from '../../draft.ts';
import { FieldErrors } from '../../strategy.ts';
import { settleFamilies } from './ip-families.ts';

const service = (spec: Service['spec']): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'v', namespace: 'default' },
  spec: { ports: [{ port: 80 }], ...spec },
});
const old = service({
  clusterIP: '10.0.0.1',
  clusterIPs: ['10.0.0.1'],
  ipFamilies: ['IPv4'],
  ipFamilyPolicy: 'SingleStack',
});

function settled(spec: Service['spec']) {
  const draft = service(spec) as Draft<Service>;
  const errors = new FieldErrors();
  settleFamilies(draft, old, ['IPv4'], errors);
  return { families: draft.spec?.ipFamilies, errors: errors.list.map(({ message }) => message) };
}

// The answers are a real v1.35.4's.
describe('an update without families', () => {
  it('keeps those of before', () => {
    expect(settled({ clusterIP: '10.0.0.1', clusterIPs: ['10.0.0.1'] })).toEqual({ families: ['IPv4'], errors: [] });
  });

  it('has those of its addresses where they are others', () => {
    const { errors } = settled({ clusterIP: '2001:db8::1', clusterIPs: ['2001:db8::1'] });
    expect(errors).toEqual(['Invalid value: ["2001:db8::1"]: IPv6 is not configured on this cluster']);
  });
});
