import { type ApiRequest, isStatusError, systemClock, systemRandom, type Verb } from '@keelson/core';
import { silentLogger } from '@keelson/core/testing';
import { MemoryStorage } from '../../storage/memory-storage.ts';
import { ResourceRegistry } from '../resource-registry.ts';
import type { Ask, Question } from './base.ts';
import { outcomeOf } from './outcome.ts';

const verbs: Readonly<Record<Question['method'], Verb>> = {
  POST: 'create',
  PUT: 'update',
  GET: 'get',
  DELETE: 'delete',
};

/** A path of the API as a request to the registry. */
export function requestOf({ method, path, dryRun, body }: Question): ApiRequest {
  const parts = path.split('/').filter((each) => each !== '');
  const core = parts[0] === 'api';
  const group = core ? '' : (parts[1] ?? '');
  const version = parts[core ? 1 : 2] ?? '';
  let rest = parts.slice(core ? 2 : 3);
  const namespace = rest[0] === 'namespaces' && rest.length > 2 ? rest[1] : undefined;
  if (namespace !== undefined) rest = rest.slice(2);
  const [resource = '', name, subresource] = rest;
  return {
    verb: verbs[method],
    group,
    version,
    resource,
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
    ...(subresource !== undefined && { subresource }),
    ...(body !== undefined && { body }),
    options: { ...(dryRun && { dryRun: ['All'] }), fieldManager: 'answers' },
  };
}

/** A registry in memory that answers; everything that Kubernetes serves with all versions on. */
export async function askRegistry(): Promise<Ask> {
  const registry = new ResourceRegistry({
    storage: new MemoryStorage(),
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
    disabledAdmission: [],
    runtimeConfig: { 'api/all': true },
  });
  const user = { name: 'admin', groups: ['system:masters', 'system:authenticated'] };
  const ask: Ask = async (question) => {
    try {
      const answer = await registry.handle(requestOf(question), user);
      if (answer.type !== 'object') throw new Error(`${question.path} answered with a ${answer.type}`);
      return outcomeOf(answer.code, answer.value.object, answer.warnings ?? []);
    } catch (error) {
      if (!isStatusError(error)) throw error;
      return outcomeOf(error.code, error.status, []);
    }
  };
  for (const [path, name] of [
    ['/api/v1/namespaces', 'default'],
    ['/api/v1/namespaces/default/serviceaccounts', 'default'],
  ]) {
    await ask({ method: 'POST', path: path ?? '', dryRun: false, body: { metadata: { name } } });
  }
  return ask;
}
