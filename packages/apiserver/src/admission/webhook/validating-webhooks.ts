import type { AdmissionAttributes, AdmissionPlugin } from '@keelson/core/admission';
import { callWebhook, overdue, settleFailure } from './call-webhook.ts';
import { isAsked, Shown } from './choose-webhook.ts';
import type { Invocation } from './contract.ts';
import type { WebhookPluginEnvironment } from './mutating-webhooks.ts';

/** Asks validating webhooks, all at the same time; the client is told what the first that refuses has said. */
export function validatingWebhooks(environment: WebhookPluginEnvironment): AdmissionPlugin {
  return {
    name: 'ValidatingAdmissionWebhook',
    validate(attributes) {
      const invocations = environment.webhooks.validating().invocations(attributes);
      if (invocations.length > 0) return dispatch(environment, invocations, attributes);
    },
  };
}

async function dispatch(
  environment: WebhookPluginEnvironment,
  invocations: readonly Invocation[],
  attributes: AdmissionAttributes,
): Promise<void> {
  const shown = new Shown(attributes);
  const asked: Invocation[] = [];
  for (const each of invocations) if (await isAsked(each, attributes, shown, environment)) asked.push(each);
  const refusals: unknown[] = [];
  await Promise.all(
    asked.map(async (invocation, index) => {
      try {
        await ask(environment, invocation, attributes, shown, index);
      } catch (error) {
        refusals.push(error);
      }
    }),
  );
  if (refusals.length > 0) throw refusals[0];
}

async function ask(
  environment: WebhookPluginEnvironment,
  invocation: Invocation,
  attributes: AdmissionAttributes,
  shown: Shown,
  index: number,
): Promise<void> {
  const { clock, metrics } = environment;
  const { name } = invocation.webhook;
  const begun = clock.now();
  const seconds = () => (clock.now() - begun) / 1000;
  try {
    await callWebhook(invocation, attributes, await shown.json(invocation.form), environment);
    const { operation } = attributes;
    metrics.webhook({ name, type: 'validating', operation, seconds: seconds(), rejected: false, code: 200 });
  } catch (error) {
    const status = settleFailure(error, invocation, attributes, seconds(), environment);
    if (status) throw status;
    if (attributes.signal?.aborted) throw overdue();
    attributes.annotate?.(`failed-open.validating.webhook.admission.k8s.io/round_0_index_${index}`, name);
  }
}
