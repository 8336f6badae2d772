import { describe, expect, it } from 'vitest';
import { ConfigMap } from '../api/index.ts';
import { admissionWebhook } from './admission-webhook.ts';
import { allow, change, deny } from './decision.ts';

const review = (request: object) =>
  JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'u',
      kind: { group: '', version: 'v1', kind: 'ConfigMap' },
      resource: { group: '', version: 'v1', resource: 'configmaps' },
      operation: 'CREATE',
      userInfo: { username: 'joe' },
      object: { metadata: { name: 'a' }, data: { k: 'v' } },
      oldObject: null,
      options: null,
      ...request,
    },
  });
const signal = new AbortController().signal;
const webhook = admissionWebhook(ConfigMap, ({ object, user }) => {
  switch (object?.data?.['k']) {
    case 'bad':
      return deny(`${user.name} may not`, { warnings: ['look out'] });
    case 'change':
      return change({ ...object, data: { k: 'changed' } }, { audit: { why: 'because' } });
    case 'throw':
      throw new Error('oh no');
    default:
      return allow();
  }
});
const ask = async (k: string) => {
  const { response } = JSON.parse(await webhook(review({ object: { metadata: { name: 'a' }, data: { k } } }), signal));
  return response;
};

describe('a webhook made of a function', () => {
  it('allows, changes and refuses', async () => {
    expect(await ask('v')).toEqual({ uid: 'u', allowed: true });
    expect(await ask('bad')).toEqual({
      uid: 'u',
      allowed: false,
      status: { message: 'joe may not', reason: 'Forbidden', code: 403 },
      warnings: ['look out'],
    });
    const { patch, ...changed } = await ask('change');
    expect(changed).toEqual({ uid: 'u', allowed: true, patchType: 'JSONPatch', auditAnnotations: { why: 'because' } });
    expect(JSON.parse(Buffer.from(patch, 'base64').toString())).toEqual([
      { op: 'replace', path: '/data/k', value: 'changed' },
    ]);
    await expect(ask('throw')).rejects.toThrow('oh no');
  });

  it('refuses what is no review of its kind', async () => {
    await expect(webhook('x', signal)).rejects.toThrow('the body is no JSON');
    await expect(webhook('{}', signal)).rejects.toThrow('the body is no AdmissionReview of admission.k8s.io/v1');
    const pod = review({ kind: { group: '', version: 'v1', kind: 'Pod' } });
    await expect(webhook(pod, signal)).rejects.toThrow('this webhook is about ConfigMap, not Pod');
  });
});
