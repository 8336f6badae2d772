import { type ApiRequest, type Clock, isStatusError, type KubernetesObject, type Logger } from '@keelson/core';
import type { ApiHandler, UserInfo } from '../registry/contract.ts';

/** What is told of a resource's objects: first all there are, then each change. */
export interface Follower {
  set(object: KubernetesObject): void;
  delete(object: KubernetesObject): void;
}

export interface FollowOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly user: UserInfo;
  readonly signal: AbortSignal;
  /** Remembers only kind and name of each object; `delete` is then told no more than that. For kinds with many objects. */
  readonly namesOnly?: boolean;
}

const retryMs = 1000;

/**
 * Lists a resource, then watches it in the background until the signal aborts. Resolves after the list was told.
 * A watch that ends is resumed; one that expired begins with a new list, in which what is missing is told as deleted.
 */
export async function follow(
  handler: ApiHandler,
  resource: Pick<ApiRequest, 'group' | 'version' | 'resource'>,
  follower: Follower,
  options: FollowOptions,
): Promise<void> {
  const known = new Map<string, KubernetesObject>();
  const set = (object: KubernetesObject) => {
    known.set(identity(object), options.namesOnly ? nameOf(object) : object);
    follower.set(object);
  };
  const remove = (object: KubernetesObject) => {
    known.delete(identity(object));
    follower.delete(object);
  };
  const list = async () => {
    const answer = await handler.handle({ ...resource, verb: 'list', signal: options.signal }, options.user);
    if (answer.type !== 'list') throw new Error(`listing ${resource.resource} gave no list`);
    const seen = new Set<string>();
    for (const { object } of answer.value.items) {
      seen.add(identity(object));
      set(object);
    }
    for (const [key, object] of known) if (!seen.has(key)) remove(object);
    return answer.value.metadata.resourceVersion ?? '0';
  };
  const watch = async (resourceVersion: string) => {
    const watchOptions = { resourceVersion, allowWatchBookmarks: true };
    const request: ApiRequest = { ...resource, verb: 'watch', options: watchOptions, signal: options.signal };
    const answer = await handler.handle(request, options.user);
    if (answer.type !== 'watch') throw new Error(`watching ${resource.resource} gave no watch`);
    for await (const batch of answer.events) {
      for (const { type, value } of batch) {
        resourceVersion = value.object.metadata.resourceVersion ?? resourceVersion;
        if (type === 'DELETED') remove(value.object);
        else if (type !== 'BOOKMARK') set(value.object);
      }
    }
    return resourceVersion;
  };

  let position: string | undefined = await list();
  const run = async () => {
    while (!options.signal.aborted) {
      try {
        position = await watch(position ?? (await list()));
      } catch (error) {
        if (options.signal.aborted) return;
        position = undefined;
        if (isStatusError(error, 'Expired', 'Gone')) continue;
        options.logger.warn('a watch failed; it will be tried again', {
          resource: resource.resource,
          error: String(error),
        });
        await options.clock.sleep(retryMs, options.signal).catch((reason: unknown) => {
          if (!options.signal.aborted) throw reason;
        });
      }
    }
  };
  void run();
}

const identity = ({ metadata }: KubernetesObject) => `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;

const nameOf = ({ apiVersion, kind, metadata: { namespace, name } }: KubernetesObject): KubernetesObject => ({
  apiVersion,
  kind,
  metadata: { name, ...(namespace !== undefined && { namespace }) },
});
