import { expect, it } from 'vitest';
import { negotiate } from './negotiate.ts';
import { hasTables } from './without-tables.ts';

const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';

it('makes no Table of reviews and of what is no object of its own', () => {
  expect(hasTables('', 'pods')).toBe(true);
  expect(hasTables('apps', 'deployments', 'scale')).toBe(true);
  expect(hasTables('', 'pods', 'eviction')).toBe(false);
  expect(hasTables('authorization.k8s.io', 'selfsubjectaccessreviews')).toBe(false);
});

it('goes on to what else is accepted, or refuses', () => {
  expect(() => negotiate(table, { pretty: false, tables: false })).toThrow(
    'only the following media types are accepted: application/json, application/yaml, application/vnd.kubernetes.protobuf',
  );
  const otherwise = negotiate(`${table},application/json`, { pretty: false, tables: false });
  expect(otherwise).toMatchObject({ mediaType: 'application/json' });
  expect(otherwise).not.toHaveProperty('as');
});
