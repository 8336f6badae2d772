import { deepEqual, isJsonObject, type JsonObject, type KubernetesObject, StatusError } from '@keelson/core';
import type { AdmissionAttributes, AdmissionPlugin } from '@keelson/core/admission';
import type { AdmissionEnvironment } from '../contract.ts';
import type { WebhookVerdict } from './admission-response.ts';
import { applyWebhookPatch, readWebhookPatch, UndecodablePatch } from './apply-webhook-patch.ts';
import { type CallEnvironment, callWebhook, overdue, settleFailure } from './call-webhook.ts';
import { isAsked, Shown } from './choose-webhook.ts';
import type { Invocation } from './contract.ts';
import { InvocationRounds } from './invocation-rounds.ts';
import { WebhookCallError } from './webhook-error.ts';

export type WebhookPluginEnvironment = CallEnvironment & Pick<AdmissionEnvironment, 'reader' | 'webhooks'>;

const pluginName = 'MutatingAdmissionWebhook';

/**
 * Asks mutating webhooks, one after the other, by the name of their configuration and their place in it. What they
 * change, the plugins before them see in a second round; webhooks see it again if their reinvocation policy wants that.
 */
export function mutatingWebhooks(environment: WebhookPluginEnvironment): AdmissionPlugin {
  return {
    name: pluginName,
    admit(attributes) {
      const invocations = environment.webhooks.mutating().invocations(attributes);
      if (invocations.length === 0) return undefined;
      return dispatch(environment, invocations, attributes);
    },
  };
}

async function dispatch(
  environment: WebhookPluginEnvironment,
  invocations: readonly Invocation[],
  attributes: AdmissionAttributes,
): Promise<KubernetesObject | undefined> {
  const { reinvocation } = attributes;
  const rounds = InvocationRounds.of(pluginName, reinvocation);
  const again = reinvocation?.again ?? false;
  if (again && !deepEqual(attributes.object, rounds.output)) rounds.changed();
  const shown = new Shown(attributes);
  for (const invocation of invocations) {
    const { webhook } = invocation;
    if (!(await isAsked(invocation, attributes, shown, environment))) continue;
    if (again && !rounds.isDueAgain(webhook.id)) continue;
    const changed = await ask(environment, invocation, attributes, shown);
    if (changed) {
      shown.change(changed);
      rounds.changed();
      reinvocation?.request();
    }
    if (webhook.reinvocable) rounds.wasAsked(webhook.id);
  }
  rounds.output = shown.object;
  return shown.object === attributes.object ? undefined : shown.object;
}

/** The object as the webhook has changed it; undefined where it has not. Rejects with what the client is told. */
async function ask(
  environment: WebhookPluginEnvironment,
  invocation: Invocation,
  attributes: AdmissionAttributes,
  shown: Shown,
): Promise<KubernetesObject | undefined> {
  const { clock, metrics } = environment;
  const { operation, reinvocation } = attributes;
  const { name, configuration } = invocation.webhook;
  const place = `mutation.webhook.admission.k8s.io/round_${reinvocation?.again ? 1 : 0}_index_${invocation.index}`;
  const noteMutation = (mutated: boolean) =>
    attributes.annotate?.(place, JSON.stringify({ configuration, webhook: name, mutated }));
  const begun = clock.now();
  const seconds = () => (clock.now() - begun) / 1000;
  try {
    const verdict = await callWebhook(invocation, attributes, await shown.json(invocation.form), environment);
    const changed = await patched(verdict, invocation, shown);
    noteMutation(changed !== undefined);
    metrics.webhook({
      name,
      type: 'admit',
      operation,
      seconds: seconds(),
      rejected: false,
      code: 200,
    });
    return changed;
  } catch (error) {
    noteMutation(false);
    const status = settleFailure(error, invocation, attributes, seconds(), environment);
    if (status) throw status;
    attributes.annotate?.(`failed-open.${place}`, name);
    if (attributes.signal?.aborted) throw overdue();
    return undefined;
  }
}

async function patched(
  { patch, patchType }: WebhookVerdict,
  { webhook, form }: Invocation,
  shown: Shown,
): Promise<KubernetesObject | undefined> {
  if (!patch) return undefined;
  const operations = readPatch(webhook.name, patch);
  if (operations.length === 0) return undefined;
  const { object } = await shown.in(form);
  if (!object) {
    throw StatusError.internal(
      `admission webhook ${JSON.stringify(webhook.name)} attempted to modify the object, which is not supported for this operation`,
    );
  }
  if (patchType !== 'JSONPatch') {
    throw new WebhookCallError(webhook.name, `unsupported patch type ${JSON.stringify(patchType)}`, 400);
  }
  try {
    // What is shown is plain JSON.
    const next = applyWebhookPatch(object as KubernetesObject & JsonObject, operations);
    if (!isJsonObject(next)) throw new Error('the patched object is no object');
    const read = await form.read(next);
    return deepEqual(await form.show(read), object) ? undefined : read;
  } catch (error) {
    throw StatusError.internal(error instanceof Error ? error.message : String(error));
  }
}

function readPatch(webhook: string, text: string) {
  try {
    return readWebhookPatch(text);
  } catch (error) {
    if (!(error instanceof UndecodablePatch)) throw error;
    throw new WebhookCallError(webhook, `received undecodable patch in webhook response: ${error.message}`, 503);
  }
}
