import { CustomResourceDefinition } from '../api/index.ts';
import type { Client } from '../client/index.ts';
import { isJsonObject, isStatusError } from '../machinery/index.ts';
import { covers } from './covers.ts';
import { refusedDefinition } from './refused-definition.ts';

/**
 * Creates the definition, or updates it where it says something else, and resolves once the server serves the kind.
 * @throws Error when its names are taken, or the server refuses it: a rule in CEL that does not compile, for example, by
 * the path at which it stands
 */
export async function installCrd(client: Client, crd: CustomResourceDefinition, signal?: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await createOrUpdate(client, crd, signal);
      break;
    } catch (error) {
      // Somebody else installs the same one; theirs may already be what is wanted.
      if (!isStatusError(error, 'Conflict', 'AlreadyExists')) throw refusedDefinition(error, crd);
    }
  }
  await established(client, crd.metadata.name, signal);
}

async function createOrUpdate(client: Client, crd: CustomResourceDefinition, signal?: AbortSignal): Promise<void> {
  const existing = await find(client, crd.metadata.name, signal);
  // One that goes still says that it is established, and takes all objects with it.
  const going = existing?.metadata.deletionTimestamp !== undefined;
  if (existing && going) await gone(client, existing, signal);
  if (!existing || going) {
    await client.create(CustomResourceDefinition, crd, { signal });
    return;
  }
  // Said as the server says it: a definition that no longer has a webhook must lose it.
  const spec: CustomResourceDefinition['spec'] = { conversion: { strategy: 'None' }, ...crd.spec };
  if (saysTheSame(existing.spec, spec)) return;
  await client.update(CustomResourceDefinition, { ...existing, spec }, { signal });
}

/** Both ways: what the server has beyond what is wanted, a bound that was taken back for example, is a difference. */
function saysTheSame(live: CustomResourceDefinition['spec'], wanted: CustomResourceDefinition['spec']): boolean {
  const [one, other]: readonly unknown[] = [live, wanted].map((each) => JSON.parse(JSON.stringify(each)));
  return isJsonObject(one) && isJsonObject(other) && covers(one, other) && covers(other, one);
}

async function find(client: Client, name: string, signal?: AbortSignal): Promise<CustomResourceDefinition | undefined> {
  try {
    return await client.get(CustomResourceDefinition, { name }, { signal });
  } catch (error) {
    if (isStatusError(error, 'NotFound')) return undefined;
    throw error;
  }
}

async function gone(client: Client, { metadata }: CustomResourceDefinition, signal?: AbortSignal): Promise<void> {
  const fieldSelector = `metadata.name=${metadata.name}`;
  for (;;) {
    const list = await client.list(CustomResourceDefinition, { fieldSelector, signal });
    if (!list.items.some((each) => each.metadata.uid === metadata.uid)) return;
    const { resourceVersion } = list.metadata;
    const options = { fieldSelector, timeoutSeconds: 30, signal, ...(resourceVersion && { resourceVersion }) };
    for await (const { type } of client.watch(CustomResourceDefinition, options)) if (type === 'DELETED') break;
  }
}

/** Resolves once the server serves the kind. */
export async function established(client: Client, name: string, signal?: AbortSignal): Promise<void> {
  const fieldSelector = `metadata.name=${name}`;
  for (;;) {
    const list = await client.list(CustomResourceDefinition, { fieldSelector, signal });
    if (list.items.some(isEstablished)) return;
    const watch = client.watch(CustomResourceDefinition, {
      fieldSelector,
      timeoutSeconds: 30,
      signal,
      ...(list.metadata.resourceVersion && { resourceVersion: list.metadata.resourceVersion }),
    });
    for await (const { type, object } of watch) if (type !== 'BOOKMARK' && isEstablished(object)) return;
  }
}

function isEstablished(crd: CustomResourceDefinition): boolean {
  const condition = (type: string) => crd.status?.conditions?.find((each) => each.type === type);
  const accepted = condition('NamesAccepted');
  if (accepted?.status === 'False')
    throw new Error(`${crd.metadata.name}: its names are not accepted: ${accepted.message ?? ''}`);
  return condition('Established')?.status === 'True';
}
