import type { ParseArgsConfig } from 'node:util';
import type { WebhookSettings } from './webhooks-plugin.ts';

/** How API servers reach webhooks: for `parseArgs` of Node. */
export const webhookFlags = {
  'webhook-service': { type: 'string' },
  'webhook-certificates': { type: 'string' },
  'webhooks-installed': { type: 'boolean', default: false },
} as const satisfies ParseArgsConfig['options'];

export interface WebhookFlagValues {
  readonly 'webhook-service'?: string | undefined;
  readonly 'webhook-certificates'?: string | undefined;
  readonly 'webhooks-installed'?: boolean | undefined;
}

export const webhookFlagsHelp = `Webhooks are served on this machine for a control plane beside it, or with --webhook-service <namespace>/<name> on port
9443 behind that Service. --webhooks-installed: their configurations are there already, as \`keelson manifests\` writes
them. --webhook-certificates <directory>: tls.crt and tls.key are there, and renewed and trusted by cert-manager.
`;

/**
 * The flags as `webhooks` of `runOperator`; `undefined` where none is given.
 * @throws Error where a Service is not named with its namespace, or something is said of webhooks behind none
 */
export function webhookSettings(values: WebhookFlagValues): WebhookSettings | undefined {
  const {
    'webhook-service': behind,
    'webhook-certificates': certificateDirectory,
    'webhooks-installed': installed,
  } = values;
  if (behind === undefined) {
    if (certificateDirectory === undefined && !installed) return undefined;
    throw new Error('--webhook-certificates and --webhooks-installed need --webhook-service');
  }
  const [namespace = '', name = '', ...more] = behind.split('/');
  if (namespace === '' || name === '' || more.length > 0) {
    throw new Error('--webhook-service is given as <namespace>/<name>');
  }
  return {
    service: { namespace, name },
    ...(installed && { installedBy: 'manifests' as const }),
    ...(certificateDirectory !== undefined && { installedBy: 'cert-manager' as const, certificateDirectory }),
  };
}
