import {
  CustomResourceDefinition,
  type CustomResourceDefinitionNames,
  deepEqual,
  isStatusError,
  timestamp,
} from '@keelson/core';
import type { WebhookClientEnvironment } from '../admission/webhook/index.ts';
import type { Call } from '../registry/admission-chain.ts';
import { apiServerUser } from '../registry/api-server-user.ts';
import type { RegistryContext } from '../registry/context.ts';
import type { Draft } from '../registry/draft.ts';
import type { Change } from '../registry/event-hub.ts';
import type { Kind } from '../registry/kind.ts';
import { prefixFor } from '../registry/kind.ts';
import { updateObject } from '../registry/update-object.ts';
import { ConversionWebhook } from './conversion-webhook.ts';
import { approvalFinding, type Finding, finding, isTrue, withConditions } from './crd-conditions.ts';
import { decideNames } from './crd-names.ts';
import { cleanupFinalizer } from './crd-strategy.ts';
import { customKinds, storageKind } from './custom-kind.ts';
import { InstanceCleanup } from './instance-cleanup.ts';

const prefix = prefixFor('apiextensions.k8s.io', 'customresourcedefinitions');
/** Definitions that are settled at the same time: each waits for the disk twice. */
const atOnce = 32;
/** When a deletion of objects that failed is tried again, in milliseconds. */
const retryCleanupMs = 5000;
/** When definitions that could not be read are read again, in milliseconds. */
const retryFollowMs = 1000;
/** After which time it is said that objects of a definition do not go, in milliseconds; as by Kubernetes. */
const tellCleanupMs = 60_000;

interface Served {
  readonly spec: CustomResourceDefinition['spec'];
  readonly leaving: boolean;
  readonly converter: ConversionWebhook | undefined;
}

interface Leaving {
  readonly cleanup: InstanceCleanup;
  /** What goes on now. */
  working: Promise<void> | undefined;
  /** One more look is wanted when that is over. */
  again: boolean;
  cancelTelling: () => void;
}

/** Serves what CRDs define as soon as they are stored, says so in their conditions, and cleans up after them. */
export class CrdController {
  readonly #context: RegistryContext;
  readonly #pending = new Set<string>();
  readonly #active = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();
  #unsubscribe: (() => void) | undefined;
  /** By the name of their definition, whose objects go. */
  readonly #leaving = new Map<string, Leaving>();
  /** What names definitions were granted, by group and by their own name. */
  readonly #granted = new Map<string, Map<string, CustomResourceDefinitionNames>>();

  readonly #callees: Pick<WebhookClientEnvironment, 'services' | 'local'>;
  /** What is served now, by the name of its definition. */
  readonly #served = new Map<string, Served>();

  /** @param callees where conversion webhooks are found that are no plain addresses */
  constructor(context: RegistryContext, callees: Pick<WebhookClientEnvironment, 'services' | 'local'>) {
    this.#context = context;
    this.#callees = callees;
  }

  /** Resolves when every kind that is defined already is served. */
  async start(): Promise<void> {
    await this.#follow();
    await this.#settled();
  }

  /** Looks at all definitions, and from then on at each that changes. */
  async #follow(): Promise<void> {
    const { storage, cache, hub } = this.#context;
    const { entries, revision } = await storage.list(prefix);
    const gone = new Set(this.#served.keys());
    for (const entry of entries) {
      gone.delete(entry.key.slice(prefix.length));
      const definition = cache.get(entry).object as CustomResourceDefinition;
      if (definition.status?.acceptedNames) this.#grant(definition, definition.status.acceptedNames);
      if (isTrue(definition, 'Established')) this.#serve(definition);
      this.#enqueue(definition.metadata.name);
    }
    for (const name of gone) this.#enqueue(name);
    if (this.#stopping.signal.aborted) return;
    this.#unsubscribe = hub.subscribe(
      {
        prefix,
        change: ({ key, current }: Change) => {
          const name = key.slice(prefix.length);
          // Whoever sees that a definition is gone sees nothing of its kind any more.
          if (!current) this.#withdraw(name);
          this.#enqueue(name);
        },
        progress: () => undefined,
        // The history broke off: what has changed meanwhile is seen by looking at all of them.
        end: () => void this.#followAgain(),
      },
      revision,
    );
  }

  async #followAgain(): Promise<void> {
    const { clock, logger } = this.#context;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        return await this.#follow();
      } catch (error) {
        if (signal.aborted) return;
        logger.warn('custom resource definitions could not be read; it will be tried again', { error: String(error) });
        await clock.sleep(retryFollowMs, signal).catch((reason: unknown) => {
          if (!signal.aborted) throw reason;
        });
      }
    }
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#stopping.abort();
    this.#pending.clear();
    await this.#settled();
    await Promise.all([...this.#leaving.values()].map(({ working }) => working));
    for (const name of this.#leaving.keys()) this.#stopLeaving(name);
    for (const { converter } of this.#served.values()) converter?.close();
  }

  async #settled(): Promise<void> {
    while (this.#active.size > 0) await Promise.all(this.#active.values());
  }

  #enqueue(name: string): void {
    this.#pending.add(name);
    this.#work();
  }

  /** Several definitions at a time, each by itself in the order in which they came. */
  #work(): void {
    for (const name of this.#pending) {
      if (this.#active.size >= atOnce) return;
      if (this.#active.has(name)) continue;
      this.#pending.delete(name);
      const work = this.#reconcile(name)
        .catch((error: unknown) => this.#failed('a custom resource definition could not be served', name, error))
        .finally(() => {
          this.#active.delete(name);
          this.#work();
        });
      this.#active.set(name, work);
    }
  }

  #failed(message: string, name: string, error: unknown): void {
    if (this.#stopping.signal.aborted) return;
    this.#context.logger.error(message, { name, error: String(error) });
  }

  async #reconcile(name: string): Promise<void> {
    const definition = await this.#read(name);
    if (!definition) {
      this.#withdraw(name);
      this.#stopLeaving(name);
      this.#revoke(name);
      return;
    }
    const steps = [this.#acceptNames, this.#establish, this.#sayApproval];
    let current: CustomResourceDefinition | undefined = definition;
    for (const step of steps) current = current && (await step.call(this, current));
    if (!current || current.metadata.deletionTimestamp === undefined) return;
    await this.#leave(current);
  }

  /** Notes which names a definition has; others of its group may want what it has no longer. */
  #grant(
    { metadata: { name }, spec: { group } }: CustomResourceDefinition,
    names: CustomResourceDefinitionNames,
  ): void {
    const own = this.#granted.get(group) ?? new Map<string, CustomResourceDefinitionNames>();
    const before = own.get(name);
    this.#granted.set(group, own.set(name, names));
    if (before && !deepEqual(before, names)) this.#tellOthers(own, name);
  }

  #revoke(name: string): void {
    const group = name.slice(name.indexOf('.') + 1);
    const own = this.#granted.get(group);
    if (!own?.delete(name)) return;
    if (own.size === 0) this.#granted.delete(group);
    this.#tellOthers(own, name);
  }

  #tellOthers(own: ReadonlyMap<string, unknown>, name: string): void {
    for (const other of own.keys()) if (other !== name) this.#enqueue(other);
  }

  /** Where the names are granted as they are wanted nothing is looked at again, whatever the conditions say. */
  async #acceptNames(definition: CustomResourceDefinition): Promise<CustomResourceDefinition | undefined> {
    const { spec, status, metadata } = definition;
    if (status?.acceptedNames) this.#grant(definition, status.acceptedNames);
    if (deepEqual(spec.names, status?.acceptedNames)) return definition;
    const others = [...(this.#granted.get(spec.group) ?? [])]
      .filter(([name]) => name !== metadata.name)
      .map(([, names]) => names);
    const { accepted, findings } = decideNames(definition, others);
    // At once: whoever of the group is decided on while this is written must not get the same.
    this.#grant(definition, accepted);
    return this.#say(definition, findings, accepted);
  }

  /** Whoever sees that a kind is established can use it: it is served before that is said. */
  async #establish(definition: CustomResourceDefinition): Promise<CustomResourceDefinition | undefined> {
    const established = isTrue(definition, 'Established');
    const accepted = isTrue(definition, 'NamesAccepted');
    if (established || accepted) this.#serve(definition);
    else this.#withdraw(definition.metadata.name);
    if (established || !accepted) return definition;
    const why = finding('Established', 'True', 'InitialNamesAccepted', 'the initial names have been accepted');
    return this.#say(definition, [why]);
  }

  async #sayApproval(definition: CustomResourceDefinition): Promise<CustomResourceDefinition | undefined> {
    const found = approvalFinding(definition);
    return found ? this.#say(definition, [found]) : definition;
  }

  #serve(definition: CustomResourceDefinition): void {
    const { spec, metadata } = definition;
    const { name } = metadata;
    const leaving = metadata.deletionTimestamp !== undefined;
    const before = this.#served.get(name);
    const isSame = before !== undefined && deepEqual(before.spec, spec);
    if (isSame && before.leaving === leaving) return;
    const converter = this.#converter(definition, before);
    // Whoever watches does not mind that the definition is on its way out.
    const kept = isSame ? before.spec : spec;
    this.#served.set(name, { spec: kept, leaving, converter });
    this.#context.catalog.setCustom(name, customKinds({ ...definition, spec: kept }, converter));
  }

  #converter({ spec: { conversion } }: CustomResourceDefinition, before: Served | undefined) {
    if (before && deepEqual(before.spec.conversion, conversion)) return before.converter;
    before?.converter?.close();
    if (conversion?.strategy !== 'Webhook' || !conversion.webhook) return undefined;
    const { clock, random } = this.#context;
    return new ConversionWebhook(conversion.webhook, { clock, random, ...this.#callees });
  }

  #withdraw(name: string): void {
    const served = this.#served.get(name);
    if (!served) return;
    served.converter?.close();
    this.#served.delete(name);
    this.#context.catalog.setCustom(name, []);
  }

  /** To delete a hundred thousand objects may take minutes, in which other definitions are settled. */
  async #leave(definition: CustomResourceDefinition): Promise<void> {
    if (!definition.metadata.finalizers?.includes(cleanupFinalizer)) return;
    const { name } = definition.metadata;
    const known = this.#leaving.get(name);
    if (known) {
      this.#lookAgain(name, known);
      return;
    }
    const current = await this.#say(definition, [inProgress]);
    if (!current) return;
    if (!isTrue(current, 'Established')) {
      await this.#release(current, terminating('False', 'NeverEstablished', 'resource was never established'));
      return;
    }
    this.#serve(current);
    const changed = () => this.#lookAgain(name, leaving);
    const cleanup = new InstanceCleanup(this.#context, current, { user: apiServerUser, changed });
    const leaving: Leaving = { cleanup, working: undefined, again: false, cancelTelling: () => undefined };
    this.#leaving.set(name, leaving);
    this.#tellOfDelay(name, leaving);
    this.#lookAgain(name, leaving);
  }

  #tellOfDelay(name: string, leaving: Leaving): void {
    const tell = async () => {
      for (const each of [delayed, inProgress]) {
        const definition = await this.#read(name);
        if (definition && this.#leaving.get(name) === leaving) await this.#say(definition, [each]);
      }
    };
    leaving.cancelTelling = this.#context.clock.after(tellCleanupMs, () => {
      tell()
        .catch((error: unknown) => this.#failed(untold, name, error))
        .finally(() => {
          if (this.#leaving.get(name) === leaving) this.#tellOfDelay(name, leaving);
        });
    });
  }

  #lookAgain(name: string, leaving: Leaving): void {
    if (this.#stopping.signal.aborted) return;
    leaving.again = leaving.working !== undefined;
    leaving.working ??= this.#cleanUp(name, leaving)
      .catch((error: unknown) => this.#cleanupFailed(name, leaving, error))
      .finally(() => {
        leaving.working = undefined;
        if (leaving.again && this.#leaving.get(name) === leaving) this.#lookAgain(name, leaving);
      });
  }

  async #cleanUp(name: string, { cleanup }: Leaving): Promise<void> {
    const definition = await this.#read(name);
    const kind = definition && storageKind(definition, this.#served.get(name)?.converter);
    if (!kind || !(await cleanup.run(kind, this.#stopping.signal))) return;
    await this.#release(definition, terminating('False', 'InstanceDeletionCompleted', 'removed all instances'));
  }

  /** Nothing stands in the way of its end any more. */
  async #release(definition: CustomResourceDefinition, done: Finding): Promise<void> {
    await this.#update(definition, (draft) => {
      draft.metadata.finalizers = (draft.metadata.finalizers ?? []).filter((each) => each !== cleanupFinalizer);
      const conditions = withConditions(draft.status?.conditions, [done], timestamp(this.#context.clock));
      draft.status = { ...draft.status, conditions };
    });
    this.#stopLeaving(definition.metadata.name);
  }

  async #cleanupFailed(name: string, leaving: Leaving, error: unknown): Promise<void> {
    this.#failed('the objects of a definition could not be deleted', name, error);
    if (this.#stopping.signal.aborted) return;
    const why = error instanceof Error ? error.message : String(error);
    const failed = terminating('True', 'InstanceDeletionFailed', `could not issue all deletes: ${why}`);
    this.#context.clock.after(retryCleanupMs, () => {
      if (this.#leaving.get(name) === leaving) this.#lookAgain(name, leaving);
    });
    try {
      const definition = await this.#read(name);
      if (definition) await this.#say(definition, [failed]);
    } catch (unsaid) {
      this.#failed(untold, name, unsaid);
    }
  }

  async #read(name: string): Promise<CustomResourceDefinition | undefined> {
    const { storage, cache } = this.#context;
    const { entry } = await storage.get(prefix + name);
    return entry && (cache.get(entry).object as CustomResourceDefinition);
  }

  /** The definition with these conditions; undefined where it is gone. */
  async #say(
    definition: CustomResourceDefinition,
    findings: readonly Finding[],
    acceptedNames?: CustomResourceDefinitionNames,
  ): Promise<CustomResourceDefinition | undefined> {
    const now = timestamp(this.#context.clock);
    return this.#update(definition, (draft) => {
      const conditions = withConditions(draft.status?.conditions, findings, now);
      draft.status = { ...draft.status, conditions };
      if (acceptedNames)
        draft.status.acceptedNames = structuredClone(acceptedNames) as Draft<CustomResourceDefinitionNames>;
    });
  }

  #stopLeaving(name: string): void {
    const leaving = this.#leaving.get(name);
    leaving?.cancelTelling();
    leaving?.cleanup.close();
    this.#leaving.delete(name);
  }

  async #update(
    definition: CustomResourceDefinition,
    change: (draft: Draft<CustomResourceDefinition>) => void,
  ): Promise<CustomResourceDefinition | undefined> {
    const kind = this.#context.catalog.kind('apiextensions.k8s.io', 'v1', CustomResourceDefinition.plural);
    if (!kind) return undefined;
    try {
      const { object } = await updateObject(
        this.#context,
        this.#call(kind, definition.metadata.name),
        (current) => {
          const draft = structuredClone(current.object) as Draft<CustomResourceDefinition>;
          change(draft);
          return draft;
        },
        { part: 'raw', retry: true },
      );
      return object as CustomResourceDefinition;
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
      return undefined;
    }
  }

  #call(kind: Kind, name: string): Call {
    const { group, version, resource } = kind.served;
    const request = { verb: 'update', group, version, resource, name, subresource: 'status' } as const;
    return { kind, user: apiServerUser, dryRun: false, warnings: [], request };
  }
}

const terminating = (status: 'True' | 'False', reason: string, message: string): Finding =>
  finding('Terminating', status, reason, message);

const untold = 'the conditions of a custom resource definition could not be written';
const inProgress = terminating('True', 'InstanceDeletionInProgress', 'CustomResource deletion is in progress');
const delayed = terminating(
  'True',
  'InstanceDeletionCheck',
  'could not confirm zero CustomResources remaining: context deadline exceeded',
);
