import type { KubernetesObject } from '../api/index.ts';
import { type DefinedWebhook, defineWebhook, type WebhookRequest } from './define-webhook.ts';
import type { OperatorDefinition } from './operator-definition.ts';
import type { OperatorWebhooks } from './webhook-configurations.ts';

/**
 * The webhooks of a definition: those of its own kind, and the others.
 * @throws TypeError where two have one name
 */
export function webhooksOf<T extends KubernetesObject>(
  definition: Pick<OperatorDefinition<T>, 'name' | 'for' | 'validate' | 'mutate' | 'webhooks'>,
): OperatorWebhooks {
  const { name, for: type, webhooks = [] } = definition;
  const own: DefinedWebhook[] = [];
  if (definition.mutate) {
    own.push(
      defineWebhook({
        name: 'mutate',
        for: type,
        mutate: (request, context) => (isGoing(request) ? undefined : definition.mutate?.(request, context)),
      }),
    );
  }
  if (definition.validate) {
    own.push(
      defineWebhook({
        name: 'validate',
        for: type,
        validate: (request, context) => (isGoing(request) ? undefined : definition.validate?.(request, context)),
      }),
    );
  }
  const all = [...own, ...webhooks];
  const twice = all.find((each, at) => all.findIndex((other) => other.name === each.name) !== at);
  if (twice) throw new TypeError(`the operator "${name}" has two webhooks named "${twice.name}"`);
  return { operator: name, group: type.crd?.spec.group, webhooks: all };
}

/** What nobody wants any more must be able to lose its finalizers, whatever else is wrong with it. */
const isGoing = ({ oldObject }: WebhookRequest<KubernetesObject>) =>
  oldObject?.metadata.deletionTimestamp !== undefined;
