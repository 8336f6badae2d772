import { isStatusError, type KubernetesObject, type PluginGrant, systemClock } from '@keelson/core';
import type { ApiHandler, UserInfo } from '../registry/contract.ts';
import {
  type BootstrapObject,
  defaultObjects,
  grantObjects,
  namespaceObjects,
  type ServerAddress,
  serverObjects,
} from './objects.ts';
import { reconciled } from './reconcile.ts';

export interface BootstrapOptions {
  readonly handler: ApiHandler;
  /** In whose name the objects are made: of the group system:masters. */
  readonly user: UserInfo;
  readonly grants: readonly PluginGrant[];
  /** Whether what every cluster has is looked at, too; default true. */
  readonly defaults?: boolean;
  /** Without an address (a server without socket) there is no Service `kubernetes`. */
  readonly address?: ServerAddress;
  readonly signal?: AbortSignal;
}

/** Makes what every cluster has from its start on, and puts right what has changed. Rejects with the object's name. */
export async function bootstrap(options: BootstrapOptions): Promise<void> {
  const { defaults = true } = options;
  if (defaults) await ensureAll(options, namespaceObjects());
  await ensureAll(options, [
    ...(defaults ? defaultObjects() : []),
    ...grantObjects(options.grants),
    ...(options.address ? serverObjects(options.address) : []),
  ]);
}

const identity = ({ metadata }: KubernetesObject) => `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;

/** One list a resource, then only the writes that are needed, all at once. */
async function ensureAll(options: BootstrapOptions, objects: readonly BootstrapObject[]): Promise<void> {
  const byResource = new Map<string, BootstrapObject[]>();
  for (const each of objects) {
    const found = byResource.get(each.resource);
    if (found) found.push(each);
    else byResource.set(each.resource, [each]);
  }
  await Promise.all(
    [...byResource.values()].map(async (group) => {
      const existing = await listed(options, group);
      await Promise.all(group.map((each) => ensure(options, each, existing.get(identity(each.object)))));
    }),
  );
}

async function listed(
  { handler, user, signal }: BootstrapOptions,
  [first]: readonly BootstrapObject[],
): Promise<ReadonlyMap<string, KubernetesObject>> {
  if (!first) return new Map();
  const { group, version, resource } = first;
  const answer = await handler.handle({ verb: 'list', group, version, resource, ...(signal && { signal }) }, user);
  const items = answer.type === 'list' ? answer.value.items : [];
  return new Map(items.map(({ object }) => [identity(object), object]));
}

/** Another server on the same store may be making the same object, and hold what it needs, such as its address. */
const attempts = 30;
const pauseMs = 100;

async function ensure(
  options: BootstrapOptions,
  wanted: BootstrapObject,
  existing: KubernetesObject | undefined,
): Promise<void> {
  const { resource, object } = wanted;
  for (let attempt = 1; ; attempt++) {
    try {
      await ensureOnce(options, wanted, existing);
      return;
    } catch (error) {
      if (isStatusError(error, 'AlreadyExists', 'Conflict')) return;
      if (isStatusError(error) && !existing && attempt < attempts) {
        await systemClock.sleep(pauseMs, options.signal);
        if ((await listed(options, [wanted])).has(identity(object))) return;
        continue;
      }
      const message = error instanceof Error ? error.message : String(error);
      throw new Error(`the bootstrap object ${resource}/${object.metadata.name} could not be made: ${message}`, {
        cause: error,
      });
    }
  }
}

async function ensureOnce(
  { handler, user, signal }: BootstrapOptions,
  wanted: BootstrapObject,
  existing: KubernetesObject | undefined,
): Promise<void> {
  const { group, version, resource, kind, object } = wanted;
  const apiVersion = group === '' ? version : `${group}/${version}`;
  const { name, namespace } = object.metadata;
  const target = { group, version, resource, ...(namespace && { namespace }), ...(signal && { signal }) };
  const create = () => handler.handle({ ...target, verb: 'create', body: { kind, apiVersion, ...object } }, user);
  if (!existing) {
    await create();
    return;
  }
  const body = reconciled(wanted, { ...existing });
  if (body === 'recreate') {
    await handler.handle({ ...target, verb: 'delete', ...(name && { name }) }, user);
    await create();
  } else if (body) await handler.handle({ ...target, verb: 'update', ...(name && { name }), body }, user);
}
