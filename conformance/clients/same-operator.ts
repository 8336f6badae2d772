import {
  type Client,
  Deployment,
  isStatusError,
  type KubernetesObject,
  type Operator,
  type ResourceType,
  Service,
} from '@keelson/core';
import smallest, { Website as SmallWebsite } from '../../examples/smallest/operator.ts';
import website, { Website } from '../../examples/website/operator.ts';

/** Where an operator runs. */
export interface Place {
  readonly client: Client;
  /** Tries again until `attempt` gives nothing: what it gives is what is wrong. */
  until(attempt: () => Promise<string | undefined>): Promise<void>;
}

/** Something a user does, and what must come of it. */
export interface Scene {
  readonly name: string;
  play(place: Place): Promise<void>;
}

export interface Example {
  readonly name: string;
  readonly file: string;
  readonly operator: Operator;
  readonly type: ResourceType;
  readonly scenes: readonly Scene[];
}

const small = { name: 'small', namespace: 'default' };
const page = { name: 'page', namespace: 'default' };

/** Nothing where both are equal, else both. */
function differs(found: unknown, wanted: unknown): string | undefined {
  const [one, other] = [JSON.stringify(found), JSON.stringify(wanted)];
  return one === other ? undefined : `${one}, not ${other}`;
}

async function isGone(read: Promise<KubernetesObject>): Promise<string | undefined> {
  try {
    const { kind, metadata } = await read;
    return `${kind} ${metadata.name} is still there`;
  } catch (error) {
    if (isStatusError(error, 'NotFound')) return undefined;
    throw error;
  }
}

function ownersOf({ metadata }: KubernetesObject): unknown {
  return metadata.ownerReferences?.map(({ kind, name, controller }) => ({ kind, name, controller }));
}

/** How the smallest operator says that so many replicas are ready, of a spec in its so-many-th generation. */
async function smallIsReady(client: Client, replicas: number, generation: number): Promise<string | undefined> {
  const { status } = await client.get(SmallWebsite, small);
  const conditions = status?.conditions?.map((each) => [each.type, each.status, each.message, each.observedGeneration]);
  const said = [['Ready', 'True', `${replicas} of ${replicas} are ready`, generation]];
  return differs({ ready: status?.ready, conditions }, { ready: replicas, conditions: said });
}

async function pageIsReady(client: Client, replicas: number): Promise<string | undefined> {
  const { status } = await client.get(Website, page);
  const nodePort = (await client.get(Service, page)).spec.ports?.[0]?.nodePort;
  if (!nodePort) return 'the Service has no port on nodes';
  return differs([status?.readyReplicas, status?.nodePort], [replicas, nodePort]);
}

const scalesBack = (ref: typeof small, replicas: number): Scene => ({
  name: 'somebody else scales its Deployment, and it is corrected',
  async play({ client, until }) {
    await client.patch(Deployment, ref, { merge: { spec: { replicas: 7 } } });
    await until(async () => differs((await client.get(Deployment, ref)).spec.replicas, replicas));
  },
});

/** The examples as they are, with what users do to them: the same everywhere. */
export const examples: readonly Example[] = [
  {
    name: 'the smallest operator',
    file: 'examples/smallest/operator.ts',
    operator: smallest,
    type: SmallWebsite,
    scenes: [
      {
        name: 'a Website is created, and becomes ready',
        async play({ client, until }) {
          await client.create(SmallWebsite, { metadata: small, spec: { image: 'nginx', replicas: 2 } });
          await until(async () => {
            const owners = [{ kind: 'Website', name: 'small', controller: true }];
            return differs(ownersOf(await client.get(Deployment, small)), owners);
          });
          await until(() => smallIsReady(client, 2, 1));
          await until(async () =>
            differs((await client.get(SmallWebsite, small)).metadata.finalizers, ['example.com/website']),
          );
        },
      },
      {
        name: 'it is scaled',
        async play({ client, until }) {
          await client.patch(SmallWebsite, small, { merge: { spec: { replicas: 3 } } });
          await until(async () => differs((await client.get(Deployment, small)).spec.replicas, 3));
          await until(() => smallIsReady(client, 3, 2));
        },
      },
      scalesBack(small, 3),
      {
        name: 'it is deleted, and goes with its Deployment when it was said goodbye to',
        async play({ client, until }) {
          await client.delete(SmallWebsite, small);
          await until(() => isGone(client.get(SmallWebsite, small)));
          await until(() => isGone(client.get(Deployment, small)));
        },
      },
    ],
  },
  {
    name: 'the website operator',
    file: 'examples/website/operator.ts',
    operator: website,
    type: Website,
    scenes: [
      {
        name: 'a Website is created, and becomes ready',
        async play({ client, until }) {
          await client.create(Website, { metadata: page, spec: { page: 'hi', image: 'web', replicas: 2 } });
          await until(() => pageIsReady(client, 2));
          const owners = [{ kind: 'Website', name: 'page', controller: true }];
          await until(async () => differs(ownersOf(await client.get(Service, page)), owners));
        },
      },
      {
        name: 'it is scaled',
        async play({ client, until }) {
          await client.patch(Website, page, { merge: { spec: { replicas: 3 } } });
          await until(() => pageIsReady(client, 3));
        },
      },
      scalesBack(page, 3),
      {
        name: 'somebody else deletes its Service, and it gets another one',
        async play({ client, until }) {
          const { uid } = (await client.get(Service, page)).metadata;
          await client.delete(Service, page);
          await until(async () => {
            const { metadata } = await client.get(Service, page);
            return metadata.uid === uid ? 'it is still the one that was deleted' : undefined;
          });
          await until(() => pageIsReady(client, 3));
        },
      },
      {
        name: 'it is deleted, and its children go with it',
        async play({ client, until }) {
          await client.delete(Website, page);
          for (const read of [() => client.get(Deployment, page), () => client.get(Service, page)]) {
            await until(() => isGone(read()));
          }
        },
      },
    ],
  },
];
