import type { CustomResourceDefinition, KubernetesObject, Random } from '@keelson/core';
import {
  ClientConfigError,
  TransportError,
  WebhookClient,
  type WebhookClientEnvironment,
} from '../admission/webhook/index.ts';
import { randomUid } from '../registry/random-uid.ts';
import {
  ConversionError,
  type ConversionReviewVersion,
  conversionReview,
  readConverted,
  typeText,
} from './conversion-review.ts';

/** Turns objects of one version and kind into another version, in their order. Rejects with `ConversionError`. */
export interface Converter {
  convert(objects: readonly KubernetesObject[], desiredAPIVersion: string): Promise<readonly KubernetesObject[]>;
  /** Ends connections that are not in use. */
  close(): void;
}

export interface ConversionEnvironment extends WebhookClientEnvironment {
  readonly random: Random;
}

/** As Kubernetes has it; a definition cannot say otherwise. */
const timeoutMs = 30_000;

/** How many objects go into one review: a list is converted by few calls, none of which grows beyond all bounds. */
const mostAtOnce = 100;

/** Most calls of one webhook at a time. */
const mostCalls = 25;

type WebhookConversion = NonNullable<NonNullable<CustomResourceDefinition['spec']['conversion']>['webhook']>;

/** Asks the webhook of a definition (kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning). */
export class ConversionWebhook implements Converter {
  readonly #client: WebhookClient;
  readonly #version: ConversionReviewVersion | undefined;
  readonly #random: Random;
  readonly #waiting: (() => void)[] = [];
  #calls = 0;

  constructor({ clientConfig = {}, conversionReviewVersions }: WebhookConversion, environment: ConversionEnvironment) {
    this.#client = new WebhookClient(clientConfig, environment);
    this.#version = conversionReviewVersions.find((each) => each === 'v1' || each === 'v1beta1');
    this.#random = environment.random;
  }

  close(): void {
    this.#client.close();
  }

  async convert(objects: readonly KubernetesObject[], desiredAPIVersion: string): Promise<readonly KubernetesObject[]> {
    const batches: Promise<readonly KubernetesObject[]>[] = [];
    for (let at = 0; at < objects.length; at += mostAtOnce) {
      batches.push(this.#ask(objects.slice(at, at + mostAtOnce), desiredAPIVersion));
    }
    return (await Promise.all(batches)).flat();
  }

  async #ask(objects: readonly KubernetesObject[], desiredAPIVersion: string): Promise<readonly KubernetesObject[]> {
    const version = this.#version;
    if (version === undefined) throw new ConversionError('no supported conversion review versions');
    const request = { version, uid: randomUid(this.#random), desiredAPIVersion, objects };
    const body = conversionReview(version, request.uid, desiredAPIVersion, objects.map(withoutRevision));
    return readConverted(await this.#post(body, objects), request);
  }

  async #post(body: string, [first]: readonly KubernetesObject[]): Promise<string> {
    if (this.#calls >= mostCalls) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#calls++;
    try {
      return await this.#client.post(body, timeoutMs, undefined);
    } catch (error) {
      if (error instanceof ClientConfigError) throw new ConversionError(error.message);
      if (!(error instanceof TransportError)) throw error;
      throw new ConversionError(`conversion webhook for ${typeText(first ?? {})} failed: ${error.message}`);
    } finally {
      this.#calls--;
      this.#waiting.shift()?.();
    }
  }
}

/** What is stored has none, and a webhook cannot change it. */
function withoutRevision(object: KubernetesObject): KubernetesObject {
  const { resourceVersion: _revision, ...metadata } = object.metadata;
  return { ...object, metadata };
}
