import type { CustomResourceDefinition, WebhookClientConfig } from '../api/index.ts';
import type { Client } from '../client/index.ts';
import type { Lifecycle } from '../plugin/index.ts';
import type { DefinedResource } from './define-resource.ts';
import { established, installCrd } from './install-crd.ts';
import type { ResourceConversion } from './version-conversion.ts';
import type { Webhooks } from './webhooks.ts';

/** What a type that may be custom knows of its definition. */
export type Definition = Partial<Pick<DefinedResource, 'crd' | 'conversion'>>;

/** Installs the definition before anything asks for the kind, and serves the conversions between its versions. */
export function definitionLifecycle(
  crd: CustomResourceDefinition,
  conversion: ResourceConversion | undefined,
  client: Client,
  webhooks: Webhooks | undefined,
): Lifecycle {
  return {
    name: `the definition of ${crd.spec.names.kind}`,
    phase: 'bootstrap',
    async start(signal) {
      if (!conversion) return installCrd(client, crd, signal);
      if (!webhooks) {
        throw new Error(`${crd.spec.names.kind} has several versions: the host needs webhooksPlugin to convert them`);
      }
      const { conversionWebhook } = await import('../admission/index.ts');
      const path = conversionPath(crd);
      await webhooks.serve(
        { [path]: conversionWebhook((object, desired) => conversion.convert(object, desired)) },
        (at, until) =>
          webhooks.installedBy === 'cert-manager'
            ? established(client, crd.metadata.name, until)
            : installCrd(client, convertedBy(crd, at(path)), until),
        signal,
      );
    },
  };
}

/** Where conversions between the versions of a definition are served. */
export const conversionPath = ({ metadata }: CustomResourceDefinition): string => `/convert/${metadata.name}`;

/** The definition with the webhook that converts between its versions. */
export function convertedBy(
  crd: CustomResourceDefinition,
  clientConfig: WebhookClientConfig,
): CustomResourceDefinition {
  const webhook = { clientConfig, conversionReviewVersions: ['v1'] };
  return { ...crd, spec: { ...crd.spec, conversion: { strategy: 'Webhook', webhook } } };
}
