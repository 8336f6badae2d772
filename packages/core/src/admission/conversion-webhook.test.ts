import { expect, it } from 'vitest';
import { conversionWebhook } from './index.ts';

const { signal } = new AbortController();
const webhook = conversionWebhook((object, apiVersion) => {
  if (object['wrong']) throw new Error('it is wrong');
  return { ...object, apiVersion };
});
const ask = async (request: object, review: object = {}): Promise<unknown> =>
  JSON.parse(
    await webhook(
      JSON.stringify({ apiVersion: 'apiextensions.k8s.io/v1', kind: 'ConversionReview', request, ...review }),
      signal,
    ),
  );

it('converts all objects of a review, in their order', async () => {
  const objects = [
    { apiVersion: 'e.com/v1', a: 1 },
    { apiVersion: 'e.com/v1', a: 2 },
  ];
  expect(await ask({ uid: 'u', desiredAPIVersion: 'e.com/v2', objects })).toEqual({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'ConversionReview',
    response: {
      uid: 'u',
      result: { status: 'Success' },
      convertedObjects: [
        { apiVersion: 'e.com/v2', a: 1 },
        { apiVersion: 'e.com/v2', a: 2 },
      ],
    },
  });
});

it('names the object that cannot be converted', async () => {
  const objects = [{}, { metadata: { namespace: 'ns', name: 'x' }, wrong: true }];
  expect(await ask({ uid: 'u', desiredAPIVersion: 'e.com/v2', objects })).toMatchObject({
    response: { convertedObjects: [], result: { status: 'Failure', message: 'ns/x: it is wrong' } },
  });
});

it('refuses what is no review', async () => {
  await expect(webhook('{', signal)).rejects.toThrow('the body is no JSON');
  await expect(ask({}, { apiVersion: 'apiextensions.k8s.io/v1beta1' })).rejects.toThrow('is no ConversionReview');
  await expect(ask({ uid: 'u', desiredAPIVersion: 'v2', objects: ['x'] })).rejects.toThrow('must be an object');
});
