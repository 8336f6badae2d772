import { describe, expect, it } from 'vitest';
import { webhookSettings } from './webhook-flags.ts';
import { webhooksOptions } from './webhooks-plugin.ts';

const service = { name: 'website-webhook', namespace: 'website-system' };
const behind = { 'webhook-service': 'website-system/website-webhook' };

describe('flags of webhooks', () => {
  it.each([
    [{}, undefined],
    [behind, { service }],
    [
      { ...behind, 'webhooks-installed': true },
      { service, installedBy: 'manifests' },
    ],
    [
      { ...behind, 'webhook-certificates': '/certificates' },
      { service, installedBy: 'cert-manager', certificateDirectory: '/certificates' },
    ],
  ] as const)('%o are %o', (values, expected) => {
    const settings = webhookSettings(values);
    expect(settings).toEqual(expected);
    expect(webhooksOptions.safeParse(settings).success).toBe(true);
  });

  it.each([
    [{ 'webhook-service': 'website' }, '--webhook-service is given as <namespace>/<name>'],
    [{ 'webhook-service': 'a/b/c' }, '--webhook-service is given as <namespace>/<name>'],
    [{ 'webhooks-installed': true }, 'need --webhook-service'],
  ])('%o make no sense', (values, message) => {
    expect(() => webhookSettings(values)).toThrow(message);
  });

  it('hold certificates of files and who renews them together', () => {
    expect(webhooksOptions.safeParse({ installedBy: 'cert-manager' }).success).toBe(false);
    expect(webhooksOptions.safeParse({ certificateDirectory: '/x' }).success).toBe(false);
  });
});
