import {
  CustomResourceDefinition,
  type CustomResourceDefinitionCondition,
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
import { cleanupFinalizer } from './crd-strategy.ts';
import { customKinds } from './custom-kind.ts';

const prefix = prefixFor('apiextensions.k8s.io', 'customresourcedefinitions');
const self: UserInfo = { name: 'system:apiserver', groups: ['system:masters', 'system:authenticated'] };

/** Serves what CRDs define as soon as they are stored, says so in their conditions, and cleans up after them. */
export class CrdController {
  readonly #context: RegistryContext;
  readonly #pending = new Set<string>();
  #working: Promise<void> | undefined;
  #unsubscribe: (() => void) | undefined;
  readonly #leaving = new Map<string, () => void>();

  constructor(context: RegistryContext) {
    this.#context = context;
  }

  /** Resolves when every kind that is defined already is served. */
  async start(): Promise<void> {
    const { storage, cache, hub } = this.#context;
    const { entries, revision } = await storage.list(prefix);
    for (const entry of entries) {
      const definition = cache.get(entry).object as CustomResourceDefinition;
      if (isEstablished(definition)) this.#serve(definition);
      this.#enqueue(definition.metadata.name);
    }
    this.#unsubscribe = hub.subscribe(
      {
        prefix,
        change: ({ key }: Change) => this.#enqueue(key.slice(prefix.length)),
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
    const { storage, cache, catalog } = this.#context;
    const { entry } = await storage.get(prefix + name);
    const definition = entry && (cache.get(entry).object as CustomResourceDefinition);
    if (!definition) {
      catalog.setCustom(name, []);
      this.#stopLeaving(name);
      return;
    }
    if (definition.metadata.deletionTimestamp !== undefined) {
      await this.#cleanUp(definition);
      return;
    }
    const conflict = this.#nameConflict(definition);
    await this.#report(definition, conflict);
    if (conflict === undefined) this.#serve(definition);
  }

  #serve(definition: CustomResourceDefinition): void {
    const { catalog } = this.#context;
    const { group, names } = definition.spec;
    const current = definition.spec.versions
      .map((version) => catalog.kind(group, version.name, names.plural)?.served)
      .filter((each) => each !== undefined);
    const next = customKinds(definition);
    const same = current.length === next.length && next.every((each, at) => deepEqual(each.served, current[at]));
    if (!same) catalog.setCustom(definition.metadata.name, next);
  }

  /** What of the names is taken by another kind of the group. */
  #nameConflict({ spec }: CustomResourceDefinition): { readonly reason: string; readonly message: string } | undefined {
    const others = this.#context.catalog
      .list()
      .filter((each) => each.group === spec.group && each.resource !== spec.names.plural);
    const taken = (name: string) => ({ message: `${JSON.stringify(name)} is already in use` });
    const words = new Set(others.flatMap((each) => [each.resource, each.singular, ...each.shortNames]));
    const kinds = new Set(others.flatMap((each) => [each.kind, each.listKind]));
    const { plural, singular, kind, listKind, shortNames = [] } = spec.names;
    if (words.has(plural)) return { reason: 'PluralConflict', ...taken(plural) };
    if (singular && words.has(singular)) return { reason: 'SingularConflict', ...taken(singular) };
    const short = shortNames.find((each) => words.has(each));
    if (short) return { reason: 'ShortNamesConflict', ...taken(short) };
    if (kinds.has(kind)) return { reason: 'KindConflict', ...taken(kind) };
    if (listKind && kinds.has(listKind)) return { reason: 'ListKindConflict', ...taken(listKind) };
    return undefined;
  }

  async #report(
    definition: CustomResourceDefinition,
    conflict: { readonly reason: string; readonly message: string } | undefined,
  ): Promise<void> {
    const { spec, status } = definition;
    const now = timestamp(this.#context.clock);
    const accepted = conflict === undefined;
    const established = status?.conditions?.find((each) => each.type === 'Established')?.status === 'True';
    const conditions = [
      accepted
        ? condition('NamesAccepted', 'True', 'NoConflicts', 'no conflicts found', now)
        : condition('NamesAccepted', 'False', conflict.reason, conflict.message, now),
      accepted || established
        ? condition('Established', 'True', 'InitialNamesAccepted', 'the initial names have been accepted', now)
        : condition('Established', 'False', 'NotAccepted', 'not all names are accepted', now),
    ].map((each) => keepTransition(each, status?.conditions));
    const names = accepted ? spec.names : (status?.acceptedNames ?? { plural: '', kind: '' });
    if (deepEqual(status?.conditions, conditions) && deepEqual(status?.acceptedNames, names)) return;
    // Whoever takes the conditions away is left alone until the names change, as Kubernetes does.
    const silenced = !status?.conditions?.some((each) => each.type === 'NamesAccepted');
    if (silenced && status?.acceptedNames?.plural && deepEqual(status.acceptedNames, names)) return;
    await this.#update(definition, (draft) => {
      const others = (draft.status?.conditions ?? []).filter(
        (each) => each.type !== 'NamesAccepted' && each.type !== 'Established',
      );
      draft.status = {
        ...draft.status,
        conditions: [...conditions.map((each) => ({ ...each })), ...others],
        acceptedNames: structuredClone(names) as NonNullable<typeof draft.status>['acceptedNames'],
      };
    });
  }

  async #cleanUp(definition: CustomResourceDefinition): Promise<void> {
    if (!definition.metadata.finalizers?.includes(cleanupFinalizer)) return;
    const { catalog, storage } = this.#context;
    const { group, names } = definition.spec;
    const { name } = definition.metadata;
    if (isEstablished(definition)) this.#serve(definition);
    const kind = catalog.anyVersion(group, names.plural);
    const below = customPrefixFor(group, names.plural);
    if (kind?.served.custom) await deleteCollection(this.#context, this.#call(kind, undefined));
    if (kind?.served.custom && (await storage.count(below)) > 0) {
      this.#waitForEnd(name, below);
      return;
    }
    await this.#update(definition, (draft) => {
      draft.metadata.finalizers = (draft.metadata.finalizers ?? []).filter((each) => each !== cleanupFinalizer);
    });
    catalog.setCustom(name, []);
    this.#stopLeaving(name);
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
  ): Promise<void> {
    const kind = this.#context.catalog.kind('apiextensions.k8s.io', 'v1', CustomResourceDefinition.plural);
    if (!kind) return;
    try {
      await updateObject(
        this.#context,
        this.#call(kind, definition.metadata.name, 'status'),
        (current) => {
          const draft = structuredClone(current.object) as Draft<CustomResourceDefinition>;
          change(draft);
          return draft;
        },
        { part: 'raw', retry: true },
      );
    } catch (error) {
      if (!isStatusError(error, 'NotFound')) throw error;
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

function isEstablished({ status }: CustomResourceDefinition): boolean {
  return status?.conditions?.some((each) => each.type === 'Established' && each.status === 'True') ?? false;
}

function condition(
  type: string,
  status: 'True' | 'False',
  reason: string,
  message: string,
  lastTransitionTime: string,
): CustomResourceDefinitionCondition {
  return { type, status, lastTransitionTime, reason, message };
}

function keepTransition(
  next: CustomResourceDefinitionCondition,
  before: readonly CustomResourceDefinitionCondition[] | undefined,
): CustomResourceDefinitionCondition {
  const old = before?.find((each) => each.type === next.type);
  return old?.status === next.status ? { ...next, lastTransitionTime: old.lastTransitionTime } : next;
}
