import { type ApiRequest, systemRandom } from '@keelson/core';
import { FakeClock, silentLogger } from '@keelson/core/testing';
import { describe, expect, it } from 'vitest';
import { MemoryStorage } from '../../storage/memory-storage.ts';
import { ResourceRegistry } from '../resource-registry.ts';

const admin = { name: 'admin', groups: ['system:masters'] };
const target = { group: 'certificates.k8s.io', version: 'v1', resource: 'certificatesigningrequests' };
/** As much of a request as is looked at: a block of its kind with a sequence in it. */
const request = Buffer.from(
  '-----BEGIN CERTIFICATE REQUEST-----\nMIHIMHECAQAwDzENMAsGA1UEAwwEdHdpbg==\n-----END CERTIFICATE REQUEST-----\n',
).toString('base64');

function open() {
  const registry = new ResourceRegistry({
    storage: new MemoryStorage(),
    clock: new FakeClock(),
    random: systemRandom,
    logger: silentLogger,
  });
  const send = async (what: Partial<ApiRequest>) => {
    const answer = await registry.handle({ verb: 'create', ...target, ...what } as ApiRequest, admin);
    if (answer.type !== 'object') throw new Error('no object was answered');
    return answer.value.object;
  };
  const create = (metadata: object, spec: object = {}) =>
    send({
      body: { metadata, spec: { request, signerName: 'example.com/x', usages: ['client auth'], ...spec } },
    });
  const patchStatus = async (body: object) => {
    const patchType = 'application/merge-patch+json';
    const patched = await send({ verb: 'patch', name: 'a', subresource: 'status', patchType, body });
    return patched.metadata.resourceVersion;
  };
  return { create, patchStatus };
}

// All answers are a real v1.35.4's.
describe('a request for a certificate', () => {
  it('is shown as it was given', async () => {
    const { create } = open();
    const wrong = (shown: string) =>
      `spec.request: Invalid value: ${shown}: PEM block type must be CERTIFICATE REQUEST`;
    await expect(create({ name: 'a' }, { request: '' })).rejects.toThrow(wrong('""'));
    await expect(create({ name: 'a' }, { request: null })).rejects.toThrow(wrong('null'));
  });

  it('may have any name, which must stand in a path where nothing else is wrong', async () => {
    const { create } = open();
    await expect(create({ name: 'a/b' }, { request: '' })).rejects.toThrow('"a/b" is invalid: spec.request: ');
    await expect(create({ name: 'a/b' })).rejects.toThrow(
      `"a/b" is invalid: metadata.name: Invalid value: "a/b": may not contain '/'`,
    );
    await expect(create({ generateName: 'a/b/c' })).rejects.toThrow(
      `metadata.generateName: Invalid value: "a/b/c": may not contain '/', metadata.name: Invalid value: "a/b/c`,
    );
  });

  it('names the first label of each part of a signer that is wrong', async () => {
    const { create } = open();
    const causes = async (signerName: string) => {
      const error: unknown = await create({ name: 'a' }, { signerName }).catch((each: unknown) => each);
      return String(error).match(/validating label "[^"]*"|at least two segments/g);
    };
    expect(await causes('../a')).toEqual(['validating label ""']);
    expect(await causes('/b')).toEqual(['validating label ""', 'at least two segments']);
    expect(await causes('A.b/C.D')).toEqual(['validating label "A"', 'validating label "C"']);
  });

  it('is another where its certificate was given as empty, and again where it is not', async () => {
    const { create, patchStatus } = open();
    const made = (await create({ name: 'a' })).metadata.resourceVersion;
    const blank = await patchStatus({ status: { certificate: '' } });
    expect(blank).not.toBe(made);
    expect(await patchStatus({ status: { certificate: '' } })).toBe(blank);
    const none = await patchStatus({});
    expect(none).not.toBe(blank);
    expect(await patchStatus({})).toBe(none);
  });
});
