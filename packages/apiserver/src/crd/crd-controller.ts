import {
  CustomResourceDefinition,
  type CustomResourceDefinitionNames,
  deepEqual,
  isStatusError,
  timestamp,
} from '@keelson/core';
import type { Call } from '../registry/admission-chain.ts';
import type { RegistryContext } from '../registry/context.ts';
import type { UserInfo } from '../registry/contract.ts';
import { deleteCollection } from '../registry/delete-object.ts';
import type { Draft } from '../registry/draft.ts';
import type { Change } from '../registry/event-hub.ts';
import type { Kind } from '../registry/kind.ts';
import { customPrefixFor, prefixFor } from '../registry/kind.ts';
import { updateObject } from '../registry/update-object.ts';
import type { ServiceResolver } from '../server/service-resolver.ts';
import { ConversionWebhook } from './conversion-webhook.ts';
import { approvalFinding, type Finding, finding, isTrue, withConditions } from './crd-conditions.ts';
import { decideNames } from './crd-names.ts';
import { cleanupFinalizer } from './crd-strategy.ts';
import { customKinds, storageKind } from './custom-kind.ts';

const prefix = prefixFor('apiextensions.k8s.io', 'customresourcedefinitions');
const self: UserInfo = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };

interface Served {
  readonly spec: CustomResourceDefinition['spec'];
  readonly leaving: boolean;
  readonly converter: ConversionWebhook | undefined;
}

/** Serves what CRDs define as soon as they are stored, says so in their conditions, and cleans up after them. */
export class CrdController {
  readonly #context: RegistryContext;
  readonly #pending = new Set<string>();
  #working: Promise<void> | undefined;
  #unsubscribe: (() => void) | undefined;
  readonly #leaving = new Map<string, () => void>();
  /** What names a definition was granted. */
  readonly #granted = new Map<string, { readonly group: string; readonly names: CustomResourceDefinitionNames }>();

  readonly #services: ServiceResolver;
  /** What is served now, by the name of its definition. */
  readonly #served = new Map<string, Served>();

  /** @param services finds conversion webhooks that stand behind Services */
  constructor(context: RegistryContext, services: ServiceResolver) {
    this.#context = context;
    this.#services = services;
  }

  /** Resolves when every kind that is defined already is served. */
  async start(): Promise<void> {
    const { storage, cache, hub } = this.#context;
    const { entries, revision } = await storage.list(prefix);
    for (const entry of entries) {
      const definition = cache.get(entry).object as CustomResourceDefinition;
      this.#grant(definition.metadata.name, definition);
      if (isTrue(definition, 'Established')) this.#serve(definition);
      this.#enqueue(definition.metadata.name);
    }
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
        end: () => undefined,
      },
      revision,
    );
    await this.#working;
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.();
    for (const end of this.#leaving.values()) end();
    this.#leaving.clear();
    await this.#working;
    for (const { converter } of this.#served.values()) converter?.close();
  }

  #enqueue(name: string): void {
    this.#pending.add(name);
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
      for (const each of this.#pending) this.#enqueue(each);
    });
  }

  async #work(): Promise<void> {
    for (const name of this.#pending) {
      this.#pending.delete(name);
      try {
        await this.#reconcile(name);
      } catch (error) {
        this.#context.logger.error('a custom resource definition could not be served', { name, error: String(error) });
      }
    }
  }

  async #reconcile(name: string): Promise<void> {
    const { storage, cache } = this.#context;
    const { entry } = await storage.get(prefix + name);
    const definition = entry && (cache.get(entry).object as CustomResourceDefinition);
    if (!definition) {
      this.#withdraw(name);
      this.#stopLeaving(name);
      this.#grant(name, undefined);
      return;
    }
    this.#grant(name, definition);
    const steps = [this.#acceptNames, this.#establish, this.#sayApproval];
    let current: CustomResourceDefinition | undefined = definition;
    for (const step of steps) current = current && (await step.call(this, current));
    if (!current || current.metadata.deletionTimestamp === undefined) return;
    await this.#cleanUp(current);
  }

  /** Notes which names a definition has; others of its group may want what it has no longer. */
  #grant(name: string, definition: CustomResourceDefinition | undefined): void {
    const before = this.#granted.get(name);
    const names = definition?.status?.acceptedNames;
    if (definition && names) this.#granted.set(name, { group: definition.spec.group, names });
    else this.#granted.delete(name);
    if (!before || deepEqual(before.names, names)) return;
    for (const [other, { group }] of this.#granted) {
      if (other !== name && group === before.group) this.#enqueue(other);
    }
  }

  /** Where the names are granted as they are wanted nothing is looked at again, whatever the conditions say. */
  async #acceptNames(definition: CustomResourceDefinition): Promise<CustomResourceDefinition | undefined> {
    const { spec, status, metadata } = definition;
    if (deepEqual(spec.names, status?.acceptedNames)) return definition;
    const others = [...this.#granted]
      .filter(([name, { group }]) => name !== metadata.name && group === spec.group)
      .map(([, { names }]) => names);
    const { accepted, findings } = decideNames(definition, others);
    const next = await this.#say(definition, findings, accepted);
    if (next) this.#grant(metadata.name, next);
    return next;
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
    return new ConversionWebhook(conversion.webhook, { clock, random, services: this.#services });
  }

  #withdraw(name: string): void {
    const served = this.#served.get(name);
    if (!served) return;
    served.converter?.close();
    this.#served.delete(name);
    this.#context.catalog.setCustom(name, []);
  }

  async #cleanUp(definition: CustomResourceDefinition): Promise<void> {
    if (!definition.metadata.finalizers?.includes(cleanupFinalizer)) return;
    const { storage } = this.#context;
    const { group, names } = definition.spec;
    const { name } = definition.metadata;
    const begun = finding(
      'Terminating',
      'True',
      'InstanceDeletionInProgress',
      'CustomResource deletion is in progress',
    );
    const current = await this.#say(definition, [begun]);
    if (!current) return;
    let done = finding('Terminating', 'False', 'NeverEstablished', 'resource was never established');
    if (isTrue(current, 'Established')) {
      this.#serve(current);
      const kind = storageKind(current, this.#served.get(name)?.converter);
      const below = customPrefixFor(group, names.plural);
      if (kind) await deleteCollection(this.#context, this.#call(kind, undefined));
      if (kind && (await storage.count(below)) > 0) {
        this.#waitForEnd(name, below);
        return;
      }
      done = finding('Terminating', 'False', 'InstanceDeletionCompleted', 'removed all instances');
    }
    await this.#update(current, (draft) => {
      draft.metadata.finalizers = (draft.metadata.finalizers ?? []).filter((each) => each !== cleanupFinalizer);
      const conditions = withConditions(draft.status?.conditions, [done], timestamp(this.#context.clock));
      draft.status = { ...draft.status, conditions };
    });
    this.#stopLeaving(name);
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

  /** Finalizers of custom objects may take their time: looks again whenever one of them changes. */
  #waitForEnd(name: string, below: string): void {
    if (this.#leaving.has(name)) return;
    const { hub, storage } = this.#context;
    const end = hub.subscribe(
      { prefix: below, change: () => this.#enqueue(name), progress: () => undefined, end: () => undefined },
      storage.currentRevision(),
    );
    this.#leaving.set(name, end);
  }

  #stopLeaving(name: string): void {
    this.#leaving.get(name)?.();
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
        this.#call(kind, definition.metadata.name, 'status'),
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

  #call(kind: Kind, name: string | undefined, subresource?: string): Call {
    const { group, version, resource } = kind.served;
    return {
      kind,
      user: self,
      dryRun: false,
      warnings: [],
      request: {
        verb: name === undefined ? 'deletecollection' : 'update',
        group,
        version,
        resource,
        ...(name && { name }),
        ...(subresource && { subresource }),
      },
    };
  }
}
