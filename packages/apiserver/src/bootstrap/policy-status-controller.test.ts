import { type Client, CustomResourceDefinition, ValidatingAdmissionPolicy } from '@keelson/core';
import { FakeClock, waitFor } from '@keelson/core/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startTestApiServer, type TestApiServer } from '../server/start-test-api-server.ts';

let server: TestApiServer;
let client: Client;

beforeEach(async () => {
  server = await startTestApiServer({ clock: new FakeClock() });
  client = server.client;
});
afterEach(() => server.stop());

const name = 'p';
const rule = (group: string, resource: string) => ({
  apiGroups: [group],
  apiVersions: ['v1'],
  operations: ['*'],
  resources: [resource],
});
const policy = (expression: string) => ({
  metadata: { name },
  spec: {
    matchConstraints: { resourceRules: [rule('later.test', 'laters'), rule('apps', 'deployments')] },
    validations: [{ expression }],
  },
});

async function checked(generation: number): Promise<ValidatingAdmissionPolicy> {
  const read = () => client.get(ValidatingAdmissionPolicy, { name });
  await waitFor(async () => (await read()).status?.observedGeneration === generation);
  return read();
}

const warningsOf = ({ status }: ValidatingAdmissionPolicy) =>
  (status?.typeChecking?.expressionWarnings ?? []).map(({ fieldRef, warning }) => `${fieldRef} ${warning}`);
const ofDeployment = (what: string, text: string, pointer: string) =>
  `apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field '${what}'\n | ${text}\n | ${pointer}\n`;

describe('the status of a ValidatingAdmissionPolicy', () => {
  it('says what is wrong with the types, and whose it is', async () => {
    await client.create(ValidatingAdmissionPolicy, policy("object.nope == 'a'"));
    const found = await checked(1);
    expect(warningsOf(found)).toEqual([
      `spec.validations[0].expression ${ofDeployment('nope', "object.nope == 'a'", '......^')}`,
    ]);
    expect(found.metadata.managedFields).toContainEqual(
      expect.objectContaining({
        manager: 'validatingadmissionpolicy-status',
        operation: 'Apply',
        subresource: 'status',
        fieldsV1: { 'f:status': { 'f:observedGeneration': {}, 'f:typeChecking': { 'f:expressionWarnings': {} } } },
      }),
    );
  });

  it('is there where nothing is wrong', async () => {
    await client.create(ValidatingAdmissionPolicy, policy('true'));
    const { status } = await checked(1);
    expect(status).toEqual({ observedGeneration: 1, typeChecking: {} });
  });

  it('follows the policy, and kinds that come later once it changes', async () => {
    await client.create(ValidatingAdmissionPolicy, policy('object.nope == 1'));
    await checked(1);
    const schema = { openAPIV3Schema: { type: 'object', properties: { a: { type: 'string' } } } };
    await client.create(CustomResourceDefinition, {
      metadata: { name: 'laters.later.test' },
      spec: {
        group: 'later.test',
        scope: 'Namespaced',
        names: { plural: 'laters', kind: 'Later' },
        versions: [{ name: 'v1', served: true, storage: true, schema }],
      },
    });
    await waitFor(async () => {
      const { status } = await client.get(CustomResourceDefinition, { name: 'laters.later.test' });
      return status?.conditions?.some(({ type, status: is }) => type === 'Established' && is === 'True') ?? false;
    });
    const { metadata } = await client.get(ValidatingAdmissionPolicy, { name });
    await client.update(ValidatingAdmissionPolicy, { ...policy("object.a == 1 || object.spec == 'b'"), metadata });
    const found = warningsOf(await checked(2));
    expect(found).toHaveLength(1);
    expect(found[0]).toContain("'_==_' applied to '(string, int)'");
    expect(found[0]).toContain('later.test/v1, Kind=Later: ERROR: <input>:1:10: found');
    expect(found[0]).toContain("apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'a'");
  });
});
